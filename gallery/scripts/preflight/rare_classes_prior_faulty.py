"""Sort products into four classes of very different frequency."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SHARES = torch.tensor([0.90, 0.06, 0.03, 0.01])


def products(n, seed):
    g = torch.Generator().manual_seed(seed)
    label = torch.multinomial(SHARES, n, replacement=True, generator=g)
    centres = 1.5 * torch.randn(4, 12, generator=torch.Generator().manual_seed(5))
    return TensorDataset(centres[label] * 0.6 + torch.randn(n, 12, generator=g), label)


class Sorter(nn.Module):
    def __init__(self, prior=None):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, 32), nn.ReLU())
        self.logits = nn.Linear(32, 4)
        if prior is not None:
            with torch.no_grad():
                self.logits.bias.copy_(prior.log())

    def forward(self, x):
        return self.logits(self.body(x))


def main():
    torch.manual_seed(0)
    train, val = products(6000, 0), products(1500, 1)
    model = Sorter()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(4):
        for x, y in DataLoader(train, batch_size=128, shuffle=True):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            x, y = val.tensors
            print(f"{epoch} {loss.item():.4f} val {nn.functional.cross_entropy(model(x), y).item():.4f}")


if __name__ == "__main__":
    main()
