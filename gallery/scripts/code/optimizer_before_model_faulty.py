"""Breast cancer; settings come from a dictionary."""
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from torch import nn

SETTINGS = {"width": 48, "lr": 1e-3, "epochs": 12, "batch_size": 24}


def build(width=16):
    return nn.Sequential(nn.Linear(30, width), nn.ReLU(), nn.Linear(width, 2))


torch.manual_seed(0)
bunch = load_breast_cancer()
x, y = torch.tensor(StandardScaler().fit_transform(bunch.data), dtype=torch.float32), torch.tensor(bunch.target)
order = torch.randperm(len(y))
train, val = order[:450], order[450:]

model = build()
optimizer = torch.optim.Adam(model.parameters(), lr=SETTINGS["lr"])
if SETTINGS["width"] != 16:
    model = build(SETTINGS["width"])

for epoch in range(SETTINGS["epochs"]):
    for rows in train[torch.randperm(len(train))].split(SETTINGS["batch_size"]):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        logits = model(x[val])
    print(f"epoch {epoch} loss {loss.item():.4f} val {nn.functional.cross_entropy(logits, y[val]).item():.4f} "
          f"accuracy {(logits.argmax(1) == y[val]).float().mean().item():.3f}")
