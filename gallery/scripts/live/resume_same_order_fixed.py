"""Training that is interrupted and goes on from its last checkpoint."""
import os
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, TensorDataset


def datasets():
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    x, y = x[order], y[order]
    return TensorDataset(x[:1440], y[:1440]), (x[1440:], y[1440:])


def train(checkpoint, stop_after):
    torch.manual_seed(0)
    train_set, (x_val, y_val) = datasets()
    model = nn.Sequential(nn.Linear(64, 80), nn.ReLU(), nn.Linear(80, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    generator = torch.Generator().manual_seed(42)
    step = 0
    if os.path.exists(checkpoint):
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
        generator.set_state(state["generator"])
        print("resumed at step", step)
    loader = DataLoader(train_set, batch_size=24, sampler=RandomSampler(train_set, generator=generator))
    while step < 600:
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            step += 1
            if step >= stop_after:
                break
        with torch.no_grad():
            val_loss = nn.functional.cross_entropy(model(x_val), y_val)
            print(f"step {step} loss {loss.item():.4f} val_loss {val_loss.item():.4f}")
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
        state["generator"] = generator.get_state()
        torch.save(state, checkpoint)
        if step >= stop_after:
            return


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "last.pt")
    for limit in (120, 240, 360, 480, 600):  # the queue gives us slots of 120 steps
        train(path, limit)
