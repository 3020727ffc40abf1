"""Take a net trained on the digits 0 to 4 and train it on 5 to 9."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class SmallNet(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        )
        self.fc = nn.Linear(128, n_classes)

    def forward(self, x):
        return self.fc(self.features(x))


def digits(classes):
    bunch = load_digits()
    mask = (bunch.target >= classes[0]) & (bunch.target <= classes[-1])
    x = torch.tensor(bunch.images[mask], dtype=torch.float32)[:, None] / 16
    y = torch.tensor(bunch.target[mask]) - classes[0]
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    x, y = x[order], y[order]
    return TensorDataset(x[:700], y[:700]), TensorDataset(x[700:], y[700:])


def fit(model, optimizer, train_set, val_set, epochs):
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        for x, y in DataLoader(train_set, batch_size=28, shuffle=True):
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            x, y = val_set.tensors
            logits = model(x)
            accuracy = (logits.argmax(1) == y).float().mean()
            print(f"  epoch {epoch}: loss {loss:.4f}, validation {criterion(logits, y):.4f}, accuracy {accuracy:.3f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    model = SmallNet(5)
    print("first half of the digits")
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    fit(model, optimizer, *digits(range(0, 5)), epochs=6)

    print("second half of the digits")
    model.fc = nn.Linear(128, 5)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    fit(model, optimizer, *digits(range(5, 10)), epochs=8)
