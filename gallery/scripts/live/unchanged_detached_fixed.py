from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

cfg = SimpleNamespace(vocabulary=40, embed=24, hidden=48, length=12, batch=64, steps=600, lr=1e-3)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(cfg.vocabulary, cfg.embed)
        self.gru = nn.GRU(cfg.embed, cfg.hidden, batch_first=True)

    def forward(self, tokens):
        _, hidden = self.gru(self.embedding(tokens))
        return hidden[-1]


class Classifier(nn.Module):
    """Which of the first two tokens of the alphabet occurs more often."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.head = nn.Sequential(nn.Linear(cfg.hidden, 32), nn.ReLU(), nn.Linear(32, 3))

    def forward(self, tokens):
        code = self.encoder(tokens)
        return self.head(code)


def make_batch(n, rng):
    tokens = rng.integers(0, 6, (n, cfg.length))
    difference = np.sign((tokens == 0).sum(1) - (tokens == 1).sum(1))
    return torch.from_numpy(tokens), torch.from_numpy(difference + 1)


def main():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    criterion = nn.CrossEntropyLoss()
    val_tokens, val_labels = make_batch(600, rng)
    for step in range(1, cfg.steps + 1):
        model.train()
        tokens, labels = make_batch(cfg.batch, rng)
        loss = criterion(model(tokens), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 60 == 0:
            model.eval()
            with torch.no_grad():
                logits = model(val_tokens)
            print(step, f"loss {loss.item():.4f} val {criterion(logits, val_labels).item():.4f}",
                  f"acc {(logits.argmax(-1) == val_labels).float().mean().item():.3f}")


main()
