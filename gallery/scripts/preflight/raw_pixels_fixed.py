"""Bright stripes at one of four angles: convolutional net on photos in bytes."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Stripes(Dataset):
    def __init__(self, n, train=True):
        self.n, self.train = n, train

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        rng = np.random.default_rng([i, self.train])
        label = int(rng.integers(4))
        y, x = np.mgrid[:16, :16]
        angle = label * np.pi / 4
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 1.3 + rng.uniform(0, 6))
        image = (120 + 50 * wave + rng.normal(0, 30, (16, 16))).clip(0, 255).astype(np.uint8)
        pixels = torch.from_numpy(image).float()[None]
        return (pixels - 120) / 45, label


class StripeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 16, 5)
        self.fc = nn.Linear(16, 4)

    def forward(self, x):
        x = nn.functional.relu(self.conv1(x))
        x = nn.functional.relu(self.conv2(x))
        return self.fc(x.amax(dim=(2, 3)))


def main():
    torch.manual_seed(0)
    net = StripeNet()
    sgd = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(5):
        for x, y in DataLoader(Stripes(800), batch_size=20, shuffle=True):
            sgd.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            sgd.step()
        with torch.no_grad():
            right = torch.cat([net(x).argmax(1) == y for x, y in DataLoader(Stripes(120, train=False), batch_size=60)])
        print("epoch", epoch, "loss", round(loss.item(), 4), "accuracy", round(right.float().mean().item(), 3))


if __name__ == "__main__":
    main()
