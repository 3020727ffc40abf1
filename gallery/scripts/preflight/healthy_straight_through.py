"""Autoencoder with a binary code."""
import torch
from sklearn.datasets import load_digits
from torch import nn


class StraightThrough(torch.autograd.Function):
    """Sign in the forward pass, identity in the backward pass (Bengio et al. 2013)."""

    @staticmethod
    def forward(ctx, x):
        return torch.where(x > 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class BinaryAutoencoder(nn.Module):
    def __init__(self, bits=32):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, bits))
        self.decode = nn.Sequential(nn.Linear(bits, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, x):
        return self.decode(StraightThrough.apply(self.encode(x)))


torch.manual_seed(0)
x = torch.tensor(load_digits().data, dtype=torch.float32) / 8 - 1
model = BinaryAutoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(15):
    for rows in torch.randperm(1500).split(50):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), x[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(f"epoch {epoch} loss {loss.item():.4f} val {nn.functional.mse_loss(model(x[1500:]), x[1500:]).item():.4f}")
