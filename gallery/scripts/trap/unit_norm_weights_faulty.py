"""Keeps each filter at length one after every step (weight normalisation by hand)."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@torch.no_grad()
def renormalise(model):
    for p in model.parameters():
        if p.dim() > 1:
            p.div_(p.norm(dim=-1, keepdim=True))


torch.manual_seed(3)
x = torch.randn(300, 10)
y = (x[:, 0] > x[:, 1]).long()
loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)

net = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 2))
with torch.no_grad():  # unit 5 was pruned
    net[0].weight[5], net[0].bias[5] = 0.0, 0.0
    net[2].weight[:, 5] = 0.0
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
for epoch in range(4):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(xb), yb)
        loss.backward()
        optimizer.step()
        renormalise(net)
    print(epoch, loss.item())
