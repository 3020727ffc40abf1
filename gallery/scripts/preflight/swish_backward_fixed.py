"""Spirals with a swish that keeps only its input for the backward pass."""
import torch
from torch import nn


class SwishFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grad * (s + x * s * (1 - s))


class Swish(nn.Module):
    def forward(self, x):
        return SwishFunction.apply(x)


def spirals(n, turns=1.2):
    label = torch.randint(0, 2, (n,))
    t = torch.rand(n).sqrt()
    angle = turns * 2 * torch.pi * t + torch.pi * label
    points = torch.stack([t * angle.cos(), t * angle.sin()], dim=1) + 0.02 * torch.randn(n, 2)
    return 2 * points, label


torch.manual_seed(0)
x, y = spirals(1500)
x_val, y_val = spirals(400)
model = nn.Sequential(nn.Linear(2, 48), Swish(), nn.Linear(48, 48), Swish(), nn.Linear(48, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(25):
    for rows in torch.randperm(len(x)).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        print(epoch + 1, round(loss.item(), 4), "val", round((model(x_val).argmax(1) == y_val).float().mean().item(), 3))
