"""Digits as bytes with transforms for training and validation."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Compose:
    def __init__(self, *steps):
        self.steps = steps

    def __call__(self, image):
        for step in self.steps:
            image = step(image)
        return image


def to_float(image):
    return torch.from_numpy(image).float().unsqueeze(0)


def rescale(image):
    return image / 127.5 - 1


def jitter(image):
    return torch.roll(image, shifts=(int(torch.randint(-1, 2, ())), int(torch.randint(-1, 2, ()))), dims=(1, 2))


class DigitBytes(Dataset):
    def __init__(self, rows, transform):
        bunch = load_digits()
        self.images = (bunch.images[rows] * 15.9).astype(np.uint8)
        self.labels = bunch.target[rows]
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.transform(self.images[i]), int(self.labels[i])


class DataModule:
    train_transform = Compose(to_float, rescale, jitter)
    val_transform = Compose(to_float)

    def train_dataloader(self):
        return DataLoader(DigitBytes(slice(0, 1500), self.train_transform), batch_size=50, shuffle=True)

    def val_dataloader(self):
        return DataLoader(DigitBytes(slice(1500, None), self.val_transform), batch_size=99)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        )
        self.classifier = nn.Linear(32 * 16, 10)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Trainer:
    def __init__(self, max_epochs):
        self.max_epochs = max_epochs

    def validate(self, model, loader):
        model.eval()
        with torch.no_grad():
            right = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
        return right / len(loader.dataset)

    def fit(self, model, data):
        optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        print("sanity check:", self.validate(model, data.val_dataloader()))
        for epoch in range(self.max_epochs):
            model.train()
            for x, y in data.train_dataloader():
                loss = nn.functional.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            print(f"epoch {epoch}: loss {loss.item():.4f}, accuracy {self.validate(model, data.val_dataloader()):.3f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    Trainer(max_epochs=5).fit(Net(), DataModule())
