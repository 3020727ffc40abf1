"""What the trainings share: a loop that yields after each step, scores, models, measurements of layers."""

import itertools
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class Step:
    """What is known after an optimizer step: `norm` is the gradient norm before clipping, `ends` whether the epoch is over."""

    index: int
    epoch: int
    loss: float
    norm: float
    lr: float
    ends: bool
    terms: dict = field(default_factory=dict)


def batches(data, size, shuffle=True):
    n = len(data[0])
    order = torch.randperm(n) if shuffle else torch.arange(n)
    for start in range(0, n, size):
        yield tuple(part[order[start : start + size]] for part in data)


def classify(model, x, y):
    return F.cross_entropy(model(x), y)


def regress(model, x, y):
    return F.mse_loss(model(x), y)


def steps(model, data, optimizer, loss_of=classify, size=64, epochs=None, limit=None, schedule=None, clip=None, first=0):
    """Trains and yields a `Step` after each optimizer step, for `epochs` or for `limit` steps. `loss_of` returns the
    loss, or a dict of terms with the sum as `loss`; `schedule` is stepped with the optimizer."""
    index = first
    for epoch in range(epochs) if epochs else itertools.count():
        model.train()
        parts = list(batches(data, size))
        for number, batch in enumerate(parts, 1):
            optimizer.zero_grad()
            terms = loss_of(model, *batch)
            terms = terms if isinstance(terms, dict) else {"loss": terms}
            terms["loss"].backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), clip or float("inf"))
            lr = optimizer.param_groups[0]["lr"]
            optimizer.step()
            if schedule:
                schedule.step()
            terms = {name: value.item() for name, value in terms.items()}
            yield Step(index, epoch, terms.pop("loss"), norm.item(), lr, number == len(parts), terms)
            index += 1
            if limit and index >= first + limit:
                return
            model.train()


def epochs(*args, **options):
    """Trains and yields the last `Step` of each epoch, its loss and terms being the means over the epoch."""
    seen = []
    for step in steps(*args, **options):
        seen.append(step)
        if step.ends:
            step.terms = {name: mean(s.terms[name] for s in seen) for name in step.terms}
            step.loss, seen = mean(s.loss for s in seen), []
            yield step


def mean(values):
    values = list(values)
    return sum(values) / len(values)


@torch.no_grad()
def score(model, data, loss_of=classify):
    """Loss on held-out data."""
    model.eval()
    terms = loss_of(model, *data)
    return (terms["loss"] if isinstance(terms, dict) else terms).item()


@torch.no_grad()
def accuracy(model, data):
    model.eval()
    return (model(data[0]).argmax(-1) == data[1]).float().mean().item()


def mlp(*sizes, act=nn.ReLU, drop=0.0):
    layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), act()] + ([nn.Dropout(drop)] if drop else [])
    return nn.Sequential(*layers[: -2 if drop else -1])


def cnn(size, classes, width=16):
    """Two convolutions for pictures of `size` by `size` with one channel; flat inputs are made pictures."""
    return nn.Sequential(
        nn.Flatten(), nn.Unflatten(1, (1, size, size)),
        nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(2 * width * (size // 4) ** 2, classes),
    )  # fmt: skip


def grad_norms(model, name="grads/{}"):
    return {name.format(key): p.grad.norm().item() for key, p in model.named_parameters() if p.grad is not None}


def weight_norms(model, name="weights/{}"):
    return {name.format(key): p.norm().item() for key, p in model.named_parameters()}


class Updates:
    """The update of each weight matrix since the last call, relative to its norm."""

    def __init__(self, model):
        self.weights = {key: p for key, p in model.named_parameters() if p.ndim > 1}
        self.remember()

    def remember(self):
        self.before = {key: p.detach().clone() for key, p in self.weights.items()}

    def ratios(self, name="update_ratio/{}"):
        ratios = {name.format(k): ((p - self.before[k]).norm() / p.norm()).item() for k, p in self.weights.items()}
        self.remember()
        return ratios


class Shares:
    """The share of a layer's outputs for which `test` holds in the last forward pass, for layers of the given class."""

    def __init__(self, model, kind, test, name):
        self.last = {}
        for number, layer in enumerate((m for m in model.modules() if isinstance(m, kind)), 1):
            layer.register_forward_hook(self.hook(name.format(number), test))

    def hook(self, name, test):
        def measure(layer, inputs, output):
            if layer.training:
                self.last[name] = test(output.detach()).float().mean().item()

        return measure
