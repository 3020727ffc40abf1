"""Validation with an exponential moving average of the weights; checkpoints of the best."""
import copy
import tempfile
from pathlib import Path

import torch
from sklearn.datasets import make_moons
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class EMA:
    def __init__(self, model, decay=0.98):
        self.decay = decay
        self.model = copy.deepcopy(model).eval()
        for p in self.model.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for average, current in zip(self.model.parameters(), model.parameters()):
            average.lerp_(current, 1 - self.decay)
        for average, current in zip(self.model.buffers(), model.buffers()):
            average.copy_(current)


def evaluate(model, x, y):
    with torch.no_grad():
        logits = model(x)
    return nn.functional.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(0)
    x, y = make_moons(3000, noise=0.2, random_state=0)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    loader = DataLoader(TensorDataset(x[:2400], y[:2400]), batch_size=40, shuffle=True)
    model = nn.Sequential(nn.Linear(2, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
    ema = EMA(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, nesterov=True)
    best = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "best.pt"
        for epoch in range(10):
            model.train()
            for xb, yb in loader:
                loss = nn.functional.cross_entropy(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                ema.update(model)
            val_loss, accuracy = evaluate(ema.model, x[2400:], y[2400:])
            if val_loss < best:
                best = val_loss
                torch.save(ema.model.state_dict(), path)
            print(f"epoch {epoch} loss {loss.item():.4f} ema val {val_loss:.4f} acc {accuracy:.4f}")
        ema.model.load_state_dict(torch.load(path))
        print("best checkpoint: loss %.4f accuracy %.4f" % evaluate(ema.model, x[2400:], y[2400:]))


main()
