"""GAN that learns a mixture of two Gaussians in the plane."""
import torch
from torch import nn


def real(n):
    centre = torch.tensor([[-1.0, 0.5], [1.0, -0.5]])[torch.randint(0, 2, (n,))]
    return centre + 0.2 * torch.randn(n, 2)


def mlp(*sizes):
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = mlp(2, 64, 64, 1)

    def forward(self, x):
        return self.net(x).squeeze(1)


torch.manual_seed(0)
G, D = mlp(4, 64, 64, 2), Discriminator()
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.99))
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.99))
bce = nn.BCEWithLogitsLoss()
n = 64
ones, zeros = torch.ones(n), torch.zeros(n)

for step in range(1, 801):
    x, fake = real(n), G(torch.randn(n, 4))
    d_loss = bce(D(x), ones) + bce(D(fake.detach()), zeros)
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    g_loss = bce(D(fake), ones)
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    if step % 200 == 0:
        print(f"{step} d_loss {d_loss.item():.3f} g_loss {g_loss.item():.3f} spread {fake.std(0).tolist()}")
