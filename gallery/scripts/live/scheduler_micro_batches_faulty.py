"""Gradient accumulation over four micro-batches with a cosine schedule that is counted in updates."""
import argparse
import csv
import os
import tempfile

import torch
from sklearn.datasets import make_moons
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def build(width):
    return nn.Sequential(nn.Linear(2, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2))


def validation(model, loader, criterion):
    was_training = model.training
    model.eval()
    loss = hits = n = 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += criterion(out, y).item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
            n += len(y)
    model.train(was_training)
    return loss / n, hits / n


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--accumulate", type=int, default=4)
    parser.add_argument("--micro-batch", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=16)
    args = parser.parse_args()

    torch.manual_seed(0)
    x, y = make_moons(2560, noise=0.15, random_state=0)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    train_loader = DataLoader(TensorDataset(x[:2048], y[:2048]), args.micro_batch, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[2048:], y[2048:]), 256)
    model = build(32)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    n_updates = args.epochs * len(train_loader) // args.accumulate
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=n_updates)

    folder = tempfile.mkdtemp()
    with open(os.path.join(folder, "log.csv"), "w", newline="") as file:
        log = csv.writer(file)
        log.writerow(["epoch", "train_loss", "val_loss", "val_acc", "lr"])
        optimizer.zero_grad()
        for epoch in range(args.epochs):
            for i, (xb, yb) in enumerate(train_loader):
                loss = criterion(model(xb), yb) / args.accumulate
                loss.backward()
                if (i + 1) % args.accumulate == 0:
                    optimizer.step()
                    optimizer.zero_grad()
                scheduler.step()
            val_loss, val_acc = validation(model, val_loader, criterion)
            row = [epoch, loss.item() * args.accumulate, val_loss, val_acc, scheduler.get_last_lr()[0]]
            log.writerow(row)
            print(" ".join(f"{v:.4g}" for v in row))


if __name__ == "__main__":
    main()
