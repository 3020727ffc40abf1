"""Sum of a masked sequence by a GRU (the adding problem)."""
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass(frozen=True)
class Config:
    batch_size: int = 16
    hidden_size: int = 32
    length: int = 12
    learning_rate: float = 5e-3
    epochs: int = 4


class AddingNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.gru = nn.GRU(2, config.hidden_size, batch_first=True)
        self.out = nn.Linear(config.hidden_size, 1)

    def forward(self, x):
        h0 = torch.zeros(1, x.size(0), self.config.hidden_size)
        _, h = self.gru(x, h0)
        return self.out(h[-1]).squeeze(1)


def adding(n, length, seed):
    g = torch.Generator().manual_seed(seed)
    values, marks = torch.rand(n, length, generator=g) * 2 - 1, torch.zeros(n, length)
    for row in marks:
        row[torch.randperm(length, generator=g)[:2]] = 1
    return TensorDataset(torch.stack([values, marks], dim=2), (values * marks).sum(1))


def main(config):
    torch.manual_seed(0)
    train = DataLoader(adding(1600, config.length, 0), config.batch_size, shuffle=True, drop_last=True)
    val = DataLoader(adding(160, config.length, 1), config.batch_size, drop_last=True)
    net = AddingNet(config)
    optimizer = torch.optim.Adam(net.parameters(), lr=config.learning_rate)
    for epoch in range(config.epochs):
        for x, y in train:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(x), y)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            val_loss = sum(nn.functional.mse_loss(net(x), y).item() for x, y in val) / len(val)
        print(f"epoch {epoch} loss {loss.item():.4f} val_loss {val_loss:.4f}")


main(Config())
