"""A calibration curve from a CSV file with a column that marks what is valid."""
import csv
import io
import math
import random

import torch
from torch import nn


def table(n=1500, seed=0):
    """The CSV file of the device, as text."""
    rng = random.Random(seed)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["voltage", "temperature", "reading", "valid"])
    for _ in range(n):
        voltage, temperature, valid = rng.uniform(-1, 1), rng.gauss(0, 1), rng.random() > 0.15
        reading = math.tanh(2 * voltage) + 0.2 * temperature if valid else rng.uniform(-1.5, 1.5)
        writer.writerow([voltage, temperature, reading + rng.gauss(0, 0.03), valid])
    return out.getvalue()


def load():
    rows = list(csv.DictReader(io.StringIO(table())))
    kept = [row for row in rows if row["valid"] == "True"]
    print(len(kept), "of", len(rows), "rows")
    x = torch.tensor([[float(row["voltage"]), float(row["temperature"])] for row in kept])
    return x, torch.tensor([float(row["reading"]) for row in kept])


torch.manual_seed(0)
random.seed(0)
x, y = load()
n_train = int(0.8 * len(x))
model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(n_train).split(32):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(f"epoch {epoch}: {loss.item():.4f} val {nn.functional.mse_loss(model(x[n_train:]), y[n_train:]).item():.4f}")
