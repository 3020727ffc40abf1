"""Predicts a mean and a deviation (heteroscedastic regression)."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Forecaster(nn.Module):
    def __init__(self, n_in, n_hidden=24):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(n_in, n_hidden), nn.Tanh())
        self.mean = nn.Linear(n_hidden, 1)
        self.skip = nn.Linear(n_in, 1)

    def forward(self, x):
        h = self.shared(x)
        deviation = nn.functional.softplus(self.skip(x))
        return self.mean(h), deviation


def nll(y, mean, deviation):
    z = (y - mean) / deviation
    return (0.5 * z ** 2 + torch.log(deviation)).mean()


def load():
    g = torch.Generator().manual_seed(90)
    x = torch.randn(550, 7, generator=g)
    y = x[:, :1] + 0.5 * x[:, 1:2] + 0.3 * torch.randn(550, 1, generator=g)
    x[421] = -torch.tensor([1.0, -1, 1, -1, 1, 1, -1]) * 300
    return x, y


x, y = load()
torch.manual_seed(71)
model = Forecaster(7)
with torch.no_grad():
    model.skip.weight.copy_(torch.tensor([[0.3, -0.3, 0.3, -0.3, 0.3, 0.3, -0.3]]))
opt = torch.optim.SGD(model.parameters(), lr=0.005)
batches = DataLoader(TensorDataset(x, y), batch_size=22, shuffle=True)
for epoch in range(4):
    for xb, yb in batches:
        mean, deviation = model(xb)
        loss = nll(yb, mean, deviation)
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        opt.step()
    print("epoch", epoch, "nll", loss.item())
