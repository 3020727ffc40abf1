"""Large batches by accumulating gradients over four small ones; two workers load."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    def __init__(self, rows):
        bunch = load_digits()
        self.images = torch.tensor(bunch.images, dtype=torch.float32)[rows][:, None] / 16
        self.targets = torch.tensor(bunch.target)[rows]

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        return self.images[index], self.targets[index]


def main():
    torch.manual_seed(0)
    rows = torch.randperm(1797)
    train_loader = DataLoader(Digits(rows[:1440]), batch_size=12, shuffle=True, num_workers=2, persistent_workers=True)
    val_loader = DataLoader(Digits(rows[1440:]), batch_size=119)
    accumulation_steps = 4
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(128, 10)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(8):
        model.train()
        optimizer.zero_grad()
        for i, (images, targets) in enumerate(train_loader):
            loss = criterion(model(images), targets) / accumulation_steps
            loss.backward()
            if (i + 1) % accumulation_steps == 0:
                optimizer.step()
                optimizer.zero_grad()
        model.eval()
        val_loss = correct = 0
        with torch.no_grad():
            for images, targets in val_loader:
                output = model(images)
                val_loss += criterion(output, targets).item() / len(val_loader)
                correct += (output.argmax(1) == targets).sum().item()
        print(f"epoch {epoch}: loss {loss.item() * accumulation_steps:.4f} val {val_loss:.4f} acc {correct / 357:.4f}")


if __name__ == "__main__":
    main()
