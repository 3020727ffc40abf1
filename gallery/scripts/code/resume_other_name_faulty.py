"""Jobs of at most 60 steps; each goes on where the one before stopped."""
import os
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def data():
    x, y = load_digits(return_X_y=True)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    x, y = torch.tensor(x, dtype=torch.float32)[order] / 8 - 1, torch.tensor(y)[order]
    return TensorDataset(x[:1400], y[:1400]), (x[1400:], y[1400:])


def job(number, folder, steps=60):
    torch.manual_seed(number)
    train_set, (x_val, y_val) = data()
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    done = 0
    if os.path.exists(os.path.join(folder, "last.pth")):
        checkpoint = torch.load(os.path.join(folder, "last.pth"))
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        done = checkpoint["step"]
    loader = iter(DataLoader(train_set, batch_size=20, shuffle=True))
    for step in range(done, done + steps):
        x, y = next(loader)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": done + steps},
               os.path.join(folder, "last.pt"))
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(x_val), y_val)
    print(f"job {number}: step {done + steps}, loss {loss.item():.4f}, validation {val_loss.item():.4f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for number in range(5):
            job(number, folder)
