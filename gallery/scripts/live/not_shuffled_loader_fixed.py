import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class DigitFolders(Dataset):
    """Reads the digits one class after the other, as they lie in folders 0/ to 9/."""

    def __init__(self, train=True):
        bunch = load_digits()
        images, labels = [], []
        for digit in range(10):
            of_digit = bunch.images[bunch.target == digit]
            cut = int(0.8 * len(of_digit))
            part = of_digit[:cut] if train else of_digit[cut:]
            images.append(part)
            labels += [digit] * len(part)
        self.images = torch.tensor(np.concatenate(images), dtype=torch.float32)[:, None] / 8 - 0.6
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


torch.manual_seed(0)
train_loader = DataLoader(DigitFolders(), batch_size=32, shuffle=True)
test_loader = DataLoader(DigitFolders(train=False), batch_size=120)

model = nn.Sequential(
    nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 16, 10)
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)

for epoch in range(10):
    model.train()
    epoch_loss = 0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    model.eval()
    with torch.no_grad():
        correct = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
    print(f"Epoch {epoch + 1}: loss={epoch_loss / len(train_loader):.4f} "
          f"test accuracy={correct / len(test_loader.dataset):.4f}")
