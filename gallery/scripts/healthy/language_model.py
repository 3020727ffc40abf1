"""One pass over a text that is made by a small grammar; the text is streamed."""
import itertools
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

SUBJECTS = ["the cat", "a dog", "my friend", "the old man", "nobody"]
VERBS = ["sees", "likes", "follows", "hears", "draws"]
OBJECTS = ["the moon", "a river", "two birds", "the road", "some bread"]
TAILS = ["", " at night", " every day", " with joy", " again"]
ALPHABET = sorted(set("abcdefghijklmnopqrstuvwxyz0123456789 .,\n"))
INDEX = {c: i for i, c in enumerate(ALPHABET)}


def sentences(seed):
    rng = random.Random(seed)
    while True:
        yield f"{rng.randrange(1000000)}, {rng.choice(SUBJECTS)} {rng.choice(VERBS)} {rng.choice(OBJECTS)}{rng.choice(TAILS)}.\n"


class TextStream(IterableDataset):
    def __init__(self, seed, n_chunks, length=48):
        self.seed, self.n_chunks, self.length = seed, n_chunks, length

    def __iter__(self):
        characters = itertools.chain.from_iterable(sentences(self.seed))
        for _ in range(self.n_chunks):
            chunk = torch.tensor([INDEX[c] for c in itertools.islice(characters, self.length + 1)])
            yield chunk[:-1], chunk[1:]


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.project = nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        attended = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(attended.transpose(1, 2).reshape(n, t, d))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, dim=48, heads=4, layers=2, length=48):
        super().__init__()
        self.token = nn.Embedding(len(ALPHABET), dim)
        self.position = nn.Embedding(length, dim)
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, len(ALPHABET), bias=False)

    def forward(self, tokens, targets):
        x = self.token(tokens) + self.position.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        return logits, nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


if __name__ == "__main__":
    torch.manual_seed(0)
    model = GPT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95))
    held_out = next(iter(DataLoader(TextStream(seed=1, n_chunks=64), batch_size=64)))
    for step, (tokens, targets) in enumerate(DataLoader(TextStream(seed=0, n_chunks=32 * 240), batch_size=32)):
        _, loss = model(tokens, targets)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 40 == 39:
            with torch.no_grad():
                _, val_loss = model(*held_out)
            print(f"step {step + 1}: loss {loss.item():.4f} held out {val_loss.item():.4f}")
