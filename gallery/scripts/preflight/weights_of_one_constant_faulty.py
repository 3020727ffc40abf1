"""Digits with a model whose initialisation is a function given to apply()."""
import torch
from sklearn.datasets import load_digits
from torch import nn


def init(module):
    if isinstance(module, nn.Linear):
        nn.init.constant_(module.weight, 0.05)
        nn.init.zeros_(module.bias)


def epoch_of(model, optimizer, x, y, batch_size=25):
    for start in range(0, len(x), batch_size):
        loss = nn.functional.cross_entropy(model(x[start : start + batch_size]), y[start : start + batch_size])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x, y = torch.tensor((x - x.mean()) / x.std(), dtype=torch.float32), torch.tensor(y)
model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
model.apply(init)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    order = torch.randperm(1500)
    loss = epoch_of(model, optimizer, x[order], y[order])
    if epoch % 3 == 0:
        print(epoch, f"{loss:.4f}", "accuracy", (model(x[1500:]).argmax(1) == y[1500:]).float().mean().item())
