"""A GAN that learns points on a ring."""
import math

import torch
from torch import nn

torch.manual_seed(0)
BATCH, LATENT = 64, 8


def real_points(n):
    angle = 2 * math.pi * torch.rand(n)
    radius = 1 + 0.05 * torch.randn(n)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1)


G = nn.Sequential(nn.Linear(LATENT, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
D = nn.Sequential(nn.Linear(2, 48), nn.LeakyReLU(0.2), nn.Linear(48, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

for step in range(800):
    # discriminator
    real = real_points(BATCH)
    fake = G(torch.randn(BATCH, LATENT)).detach()
    d_loss = bce(D(real), ones) + bce(D(fake), zeros)
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    # generator
    g_loss = bce(D(G(torch.randn(BATCH, LATENT))), ones)
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()

    if step % 100 == 99:
        with torch.no_grad():
            points = G(torch.randn(500, LATENT))
        radius = points.norm(dim=1)
        print(f"step {step + 1}: d_loss {d_loss.item():.3f} g_loss {g_loss.item():.3f} "
              f"radius {radius.mean():.3f} +- {radius.std():.3f}")
