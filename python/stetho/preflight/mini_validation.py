"""How many validation samples decide?

The model is trained for a short while on batches of its own loader, then the loss of each of some validation samples is looked
at: of their spread follows how many tell a mean within 5 % in 95 cases of 100.
"""

from __future__ import annotations

import math

from stetho.preflight import held_data, lookup, supervised
from stetho.preflight.attempt import Skip

NAME = "mini_validation"
TITLE = "how many validation samples decide"
SHARE = 0.08

#: Steps before, and validation samples after, at most.
STEPS = 50
MOST = 1024
#: Relative error of the mean that is asked for, and the quantile of the normal distribution that goes with 95 %.
ERROR = 0.05
_QUANTILE = 1.96
_FEWEST = 32


def measure(bench):
    """The record `mini_validation`; see the format of ``preflight.json``."""
    found = lookup.validation_loader(bench)
    if found is None:
        raise Skip("no validation loader among the script's variables")
    _, loader = found
    if held_data.is_stream(loader):
        raise Skip("the data set is a stream, which cannot be read twice")
    if len(bench.optimizers) != 1 or type(bench.optimizers[0]).__name__ == "LBFGS":
        raise Skip("the step has several optimizers, or one that takes a closure")
    pair = supervised.pair(bench)
    try:
        return _measured(bench, loader, pair)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise Skip(f"the model or its loss does not take a loader's batches as they are: {type(error).__name__}") from error


def _measured(bench, loader, pair) -> dict:
    torch = bench.torch
    trained = _train(bench, pair)
    losses = []
    for model in pair.models():
        model.eval()
    with torch.no_grad():
        for batch in held_data.read(bench, loader, MOST, bench.remaining() / 2):
            each = pair.loss(batch, each=True)
            rows = pair.of(batch).shape[0]
            losses.append(each.double().reshape(rows, -1).mean(1))
            if bench.remaining() < 0.0:
                break
    each = torch.cat(losses)
    each = each[torch.isfinite(each)]
    if len(each) < _FEWEST:
        raise Skip("too few validation samples")
    mean, std = float(each.mean()), float(each.std())
    smallest = math.ceil((_QUANTILE * std / (ERROR * abs(mean))) ** 2) if mean else None
    spread = {"per_sample_std": std, "per_sample_mean": mean, "smallest": smallest}
    return {"n": len(loader.dataset), **spread, "steps": trained, "error": ERROR}


def _train(bench, pair) -> int:
    """Some steps of the user's optimizer on batches of the training; how many were made."""
    loader = bench.train_loader
    if held_data.is_stream(loader):
        raise Skip("the training data are a stream, which cannot be read twice")
    optimizer, n = bench.optimizers[0], 0
    batches = held_data.read(bench, loader, STEPS * (loader.batch_size or 1), bench.remaining() / 4)
    half = bench.remaining() / 2
    for batch in batches:
        optimizer.zero_grad()
        pair.loss(batch).backward()
        optimizer.step()
        n += 1
        if bench.remaining() < half:
            break
    return n
