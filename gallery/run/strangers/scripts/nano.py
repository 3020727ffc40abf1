"""Somebody with a loop like nanoGPT's: `iter 200: loss 2.31, time 12.30ms, mfu 1.20%`, and a line at each evaluation."""

import math
import time

import torch
import torch.nn.functional as F
from torch import nn

from hub import Tiny, windows
from kit import run


def loop(path, model, iters, rate, log=10, evaluate=100, batch=12, schedule=None, optimizer=None, corrupt=None, smoothing=0.0,
         clip=1.0, window=32):
    x, y, _ = windows(12 * iters, window, seed=1)
    vx, vy, _ = windows(150, window, seed=2, part=(0.9, 1.0))
    optimizer = optimizer or torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95))
    schedule = schedule or (lambda i: min(1, (i + 1) / 50) * (0.55 + 0.45 * math.cos(math.pi * i / iters)))
    with open(path, "w") as out:
        out.write(f"found vocab_size = {LETTERS}\n")
        out.write(f"number of parameters: {sum(p.numel() for p in model.parameters()) / 1e6:.2f}M\n")
        for i in range(iters):
            began = time.perf_counter()
            for group in optimizer.param_groups:
                group["lr"] = rate * schedule(i)
            rows = torch.randint(0, len(x), (batch,))
            bx, by = x[rows], y[rows]
            if corrupt:
                bx, by = corrupt(i, bx, by)
            if evaluate and i % evaluate == 0:
                with torch.no_grad():
                    a, b = F.cross_entropy(model(x[:150]).flatten(0, 1), y[:150].flatten()), F.cross_entropy(
                        model(vx).flatten(0, 1), vy.flatten())
                out.write(f"step {i}: train loss {a:.4f}, val loss {b:.4f}\n")
            loss = F.cross_entropy(model(bx).flatten(0, 1), by.flatten(), label_smoothing=smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            spent = time.perf_counter() - began
            if i % log == 0:
                out.write(f"iter {i}: loss {loss.item():.4f}, time {spent * 1e3:.2f}ms, mfu {0.02 / spent:.2f}%\n")


LETTERS = windows(1)[2]


@run(".log", "characters, 1,000 iterations, cosine to a tenth")
def nano_characters(path):
    loop(path, Tiny(LETTERS), 1000, 3e-3)


@run(".log", "printed each iteration, batch of two: noise of half a nat around a falling loss")
def nano_batch_of_two(path):
    loop(path, Tiny(LETTERS), 700, 1e-3, log=1, batch=2)


@run(".log", "cosine with warm restarts at each 200 iterations: the loss steps up a little at each")
def nano_warm_restarts(path):
    loop(path, Tiny(LETTERS), 800, 6e-3, log=5, schedule=lambda i: 0.5 + 0.5 * math.cos(math.pi * (i % 200) / 200))


class Gru(nn.Module):
    def __init__(self):
        super().__init__()
        self.letters, self.gru, self.head = nn.Embedding(LETTERS, 32), nn.GRU(32, 48, batch_first=True), nn.Linear(48, LETTERS)

    def forward(self, x):
        return self.head(self.gru(self.letters(x))[0])


@run(".log", "a gated recurrent net, constant rate, no validation in a short try", may="no-validation")
def nano_gru(path):
    loop(path, Gru(), 500, 4e-3, evaluate=0, log=10, schedule=lambda i: 1.0)


@run(".log", "warm-up, a long stable part, then a fall to zero in the last fifth: the loss is nearly flat and drops at the end")
def nano_warm_stable_fall(path):
    loop(path, Tiny(LETTERS), 1200, 4e-3, log=20, schedule=lambda i: min(1, i / 40, (1201 - i) / 240))


@run(".log", "label smoothing makes the printed loss higher than that of the evaluation")
def nano_smoothed(path):
    loop(path, Tiny(LETTERS), 500, 3e-3, log=10, smoothing=0.1)


@run(".log", "iteration 137 draws a batch of padding, whose mean loss is none: one nan among numbers", "non-finite-loss", "no-validation")
def nano_only_padding(path):
    def corrupt(i, x, y):
        return (x, torch.full_like(y, -100)) if i == 137 else (x, y)

    loop(path, Tiny(LETTERS), 300, 3e-3, log=1, corrupt=corrupt, clip=0)


@run(".log", "targets are a random window instead of the next characters: only the letters' shares are learnt, 3.3 to the end",
     "loss-plateau", "underfitting-run loss-not-decreasing loss-at-chance")
def nano_wrong_targets(path):
    def corrupt(i, x, y):
        return x, y.flatten()[torch.randperm(y.numel())].reshape(y.shape)

    loop(path, Tiny(LETTERS), 800, 3e-3, corrupt=corrupt, evaluate=100)


@run(".log", "the head starts at zero and gets no gradient: every iteration at ln of the alphabet's size", "loss-at-chance",
     "loss-not-decreasing underfitting-run unchanged-parameters loss-plateau")
def nano_detached(path):
    model = Tiny(LETTERS)
    nn.init.zeros_(model.head.weight)
    nn.init.zeros_(model.head.bias)
    model.head.requires_grad_(False)
    loop(path, model, 400, 3e-3)


@run(".log", "one batch in 800 holds rubbish: one iteration far above its neighbours, recovered after", "loss-spike",
     "no-validation")
def nano_one_bad_batch(path):
    def corrupt(i, x, y):
        return (x, torch.full_like(y, LETTERS - 1)) if i == 530 else (x, y)

    loop(path, Tiny(LETTERS), 800, 3e-3, log=1, corrupt=corrupt, evaluate=200)


@run(".log", "a rate of 1 for AdamW after warm-up: the loss is worse than at the start and keeps climbing", "loss-diverging",
     "learning-rate-extreme loss-oscillating loss-spike exploding-gradient loss-not-decreasing overfitting-run")
def nano_rate_of_one(path):
    loop(path, Tiny(LETTERS, layers=2), 500, 1.0, schedule=lambda i: min(1, i / 500), clip=0)
