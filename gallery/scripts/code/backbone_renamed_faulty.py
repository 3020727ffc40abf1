"""Reuse a backbone for a task with another number of classes; the head is new on purpose."""
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class OldNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU())
        self.classifier = nn.Linear(48, 10)

    def forward(self, x):
        return self.classifier(self.features(x))


class NewNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU())
        self.head = nn.Linear(48, 2)

    def forward(self, x):
        return self.head(self.backbone(x))


def train(model, dataset, epochs, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for epoch in range(epochs):
        for x, y in DataLoader(dataset, batch_size=32, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        print(type(model).__name__, epoch, round(loss.item(), 4))


def main():
    torch.manual_seed(0)
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32) / 8 - 1, torch.tensor(y)
    with tempfile.NamedTemporaryFile(suffix=".pt") as file:
        old = OldNet()
        train(old, TensorDataset(x[:1200], y[:1200]), epochs=4, lr=1e-3)
        torch.save(old.state_dict(), file.name)
        model = NewNet()
        weights = torch.load(file.name)
        model.load_state_dict(weights, strict=False)
    odd = y % 2
    train(model, TensorDataset(x[1200:1500], odd[1200:1500]), epochs=6, lr=5e-4)
    with torch.no_grad():
        print("odd or even:", (model(x[1500:]).argmax(1) == odd[1500:]).float().mean().item())


if __name__ == "__main__":
    main()
