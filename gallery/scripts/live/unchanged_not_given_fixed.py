"""Encoder, trunk and head as separate modules with one optimizer for all."""
import itertools

import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
X, y = load_diabetes(return_X_y=True)
X = torch.tensor(X * 21, dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)
order = torch.randperm(len(y))
X, y = X[order], y[order]
train_loader = DataLoader(TensorDataset(X[:350], y[:350]), batch_size=25, shuffle=True)
X_val, y_val = X[350:], y[350:]

encoder = nn.Sequential(nn.Linear(10, 24), nn.Tanh())
trunk = nn.Sequential(nn.Linear(24, 24), nn.Tanh())
head = nn.Linear(24, 1)
optimizer = torch.optim.Adam(
    itertools.chain(encoder.parameters(), trunk.parameters(), head.parameters()), lr=1e-3, weight_decay=1e-2
)
criterion = nn.MSELoss()

for epoch in range(18):
    total = 0.0
    for xb, yb in train_loader:
        prediction = head(trunk(encoder(xb))).squeeze(1)
        loss = criterion(prediction, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        val_loss = criterion(head(trunk(encoder(X_val))).squeeze(1), y_val)
    print(f"epoch {epoch}: train {total / len(train_loader):.4f} validation {val_loss.item():.4f}")
