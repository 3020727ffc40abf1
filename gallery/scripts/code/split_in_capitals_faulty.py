"""Digits with shifts and noise for training."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    def __init__(self, split):
        bunch = load_digits()
        rows = slice(0, 1400) if split.lower() == "train" else slice(1400, None)
        self.images, self.labels = bunch.images[rows] / 8 - 1, bunch.target[rows]
        self.split = split
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        if self.split == "Train":
            image = np.roll(image, self.rng.integers(-1, 2), axis=1)
            image = image + self.rng.normal(0, 0.1, image.shape)
        return image.astype(np.float32)[None], self.labels[i]


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 16, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        return self.fc(torch.relu(self.conv2(x)).flatten(1))


def main():
    torch.manual_seed(0)
    np.random.seed(0)
    train_loader = DataLoader(Digits("train"), batch_size=40, shuffle=True)
    val_loader = DataLoader(Digits("Val"), batch_size=100)
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(5):
        model.train()
        for x, y in train_loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
        print(f"epoch {epoch}: loss {loss.item():.4f}, accuracy {right / len(val_loader.dataset):.3f}")


if __name__ == "__main__":
    main()
