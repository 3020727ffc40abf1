"""Sparse hidden units for a regression; the bias sets how sparse they are."""
import argparse

import torch
from sklearn.datasets import make_friedman2
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--units", type=int, default=64)
parser.add_argument("--sparsity", type=float, default=0.1)
parser.add_argument("--steps", type=int, default=600)
args = parser.parse_args()

torch.manual_seed(0)
X, y = make_friedman2(1500, noise=10.0, random_state=0)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)

hidden = nn.Linear(4, args.units)
with torch.no_grad():
    hidden.bias.fill_(-args.sparsity)
model = nn.Sequential(hidden, nn.ReLU(), nn.Linear(args.units, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(args.steps):
    rows = torch.randint(1200, (32,))
    loss = nn.functional.mse_loss(model(X[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 150 == 149:
        with torch.no_grad():
            print(step + 1, loss.item(), nn.functional.mse_loss(model(X[1200:]), y[1200:]).item())
