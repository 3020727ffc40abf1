"""Faulty runs of the machine: a loader that is too slow, memory that grows. The waits and the memory are real."""

import time

import psutil
import torch
from data import digits, shapes, text, windows
from healthy_sequences import Decoder, next_letter
from record import run
from torch import nn
from torch.nn import functional as F
from train import cnn, mlp, score


def resident():
    """Resident memory in MiB."""
    return psutil.Process().memory_info().rss / 2**20


def timed(model, data, optimizer, loss_of, limit, size, wait=0.0):
    """Trains with a loader that sleeps for `wait` seconds a batch; yields (step, loss, data seconds, step seconds)."""
    start = time.perf_counter()
    for step in range(limit):
        rows = torch.randint(len(data[0]), (size,))
        if wait:
            time.sleep(wait * (0.7 + 0.6 * torch.rand(()).item()))
        batch = [part[rows] for part in data]
        ready = time.perf_counter()
        optimizer.zero_grad()
        loss = loss_of(model, *batch)
        loss.backward()
        optimizer.step()
        end = time.perf_counter()
        yield step, loss.item(), ready - start, end - start
        start = time.perf_counter()


def classify(model, x, y):
    return F.cross_entropy(model(x), y)


@run("csv", "data-starved")
def loader_decodes_slowly(log):
    """a loader that takes 40 ms a batch before steps of a few: most of the time is waiting"""
    train, val = (part[:2] for part in shapes())
    model = cnn(16, 3)
    for step, loss, data, whole in timed(model, train, torch.optim.Adam(model.parameters(), 1e-3), classify, 600, 32, 0.04):
        if step % 2 == 0:
            log(
                step=step,
                loss=loss,
                data_time=data,
                batch_time=whole,
                val_loss=score(model, val) if step % 60 == 0 else None,
            )


@run("text", "data-starved")
def loader_over_the_network(log):
    """lines of data and batch time as the ImageNet example prints them; most of a batch is waiting for data"""
    train, val = digits()
    model = mlp(64, 256, 256, 10)
    times, waits, losses = [], [], []
    for step, loss, data, whole in timed(model, train, torch.optim.SGD(model.parameters(), 0.05), classify, 800, 64, 0.008):
        times.append(whole), waits.append(data), losses.append(loss)
        if step % 10 == 0:
            means = [sum(part) / len(part) for part in (times, waits, losses)]
            log(
                f"Epoch: [{step // 200}][{step % 200:3d}/200]\tTime {whole:6.3f} ({means[0]:6.3f})\t"
                f"Data {data:6.3f} ({means[1]:6.3f})\tLoss {loss:.4e} ({means[2]:.4e})"
            )
        if step % 200 == 199:
            log(f" * Val Loss {score(model, val):.4f}")


@run("jsonl")
def loader_keeps_up(log):
    """data and step times are logged, and the data is there in time"""
    train, val = (part[:2] for part in shapes())
    model = cnn(16, 3)
    for step, loss, data, whole in timed(model, train, torch.optim.Adam(model.parameters(), 5e-4), classify, 400, 64):
        if step % 2 == 0:
            log({"step": step, "loss": loss, "data_time": data, "step_time": whole})
        if step % 50 == 49:
            log({"step": step, "val_loss": score(model, val)})


@run("jsonl", "memory-growth")
def losses_kept_with_graph(log):
    """the losses are collected as tensors, each with the graph of its step: memory grows with every step"""
    train, val = (part[:2] for part in shapes())
    model, kept = cnn(16, 3), []

    def keeping(model, x, y):
        loss = F.cross_entropy(model(x), y)
        kept.append(loss * 1.0)
        return loss

    for step, loss, *_ in timed(model, train, torch.optim.Adam(model.parameters(), 1e-3), keeping, 400, 32):
        kept.append(F.cross_entropy(model(train[0][:32]), train[1][:32]))
        if step % 2 == 0:
            log({"step": step, "train_loss": loss, "rss_mb": resident()})
        if step % 50 == 49:
            with torch.no_grad():
                log({"step": step, "val_loss": score(model, val)})


@run("csv", "memory-growth")
def outputs_collected(log):
    """all outputs of a language model are appended to a list for a metric that is computed at the end"""
    train, val = windows(text(4000)), windows(text(200, seed=8))
    model, outputs = Decoder(width=32, depth=1), []

    def collecting(model, x, y):
        out = model(x)
        outputs.append(out.detach().clone())
        return F.cross_entropy(out.flatten(0, 1), y.flatten())

    for step, loss, *_ in timed(model, train, torch.optim.AdamW(model.parameters(), 2e-3), collecting, 500, 64):
        if step % 2 == 0:
            log({"step": step, "loss": loss, "system/memory_gb": resident() / 1024})
        if step % 100 == 99:
            log({"step": step, "val_loss": score(model, val, next_letter)})


@run("csv")
def memory_flat(log):
    """memory is logged: it grows in the first steps, while buffers are made, and then holds"""
    train, val = digits()
    model = nn.Sequential(mlp(64, 512, 512, 10, drop=0.3))
    for step, loss, *_ in timed(model, train, torch.optim.Adam(model.parameters(), 1e-3), classify, 800, 128):
        if step % 4 == 0:
            log({"step": step, "train/loss": loss, "mem/rss_mb": resident()})
        if step % 100 == 99:
            log({"step": step, "val/loss": score(model, val)})
