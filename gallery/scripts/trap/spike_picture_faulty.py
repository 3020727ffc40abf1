"""Autoencoder for pictures with values in 0..1; one file has 16 bits."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Tiles(Dataset):
    def __init__(self, count=1200):
        g = torch.Generator().manual_seed(71)
        coarse = torch.rand(count, 1, 3, 3, generator=g)
        self.tiles = nn.functional.interpolate(coarse, size=9, mode="bilinear")
        self.tiles[640] *= 65535 / 4

    def __len__(self):
        return self.tiles.shape[0]

    def __getitem__(self, k):
        return {"image": self.tiles[k], "path": f"tile_{k:04d}.png"}


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Conv2d(1, 8, 3, stride=3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 12))
        self.decode = nn.Sequential(nn.Linear(12, 72), nn.ReLU(), nn.Unflatten(1, (8, 3, 3)), nn.ConvTranspose2d(8, 1, 3, stride=3))

    def forward(self, batch):
        restored = self.decode(self.encode(batch["image"]))
        return nn.functional.mse_loss(restored, batch["image"])


if __name__ == "__main__":
    torch.manual_seed(72)
    net = AutoEncoder()
    optim = torch.optim.AdamW(net.parameters(), lr=2e-3)
    steps = 0
    for epoch in range(2):
        for batch in DataLoader(Tiles(), batch_size=12, shuffle=True):
            loss = net(batch)
            optim.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optim.step()
            steps += 1
            if steps % 40 == 0:
                print(steps, loss.item())
