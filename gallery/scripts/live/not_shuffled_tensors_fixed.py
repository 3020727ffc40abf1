"""Softmax regression and a small net on Gaussian clusters; the whole set lies in memory."""
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Settings:
    n_classes: int = 6
    n_per_class: int = 400
    dim: int = 12
    lr: float = 0.1
    batch: int = 40
    epochs: int = 12


def clusters(s, generator):
    centres = torch.randn(s.n_classes, s.dim, generator=generator) * 1.2
    x = torch.cat([c + torch.randn(s.n_per_class, s.dim, generator=generator) for c in centres])
    y = torch.arange(s.n_classes).repeat_interleave(s.n_per_class)
    held = torch.arange(len(y)) % 5 == 4
    return (x[~held], y[~held]), (x[held], y[held])


def run(s):
    generator = torch.Generator().manual_seed(9)
    torch.manual_seed(9)
    (x, y), (val_x, val_y) = clusters(s, generator)
    model = nn.Sequential(nn.Linear(s.dim, 32), nn.ReLU(), nn.Linear(32, s.n_classes))
    opt = torch.optim.SGD(model.parameters(), lr=s.lr)
    n_batches = len(x) // s.batch
    for epoch in range(s.epochs):
        order = torch.randperm(len(x), generator=generator)
        for b in range(n_batches):
            rows = order[b * s.batch:(b + 1) * s.batch]
            xb, yb = x[rows], y[rows]
            loss = nn.functional.cross_entropy(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
        with torch.no_grad():
            out = model(val_x)
            val_loss = nn.functional.cross_entropy(out, val_y).item()
            val_acc = (out.argmax(1) == val_y).float().mean().item()
        print(f"epoch={epoch} loss={loss.item():.4f} val_loss={val_loss:.4f} val_acc={val_acc:.4f}")


run(Settings())
