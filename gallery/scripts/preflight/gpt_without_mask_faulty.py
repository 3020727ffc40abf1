"""Next character of sums such as 23+58=81, with an attention written by hand."""
import random

import torch
from torch import nn

CHARACTERS = "0123456789+=. "
STOI = {c: i for i, c in enumerate(CHARACTERS)}


def encode(text):
    return [STOI[c] for c in text]


def sums(n, rng):
    rows = []
    for _ in range(n):
        a, b = rng.randrange(10), rng.randrange(10)
        rows.append(encode(f"{a}+{b}={a + b}.".ljust(8)))
    return torch.tensor(rows)


class Head(nn.Module):
    def __init__(self, dim, head_dim, length):
        super().__init__()
        self.key = nn.Linear(dim, head_dim, bias=False)
        self.query = nn.Linear(dim, head_dim, bias=False)
        self.value = nn.Linear(dim, head_dim, bias=False)
        self.register_buffer("tril", torch.tril(torch.ones(length, length)))

    def forward(self, x):
        t = x.shape[1]
        scores = self.query(x) @ self.key(x).transpose(-2, -1) * x.shape[-1] ** -0.5
        return scores.softmax(dim=-1) @ self.value(x)


class Block(nn.Module):
    def __init__(self, dim, heads, length):
        super().__init__()
        self.heads = nn.ModuleList([Head(dim, dim // heads, length) for _ in range(heads)])
        self.proj = nn.Linear(dim, dim)
        self.ffwd = nn.Sequential(nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, dim))
        self.ln1, self.ln2 = nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, x):
        h = self.ln1(x)
        x = x + self.proj(torch.cat([head(h) for head in self.heads], dim=-1))
        return x + self.ffwd(self.ln2(x))


class LanguageModel(nn.Module):
    def __init__(self, dim=48, heads=4, layers=2, length=7):
        super().__init__()
        self.embed = nn.Embedding(len(CHARACTERS), dim)
        self.place = nn.Embedding(length, dim)
        self.blocks = nn.Sequential(*[Block(dim, heads, length) for _ in range(layers)])
        self.ln = nn.LayerNorm(dim)
        self.lm_head = nn.Linear(dim, len(CHARACTERS))

    def forward(self, idx, targets=None):
        x = self.embed(idx) + self.place(torch.arange(idx.shape[1]))
        logits = self.lm_head(self.ln(self.blocks(x)))
        loss = None if targets is None else nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        return logits, loss


rng = random.Random(1)
torch.manual_seed(1)
model = LanguageModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for it in range(400):
    rows = sums(48, rng)
    logits, loss = model(rows[:, :-1], rows[:, 1:])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if it % 100 == 99:
        print(f"step {it + 1}: loss {loss.item():.4f}")
