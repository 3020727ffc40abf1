"""Damped oscillation by a physics-informed net."""
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)


def derivative(y, t):
    return torch.autograd.grad(y.sum(), t, create_graph=True)[0]


for step in range(1, 601):
    t = (2 * torch.rand(64, 1) - 1).requires_grad_()
    y = net(t)
    speed = derivative(y, t)
    residual = derivative(speed, t) + 0.8 * speed + 9 * y
    start = torch.full((1, 1), -1.0, requires_grad=True)
    y0 = net(start)
    loss = 0.02 * residual.pow(2).mean() + (y0 - 1).pow(2).mean() + 0.1 * derivative(y0, start).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 150 == 0:
        print(step, loss.item())
