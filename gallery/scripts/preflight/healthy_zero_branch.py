"""Residual net whose branches start at zero."""
import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Branch(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    def forward(self, x):
        return x + self.down(nn.functional.gelu(self.up(self.norm(x))))


class Net(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.stem = nn.Linear(12, width)
        self.branches = nn.Sequential(*(Branch(width) for _ in range(3)))
        self.head = nn.Linear(width, 4)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        return self.head(self.branches(self.stem(x)))


if __name__ == "__main__":
    torch.manual_seed(0)
    x, y = make_classification(2400, 12, n_informative=8, n_classes=4, class_sep=1.5, random_state=0)
    x, y = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32), torch.tensor(y)
    model = Net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(6):
        for features, label in DataLoader(TensorDataset(x[:2000], y[:2000]), batch_size=40, shuffle=True):
            loss = nn.functional.cross_entropy(model(features), label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            print(f"{epoch}: {loss.item():.4f} {(model(x[2000:]).argmax(1) == y[2000:]).float().mean().item():.3f}")
