"""Forecast the next value of a noisy series from its last 16; settings in a dataclass."""
from dataclasses import dataclass, field

import numpy as np
import torch


@dataclass
class Settings:
    window: int = 16
    widths: list = field(default_factory=lambda: [48, 48])
    rate: float = 2e-3
    batch: int = 32
    epochs: int = 6
    delta: float = 0.5


def series(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    return np.sin(t / 6) + 0.5 * np.sin(t / 17 + 1) + 0.1 * rng.normal(size=n)


def windows(values, length):
    stacked = np.lib.stride_tricks.sliding_window_view(values, length + 1).astype(np.float32)
    return torch.tensor(stacked[:, :-1].copy()), torch.tensor(stacked[:, -1].copy())


def huber(predicted, wanted, delta):
    error = (predicted - wanted).abs()
    return torch.where(error < delta, 0.5 * error**2, delta * (error - 0.5 * delta)).mean()


class Forecaster(torch.nn.Module):
    def __init__(self, s):
        super().__init__()
        sizes = [s.window, *s.widths]
        self.hidden = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.last = torch.nn.Linear(sizes[-1], 1)

    def forward(self, x):
        for layer in self.hidden:
            x = torch.nn.functional.silu(layer(x))
        return self.last(x)


def experiment(s):
    torch.manual_seed(0)
    x, y = windows(series(), s.window)
    model = Forecaster(s)
    optimizer = torch.optim.Adam(model.parameters(), lr=s.rate)
    for epoch in range(s.epochs):
        order = torch.randperm(1600)
        for start in range(0, 1600, s.batch):
            rows = order[start : start + s.batch]
            optimizer.zero_grad()
            loss = huber(model(x[rows]), y[rows], s.delta)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            print(f"epoch {epoch}: {loss.item():.4f} held out {huber(model(x[1600:]), y[1600:], s.delta).item():.4f}")


if __name__ == "__main__":
    experiment(Settings())
