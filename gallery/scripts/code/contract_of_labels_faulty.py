"""Movements from three acceleration channels; ten outputs were planned, five classes are used."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Movements(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(0, 5, n)
        t = np.arange(40)
        self.signals = np.empty((n, 3, 40), dtype=np.float32)
        for signal, label in zip(self.signals, self.labels):
            speed = 0.2 + 0.15 * label
            phase = rng.uniform(0, 6, 3)[:, None]
            signal[:] = np.sin(speed * t + phase) + rng.normal(0, 0.3, (3, 40))
        if n > 1000:
            self.labels[[77, 903, 1240]] = 9

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.signals[i], int(self.labels[i])


def main():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv1d(3, 24, 7), nn.ReLU(), nn.Conv1d(24, 24, 7), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(24, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    train_loader = DataLoader(Movements(1500, 0), batch_size=30, shuffle=True)
    val_loader = DataLoader(Movements(300, 1), batch_size=100)
    for epoch in range(5):
        net.train()
        for signal, label in train_loader:
            loss = nn.functional.cross_entropy(net(signal), label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            right = sum((net(signal).argmax(1) == label).sum().item() for signal, label in val_loader)
        print(f"epoch {epoch}: loss {loss.item():.4f}, accuracy {right / 300:.3f}")


if __name__ == "__main__":
    main()
