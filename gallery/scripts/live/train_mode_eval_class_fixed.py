"""House-price-like regression with a Trainer; batches are dictionaries."""
import copy

import numpy as np
import torch
from sklearn.datasets import make_friedman1
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset


class FriedmanDataset(Dataset):
    def __init__(self, x, y):
        self.x = torch.as_tensor(x, dtype=torch.float32)
        self.y = torch.as_tensor(y, dtype=torch.float32)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return dict(features=self.x[i], target=self.y[i])


class Regressor(nn.Module):
    def __init__(self, n_features, width=64):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(n_features, width), nn.Linear(width, width)])
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(width, 1)

    def forward(self, features):
        h = features
        for layer in self.layers:
            h = self.drop(nn.functional.gelu(layer(h)))
        return self.out(h)[..., 0]


class Trainer:
    def __init__(self, model, train_set, val_set, epochs=14):
        self.model = model
        self.epochs = epochs
        self.train_loader = DataLoader(train_set, batch_size=64, shuffle=True, drop_last=True)
        self.val_loader = DataLoader(val_set, batch_size=256)
        self.optimizer = optim.AdamW(model.parameters(), lr=3e-3)
        self.scheduler = optim.lr_scheduler.ReduceLROnPlateau(self.optimizer, patience=2, factor=0.5)
        self.best_loss, self.best_state = float("inf"), None

    def train(self):
        for epoch in range(self.epochs):
            train_loss = self._train_epoch()
            val_loss = self._validate()
            self.scheduler.step(val_loss)
            if val_loss < self.best_loss:
                self.best_loss, self.best_state = val_loss, copy.deepcopy(self.model.state_dict())
            print(f"{epoch:2d} train={train_loss:.4f} val={val_loss:.4f}")

    def _train_epoch(self):
        self.model.train()
        losses = []
        for batch in self.train_loader:
            prediction = self.model(batch["features"])
            loss = nn.functional.mse_loss(prediction, batch["target"])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return np.mean(losses)

    def _validate(self):
        self.model.eval()
        total = 0.0
        with torch.no_grad():
            for batch in self.val_loader:
                prediction = self.model(batch["features"])
                total += nn.functional.mse_loss(prediction, batch["target"], reduction="sum").item()
        return total / len(self.val_loader.dataset)


def main():
    torch.manual_seed(0)
    x, y = make_friedman1(4000, n_features=10, noise=0.5, random_state=0)
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    trainer = Trainer(Regressor(10), FriedmanDataset(x[:3200], y[:3200]), FriedmanDataset(x[3200:], y[3200:]))
    trainer.train()
    print("best validation loss", trainer.best_loss)


if __name__ == "__main__":
    main()
