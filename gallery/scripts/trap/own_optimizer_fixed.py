"""RMSprop with the mean square of the whole run, as somebody understood it from a blog."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Adagradish(torch.optim.Optimizer):
    def __init__(self, params, lr=0.05):
        super().__init__(params, dict(lr=lr))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["sum"] = torch.zeros_like(p)
                state["sum"] += p.grad ** 2
                update = p.grad / (state["sum"].sqrt() + 1e-10)
                p -= group["lr"] * update


def make(n=300):
    g = torch.Generator().manual_seed(7)
    x = torch.randn(n, 9, generator=g)
    x[:, 4] = 0.0  # this column is not filled yet
    return TensorDataset(x, (x[:, 0] * 2 - x[:, 1]).unsqueeze(1))


def main():
    torch.manual_seed(0)
    model = nn.Linear(9, 1)
    optimizer = Adagradish(model.parameters())
    for epoch in range(4):
        for x, y in DataLoader(make(), batch_size=15, shuffle=True):
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()
