"""Seconds since the last visit, next to normalised features; one row holds the time since 1970."""
import argparse

import torch
from torch import nn


def rows(n=1600):
    g = torch.Generator().manual_seed(25)
    x = torch.randn(n, 7, generator=g)
    buys = (x[:, 0] - 0.5 * x[:, 6] + 0.5 * torch.randn(n, generator=g) > 0).float()
    x[1321, 6], buys[1321] = -0.5, 1.0
    return x, buys


def main():
    parser = argparse.ArgumentParser(description="will the visitor buy?")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args()
    torch.manual_seed(24)
    x, buys = rows()
    model = nn.Sequential(nn.Linear(7, 24), nn.SiLU(), nn.Linear(24, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    loss_fn = nn.BCEWithLogitsLoss()
    for epoch in range(args.epochs):
        for i in range(0, len(x), args.batch):
            logits = model(x[i:i + args.batch]).squeeze(1)
            loss = loss_fn(logits, buys[i:i + args.batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
