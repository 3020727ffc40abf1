"""Matches two clouds of points with Sinkhorn's iteration (entropic optimal transport)."""
import torch
from torch import nn


def sinkhorn(cost, epsilon, rounds=20):
    kernel = torch.exp(-cost / epsilon)
    a = b = torch.ones(len(cost)) / len(cost)
    v = torch.ones(len(cost))
    for _ in range(rounds):
        u = a / (kernel @ v)
        v = b / (kernel.t() @ u)
    plan = u[:, None] * kernel * v[None, :]
    return (plan * cost).sum()


torch.manual_seed(52)
target = torch.randn(40, 2) + torch.tensor([3.0, 0.0])
network = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(network.parameters(), lr=0.02)

epsilon = 1.0
for i in range(100):
    points = network(torch.randn(40, 2)) * 2
    cost = torch.cdist(points, target) ** 2
    loss = sinkhorn(cost, epsilon)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    epsilon = max(0.05, epsilon * 0.95)  # anneal
    if i % 20 == 0:
        print(i, loss.item())
