"""Forecasts the next value of a power meter with an LSTM (two worker processes)."""
import math
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Meter(Dataset):
    def __init__(self, n=1400, window=12):
        random.seed(15)
        self.series = []
        for i in range(n):
            start, speed = random.random() * 6, random.uniform(0.2, 0.6)
            values = [math.sin(start + speed * t) + random.gauss(0, 0.05) for t in range(window + 1)]
            if i == 902:
                values[-1] += 1e4  # counter overflow
            self.series.append(torch.tensor(values))

    def __len__(self):
        return len(self.series)

    def __getitem__(self, i):
        s = self.series[i]
        return s[:-1, None], s[-1:]


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 16, batch_first=True)
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        h, _ = self.lstm(x)
        return self.out(h[:, -1])


def train_one_epoch(model, loader, criterion, optimizer):
    model.train()
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


if __name__ == "__main__":
    torch.manual_seed(16)
    model = Forecast()
    loader = DataLoader(Meter(), batch_size=14, shuffle=True, num_workers=2)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(2):
        print(epoch, train_one_epoch(model, loader, nn.L1Loss(), optimizer))
