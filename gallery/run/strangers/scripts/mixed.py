"""Others, one or two runs each, with their own habits of logging."""

import json
import math

import torch
import torch.nn.functional as F
from torch import nn

from board import board
from kit import accuracy, batches, cancer, classes, digits, endless, mlp, run
from machines import decode, remembering, resident, timed


@run("", "TensorBoard with seconds for data and for the whole step: two thirds are spent on data", "data-starved", "no-validation")
def mixed_seconds(path):
    with board(path) as out:

        def row(step, loss, data, whole, _):
            out.add_scalar("train/loss", loss, step)
            out.add_scalar("time/data", data, step)
            out.add_scalar("time/iter", whole, step)

        timed(row, decode(120), 250, every=2)


@run(".log", "lines in the manner of mmdetection; `memory` in megabytes climbs from first to last", "memory-growth", "no-validation")
def mixed_memory(path):
    with open(path, "w") as out:

        def row(step, loss, val, mb):
            out.write(f"Epoch [1][{step}/600]\tlr: 1.000e-03, memory: {mb:.0f}, loss: {loss:.4f}\n")

        remembering(row, True, 600, every=10)


@run(".log", "the loss scale in the text of a mixed-precision run: gradient overflow after gradient overflow", "amp-overflow",
     "no-validation loss-at-chance loss-not-decreasing loss-plateau unchanged-parameters")
def mixed_overflow(path):
    x, y, _, _ = digits()
    net = mlp(64, 64, 10)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    stream, scale = endless(x, y, 32), 2.0**16
    with open(path, "w") as out:
        for step in range(120):
            bx, by = next(stream)
            loss = F.cross_entropy(net(bx), by)
            optimizer.zero_grad()
            loss.backward()
            grads = [(p.grad * 1e30).mul(scale).half() for p in net.parameters()]
            if all(torch.isfinite(g).all() for g in grads):
                optimizer.step()
            else:
                scale /= 2
            out.write(f"step {step} | loss {loss.item():.4f} | loss_scale {scale:g}\n")


@run(".log", "the rate is a tenth of itself after each epoch from the third on, printed in each line", "learning-rate-collapsed",
     "loss-plateau underfitting-run learning-rate-extreme")
def mixed_tenths(path):
    x, y, vx, vy = digits()
    net = mlp(64, 32, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.03)
    with open(path, "w") as out:
        for epoch in range(1, 26):
            optimizer.param_groups[0]["lr"] = 0.03 * 0.1 ** max(0, epoch - 3)
            total = 0.0
            for bx, by in batches(x, y, 32):
                loss = F.cross_entropy(net(bx), by)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() / 42
            val = F.cross_entropy(net(vx), vy).item()
            out.write(f"[epoch {epoch:02d}] lr={optimizer.param_groups[0]['lr']:.3e} train_loss={total:.4f} val_loss={val:.4f}\n")


def norm(p):
    return p.detach().double().norm().item()


@run(".jsonl", "weights are restored from a copy after each step by a forgotten line: norms of all layers stay the same to the last bit",
     "unchanged-parameters", "loss-at-chance loss-not-decreasing underfitting-run loss-plateau no-validation")
def mixed_restored(path):
    x, y, vx, vy = digits()
    net = mlp(64, 48, 10)
    kept = {k: v.clone() for k, v in net.state_dict().items()}
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    stream = endless(x, y, 32)
    with open(path, "w") as out:
        for step in range(300):
            bx, by = next(stream)
            loss = F.cross_entropy(net(bx), by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            net.load_state_dict(kept)
            if step % 5 == 0:
                row = {"step": step, "loss": loss.item()}
                row |= {f"param_norm/{k}": norm(p) for k, p in net.named_parameters()}
                row |= {f"grad_norm/{k}": norm(p.grad) for k, p in net.named_parameters()}
                out.write(json.dumps(row) + "\n")


@run(".jsonl", "ten times weight decay by mistake of units: log10 of update against weight at -0.3 in each layer for the whole run",
     "update-ratio", "learning-rate-extreme loss-oscillating loss-not-decreasing loss-spike loss-at-chance loss-plateau "
     "underfitting-run no-validation loss-diverging")
def mixed_log_ratio(path):
    x, y, vx, vy = digits()
    net = mlp(64, 48, 10)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1, weight_decay=5.0)
    stream = endless(x, y, 32)
    with open(path, "w") as out:
        for step in range(250):
            before = {k: p.detach().clone() for k, p in net.named_parameters() if p.dim() > 1}
            bx, by = next(stream)
            loss = F.cross_entropy(net(bx), by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            ratio = {k: math.log10(norm(p - before[k]) / norm(before[k])) for k, p in net.named_parameters() if k in before}
            out.write(json.dumps({"step": step, "loss": loss.item(), "log10_update_ratio": ratio}) + "\n")


@run(".csv", "root of a squared error that is exactly zero for padded places: `grad_norm` is inf or nan at every logged step",
     "non-finite-gradient", "loss-not-decreasing unchanged-parameters loss-plateau loss-at-chance underfitting-run")
def mixed_padded(path):
    x, y, vx, vy = cancer()
    net = mlp(30, 16, 30)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)

    def loss_fn(x):
        mask = torch.ones_like(x)
        mask[:, 20:] = 0.0
        return (((net(x) - x) * mask) ** 2).sqrt().mean()

    with open(path, "w") as out:
        out.write("epoch,train_loss,val_loss,grad_norm\n")
        for epoch in range(20):
            for bx, _ in batches(x, y, 32):
                loss = loss_fn(bx)
                optimizer.zero_grad()
                loss.backward()
                total = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                if torch.isfinite(total):
                    optimizer.step()
            out.write(f"{epoch},{loss.item():.5f},{loss_fn(vx).item():.5f},{total.item()}\n")


@run(".csv", "a batch of a few rows scaled by a thousand once in 600 steps, in a table with accuracy and validation", "loss-spike",
     "exploding-gradient")
def mixed_scaled_once(path):
    x, y, vx, vy = classes(3000, n_features=20, n_informative=8, flip_y=0.03)
    net = mlp(20, 32, 2)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    stream = endless(x, y, 32)
    with open(path, "w") as out:
        out.write("global_step,train_loss,train_acc,val_loss\n")
        for step in range(600):
            bx, by = next(stream)
            out_ = net(bx * 1000 if step == 411 else bx)
            loss = F.cross_entropy(out_, by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            val = f"{F.cross_entropy(net(vx), vy).item():.5f}" if step % 50 == 49 else ""
            out.write(f"{step},{loss.item():.5f},{accuracy(out_, by):.4f},{val}\n")


@run(".jsonl", "nothing but a rate too high for momentum 0.95: loss of an epoch up and down by a factor of three, validation too",
     "loss-oscillating", "learning-rate-extreme loss-spike loss-plateau overfitting-run loss-not-decreasing")
def mixed_swinging(path):
    x, y, vx, vy = classes(1500, n_features=20, n_informative=8, flip_y=0.02)
    net = mlp(20, 48, 2, act=nn.Tanh)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.8, momentum=0.95)
    with open(path, "w") as out:
        for epoch in range(50):
            total = 0.0
            for bx, by in batches(x, y, 64):
                loss = F.cross_entropy(net(bx), by)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() / (len(x) // 64)
            val = F.cross_entropy(net(vx), vy).item()
            out.write(json.dumps({"epoch": epoch, "train": {"loss": total}, "valid": {"loss": val}, "lr": 0.8}) + "\n")


@run(".log", "free text with brackets: a healthy classifier whose memory, times and scale are printed too")
def mixed_everything(path):
    x, y, vx, vy = digits()
    net = mlp(64, 48, 10)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    with open(path, "w") as out:
        for epoch in range(1, 19):
            for i, (bx, by) in enumerate(batches(x, y, 64)):
                loss = F.cross_entropy(net(bx), by)
                optimizer.zero_grad()
                loss.backward()
                total = nn.utils.clip_grad_norm_(net.parameters(), 10.0)
                optimizer.step()
                if i % 10 == 0:
                    out.write(f"[train] epoch {epoch:>3} batch {i:>3}  loss {loss.item():.4f}  gnorm {total.item():.3f}  lr 2.00e-03  "
                              f"mem {resident():.0f}MB\n")
            out.write(f"[valid] epoch {epoch:>3}  loss {F.cross_entropy(net(vx), vy).item():.4f}  acc {accuracy(net(vx), vy):.3f}\n")
