"""Two-layer net with batch norm for the Friedman data."""
import torch
from sklearn.datasets import make_friedman3
from torch import nn


class Regressor(nn.Module):
    def __init__(self, n_in, widths=(64, 64)):
        super().__init__()
        stack = []
        for width in widths:
            stack.append(nn.Linear(n_in, width))
            stack.append(nn.BatchNorm1d(width))
            stack.append(nn.ReLU())
            n_in = width
        self.stack = nn.Sequential(*stack)
        self.last = nn.Linear(n_in, 1)

    def forward(self, x):
        return self.last(self.stack(x)).squeeze(1)


torch.manual_seed(0)
x, y = make_friedman3(2000, noise=0.05, random_state=0)
x = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)
model = Regressor(4)
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=12)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(1600).split(64):
        opt.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        loss.backward()
        opt.step()
    sched.step()
    model.eval()
    with torch.no_grad():
        print(f"{epoch + 1}/12 loss {loss.item():.4f} val {nn.functional.mse_loss(model(x[1600:]), y[1600:]).item():.4f}")
