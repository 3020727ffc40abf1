"""Small pictures with shifts, noise and erased patches."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Augmented(Dataset):
    def __init__(self, images, labels, noise, max_shift, patch):
        self.images, self.labels = images, labels
        self.noise, self.max_shift, self.patch = noise, max_shift, patch

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        if self.max_shift:
            dy, dx = torch.randint(-self.max_shift, self.max_shift + 1, (2,)).tolist()
            image = torch.roll(image, (dy, dx), (1, 2))
        if self.patch:
            image = image.clone()
            top, left = torch.randint(0, 9 - self.patch, (2,)).tolist()
            image[:, top:top + self.patch, left:left + self.patch] = 0
        return image + self.noise * torch.randn(image.shape), self.labels[i]


def main():
    torch.manual_seed(0)
    bunch = load_digits()
    images = torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 16
    labels = torch.tensor(bunch.target)
    order = torch.randperm(len(labels))
    images, labels = images[order], labels[order]
    train_set = Augmented(images[:1400], labels[:1400], noise=0.3, max_shift=1, patch=4)
    loader = DataLoader(train_set, batch_size=40, shuffle=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(10):
        model.train()
        mean = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            mean += loss.item() / len(loader)
        model.eval()
        with torch.no_grad():
            train_logits, logits = model(images[:1400]), model(images[1400:])
            clean = F.cross_entropy(train_logits, labels[:1400]).item()
            val_loss = F.cross_entropy(logits, labels[1400:]).item()
            accuracy = (logits.argmax(1) == labels[1400:]).float().mean().item()
        print(f"epoch {epoch}: train {mean:.4f} (plain pictures {clean:.4f}) val {val_loss:.4f} acc {accuracy:.4f}")


if __name__ == "__main__":
    main()
