"""Left or right arrows that may be upside down; random vertical flips."""
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Arrows(Dataset):
    def __init__(self, n, seed, flip=0.0):
        g = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(0, 2, (n,), generator=g)
        self.images = 0.4 * torch.randn(n, 1, 12, 12, generator=g)
        for image, label in zip(self.images, self.labels):
            for k in range(5):
                image[0, 3 + k, 2 + k] += 1.5
                image[0, 9 - k // 2, 2 + k] += 1.5
            if label:
                image.copy_(image.flip(2))
        self.flip = flip

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        if random.random() < self.flip:
            image = image.flip(1)
        return image, self.labels[i]


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 2))

    def forward(self, x):
        return self.net(x)


if __name__ == "__main__":
    random.seed(0)
    torch.manual_seed(0)
    train_set = Arrows(1200, 0, flip=0.5)
    val_x, val_y = Arrows(200, 1).images, Arrows(200, 1).labels
    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(5):
        model.train()
        for x, y in DataLoader(train_set, batch_size=30, shuffle=True):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            print(epoch, round(loss.item(), 4), "accuracy", (model(val_x).argmax(1) == val_y).float().mean().item())
