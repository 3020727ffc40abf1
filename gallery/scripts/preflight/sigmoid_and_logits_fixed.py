"""Malignant or benign: command line for the breast cancer data."""
import argparse
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale


def build(hidden, dropout):
    return torch.nn.Sequential(
        torch.nn.Linear(30, hidden), torch.nn.ReLU(), torch.nn.Dropout(dropout),
        torch.nn.Linear(hidden, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 1),
    )


def progress(iterable, text):
    items = list(iterable)
    for i, item in enumerate(items, 1):
        yield item
        print(f"\r{text} {i}/{len(items)}", end="", file=sys.stderr)
    print(file=sys.stderr)


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args(argv)

    torch.manual_seed(0)
    x, y = load_breast_cancer(return_X_y=True)
    x, y = torch.tensor(scale(x), dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    order = torch.randperm(len(y))
    train, val = order[:450], order[450:]
    model = build(args.hidden, args.dropout)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in progress(range(args.epochs), "epoch"):
        model.train()
        for idx in train[torch.randperm(len(train))].split(30):
            probability = torch.sigmoid(model(x[idx])).squeeze(1)
            loss = F.binary_cross_entropy(probability, y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        right = ((torch.sigmoid(model(x[val])).squeeze(1) > 0.5) == y[val].bool()).float().mean()
    print(f"loss {loss.item():.4f}, accuracy {right.item():.3f}")


if __name__ == "__main__":
    main()
