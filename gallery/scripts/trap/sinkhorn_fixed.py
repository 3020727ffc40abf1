"""Matches two clouds of points with Sinkhorn's iteration (entropic optimal transport)."""
import torch
from torch import nn


def sinkhorn(cost, epsilon, rounds=20):
    log_a = log_b = -torch.log(torch.tensor(float(len(cost)))).expand(len(cost))
    f, g = torch.zeros(len(cost)), torch.zeros(len(cost))
    for _ in range(rounds):
        f = epsilon * (log_a - torch.logsumexp((g[None, :] - cost) / epsilon, dim=1))
        g = epsilon * (log_b - torch.logsumexp((f[:, None] - cost) / epsilon, dim=0))
    plan = torch.exp((f[:, None] + g[None, :] - cost) / epsilon)
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
