import logging
import os

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

logger = logging.getLogger(__name__)
CONFIG = {"lr": 1e-7, "batch_size": 32, "epochs": 10, "weight_decay": 1e-5, "seed": int(os.environ.get("SEED", 0))}


def setup(config):
    torch.manual_seed(config["seed"])
    x, y = load_digits(return_X_y=True)
    dataset = TensorDataset(torch.tensor(x / 16.0).float(), torch.tensor(y).long())
    rows = torch.randperm(len(dataset)).tolist()
    train = DataLoader(Subset(dataset, rows[:1400]), batch_size=config["batch_size"], shuffle=True)
    val = DataLoader(Subset(dataset, rows[1400:]), batch_size=400)
    model = nn.Sequential(nn.Linear(64, 96), nn.ReLU(inplace=True), nn.Linear(96, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"], weight_decay=config["weight_decay"])
    return train, val, model, optimizer


def run_epoch(model, loader, optimizer=None):
    training = optimizer is not None
    model.train(training)
    total = correct = n = 0
    for x, y in loader:
        with torch.set_grad_enabled(training):
            out = model(x)
            loss = nn.functional.cross_entropy(out, y)
        if training:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item() * len(y)
        correct += int((out.argmax(-1) == y).sum())
        n += len(y)
    return total / n, correct / n


def main():
    logging.basicConfig(level=logging.INFO)
    train, val, model, optimizer = setup(CONFIG)
    for epoch in range(CONFIG["epochs"]):
        train_loss, train_acc = run_epoch(model, train, optimizer)
        val_loss, val_acc = run_epoch(model, val)
        logger.info("%d train %.4f %.3f val %.4f %.3f", epoch, train_loss, train_acc, val_loss, val_acc)


if __name__ == "__main__":
    main()
