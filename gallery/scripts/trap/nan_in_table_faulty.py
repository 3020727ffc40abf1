"""House prices from a table with a hole in it."""
import csv
import io
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(21)


def export():
    """What the database gave: five columns and the price, as text."""
    lines = ["area,rooms,age,lat,lon,price"]
    for row in range(380):
        area, rooms, age = random.gauss(1, 0.3), random.randint(1, 6), random.random()
        lat, lon = random.random(), random.random()
        price = 2 * area + 0.3 * rooms - age + lat + random.gauss(0, 0.1)
        cells = [area, rooms, age, lat, lon, price]
        text = [f"{c:.4f}" for c in cells]
        if row == 122:
            text[2] = "nan"
        lines.append(",".join(text))
    return "\n".join(lines)


class Houses(Dataset):
    def __init__(self, text):
        rows = list(csv.reader(io.StringIO(text)))[1:]
        values = torch.tensor([[float(cell) for cell in row] for row in rows])
        self.x, self.y = values[:, :5], values[:, 5:]

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Trainer:
    def __init__(self, model, dataset, lr=1e-2, batch_size=20):
        self.model = model
        self.loader = DataLoader(dataset, batch_size=batch_size, shuffle=True)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.loss_fn = nn.HuberLoss()

    def training_step(self, batch):
        x, y = batch
        return self.loss_fn(self.model(x), y)

    def run(self, epochs):
        for epoch in range(epochs):
            losses = []
            for batch in self.loader:
                loss = self.training_step(batch)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                losses.append(loss.detach())
            print(f"epoch {epoch} loss {torch.stack(losses).mean():.4f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 32), nn.SiLU(), nn.Linear(32, 1))
    Trainer(model, Houses(export())).run(4)
