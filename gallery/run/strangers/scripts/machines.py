"""People who watch the machine: step times, memory, loss scale, clipped norms."""

import csv
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from kit import batches, digits, endless, mlp, run


class Table:
    """A CSV whose columns are those of the first row."""

    def __init__(self, path):
        self.out, self.table = open(path, "w", newline=""), None

    def row(self, **values):
        if self.table is None:
            self.table = csv.DictWriter(self.out, list(values))
            self.table.writeheader()
        self.table.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in values.items()})
        self.out.flush()


def half_step(net, optimizer, loss_fn, scale):
    """A step with gradients in float16 under a loss scale; whether they overflowed."""
    optimizer.zero_grad()
    loss = loss_fn(net)
    grads = torch.autograd.grad(loss, list(net.parameters()))
    halves = [(g * scale).half() for g in grads]
    over = not all(torch.isfinite(h).all() for h in halves)
    for p, h in zip(net.parameters(), halves):
        p.grad = h.float() / scale
    if not over:
        optimizer.step()
    return loss.item(), over


def scaled(row, big, steps, start=65536.0, growth=200, every=1):
    """Trains with a dynamic loss scale; `big(step)` multiplies the loss."""
    x, y, vx, vy = digits()
    net = mlp(64, 64, 10)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-4)
    stream, scale, good, skipped = endless(x, y, 32), start, 0, 0
    for step in range(steps):
        bx, by = next(stream)
        loss, over = half_step(net, optimizer, lambda net: F.cross_entropy(net(bx), by) * big(step), scale)
        skipped, good = skipped + over, 0 if over else good + 1
        scale = scale / 2 if over else scale * 2 if good and good % growth == 0 else scale
        if step % every == 0:
            row(step=step, loss=loss / big(step), loss_scale=scale, skipped_steps=skipped)
    return net, vx, vy


@run(".csv", "mixed precision with a dynamic scale that doubles each 200 steps and is halved now and then")
def machines_scale_breathes(path):
    scaled(Table(path).row, lambda step: 1.0, 1500, every=3)


@run(".csv", "a term grows without bound and each step overflows float16: the scale is halved 40 times in a row to nothing",
     "amp-overflow", "no-validation exploding-gradient loss-plateau unchanged-parameters loss-not-decreasing")
def machines_scale_falls(path):
    scaled(Table(path).row, lambda step: 1.0 if step < 60 else 1.15 ** (step - 60), 330)


@run(".jsonl", "the loss is multiplied by a million by mistake under mixed precision: every step for the first thirty is skipped, "
     "and again whenever the scale grows", "amp-overflow", "no-validation loss-plateau loss-not-decreasing")
def machines_scale_from_above(path):
    out = open(path, "w")

    def row(step, loss, loss_scale, skipped_steps):
        out.write(json.dumps({"step": step, "train/loss": loss, "amp/scale": loss_scale, "amp/skipped": skipped_steps}) + "\n")

    scaled(row, lambda step: 1e6, 400, growth=5)


def timed(row, load, steps, work=1, every=1):
    """Trains while `load` takes its time, and hands on seconds of both."""
    x, y, vx, vy = digits()
    net = mlp(64, 256, 256, 10)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    stream, began = endless(x, y, 64), time.perf_counter()
    for step in range(steps):
        bx, by = next(stream)
        load(step, bx)
        loaded = time.perf_counter()
        for _ in range(work):
            out = net(bx)
            loss = F.cross_entropy(out, by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        ended = time.perf_counter()
        if step % every == 0:
            row(step, loss.item(), loaded - began, ended - began, (net, vx, vy))
        began = ended


def decode(repeats):
    """As slow as a decoder: pixels by hand."""

    def load(step, bx):
        for _ in range(repeats):
            sum(float(v) for v in bx.flatten()[:200])

    return load


@run(".csv", "one worker decodes pictures in the loop: three quarters of each step wait for data", "data-starved", "no-validation")
def machines_slow_decoder(path):
    table = Table(path)
    timed(lambda step, loss, data, whole, _: table.row(step=step, loss=loss, data_time=data, batch_time=whole), decode(80), 300)


@run(".log", "a network disk: half of the time is waiting, in lines like those of the ImageNet example", "data-starved",
     "no-validation")
def machines_network_disk(path):
    out = open(path, "w")

    def row(step, loss, data, whole, _):
        out.write(f"Epoch: [0][{step:4d}/400]\tTime {whole:.4f}\tData {data:.4f}\tLoss {loss:.4e}\n")

    timed(row, lambda step, bx: time.sleep(0.004 + 0.004 * (step % 3)), 400, work=1)


@run(".csv", "prefetched data: waiting is a small part of each step, with a hiccup here and there", may="no-validation")
def machines_prefetched(path):
    table = Table(path)
    timed(lambda step, loss, data, whole, _: table.row(step=step, loss=loss, data_time=data, batch_time=whole),
          lambda step, bx: time.sleep(0.02) if step % 97 == 50 else None, 300, work=3)


def resident():
    """Megabytes this process holds in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def remembering(row, keep, steps, every=5):
    x, y, vx, vy = digits()
    net = mlp(64, 512, 512, 10)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    stream, kept = endless(x, y, 64), []
    for step in range(steps):
        bx, by = next(stream)
        loss = F.cross_entropy(net(bx), by)
        optimizer.zero_grad()
        loss.backward(retain_graph=keep)
        optimizer.step()
        if keep:
            kept.append(loss)
        if step % every == 0:
            with torch.no_grad():
                row(step, loss.item(), F.cross_entropy(net(vx), vy).item(), resident())


@run(".csv", "losses are kept with their graphs to be averaged later: memory grows by the same amount each step", "memory-growth")
def machines_keeps_graphs(path):
    table = Table(path)
    remembering(lambda step, loss, val, mb: table.row(step=step, train_loss=loss, val_loss=val, rss_mb=mb), True, 500)


@run(".jsonl", "every batch is cached and never let go: host memory climbs through the run", "memory-growth", "no-validation")
def machines_caches_all(path):
    x, y, _, _ = digits()
    net, cache = mlp(64, 64, 10), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with open(path, "w") as out:
        for epoch in range(30):
            for bx, by in batches(x, y, 32):
                cache.append(F.interpolate(bx.reshape(-1, 1, 8, 8), scale_factor=6))
                loss = F.cross_entropy(net(bx), by)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            out.write(json.dumps({"epoch": epoch, "loss": loss.item(), "memory/host_gb": resident() / 1024}) + "\n")


@run(".csv", "memory rises while buffers warm up and then stays")
def machines_memory_stays(path):
    table = Table(path)
    remembering(lambda step, loss, val, mb: table.row(step=step, train_loss=loss, val_loss=val, rss_mb=mb), False, 400)


def clipped(row, limit, steps, rate=0.05, every=5):
    x, y, vx, vy = digits()
    net = mlp(64, 64, 64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    stream = endless(x * 4, y, 32)
    for step in range(steps):
        bx, by = next(stream)
        loss = F.cross_entropy(net(bx), by)
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), limit).item()
        optimizer.step()
        if step % every == 0:
            with torch.no_grad():
                row(step, loss.item(), F.cross_entropy(net(vx * 4), vy).item(), norm, min(norm, limit))


@run(".csv", "a limit of 0.001: the norm after clipping is that at every step, and learning is slow", "clipping-always",
     "loss-plateau underfitting-run loss-not-decreasing update-ratio")
def machines_clip_tiny(path):
    table = Table(path)
    clipped(lambda step, loss, val, norm, after: table.row(step=step, train_loss=loss, val_loss=val, grad_norm=norm,
                                                           grad_norm_clipped=after), 0.001, 600, rate=0.2)


@run(".jsonl", "the limit is logged beside the norm, which is above it from the first step to the last", "clipping-always",
     "no-validation loss-plateau underfitting-run loss-not-decreasing")
def machines_clip_below(path):
    out = open(path, "w")
    clipped(lambda step, loss, val, norm, after: out.write(json.dumps(
        {"step": step, "loss": loss, "grad_norm": norm, "max_grad_norm": 0.01, "clipped": norm > 0.01}) + "\n"), 0.01, 500)


@run(".csv", "clipping at 6 binds in the first steps and seldom later")
def machines_clip_seldom(path):
    table = Table(path)
    clipped(lambda step, loss, val, norm, after: table.row(step=step, train_loss=loss, val_loss=val, grad_norm=norm,
                                                           grad_norm_clipped=after), 6.0, 600)
