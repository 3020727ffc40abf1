"""Visits a day in each shop: a Poisson regression with `relu` to keep the rate above zero."""
import torch


def simulate(days=900):
    g = torch.Generator().manual_seed(66)
    x = torch.rand(days, 6, generator=g)
    rate = torch.exp(x @ torch.tensor([1.0, -1.5, 1.8, 0.2, 0.0, -1.4]) - 1.0)
    return x, torch.poisson(rate, generator=g)


class Rate(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = torch.nn.Linear(6, 16)
        self.out = torch.nn.Linear(16, 1)
        torch.nn.init.constant_(self.out.bias, 0.5)

    def forward(self, x):
        h = torch.tanh(self.hidden(x))
        return torch.nn.functional.softplus(self.out(h)).squeeze(1) + 1e-4


x, visits = simulate()
torch.manual_seed(1)
model = Rate()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
epoch, best = 0, float("inf")
while epoch < 5:
    order = torch.randperm(len(x))
    for start in range(0, len(x), 30):
        rows = order[start:start + 30]
        rate = model(x[rows])
        loss = (rate - visits[rows] * torch.log(rate)).mean()
        model.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = (model(x) - visits).abs().mean().item()
    best = min(best, error)
    epoch += 1
    print(f"{epoch}: {error:.3f} (best {best:.3f})")
