"""Four experts, of which each sample goes through one."""
import torch
from torch import nn


class Experts(nn.Module):
    def __init__(self, n_in=6, n_experts=4, width=24):
        super().__init__()
        self.gate = nn.Linear(n_in, n_experts)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, 1)) for _ in range(n_experts)
        )

    def forward(self, x):
        shares = self.gate(x).softmax(dim=1)
        share, chosen = shares.max(dim=1)
        out = torch.zeros(len(x))
        for k, expert in enumerate(self.experts):
            rows = chosen == k
            if rows.any():
                out = out.index_put((rows.nonzero().squeeze(1),), expert(x[rows]).squeeze(1) * share[rows])
        return out


def sample(n):
    x = torch.randn(n, 6)
    return x, torch.where(x[:, 0] > 0, x[:, 1] * x[:, 2], -x[:, 3]) / 1.2


torch.manual_seed(0)
model = Experts()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(500):
    x, y = sample(64)
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 99:
        print(step + 1, loss.item())
