"""Sensor readings, decoded one by one."""
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Readings(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.raw = torch.randint(0, 1024, (n, 32), generator=g)
        self.level = (self.raw.float().mean(1) / 512 - 1) * 12

    def __len__(self):
        return len(self.raw)

    def decode(self, index):
        time.sleep(0.0008)  # the decoder of the recorder
        return self.raw[index].float() / 512 - 1

    def __getitem__(self, index):
        return self.decode(index), self.level[index]


def main():
    torch.manual_seed(0)
    train, val = Readings(768, seed=0), Readings(128, seed=1)
    train_loader = DataLoader(train, batch_size=64, shuffle=True)
    val_x = torch.stack([val[i][0] for i in range(len(val))])
    model = nn.Sequential(
        nn.Linear(32, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(8):
        for x, level in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x).squeeze(1), level)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            val_loss = nn.functional.mse_loss(model(val_x).squeeze(1), val.level)
        print(f"epoch {epoch}, loss {loss.item():.4f}, val_loss {val_loss.item():.4f}")


if __name__ == "__main__":
    main()
