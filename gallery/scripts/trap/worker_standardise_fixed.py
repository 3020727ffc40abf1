"""Sensor windows, standardised one by one when they are loaded (two worker processes)."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Windows(Dataset):
    def __init__(self):
        g = torch.Generator().manual_seed(77)
        self.kind = torch.randint(0, 3, (450,), generator=g)
        t = torch.linspace(0, 6.28, 40)
        phase = torch.rand(450, 1, generator=g) * 6.28
        self.windows = torch.sin(t * (1 + self.kind[:, None]) + phase) + 0.3 * torch.randn(450, 40, generator=g)
        self.windows[333] = 2.5  # the sensor was stuck

    def __len__(self):
        return 450

    def __getitem__(self, i):
        window = self.windows[i]
        window = (window - window.mean()) / (window.std() + 1e-6)
        return window, self.kind[i]


def main():
    torch.manual_seed(10)
    net = nn.Sequential(
        nn.Unflatten(1, (1, 40)),
        nn.Conv1d(1, 16, 9),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(4),
        nn.Flatten(),
        nn.Linear(64, 3),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    loader = DataLoader(Windows(), batch_size=15, shuffle=True, num_workers=2)
    for epoch in range(4):
        right = 0
        for x, y in loader:
            logits = net(x)
            loss = nn.functional.cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            right += int((logits.argmax(1) == y).sum())
        print(f"epoch {epoch}: {100 * right / 450:.1f} % right")


if __name__ == "__main__":
    main()
