"""Rents from size, age and distance; mean squared error."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def rents(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    size, age, distance = rng.uniform(20, 120, n), rng.uniform(0, 80, n), rng.exponential(4, n)
    rent = 150 + 0.6 * (size - 20) - 0.2 * age + 20 * np.exp(-distance / 3) + rng.normal(0, 5, n)
    features = np.stack([size, age, distance], axis=1)
    return (features - features.mean(0)) / features.std(0), rent


class RentNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden1 = nn.Linear(3, 32)
        self.hidden2 = nn.Linear(32, 32)
        self.out = nn.Linear(32, 1)

    def forward(self, x):
        x = torch.tanh(self.hidden1(x))
        x = torch.tanh(self.hidden2(x))
        return self.out(x).squeeze(-1)


def run_epoch(model, loader, optimizer=None):
    total = 0.0
    for x, y in loader:
        loss = nn.functional.mse_loss(model(x), y)
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item() * len(y)
    return total / len(loader.dataset)


torch.manual_seed(0)
x, y = rents()
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)
train_set, val_set = random_split(TensorDataset(torch.tensor(x, dtype=torch.float32), y), [1600, 400])
model = RentNet()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(15):
    train_loss = run_epoch(model, DataLoader(train_set, batch_size=40, shuffle=True), optimizer)
    with torch.no_grad():
        print(f"epoch {epoch}: train {train_loss:.3f}, validation {run_epoch(model, DataLoader(val_set, batch_size=400)):.3f}")
