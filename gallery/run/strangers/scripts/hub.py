"""Somebody with transformers' Trainer: trainer_state.json with a log history."""

import json
import math

import torch
import torch.nn.functional as F
from torch import nn

from kit import endless, run, text


class Tiny(nn.Module):
    """One layer of attention over a window of characters; predicts the next at each place, or one class."""

    def __init__(self, letters, width=32, window=32, classes=0, layers=1):
        super().__init__()
        self.letters = nn.Embedding(letters, width)
        self.places = nn.Parameter(torch.randn(window, width) * 0.02)
        layer = lambda: nn.TransformerEncoderLayer(width, 2, 2 * width, 0.0, batch_first=True, norm_first=True)
        self.blocks = nn.ModuleList([layer() for _ in range(layers)])
        self.head = nn.Linear(width, classes or letters)
        self.classes = classes
        self.register_buffer("mask", torch.triu(torch.full((window, window), -math.inf), 1))

    def forward(self, x):
        h = self.letters(x) + self.places
        for block in self.blocks:
            h = block(h) if self.classes else block(h, src_mask=self.mask)
        return self.head(h.mean(1) if self.classes else h)


def windows(n, size=32, seed=0, part=(0.0, 0.9)):
    source, letters = text()
    g = torch.Generator().manual_seed(seed)
    low, high = int(part[0] * len(source)), int(part[1] * len(source)) - size - 1
    starts = torch.randint(low, high, (n,), generator=g)
    both = torch.stack([source[s : s + size + 1] for s in starts])
    return both[:, :-1], both[:, 1:], letters


def code_or_comment(n, seed=0, wrong=0.0, part=(0.0, 0.9)):
    """Windows of text and whether a space indents them; some labels wrong."""
    x, _, letters = windows(n, seed=seed, part=part)
    spaces = (x == x.flatten().bincount().argmax()).sum(1)
    y = (spaces > spaces.float().median()).long()
    g = torch.Generator().manual_seed(seed)
    return x, torch.where(torch.rand(n, generator=g) < wrong, 1 - y, y), letters


def token_loss(out, y):
    return F.cross_entropy(out.flatten(0, -2), y.flatten())


def train(path, model, data, val, steps, rate, loss_fn=token_loss, log=20, evaluate=0, warmup=0, clip=1.0, batch=16, state=None,
          shape="linear", betas=(0.9, 0.999), skip=False, accumulate=1):
    """Trains as the Trainer does and writes its state; `state` is an earlier history to go on from."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=betas, weight_decay=0.01)
    x, y = data
    history, total = list(state or []), 0.0
    start = history[-1]["step"] if history else 0
    per_epoch = max(1, len(x) // (batch * accumulate))
    stream = endless(x, y, batch)
    for step in range(start + 1, steps + 1):
        left = (steps - step) / max(1, steps - warmup)
        share = {"linear": left, "cosine": 0.5 + 0.5 * math.cos(math.pi * (1 - left)), "constant": 1.0}[shape]
        now = rate * (step / warmup if step < warmup else share)
        optimizer.param_groups[0]["lr"] = now
        optimizer.zero_grad()
        for _ in range(accumulate):
            bx, by = next(stream)
            loss = loss_fn(model(bx), by) / accumulate
            loss.backward()
            total += loss.item()
        norm = nn.utils.clip_grad_norm_(model.parameters(), clip)
        if not (skip and not torch.isfinite(norm)):
            optimizer.step()
        if step % log == 0:
            history.append({"epoch": round(step / per_epoch, 4), "grad_norm": norm.item(), "learning_rate": now,
                            "loss": round(total / log, 4), "step": step})
            total = 0.0
        if evaluate and step % evaluate == 0:
            model.eval()
            with torch.no_grad():
                found = {"epoch": round(step / per_epoch, 4), "eval_loss": loss_fn(model(val[0]), val[1]).item(), "step": step}
                if getattr(model, "classes", 0):
                    found["eval_accuracy"] = (model(val[0]).argmax(1) == val[1]).float().mean().item()
            model.train()
            history.append(found)
    state = {"best_metric": None, "epoch": steps / per_epoch, "global_step": steps, "is_world_process_zero": True,
             "log_history": history, "logging_steps": log, "max_steps": steps, "num_train_epochs": math.ceil(steps / per_epoch)}
    with open(path, "w") as out:
        json.dump(state, out, indent=1)
    return history


@run(".json", "characters of source text, one epoch, warm-up and linear fall, evaluated each 100 steps")
def hub_characters(path):
    x, y, letters = windows(9600)
    vx, vy, _ = windows(200, seed=9, part=(0.9, 1.0))
    train(path, Tiny(letters), (x, y), (vx, vy), 600, 3e-3, evaluate=100, warmup=60)


@run(".json", "two classes of text windows, three epochs")
def hub_classes(path):
    x, y, letters = code_or_comment(1600)
    vx, vy, _ = code_or_comment(300, seed=4, part=(0.9, 1.0))
    train(path, Tiny(letters, classes=2), (x, y), (vx, vy), 300, 1e-3, evaluate=100, log=10, warmup=30)


@run(".json", "a run of 400 steps stopped at 200 and resumed, with cosine and accumulation of two batches")
def hub_resumed(path):
    x, y, letters = windows(6000, seed=3)
    vx, vy, _ = windows(200, seed=5, part=(0.9, 1.0))
    model = Tiny(letters)
    first = train(path, model, (x, y), (vx, vy), 200, 2e-3, log=10, evaluate=50, batch=8, shape="constant", accumulate=2)
    train(path, model, (x, y), (vx, vy), 400, 2e-3, log=10, evaluate=50, batch=8, shape="constant", state=first, accumulate=2)


@run(".json", "one epoch over text, batch of four, logged at each step: a noisy loss that falls", may="no-validation")
def hub_noisy_steps(path):
    x, y, letters = windows(2400, seed=6)
    train(path, Tiny(letters), (x, y), None, 600, 2e-3, log=1, batch=4, warmup=50, shape="cosine")


@run(".json", "a classifier that was fitted before goes on at 2e-4 on new text: it changes little and is good from the start",
     may="overfitting-run")
def hub_fine_tune(path):
    x, y, letters = code_or_comment(1600)
    vx, vy, _ = code_or_comment(300, seed=4, part=(0.9, 1.0))
    model = Tiny(letters, classes=2)
    train("/dev/null", model, (x, y), (vx, vy), 300, 1e-3)
    x, y, _ = code_or_comment(1600, seed=8, part=(0.5, 0.9))
    train(path, model, (x, y), (vx, vy), 300, 2e-4, evaluate=50, log=10, warmup=20)


@run(".json", "a square root of a distance that is zero: the loss stays a number, the norm of the gradients is none at any step",
     "non-finite-gradient", "loss-not-decreasing loss-at-chance unchanged-parameters loss-plateau non-finite-parameter no-validation")
def hub_root_of_zero(path):
    x, y, letters = windows(3000, seed=2)

    def loss_fn(out, y):
        flat = out.flatten(0, -2)
        return token_loss(out, y) + 0.01 * ((flat - flat.detach()) ** 2).sum(1).sqrt().mean()

    train(path, Tiny(letters), (x, y), None, 300, 2e-3, loss_fn, log=10, skip=True)


@run(".json", "no warm-up, a rate that climbs towards 0.2: after a good start the loss climbs a hundredfold", "loss-diverging",
     "learning-rate-extreme exploding-gradient loss-spike loss-oscillating overfitting-run")
def hub_rate_too_high(path):
    x, y, letters = windows(6000, seed=1)
    vx, vy, _ = windows(200, seed=9, part=(0.9, 1.0))
    train(path, Tiny(letters, layers=2), (x, y), (vx, vy), 220, 0.2, log=5, evaluate=20, warmup=220, clip=1e9)


@run(".json", "a rate of 5e-10: the loss is where it began after 400 steps", "learning-rate-extreme",
     "loss-not-decreasing loss-at-chance underfitting-run no-validation loss-plateau unchanged-parameters")
def hub_rate_too_low(path):
    x, y, letters = windows(6000, seed=1)
    train(path, Tiny(letters), (x, y), None, 400, 5e-10, log=10, shape="constant")


@run(".json", "120 windows with a fifth of the labels wrong, 40 epochs: evaluation loss triples", "overfitting-run")
def hub_overfits(path):
    x, y, letters = code_or_comment(120, wrong=0.2)
    vx, vy, _ = code_or_comment(300, seed=4, part=(0.9, 1.0))
    train(path, Tiny(letters, classes=2), (x, y), (vx, vy), 600, 2e-3, log=15, evaluate=30, batch=8)


@run(".json", "nothing is ever evaluated in 500 steps of pre-training", "no-validation")
def hub_never_evaluated(path):
    x, y, letters = windows(8000, seed=1)
    train(path, Tiny(letters), (x, y), None, 500, 2e-3, log=10, warmup=50, shape="cosine")
