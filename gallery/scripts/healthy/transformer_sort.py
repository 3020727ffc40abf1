"""A small transformer encoder that sorts digits."""
import math
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Config:
    vocabulary: int = 10
    length: int = 6
    dim: int = 48
    heads: int = 4
    layers: int = 2
    lr: float = 2e-3
    warmup: int = 40
    steps: int = 450
    batch: int = 64


class Sorter(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.token = nn.Embedding(c.vocabulary, c.dim)
        self.position = nn.Parameter(torch.randn(c.length, c.dim) * 0.02)
        layer = nn.TransformerEncoderLayer(c.dim, c.heads, 2 * c.dim, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, c.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(c.dim)
        self.out = nn.Linear(c.dim, c.vocabulary)

    def forward(self, tokens):
        return self.out(self.norm(self.encoder(self.token(tokens) + self.position)))


def make_batch(c, n):
    tokens = torch.randint(0, c.vocabulary, (n, c.length))
    return tokens, tokens.sort(1).values


def main():
    c = Config()
    torch.manual_seed(0)
    model = Sorter(c)
    optimizer = torch.optim.AdamW(model.parameters(), lr=c.lr, weight_decay=0.01)

    def schedule(step):
        if step < c.warmup:
            return (step + 1) / c.warmup
        return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - c.warmup) / (c.steps - c.warmup)))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    val_tokens, val_sorted = make_batch(c, 500)
    for step in range(c.steps):
        tokens, target = make_batch(c, c.batch)
        loss = nn.functional.cross_entropy(model(tokens).flatten(0, 1), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if (step + 1) % 50 == 0:
            model.eval()
            with torch.no_grad():
                logits = model(val_tokens)
                val_loss = nn.functional.cross_entropy(logits.flatten(0, 1), val_sorted.flatten())
                accuracy = (logits.argmax(-1) == val_sorted).float().mean()
            model.train()
            print(f"{step + 1:4d} loss {loss.item():.4f} val {val_loss.item():.4f} accuracy {accuracy.item():.4f}")


if __name__ == "__main__":
    main()
