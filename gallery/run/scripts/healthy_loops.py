"""Healthy runs: how loops log, resume, clip and scale."""

import copy
import time

import torch
from data import blobs, digits, noisy_labels, waves
from record import run
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler as schedules
from train import Updates, accuracy, cnn, epochs, mlp, regress, score, steps


@run("csv")
def logged_every_50th(log):
    """loss, rate and validation every 50th step"""
    train, val = blobs(spread=3.0)
    model = mlp(20, 64, 5)
    for s in steps(model, train, torch.optim.Adam(model.parameters(), 3e-4), limit=2000, size=32):
        if s.index % 50 == 0:
            log(step=s.index, loss=s.loss, learning_rate=s.lr, val_loss=score(model, val))


@run("csv")
def resumed_steps_back(log):
    """killed at step 700 and resumed from the checkpoint of step 600: the steps go back, and the curve goes on"""
    train, val = digits()
    model = mlp(64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    saved = None
    for first, limit in ((0, 700), (600, 800)):
        if saved:
            model.load_state_dict(saved[0])
            optimizer.load_state_dict(saved[1])
        for s in steps(model, train, optimizer, first=first, limit=limit, size=32):
            if s.index == 600 and first == 0:
                saved = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
            if s.index % 2 == 0:
                log(step=s.index, train_loss=s.loss)
            if s.index % 100 == 0:
                log(step=s.index, val_loss=score(model, val), val_acc=accuracy(model, val))


@run("events")
def resumed_events(log):
    """one event file whose steps go back by 50 after a restart without the state of Adam: a small bump"""
    train, val = waves()
    model = mlp(4, 64, 64, 1)
    for first, limit in ((0, 350), (300, 400)):
        for s in steps(model, train, torch.optim.Adam(model.parameters(), 2e-3), regress, first=first, limit=limit):
            log(s.index, {"train_loss": s.loss})
            if s.index % 50 == 0:
                log(s.index, {"val_loss": score(model, val, regress)})


@run("csv")
def validated_every_500(log):
    """4,000 steps logged every 10th, validated every 500th"""
    train, val = noisy_labels(strength=3.0)
    model = mlp(10, 32, 2)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-4, weight_decay=0.1)
    for s in steps(model, train, optimizer, limit=4000, size=64):
        if s.index % 10 == 0:
            log({"step": s.index, "train/loss": s.loss})
        if s.index % 500 == 499:
            log({"step": s.index, "val/loss": score(model, val), "val/acc": accuracy(model, val)})


@run("csv")
def long_20k_steps(log):
    """20,000 steps of a small net, every 20th logged"""
    train, val = waves(noise=0.3)
    model = mlp(4, 24, 24, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.02, weight_decay=1e-4)
    for s in steps(
        model,
        train,
        optimizer,
        regress,
        limit=20_000,
        size=32,
        schedule=schedules.LinearLR(optimizer, 1.0, 0.05, 20_000),
    ):
        if s.index % 20 == 0:
            log(step=s.index, loss=s.loss, val_loss=score(model, val, regress) if s.index % 1000 == 0 else None)


@run("jsonl")
def large_norms_at_start(log):
    """a large initialisation of the last layer: large gradient norms, then small ones with a large one now and then"""
    train, val = digits()
    model = mlp(64, 128, 128, 10)
    with torch.no_grad():
        model[-1].weight.mul_(12)
    for s in steps(model, train, torch.optim.Adam(model.parameters(), 1e-3), limit=500):
        log({"step": s.index, "loss": s.loss, "grad_norm": s.norm})
        if s.index % 50 == 49:
            log({"step": s.index, "val_loss": score(model, val)})


@run("csv")
def clip_binds_early(log):
    """gradients are clipped to 1; the clip binds on some steps of the first third and on none later"""
    train, val = digits()
    model = mlp(64, 64, 64, 10)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.1), limit=800, clip=1.0, size=128):
        if s.index % 4 == 0:
            log(step=s.index, loss=s.loss, grad_norm=s.norm, grad_norm_clipped=min(s.norm, 1.0))
        if s.index % 80 == 79:
            log(step=s.index, val_loss=score(model, val))


def half_precision_steps(model, data, optimizer, scaler, limit, size=64, weight=1.0):
    """Trains under half-precision autocast with a gradient scaler; yields (step, loss, scale, gradient norm)."""
    step = 0
    while step < limit:
        order = torch.randperm(len(data[0]))
        for rows in order.split(size):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.float16):
                loss = weight * F.cross_entropy(model(data[0][rows]).float(), data[1][rows])
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            norm = nn.utils.get_total_norm([p.grad for p in model.parameters()]).item()
            scaler.step(optimizer)
            scaler.update()
            yield step, loss.item() / weight, scaler.get_scale(), norm
            step += 1
            if step == limit:
                return


@run("jsonl")
def half_precision_scale(log):
    """half precision: the loss scale is doubled every 200 steps and halved when it overflows, now and then"""
    train, val = digits()
    model = mlp(64, 128, 10)
    optimizer = torch.optim.Adam(model.parameters(), 3e-4)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**13, growth_interval=200)
    for step, loss, scale, _ in half_precision_steps(model, train, optimizer, scaler, 3000, size=32):
        if step % 10 == 0:
            log({"step": step, "train_loss": loss, "loss_scale": scale})
        if step % 300 == 299:
            log({"step": step, "val_loss": score(model, val)})


@run("csv")
def half_precision_first_overflows(log):
    """half precision: the first scale is too large, is halved nine times in nine steps, and holds from there"""
    train, val = digits()
    model = mlp(64, 128, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**24, growth_interval=2000)
    for step, loss, scale, _ in half_precision_steps(model, train, optimizer, scaler, 600):
        if step < 20 or step % 3 == 0:
            log(
                {
                    "step": step,
                    "loss": loss,
                    "amp/scale": scale,
                    "val/loss": score(model, val) if step % 60 == 0 else None,
                }
            )


@run("csv")
def warm_up_from_zero(log):
    """the rate starts at exactly zero and is warmed over a tenth of the run"""
    train, val = digits()
    model = cnn(8, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    schedule = schedules.LambdaLR(optimizer, lambda i: min(i / 100, (1000 - i) / 900))
    for s in steps(model, train, optimizer, limit=1000, schedule=schedule, size=32):
        if s.index % 5 == 0:
            log(step=s.index, loss=s.loss, lr=s.lr)
        if s.index % 100 == 99:
            log(step=s.index, val_loss=score(model, val), val_acc=accuracy(model, val))


@run("jsonl")
def update_ratios_healthy(log):
    """the update of each layer over its weight is logged, near 1e-3 all along"""
    train, val = digits()
    model = mlp(64, 96, 96, 10)
    updates = Updates(model)
    for s in steps(model, train, torch.optim.Adam(model.parameters(), 5e-4), limit=600):
        ratios = updates.ratios()
        if s.index % 6 == 0:
            log({"step": s.index, "loss": s.loss, **ratios})
        if s.index % 60 == 59:
            log({"step": s.index, "val_loss": score(model, val)})


@run("csv")
def restarted_worse_first_epoch(log):
    """SGD with a high first rate: the validation of the second epoch is worse than that of the first, then all is well"""
    train, val = digits()
    model = cnn(8, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.3, momentum=0.9)
    schedule = schedules.ExponentialLR(optimizer, 0.996)
    for s in epochs(model, train, optimizer, epochs=20, schedule=schedule, size=32):
        log(
            {
                "Epoch": s.epoch + 1,
                "Train Loss": s.loss,
                "Val Loss": score(model, val),
                "Val Acc": accuracy(model, val),
                "LR": s.lr,
            }
        )


@run("text")
def printed_with_progress(log):
    """lines of step, total and running mean, as scripts print them"""
    train, val = waves()
    model = mlp(4, 64, 1)
    running = None
    for s in steps(model, train, torch.optim.Adam(model.parameters(), 1e-3), regress, limit=3000, size=32):
        running = s.loss if running is None else 0.98 * running + 0.02 * s.loss
        clock = f"2024-03-11 14:{s.index // 60:02d}:{s.index % 60:02d}"
        if s.index % 25 == 0:
            log(f"{clock} INFO step {s.index}/3000 loss={running:.4f} lr={s.lr:.1e}")
        if s.index % 250 == 249:
            log(f"{clock} INFO eval step {s.index}/3000 val_loss={score(model, val, regress):.4f}")


@run("jsonl")
def likelihood_with_variance(log):
    """a net that predicts mean and variance: as the variance shrinks the norms grow a hundredfold, and the loss falls well"""
    train, val = waves(noise=0.05)
    model = mlp(4, 64, 64, 2)

    def likelihood(model, x, y):
        mean, log_variance = model(x).chunk(2, 1)
        return ((y - mean).square() * (-log_variance).exp() + log_variance).mean() / 2

    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    schedule = schedules.CosineAnnealingLR(optimizer, 1200)
    for s in steps(model, train, optimizer, likelihood, limit=1200, schedule=schedule):
        if s.index % 4 == 0:
            log({"step": s.index, "train/nll": s.loss, "train/grad_norm": s.norm})
        if s.index % 60 == 59:
            log({"step": s.index, "val/nll": score(model, val, likelihood)})


@run("csv")
def clip_binds_half_of_the_time(log):
    """gradients are clipped to 0.9 and the clip binds in about half of the steps"""
    train, val = digits()
    model = mlp(64, 64, 10)
    for s in steps(model, train, torch.optim.Adam(model.parameters(), 5e-4), limit=800, clip=0.9, size=32):
        if s.index % 4 == 0:
            log({"step": s.index, "loss": s.loss, "grad_norm": s.norm, "max_grad_norm": 0.9})
        if s.index % 80 == 79:
            log({"step": s.index, "val_loss": score(model, val)})


@run("csv")
def percent_accuracy_and_times(log):
    """accuracy in percent, seconds an epoch and samples a second beside the losses"""
    train, val = blobs(n=4000, spread=2.5)
    model = mlp(20, 48, 5)
    start = time.perf_counter()
    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 5e-4), epochs=30):
        spent = time.perf_counter() - start
        start = time.perf_counter()
        losses = {"Train_Loss": s.loss, "Test_Loss": score(model, val), "Test_Acc(%)": 100 * accuracy(model, val)}
        log({"Epoch": s.epoch + 1, **losses, "Time(s)": spent, "samples/s": 3000 / spent, "lr": s.lr})
