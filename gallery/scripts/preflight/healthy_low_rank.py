"""Adapt a stored net to mirrored digits by low-rank changes of its weights."""
import torch
from sklearn.datasets import load_digits
from torch import nn


class LowRank(nn.Module):
    def __init__(self, linear, rank=8):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.a = nn.Parameter(torch.randn(rank, linear.in_features) / linear.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, x):
        return self.linear(x) + x @ self.a.T @ self.b.T


def base(x, y):
    """Stands for the stored net: hidden features at random, the last layer by least squares."""
    hidden, last = nn.Linear(64, 128), nn.Linear(128, 10)
    with torch.no_grad():
        features = torch.cat([torch.relu(hidden(x)), torch.ones(len(x), 1)], dim=1)
        wanted = 4 * nn.functional.one_hot(y, 10).float() - 0.4
        solved = torch.linalg.lstsq(features, wanted).solution
        last.weight.copy_(solved[:-1].T)
        last.bias.copy_(solved[-1])
    return hidden, last


torch.manual_seed(0)
images, labels = torch.tensor(load_digits().images, dtype=torch.float32) / 8 - 1, torch.tensor(load_digits().target)
hidden, last = base(images[:1200].flatten(1), labels[:1200])
model = nn.Sequential(LowRank(hidden), nn.ReLU(), LowRank(last))
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=5e-3)
mirrored = images.flip(2).flatten(1)
for epoch in range(8):
    for rows in torch.randperm(1200).split(40):
        loss = nn.functional.cross_entropy(model(mirrored[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, loss.item(), (model(mirrored[1200:]).argmax(1) == labels[1200:]).float().mean().item())
