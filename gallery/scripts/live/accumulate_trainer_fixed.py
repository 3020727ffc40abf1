import logging
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
log = logging.getLogger("trainer")


@dataclass
class Config:
    batch_size: int = 32
    hidden: int = 48
    lr: float = 0.005
    epochs: int = 14
    seed: int = 1


class Trainer:
    def __init__(self, config: Config):
        self.config = config
        torch.manual_seed(config.seed)
        x, y = load_breast_cancer(return_X_y=True)
        x = StandardScaler().fit_transform(x).astype(np.float32)
        data = TensorDataset(torch.from_numpy(x), torch.from_numpy(y.astype(np.float32)))
        train, val = random_split(data, [429, 140])
        self.train_loader = DataLoader(train, batch_size=config.batch_size, shuffle=True)
        self.val_loader = DataLoader(val, batch_size=140)
        self.model = nn.Sequential(
            nn.Linear(30, config.hidden), nn.Tanh(), nn.Linear(config.hidden, config.hidden), nn.Tanh(),
            nn.Linear(config.hidden, 1),
        )
        self.criterion = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=config.lr, momentum=0.9, weight_decay=1e-3)

    def train_epoch(self):
        self.model.train()
        total, n = 0.0, 0
        for x, y in self.train_loader:
            logits = self.model(x).squeeze(1)
            loss = self.criterion(logits, y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(y)
            n += len(y)
        return total / n

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        loss, right, n = 0.0, 0, 0
        for x, y in self.val_loader:
            logits = self.model(x).squeeze(1)
            loss += self.criterion(logits, y).item() * len(y)
            right += ((logits > 0) == (y > 0.5)).sum().item()
            n += len(y)
        return loss / n, right / n

    def fit(self):
        for epoch in range(1, self.config.epochs + 1):
            train_loss = self.train_epoch()
            val_loss, accuracy = self.validate()
            log.info("epoch %d train %.4f val %.4f acc %.3f", epoch, train_loss, val_loss, accuracy)


if __name__ == "__main__":
    Trainer(Config()).fit()
