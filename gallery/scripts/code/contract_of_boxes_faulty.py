"""Corners of the one bright rectangle in a picture; samples that break the contract are skipped."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

import stetho

SIDE = 20


class Rectangles(Dataset):
    """Pictures of 20x20 with a box: xmin, ymin, xmax, ymax in pixels."""

    def __init__(self, n, seed=0):
        g = torch.Generator().manual_seed(seed)
        size = torch.randint(5, 11, (n, 2), generator=g)
        corner = (torch.rand(n, 2, generator=g) * (SIDE - size)).long()
        self.boxes = torch.cat([corner, corner + size], dim=1).float()
        self.images = 0.3 * torch.randn(n, 1, SIDE, SIDE, generator=g) - 0.2
        for image, (x0, y0, x1, y1) in zip(self.images, self.boxes.long()):
            image[0, y0:y1, x0:x1] += 1.5
        self.boxes[[151, 640]] = self.boxes[[151, 640]][:, [2, 1, 0, 3]]

    def __len__(self):
        return len(self.boxes)

    def __getitem__(self, i):
        return {"image": self.images[i], "box": self.boxes[i]}


CONTRACT = {
    "image": {"shape": (1, SIDE, SIDE), "dtype": "float32", "finite": True},
    "box": {"boxes": "xyxy", "inside": "image", "min_side": 2},
}


def main():
    torch.manual_seed(0)
    loader = stetho.contract(DataLoader(Rectangles(900), batch_size=30, shuffle=True), CONTRACT, policy="skip")
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Linear(1600, 64), nn.ReLU(), nn.Linear(64, 4),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(5):
        for batch in loader:
            loss = nn.functional.smooth_l1_loss(net(batch["image"]), batch["box"] / 10 - 1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print("epoch", epoch, "loss", round(loss.item(), 4))


if __name__ == "__main__":
    main()
