# self-supervised: variance / invariance, the "standard deviation" written with sqrt and without epsilon
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
data = torch.randn(400, 10)


def augment(x):
    return x + 0.1 * torch.randn_like(x)


def variance_term(z):
    std = torch.sqrt(z.var(dim=0) + 1e-4)
    return F.relu(1 - std).mean()


net = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 12))
nn.init.zeros_(net[2].weight[:4])  # as the last layer of residual blocks
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for i in range(200):
    x = data[torch.randperm(400)[:50]]
    z1, z2 = net(augment(x)), net(augment(x))
    invariance = F.mse_loss(z1, z2)
    variance = variance_term(z1) + variance_term(z2)
    loss = 25 * invariance + variance
    opt.zero_grad()
    loss.backward()
    opt.step()
    if i % 50 == 0:
        print(i, invariance.item(), variance.item())
