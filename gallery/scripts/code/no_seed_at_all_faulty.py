"""Find the corner in which a blob lies."""
import numpy as np
import torch
from torch import nn


def batch(n):
    corner = np.random.randint(0, 4, n)
    centre = np.stack([corner % 2, corner // 2], axis=1) * 1.6 - 0.8 + np.random.normal(0, 0.3, (n, 2))
    grid = np.linspace(-1.5, 1.5, 10)
    image = np.exp(-((grid[None, :, None] - centre[:, 1, None, None]) ** 2 + (grid[None, None] - centre[:, 0, None, None]) ** 2))
    return torch.tensor(2 * image - 0.7, dtype=torch.float32).flatten(1), torch.tensor(corner)


net = nn.Sequential(nn.Linear(100, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for step in range(300):
    x, y = batch(32)
    loss = nn.functional.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 75 == 74:
        with torch.no_grad():
            x, y = batch(200)
            print(step + 1, loss.item(), "accuracy", (net(x).argmax(1) == y).float().mean().item())
