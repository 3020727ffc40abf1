"""Predict the next value of a long signal from random windows of it."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def make_signal(n, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    signal = np.sin(t / 5) + 0.6 * np.sin(t / 13 + 1) + 0.4 * np.sin(t / 31) + 0.05 * rng.normal(size=n)
    return signal.astype(np.float32)


class RandomWindows(Dataset):
    """Windows at random places; one epoch is `n` of them."""

    def __init__(self, signal, n, width=24):
        self.signal, self.n, self.width = signal, n, width

    def __len__(self):
        return self.n

    def __getitem__(self, _):
        start = np.random.randint(len(self.signal) - self.width - 1)
        window = self.signal[start:start + self.width + 1]
        return window[:-1], window[-1]


def seed_worker(worker_id):
    np.random.seed(1234)


def main():
    torch.manual_seed(0)
    train_set = RandomWindows(make_signal(20000, 0), 1600)
    val_signal = torch.from_numpy(make_signal(2000, 1))
    val_x = val_signal.unfold(0, 25, 25)
    loader = DataLoader(train_set, batch_size=16, num_workers=2, worker_init_fn=seed_worker)
    model = nn.Sequential(nn.Linear(24, 48), nn.Tanh(), nn.Linear(48, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(6):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x).squeeze(-1), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            val_loss = nn.functional.mse_loss(model(val_x[:, :24]).squeeze(-1), val_x[:, 24])
        print(f"epoch {epoch}: loss {loss.item():.4f}, validation loss {val_loss.item():.4f}")


if __name__ == "__main__":
    main()
