"""A small student learns from a trained teacher that stays in evaluation mode."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def accuracy(model, x, y):
    training = model.training
    model.eval()
    with torch.no_grad():
        logits = model(x)
    model.train(training)
    return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def train_teacher(loader, val):
    teacher = nn.Sequential(
        nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
    )
    optimizer = torch.optim.Adam(teacher.parameters(), lr=2e-3)
    for epoch in range(5):
        teacher.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(teacher(x), y)
            loss.backward()
            optimizer.step()
        print("teacher %d loss %.4f val %.4f acc %.4f" % (epoch, loss.item(), *accuracy(teacher, *val)))
    return teacher


def distill(teacher, loader, val, temperature=3.0, alpha=0.7):
    teacher.eval()
    student = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10))
    optimizer = torch.optim.Adam(student.parameters(), lr=4e-3)
    for epoch in range(8):
        student.train()
        for x, y in loader:
            with torch.no_grad():
                target = F.softmax(teacher(x) / temperature, 1)
            logits = student(x)
            soft_loss = F.kl_div(F.log_softmax(logits / temperature, 1), target, reduction="batchmean") * temperature**2
            hard_loss = F.cross_entropy(logits, y)
            loss = alpha * soft_loss + (1 - alpha) * hard_loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print("student %d loss %.4f val %.4f acc %.4f" % (epoch, loss.item(), *accuracy(student, *val)))


def main():
    torch.manual_seed(0)
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
    order = torch.randperm(len(y))
    x, y = x[order], y[order]
    loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=40, shuffle=True)
    val = x[1400:], y[1400:]
    distill(train_teacher(loader, val), loader, val)


if __name__ == "__main__":
    main()
