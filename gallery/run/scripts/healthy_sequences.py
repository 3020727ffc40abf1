"""Healthy runs: recurrent nets and transformers on text and sequences."""

import math
import time

import torch
from data import LETTERS, adding_problem, text, windows
from record import run
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler as schedules
from train import score, steps


class Recurrent(nn.Module):
    def __init__(self, width=64, kind=nn.LSTM, outputs=len(LETTERS)):
        super().__init__()
        self.embed, self.cell, self.head = (
            nn.Embedding(len(LETTERS), 24),
            kind(24, width, batch_first=True),
            nn.Linear(width, outputs),
        )

    def forward(self, x):
        return self.head(self.cell(self.embed(x))[0])


class Decoder(nn.Module):
    """A small causal transformer."""

    def __init__(self, symbols=len(LETTERS), width=48, depth=2, length=64, drop=0.0):
        super().__init__()
        self.embed, self.place = nn.Embedding(symbols, width), nn.Parameter(0.02 * torch.randn(length, width))
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, drop, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, symbols)

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.head(self.norm(self.body(self.embed(x) + self.place[: x.shape[1]], mask, is_causal=True)))


def next_letter(model, x, y):
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


def letters(sentences=4000):
    """Training windows and validation windows of other sentences."""
    return windows(text(sentences)), windows(text(300, seed=8))


@run("text")
def lstm_text_perplexity(log):
    """an LSTM on letters with SGD, printed with its perplexity"""
    train, val = letters(2500)
    model = Recurrent()
    total, start, parts = 0, time.perf_counter(), math.ceil(len(train[0]) / 32)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 2.0), next_letter, epochs=5, size=32, clip=0.5):
        total += s.loss
        batch = s.index % parts
        if batch % 20 == 19:
            total, each = total / 20, 1000 * (time.perf_counter() - start) / (s.index + 1)
            log(
                f"| epoch {s.epoch + 1:3d} | {batch + 1:5d}/{parts:5d} batches | lr {s.lr:02.2f} | "
                f"ms/batch {each:5.2f} | loss {total:5.2f} | ppl {math.exp(total):8.2f}"
            )
            total = 0
        if s.ends:
            loss = score(model, val, next_letter)
            total = 0
            log("-" * 89)
            log(
                f"| end of epoch {s.epoch + 1:3d} | time: {time.perf_counter() - start:5.2f}s | "
                f"valid loss {loss:5.2f} | valid ppl {math.exp(loss):8.2f}"
            )
            log("-" * 89)


@run("trainer")
def transformer_one_epoch(log):
    """a small language model, one epoch, warm-up and linear decay, the state file of the transformers trainer"""
    train, val = letters(9000)
    model = Decoder()
    optimizer = torch.optim.AdamW(model.parameters(), 1.5e-3, betas=(0.9, 0.95), weight_decay=0.1)
    total = math.ceil(len(train[0]) / 32)
    schedule = schedules.LambdaLR(optimizer, lambda i: min(i / 50, (total - i) / (total - 50)))
    for s in steps(model, train, optimizer, next_letter, epochs=1, size=32, schedule=schedule, clip=1.0):
        done = {"epoch": round((s.index + 1) / total, 4)}
        if s.index % 5 == 4:
            log({**done, "grad_norm": s.norm, "learning_rate": s.lr, "loss": s.loss, "step": s.index + 1})
        if s.index % 100 == 99:
            log({**done, "eval_loss": score(model, val, next_letter), "step": s.index + 1})


@run("jsonl")
def transformer_per_step(log):
    """a language model logged at every step with its gradient norm; nothing held out, as one epoch never repeats"""
    train, _ = letters(5000)
    model = Decoder(drop=0.1)
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.1)
    total = math.ceil(len(train[0]) / 24)
    schedule = schedules.OneCycleLR(optimizer, 2e-3, total, pct_start=0.05)
    for s in steps(model, train, optimizer, next_letter, epochs=1, size=24, schedule=schedule, clip=1.0):
        log({"step": s.index, "train/loss": s.loss, "train/grad_norm": s.norm, "train/lr": s.lr})


@run("csv")
def gru_adding_problem(log):
    """the adding problem: the loss waits at the variance of the target for a third of the run, then falls through"""
    model = nn.ModuleList([nn.GRU(2, 32, batch_first=True), nn.Linear(32, 1)])

    def adding(model, x, y):
        return F.mse_loss(model[1](model[0](x)[0][:, -1]), y)

    train, val = adding_problem(4000), adding_problem(500)
    for s in steps(model, train, torch.optim.Adam(model.parameters(), 2e-3), adding, limit=2400, size=50):
        if s.index % 8 == 0:
            log(step=s.index, loss=s.loss)
        if s.index % 80 == 79:
            log(step=s.index, val_loss=score(model, val, adding))


@run("jsonl")
def transformer_copy(log):
    """repeat the first half: half of the symbols cannot be predicted, so the loss falls in steps to half of its start"""
    model = Decoder(symbols=12, length=24)
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    half = torch.randint(12, (20_000, 12))
    whole = torch.cat([half, half], 1)
    train, val = (whole[:19_000, :-1], whole[:19_000, 1:]), (whole[19_000:, :-1], whole[19_000:, 1:])
    for s in steps(model, train, optimizer, next_letter, limit=590, size=32):
        if s.index % 2 == 0:
            log({"step": s.index, "loss": s.loss})
        if s.index % 50 == 49:
            log({"step": s.index, "eval/loss": score(model, val, next_letter)})


@run("jsonl")
def lstm_first_letter(log):
    """classify whether a window of text has more than one full stop, by the last state"""
    (x, _), (u, _) = letters(3000)
    train, val = ((a, (a == LETTERS.index(".")).sum(1).gt(1).long()) for a in (x, u))
    model = Recurrent(outputs=2)

    def last(model, x, y):
        return F.cross_entropy(model(x)[:, -1], y)

    for s in steps(model, train, torch.optim.Adam(model.parameters(), 2e-3), last, limit=700, size=32, clip=5.0):
        if s.index % 2 == 0:
            log({"step": s.index, "training/loss": s.loss})
        if s.index % 50 == 49:
            log({"step": s.index, "validation/loss": score(model, val, last)})


@run("csv")
def masked_letters(log):
    """fill in masked letters with a bidirectional GRU"""
    (x, _), (u, _) = letters(3000)
    model = Recurrent(width=48, kind=lambda a, b, **k: nn.GRU(a, b // 2, bidirectional=True, **k))

    def masked(model, x):
        hide = torch.rand(x.shape) < 0.15
        return F.cross_entropy(model(x.masked_fill(hide, LETTERS.index(".")))[hide], x[hide])

    for s in steps(model, (x,), torch.optim.AdamW(model.parameters(), 3e-3), masked, limit=1000, size=32):
        if s.index % 4 == 0:
            log({"step": s.index, "mlm_loss": s.loss})
        if s.index % 100 == 99:
            log({"step": s.index, "valid_mlm_loss": score(model, (u,), masked)})


@run("csv")
def skip_gram(log):
    """skip-gram with negative samples: two terms near each other that fall slowly"""
    stream = text(3000)
    model = nn.ModuleList([nn.Embedding(len(LETTERS), 16), nn.Embedding(len(LETTERS), 16)])
    pairs = (torch.cat([stream[:-1], stream[2:]]), torch.cat([stream[1:], stream[1:-1]]))

    def negative_sampling(model, centre, context):
        near = (model[0](centre) * model[1](context)).sum(1)
        far = (model[0](centre)[:, None] * model[1](torch.randint(len(LETTERS), (len(centre), 3)))).sum(2)
        terms = {"pos": -F.logsigmoid(near).mean(), "neg": -F.logsigmoid(-far).mean()}
        return {**terms, "loss": terms["pos"] + terms["neg"]}

    for s in steps(model, pairs, torch.optim.Adam(model.parameters(), 5e-3), negative_sampling, limit=1500, size=256):
        if s.index % 5 == 0:
            log(step=s.index, loss=s.loss, pos_loss=s.terms["pos"], neg_loss=s.terms["neg"])
