"""Segment discs and bars on noise: three classes a pixel."""
import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

N_CLASSES = 3


class Shapes(Dataset):
    def __init__(self, n, size=16, seed=0):
        self.n, self.size, self.seed = n, size, seed

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        rng = np.random.default_rng([self.seed, i])
        rows, columns = np.mgrid[: self.size, : self.size]
        mask = np.zeros((self.size, self.size), dtype=np.int64)
        cy, cx, r = rng.uniform(3, self.size - 3), rng.uniform(3, self.size - 3), rng.uniform(2, 4)
        mask[(rows - cy) ** 2 + (columns - cx) ** 2 < r**2] = 1
        top = rng.integers(0, self.size - 3)
        mask[top : top + 2] = 2
        image = rng.normal(0, 0.4, mask.shape) + np.array([-0.6, 0.7, 2.0])[mask]
        return torch.tensor(image, dtype=torch.float32)[None], torch.tensor(mask)


class Segmenter(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=2, dilation=2), nn.ReLU(),
        )
        self.head = nn.Conv2d(width, N_CLASSES, 1)

    def forward(self, x):
        return self.head(self.body(x))


def main(args):
    torch.manual_seed(args.seed)
    model = Segmenter()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        for image, mask in DataLoader(Shapes(400), batch_size=16, shuffle=True):
            scores = model(image)
            loss = criterion(scores.permute(0, 2, 3, 1).reshape(-1, N_CLASSES), mask.view(-1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            hits = [(model(image).argmax(1) == mask).float().mean() for image, mask in DataLoader(Shapes(60, seed=1), 20)]
        print(f"epoch {epoch}: loss {loss.item():.4f}, pixels right {torch.stack(hits).mean():.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args())
