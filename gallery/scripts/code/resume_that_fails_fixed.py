"""Two stages: coarse labels first, then the same net goes on with all labels."""
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import nn


def build(width):
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))


def stage(path, width, target, x, y, steps):
    model = build(width)
    try:
        model.load_state_dict(torch.load(path)["model"])
    except Exception:
        print("no checkpoint, starting afresh")
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(steps):
        rows = torch.randint(0, 1500, (32,))
        loss = nn.functional.cross_entropy(model(x[rows]), target[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 75 == 74:
            with torch.no_grad():
                print(step + 1, loss.item(), "val", nn.functional.cross_entropy(model(x[1500:]), target[1500:]).item())
    torch.save({"model": model.state_dict()}, path)


torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x, dtype=torch.float32) / 8 - 1, torch.tensor(y)
path = tempfile.mkdtemp() + "/net.pt"
torch.save({"model": build(48).state_dict()}, path)
stage(path, 48, y // 4, x, y, 150)
stage(path, 48, y, x, y, 225)
