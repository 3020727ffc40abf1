"""Find the road in small pictures: binary segmentation."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Roads(Dataset):
    """Pictures and masks in bytes, as they would lie in PNG files."""

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        x = np.arange(20)
        self.images, self.masks = [], []
        for _ in range(n):
            left = rng.uniform(2, 12) + rng.uniform(-0.4, 0.4) * x
            road = (x[None] >= left[:, None]) & (x[None] < left[:, None] + 6)
            image = np.where(road, 90, 150)[..., None] + rng.normal(0, 25, (20, 20, 3))
            self.images.append(image.clip(0, 255).astype(np.uint8))
            self.masks.append((road * 255).astype(np.uint8))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image = torch.from_numpy(self.images[i]).permute(2, 0, 1).float().div(255)
        mask = torch.from_numpy(self.masks[i]).float() / 255
        return {"image": (image - 0.5) / 0.25, "mask": mask[None]}


def build():
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 1, 1),
    )


def iou(model, loader):
    both = either = 0
    with torch.no_grad():
        for batch in loader:
            said, real = model(batch["image"]) > 0, batch["mask"] > 0
            both, either = both + (said & real).sum().item(), either + (said | real).sum().item()
    return both / either


def train(epochs=4, batch_size=20):
    torch.manual_seed(0)
    model, criterion = build(), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    loader, val_loader = DataLoader(Roads(400, 0), batch_size, shuffle=True), DataLoader(Roads(60, 1), batch_size)
    for epoch in range(epochs):
        for batch in loader:
            loss = criterion(model(batch["image"]), batch["mask"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f} iou {iou(model, val_loader):.3f}")


if __name__ == "__main__":
    train()
