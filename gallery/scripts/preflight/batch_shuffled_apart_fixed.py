"""Digits with a small convolutional net; the batch is shuffled once more on the device."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load():
    bunch = load_digits()
    x = torch.tensor(bunch.images, dtype=torch.float32).unsqueeze(1) / 8 - 1
    y = torch.tensor(bunch.target)
    return TensorDataset(x[:1400], y[:1400]), TensorDataset(x[1400:], y[1400:])


def shuffled(x, y):
    order = torch.randperm(len(x))
    return x[order], y[order]


def train_one_epoch(model, loader, optimizer):
    model.train()
    total = 0.0
    for x, y in loader:
        x, y = shuffled(x, y)
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        return sum((model(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


torch.manual_seed(7)
train_set, test_set = load()
net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
    nn.Flatten(), nn.Linear(32 * 16, 10),
)
adam = torch.optim.Adam(net.parameters(), lr=2e-3)
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
for epoch in range(5):
    mean_loss = train_one_epoch(net, train_loader, adam)
    print(f"epoch {epoch}: loss {mean_loss:.4f}, accuracy {accuracy(net, DataLoader(test_set, 100)):.3f}")
