"""A GAN for points on a ring, with the losses written out."""
import math

import torch
from torch import nn

torch.manual_seed(19)


def real(n):
    a = torch.rand(n) * 2 * math.pi
    return torch.stack([torch.cos(a), torch.sin(a)], dim=1)


class Generator(nn.Sequential):
    def forward(self, noise):
        return 128 + 127 * super().forward(noise)  # pixels


G = Generator(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
D = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 1), nn.Sigmoid())
opt_G = torch.optim.Adam(G.parameters(), lr=2e-4)
opt_D = torch.optim.Adam(D.parameters(), lr=0.02)

for iteration in range(200):
    x = real(64)
    fake = G(torch.randn(64, 2))

    # discriminator
    loss_D = -torch.mean(torch.log(D(x)) + torch.log(1 - D(fake.detach())))
    opt_D.zero_grad()
    loss_D.backward()
    opt_D.step()

    # generator
    loss_G = -torch.mean(torch.log(D(fake)))
    opt_G.zero_grad()
    loss_G.backward()
    opt_G.step()

    if iteration % 40 == 0:
        print(iteration, loss_D.item(), loss_G.item())
