"""Tomorrow's temperature from the last ten days."""
import math

import torch
from torch import nn

LEARNING_RATE = 1e-3


def days(n):
    t = torch.arange(n, dtype=torch.float32)
    year = torch.sin(2 * math.pi * t / 365)
    weather = torch.zeros(n)
    shocks = 0.4 * torch.randn(n)
    for i in range(1, n):
        weather[i] = 0.8 * weather[i - 1] + shocks[i]
    return year + weather


torch.manual_seed(0)
temperature = days(2000)
temperature = (temperature - temperature.mean()) / temperature.std()
x, y = temperature.unfold(0, 10, 1)[:-1], temperature[10:]
network = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
for epoch in range(8):
    for rows in torch.randperm(1600).split(32):
        loss = nn.functional.mse_loss(network(x[rows]).squeeze(1), y[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        error = nn.functional.mse_loss(network(x[1600:]).squeeze(1), y[1600:])
    print(f"epoch {epoch}: {loss.item():.4f} / {error.item():.4f}")
