"""A model that is wholly in half precision, with a sum in the loss. Runs on the CPU for a test."""
import torch
from torch import nn


def batches(n):
    g = torch.Generator().manual_seed(2)
    for _ in range(n):
        x = torch.randn(64, 16, generator=g)
        y = torch.stack([x[:, 0] * 6, x[:, 1] - x[:, 2] * 9], dim=1)
        yield x, y


torch.manual_seed(0)
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2)).half()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
step = 0
for x, y in batches(100):
    x, y = x.half(), y.half() * 4
    error = model(x) - y
    loss = error.pow(2).sum()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(model.parameters(), 100.0)
    optimizer.step()
    step += 1
    if step % 20 == 0:
        print(step, loss.item() / 64)
