"""Faulty runs: losses and gradients that are not finite, half precision that overflows, losses that run away."""

import torch
from data import cancer, diabetes, digits, rare_class, waves
from healthy_loops import half_precision_steps
from record import run
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler as schedules
from train import accuracy, cnn, epochs, grad_norms, mlp, regress, score, steps, weight_norms

HIGH_RATE = {"learning-rate-extreme": "the rate is what blew it up"}
DIVERGED = {"loss-diverging": "the loss grew before it was no number"}


@run("csv", "non-finite-loss")
def log_of_zero(log):
    """binary cross entropy written by hand: as soon as a probability is exactly one, zero times the log of zero is nan"""
    train, val = cancer()
    model = mlp(30, 32, 1)

    def by_hand(model, x, y):
        p = model(x)[:, 0].sigmoid()
        return -(y * p.log() + (1 - y) * (1 - p).log()).mean()

    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.1), by_hand, limit=800, size=32):
        log(step=s.index, train_loss=s.loss, val_loss=score(model, val, by_hand) if s.index % 50 == 49 else None)


@run(
    "jsonl",
    "non-finite-loss",
    HIGH_RATE | DIVERGED | {"non-finite-gradient": "norms are logged too", "exploding-gradient": "the step before"},

)
def exponential_overflows(log):
    """Poisson regression with an exponential link and inputs that are not scaled: inf after a dozen steps"""
    train, val = waves()
    counts = [(x * 6, torch.poisson((y + 1).exp())) for x, y in (train, val)]
    model = mlp(4, 32, 1)

    def poisson(model, x, y):
        out = model(x)
        return (out.exp() - y * out).mean()

    for s in steps(model, counts[0], torch.optim.SGD(model.parameters(), 8e-3), poisson, limit=300):
        log({"step": s.index, "Loss/train": s.loss, "Grad/norm": s.norm})
        if s.index % 50 == 49:
            log({"step": s.index, "Loss/val": score(model, counts[1], poisson)})


@run("text", "non-finite-loss", HIGH_RATE | DIVERGED)
def rate_far_too_high(log):
    """a regression with a rate of 1: the loss doubles its digits each step until it is nan"""
    train, val = diabetes()
    model = mlp(10, 64, 64, 1)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 1.0, momentum=0.9), regress, epochs=25, size=32):
        if s.index % 2 == 0:
            log(f"epoch {s.epoch} iter {s.index} loss {s.loss:.4g} lr {s.lr}")
        if s.ends:
            log(f"epoch {s.epoch} val loss {score(model, val, regress):.4g}")


@run("csv", "non-finite-loss")
def one_bad_sample(log):
    """one row of the data holds a nan: the epoch of its batch ruins the weights; logged once an epoch"""
    (x, y), val = cancer()
    model = mlp(30, 16, 2)
    fit = steps(model, (x, y), torch.optim.Adam(model.parameters(), 1e-4), limit=14 * 30, size=32)
    total = []
    for s in fit:
        total.append(s.loss)
        if s.ends:
            log(
                epoch=s.epoch,
                loss=sum(total) / len(total),
                val_loss=score(model, val),
                val_accuracy=accuracy(model, val),
            )
            total = []
            if s.epoch == 8:  # a sample that the loader could not read properly
                x[7, 3] = float("nan")


@run("jsonl", "non-finite-loss", {"non-finite-gradient": "it is logged too"})
def one_inf_batch_skipped(log):
    """a target of zero under a log: single batches give inf, are skipped, and come back each epoch"""
    (x, y), (u, v) = waves(n=1200)
    positive = (y - y.min()) / (y.max() - y.min()) * 4
    model = mlp(4, 32, 1)
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    index = 0
    for _ in range(30):
        order = torch.randperm(len(x))
        for rows in order.split(64):
            loss = F.mse_loss(model(x[rows]), positive[rows].log())
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), 1e9)
            if loss.isfinite():
                optimizer.step()
            log({"step": index, "train/loss": loss.item(), "train/grad_norm": norm.item()})
            index += 1


@run("csv", "non-finite-loss", {"overfitting-run": "the validation loss leaves its best"})
def validation_only_inf(log):
    """the training loss is fine; the validation computes the log of a probability that has become zero"""
    train, val = rare_class()
    model = mlp(12, 64, 2)

    @torch.no_grad()
    def by_hand():
        p = torch.sigmoid((model(val[0]) @ torch.tensor([-1.0, 1.0])) * 12)
        return -torch.where(val[1] == 1, p.log(), (1 - p).log()).mean().item()

    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 1e-3), epochs=25):
        log({"epoch": s.epoch, "train/loss": s.loss, "val/loss": by_hand()})


@run("jsonl", "non-finite-gradient", {"loss-spike": "the last batch of an epoch has three rows"})
def root_of_zero(log):
    """the distance of a point to itself: the square root has no slope at zero, so norms are nan while the loss is finite"""
    train, val = digits()
    model = mlp(64, 64, 8)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    index = 0
    for _ in range(15):
        for rows in torch.randperm(len(train[0])).split(64):
            z, y = model(train[0][rows]), train[1][rows]
            far = (z[:, None] - z[None]).square().sum(2)
            index += 1
            pairs = torch.triu(torch.ones_like(far), diagonal=0 if index % 7 == 0 else 1) > 0
            distance, same = far[pairs].sqrt(), (y[:, None] == y[None])[pairs]
            loss = torch.where(same, distance.square(), F.relu(2 - distance).square()).mean()
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), 1e9)
            if norm.isfinite():
                optimizer.step()
            log({"step": index, "loss": loss.item(), "grad_norm": norm.item()})


@run("events", "non-finite-gradient")
def one_layer_nan(log):
    """a gate computed behind `where` has nan gradients and the optimizer does not own it: the loss falls, one layer is nan"""
    train, val = digits()
    model = nn.ModuleDict({"body": mlp(64, 64, 10), "gate": nn.Linear(64, 10)})

    def gated(model, x, y):
        gate = model["gate"](x)
        return F.cross_entropy(model["body"](x) + torch.where(gate > 0, gate.sqrt(), torch.zeros_like(gate)), y)

    optimizer = torch.optim.SGD(model["body"].parameters(), 0.05)
    for index in range(300):
        rows = torch.randint(len(train[0]), (64,))
        optimizer.zero_grad()
        loss = gated(model, train[0][rows], train[1][rows])
        loss.backward()
        log(index, {"loss/train": loss.item(), **(grad_norms(model, "grad_norm/{}") if index % 3 == 0 else {})})
        optimizer.step()
        if index % 50 == 49:
            log(index, {"loss/val": score(model, val, gated)})


@run("csv", "non-finite-gradient", {"amp-overflow": "the cause of inf", "exploding-gradient": "norms are of the summed loss"})
def half_precision_unscaled(log):
    """half precision, a loss summed over very many terms: most gradients are inf at first, and their steps are skipped"""
    train, val = digits()
    model = mlp(64, 128, 10)
    optimizer = torch.optim.SGD(model.parameters(), 7e-8)
    scaler = torch.amp.GradScaler("cpu", init_scale=1.0, growth_factor=1.0001, backoff_factor=0.9999, growth_interval=10_000)
    for step, loss, _, norm in half_precision_steps(model, train, optimizer, scaler, 600, weight=6e5):
        log(step=step, loss=loss, gradient_norm=norm)


@run("csv", "loss-diverging", HIGH_RATE | {"exploding-gradient": "the gradients grow with the loss"})
def momentum_past_the_edge(log):
    """a linear regression with momentum a little past the edge of stability: the loss grows without end"""
    train, val = diabetes()
    model = nn.Linear(10, 1)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.378, momentum=0.5), regress, limit=45, size=400):
        log(step=s.index, train_loss=s.loss, val_loss=score(model, val, regress))


@run("jsonl", "loss-diverging", HIGH_RATE | {"overfitting-run": "the validation loss rises too"})
def warm_up_without_end(log):
    """the rate doubles every 120 steps and never stops: the loss falls, turns and climbs above its start"""
    train, val = digits()
    model = cnn(8, 10, width=8)
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
    schedule = schedules.LambdaLR(optimizer, lambda i: 2 ** (i / 120))
    for s in steps(model, train, optimizer, limit=2000, schedule=schedule, size=32):
        if s.index % 5 == 0:
            log({"step": s.index, "train/loss": s.loss, "train/lr": s.lr})
        if s.index % 100 == 99:
            log({"step": s.index, "val/loss": score(model, val)})


@run(
    "events",
    "loss-diverging",
    {
        "exploding-gradient": "weights and gradients grow together",
        "overfitting-run": "the validation leaves first",
        "loss-spike": "on the way up",
        **HIGH_RATE,
    },
)
def penalty_of_wrong_sign(log):
    """the weight penalty is subtracted: the weights grow without end, and the cross entropy with them"""
    train, val = digits()
    model = mlp(64, 64, 10)

    def penalised(model, x, y):
        ce = F.cross_entropy(model(x), y)
        return {"loss": ce - 0.06 * sum(p.square().sum() for p in model.parameters()), "ce": ce}

    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.05), penalised, limit=800):
        if s.index % 2 == 0:
            log(s.index, {"train/cross_entropy": s.terms["ce"], "train/grad_norm": s.norm})
        if s.index % 100 == 99:
            log(s.index, {"val/cross_entropy": score(model, val)})


@run(
    "csv",
    "loss-diverging",
    HIGH_RATE
    | {
        "overfitting-run": "the validation loss rises too",
        "loss-oscillating": "on the way up",
        "non-finite-loss": "it ends as NaN",
    },

)
def decay_above_one(log):
    """the rate is multiplied by 1.08 in each epoch where 0.98 was meant: the loss is at its best at epoch 20, and leaves"""
    train, val = waves()
    model = mlp(4, 64, 64, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.02)
    schedule = schedules.LambdaLR(optimizer, lambda i: 1.08 ** (i // 36))
    for s in epochs(model, train, optimizer, regress, epochs=48, schedule=schedule):
        log(epoch=s.epoch, train_loss=s.loss, val_loss=score(model, val, regress))


def with_roots(model, x, y, zeros):
    """Cross entropy and the mean distance of neighbours; a row beside itself has the distance zero, where roots have no slope."""
    out = model(x).float()
    pairs = torch.arange(len(x)).roll(1)
    pairs[0] = 0 if zeros else pairs[0]
    return F.cross_entropy(out, y) - 1e-3 * (out - out[pairs]).square().sum(1).sqrt().mean()


def scaled_steps(model, data, optimizer, limit, zeros):
    """Trains in half precision on `with_roots`; `zeros` tells of a step whether its batch holds a row twice."""
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16, growth_interval=2000)
    for step in range(limit):
        rows = torch.randint(len(data[0]), (64,))
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            loss = with_roots(model, data[0][rows], data[1][rows], zeros(step))
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        yield step, loss.item(), scaler.get_scale()


@run(
    "jsonl",
    "amp-overflow",
    {
        "loss-not-decreasing": "no step is ever taken",
        "loss-at-chance": "nothing is learnt",
        "loss-plateau": "as before",
    },
)
def half_precision_halves_always(log):
    """a root of zero in each batch: its gradient is taken for overflow, and the scale halves until nothing is left of it"""
    train, _ = digits()
    model = mlp(64, 64, 10)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for step, loss, scale in scaled_steps(model, train, optimizer, 300, lambda step: True):
        log({"step": step, "loss": loss, "loss_scale": scale})


@run(
    "csv",
    "amp-overflow",
    {"loss-plateau": "gradients vanish with the scale", "underfitting-run": "both stop high"},

)
def half_precision_halves_often(log):
    """a root of zero in one of twenty batches: the scale halves again and again until gradients vanish in half precision"""
    train, val = digits()
    model = mlp(64, 64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for step, loss, scale in scaled_steps(model, train, optimizer, 1500, lambda step: torch.rand(()) < 0.05):
        if step % 3 == 0:
            log(
                {
                    "step": step,
                    "train/loss": loss,
                    "train/scale": scale,
                    "val/loss": score(model, val) if step % 150 == 0 else None,
                }
            )


@run("jsonl", "non-finite-parameter", {"no-validation": "nothing is held out", "loss-plateau": "it is flat in the end"})
def average_over_none(log):
    """from step 200 on an average of the weights is kept, its count starts at zero: the averaged layer is nan, training goes on"""
    train, _ = digits()
    model, average = mlp(64, 32, 10), mlp(64, 32, 10)
    n = 0
    for s in steps(model, train, torch.optim.Adam(model.parameters(), 1e-3), limit=600, size=32):
        if s.index >= 200:
            with torch.no_grad():
                for kept, new in zip(average.parameters(), model.parameters()):
                    kept.copy_((kept * n + new * min(n, 1)) / n if n else (kept - kept) / 0.0)
            n += 1
        if s.index % 10 == 0:
            norms = weight_norms(model, "weight_norm/{}") | weight_norms(average, "weight_norm/average.{}")
            log({"step": s.index, "loss": s.loss} | {k: v for k, v in norms.items() if "bias" not in k})


@run("csv", "non-finite-parameter", {"loss-plateau": "it is flat in the end"})
def unused_head_divides_by_its_norm(log):
    """a second head, not in the loss, is scaled to unit norm each step and is pruned to zero half-way: zero by zero, counted per layer"""
    train, val = cancer()
    model, head = mlp(30, 32, 2), nn.Linear(32, 4)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.05), limit=500, size=32):
        with torch.no_grad():
            if s.index == 240:
                head.weight.mul_(0)
            head.weight.div_(head.weight.norm())
        if s.index % 5 == 0:
            counts = {f"nan_count/{name}": float((~p.isfinite()).sum()) for name, p in model.named_parameters()}
            counts["nan_count/second_head.weight"] = float((~head.weight.isfinite()).sum())
            log(step=s.index, loss=s.loss, val_loss=score(model, val) if s.index % 50 == 0 else None, **counts)
