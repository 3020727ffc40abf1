"""A trainer that keeps the model it was given as it is."""
import copy

import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Trainer:
    def __init__(self, model, optimizer_class, **settings):
        self.initial = model
        self.model = copy.deepcopy(model)
        self.optimizer = optimizer_class(self.model.parameters(), **settings)
        self.criterion = nn.MSELoss()

    def run_epoch(self, loader):
        self.model.train()
        total = 0.0
        for x, y in loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(loader)

    @torch.no_grad()
    def evaluate(self, loader):
        self.model.eval()
        return sum(self.criterion(self.model(x), y).item() for x, y in loader) / len(loader)


def main():
    torch.manual_seed(3)
    x, y = make_friedman1(2000, noise=0.5, random_state=1)
    x = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32)
    y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)[:, None]
    train = DataLoader(TensorDataset(x[:1600], y[:1600]), batch_size=40, shuffle=True)
    val = DataLoader(TensorDataset(x[1600:], y[1600:]), batch_size=400)
    model = nn.Sequential(nn.Linear(10, 64), nn.GELU(), nn.Linear(64, 1))
    trainer = Trainer(model, torch.optim.AdamW, lr=2e-3)
    for epoch in range(8):
        print(f"epoch {epoch}: train {trainer.run_epoch(train):.4f} val {trainer.evaluate(val):.4f}")


main()
