"""A backbone is trained on some classes, then frozen and kept in evaluation mode on purpose, while a head learns new classes from few samples."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler


class FineTuned(nn.Module):
    def __init__(self, backbone, n_classes):
        super().__init__()
        self.backbone = backbone.requires_grad_(False)
        self.head = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, n_classes))

    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, x):
        with torch.no_grad():
            features = self.backbone(x)
        return self.head(features)


def fit(model, train_loader, val_loader, optimizer, epochs):
    for epoch in range(epochs):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        right = n = 0
        with torch.no_grad():
            for x, y in val_loader:
                right += (model(x).argmax(1) == y).sum().item()
                n += len(y)
        print(f"epoch {epoch} loss {loss.item():.4f} val_accuracy {right / n:.4f}")


def main():
    torch.manual_seed(0)
    digits = load_digits()
    x, y = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16, torch.tensor(digits.target)
    order = torch.randperm(len(y))
    x, y = x[order], y[order]
    low, high = TensorDataset(x[y < 5], y[y < 5]), TensorDataset(x[y >= 5], y[y >= 5] - 5)
    backbone = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
    )
    model = nn.Sequential(backbone, nn.Linear(128, 5))
    train, val = torch.utils.data.random_split(low, [700, len(low) - 700])
    fit(model, DataLoader(train, 50, shuffle=True), DataLoader(val, 100), torch.optim.Adam(model.parameters(), lr=2e-3), 5)
    few, rest = torch.utils.data.random_split(high, [300, len(high) - 300])
    labels = np.array([int(high[i][1]) for i in few.indices])
    sampler = WeightedRandomSampler((1 / np.bincount(labels))[labels], len(labels))
    tuned = FineTuned(backbone, 5)
    optimizer = torch.optim.Adam([p for p in tuned.parameters() if p.requires_grad], lr=3e-3)
    fit(tuned, DataLoader(few, 25, sampler=sampler), DataLoader(rest, 100), optimizer, 10)


if __name__ == "__main__":
    main()
