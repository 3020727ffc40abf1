"""Denoising autoencoder on curves; noise only while training."""
import enum

import torch
from torch import nn


class Mode(enum.Enum):
    TRAIN = "train"
    TEST = "test"


class Curves:
    """Batches of damped waves, with the clean curve as the target."""

    def __init__(self, mode, sigma=0.3):
        self.mode, self.sigma = mode, sigma

    def draw(self, n):
        t = torch.linspace(0, 1, 32)
        speed, fade, phase = 8 + 8 * torch.rand(n, 1), 3 * torch.rand(n, 1), 6.28 * torch.rand(n, 1)
        clean = torch.sin(speed * t + phase) * torch.exp(-fade * t)
        noise = self.sigma if self.mode == Mode.TRAIN.value else 0.0
        return clean + noise * torch.randn_like(clean), clean


torch.manual_seed(0)
train, test = Curves(Mode.TRAIN), Curves(Mode.TEST)
net = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 12), nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 32))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for step in range(1, 401):
    noisy, clean = train.draw(48)
    loss = nn.functional.mse_loss(net(noisy), clean)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        with torch.no_grad():
            x, y = test.draw(200)
            print(f"step {step} loss {loss.item():.4f} test {nn.functional.mse_loss(net(x), y).item():.4f}")
