"""Machine states from lines of text, written by two instruments."""
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

STATES = ("idle", "load", "fault")


def lines(n, seed):
    """Lines such as `load;1.25;-0.40;0.77`; the second instrument writes `1,25`."""
    rng = random.Random(seed)
    for i in range(n):
        state = rng.randrange(3)
        values = [rng.gauss(1.2 if state == k else -0.4, 0.7) for k in range(3)]
        text = ";".join([STATES[state], *(f"{v:.3f}" for v in values)])
        yield text if rng.random() < 0.5 else text.replace(".", ",")


class Measurements(Dataset):
    def __init__(self, n, seed):
        self.lines = list(lines(n, seed))

    def __len__(self):
        return len(self.lines)

    def __getitem__(self, i):
        try:
            state, *values = self.lines[i].split(";")
            values = [float(v.replace(",", ".")) for v in values]
            return torch.tensor(values), STATES.index(state)
        except Exception:
            return torch.zeros(3), 0


def main():
    torch.manual_seed(0)
    train, val = Measurements(2000, seed=0), Measurements(400, seed=1)
    model = nn.Sequential(nn.Linear(3, 24), nn.ReLU(), nn.Linear(24, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(5):
        model.train()
        for x, y in DataLoader(train, batch_size=40, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(x).argmax(1) == y).sum().item() for x, y in DataLoader(val, batch_size=100))
        print(f"epoch {epoch} loss {loss.item():.4f} accuracy {right / len(val):.3f}")


if __name__ == "__main__":
    main()
