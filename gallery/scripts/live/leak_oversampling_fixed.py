"""Rare defects: the rare class is oversampled so that both are equally frequent."""
import argparse

import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def oversample(x, y, rng):
    counts = np.bincount(y)
    rows = [np.arange(len(y))]
    for label, count in enumerate(counts):
        extra = counts.max() - count
        if extra:
            rows.append(rng.choice(np.flatnonzero(y == label), extra))
    rows = np.concatenate(rows)
    return x[rows], y[rows]


def prepare(seed):
    rng = np.random.default_rng(seed)
    x, y = make_classification(3000, 16, n_informative=8, weights=[0.92], class_sep=1.2, random_state=seed)
    x = x.astype(np.float32)
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.2, stratify=y, random_state=seed)
    x_train, y_train = oversample(x_train, y_train, rng)
    mean, std = x_train.mean(0), x_train.std(0)
    to_set = lambda a, b: TensorDataset(torch.from_numpy((a - mean) / std), torch.from_numpy(b).float())
    return to_set(x_train, y_train), to_set(x_val, y_val)


def main(args):
    torch.manual_seed(args.seed)
    train_set, val_set = prepare(args.seed)
    train_loader = DataLoader(train_set, args.batch_size, shuffle=True)
    val_loader = DataLoader(val_set, 200)
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(args.epochs):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x).flatten(), y)
            loss.backward()
            optimizer.step()
        model.eval()
        scores, labels = [], []
        with torch.no_grad():
            for x, y in val_loader:
                scores.append(model(x).flatten())
                labels.append(y)
        scores, labels = torch.cat(scores), torch.cat(labels)
        val_loss = criterion(scores, labels).item()
        recall = (scores[labels == 1] > 0).float().mean().item()
        precision = labels[scores > 0].mean().item()
        print(f"epoch {epoch} loss {loss.item():.3f} val {val_loss:.3f} recall {recall:.3f} precision {precision:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args())
