"""Large pictures, few at once: textures by a convolutional net."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Textures(Dataset):
    def __init__(self, n, offset=0):
        self.n, self.offset = n, offset

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        g = torch.Generator().manual_seed(self.offset + i)
        kind = i % 3
        noise = torch.randn(1, 1, 40, 40, generator=g)
        kernel = torch.ones(1, 1, *((1, 1), (5, 1), (1, 5))[kind])
        texture = nn.functional.conv2d(noise, kernel / kernel.numel() ** 0.5)[0, :, :32, :32]
        return texture, kind


def make_model():
    return nn.Sequential(
        nn.Conv2d(1, 12, 5, bias=False), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, bias=False), nn.BatchNorm2d(24), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(24, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3),
    )


torch.manual_seed(0)
batch_size = 2
model = make_model()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
train_loader = DataLoader(Textures(384), batch_size=batch_size, shuffle=True)
val_loader = DataLoader(Textures(96, offset=10_000), batch_size=48)
for epoch in range(4):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.4f}, accuracy {right / 96:.3f}")
