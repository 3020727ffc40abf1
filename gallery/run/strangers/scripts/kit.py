"""The data the strangers train on, all of it from scikit-learn and Python's own library, and the list of runs."""

import argparse
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from sklearn import datasets
from torch import nn

RUNS = []


@dataclass
class Run:
    name: str
    log: str
    about: str
    expect: tuple
    may: tuple
    train: Callable
    note: str


def run(ending, about, expect="", may="", note=""):
    """Lists a training under its function's name; the function is given the path of the log to write. `note` says why something
    else is expected than at first."""

    def add(train):
        name = train.__name__.replace("_", "-")
        RUNS.append(Run(name, name + ending, about, tuple(expect.split()), tuple(may.split()), train, note))
        return train

    return add


def seed(number):
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


def split(x, y, held_out, number=0):
    """Training inputs and targets, then the held-out ones."""
    order = np.random.RandomState(number).permutation(len(x))
    x = torch.tensor(np.asarray(x)[order], dtype=torch.float32)
    y = torch.tensor(np.asarray(y)[order])
    y = y.float() if y.is_floating_point() else y.long()
    cut = int(len(x) * (1 - held_out))
    return x[:cut], y[:cut], x[cut:], y[cut:]


def digits(held_out=0.25, number=0):
    x, y = datasets.load_digits(return_X_y=True)
    return split(x / 16, y, held_out, number)


def standard(load, held_out=0.25, number=0):
    """A table of scikit-learn with each column centred and scaled."""
    x, y = load(return_X_y=True)
    return split((x - x.mean(0)) / x.std(0), y, held_out, number)


def cancer(held_out=0.25):
    return standard(datasets.load_breast_cancer, held_out)


def wine(held_out=0.3):
    return standard(datasets.load_wine, held_out)


def diabetes(held_out=0.25):
    a, b, c, d = standard(datasets.load_diabetes, held_out)
    return a, (b - 152) / 77, c, (d - 152) / 77


def moons(n=600, noise=0.25, held_out=0.25):
    return split(*datasets.make_moons(n, noise=noise, random_state=3), held_out)


def classes(n=2000, held_out=0.25, **options):
    return split(*datasets.make_classification(n, random_state=5, **options), held_out)


def text(length=60000):
    """Source text of a module of the standard library as numbers, and the size of its alphabet."""
    source = Path(argparse.__file__).read_text()[:length]
    letters = sorted(set(source))
    return torch.tensor([letters.index(c) for c in source]), len(letters)


def mlp(*sizes, act=nn.ReLU, dropout=0.0):
    layers = []
    for i, o in zip(sizes[:-2], sizes[1:-1]):
        layers += [nn.Linear(i, o), act()] + ([nn.Dropout(dropout)] if dropout else [])
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def batches(x, y, size):
    """One epoch in a fresh order."""
    order = torch.randperm(len(x))
    for i in range(0, len(x) - size + 1, size):
        rows = order[i : i + size]
        yield x[rows], y[rows]


def endless(x, y, size):
    while True:
        yield from batches(x, y, size)


def accuracy(out, y):
    return (out.argmax(1) == y).float().mean().item()
