"""Tell sine, square and saw-tooth waves apart."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Waves(Dataset):
    kinds = (np.sin, lambda p: np.sign(np.sin(p)), lambda p: 2 * ((p / (2 * np.pi)) % 1) - 1)

    def __init__(self, n, length=32, seed=0):
        rng = np.random.default_rng(seed)
        self.items = []
        for _ in range(n):
            kind = int(rng.integers(3))
            phase = rng.uniform(0, 6) + np.arange(length) * rng.uniform(0.3, 0.7)
            wave = self.kinds[kind](phase) + rng.normal(0, 0.05, length)
            self.items.append((torch.tensor(wave, dtype=torch.float32).unsqueeze(-1), kind))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class WaveNet(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.lstm = nn.LSTM(input_size=1, hidden_size=hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 3)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1])


def main():
    torch.manual_seed(0)
    train_loader = DataLoader(Waves(1500), batch_size=30, shuffle=True)
    val_loader = DataLoader(Waves(300, seed=1), batch_size=30)
    model = WaveNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(8):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, accuracy {right / 300:.3f}")


if __name__ == "__main__":
    main()
