"""Segmentation of two kinds of cells with a Dice loss."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def cells(n, size, seed):
    g = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(float(size)), torch.arange(float(size)), indexing="ij")
    masks = torch.zeros(n, size, size, dtype=torch.long)
    for mask in masks:
        for kind in (1, 2, 1, 2):
            cy, cx = torch.rand(2, generator=g) * size
            mask[(y - cy) ** 2 + (x - cx) ** 2 < (2.5 + kind) ** 2] = kind
    levels = torch.tensor([[0.0, 0.0], [1.2, -0.5], [-0.6, 1.0]])
    images = levels[masks].permute(0, 3, 1, 2) + 0.5 * torch.randn(n, 2, size, size, generator=g)
    return TensorDataset(images, masks)


class DiceLoss(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.n_classes = n_classes

    def forward(self, scores, target):
        p = F.softmax(scores, dim=1)
        t = F.one_hot(target, self.n_classes).permute(0, 3, 1, 2).float()
        overlap = (p * t).sum(dim=(0, 2, 3))
        return 1 - (2 * overlap / (p.sum(dim=(0, 2, 3)) + t.sum(dim=(0, 2, 3)))).mean()


def conv(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.GroupNorm(4, b), nn.ReLU())


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = conv(2, 8), conv(8, 16), conv(24, 8)
        self.last = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        a = self.one(x)
        b = F.interpolate(self.two(F.max_pool2d(a, 2)), scale_factor=2)
        return self.last(self.three(torch.cat([a, b], dim=1)))


def main():
    torch.manual_seed(0)
    net, dice = UNet(), DiceLoss(3)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    train, val = DataLoader(cells(240, 24, 0), 12, shuffle=True), DataLoader(cells(48, 24, 1), 12)
    for epoch in range(5):
        for images, masks in train:
            optimizer.zero_grad()
            loss = dice(net(images), masks)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = [(net(images).argmax(1) == masks).float().mean().item() for images, masks in val]
        print("epoch", epoch, "dice loss", round(loss.item(), 4), "pixels right", round(sum(right) / len(right), 4))


main()
