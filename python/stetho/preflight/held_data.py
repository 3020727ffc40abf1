"""Samples read beside the training: batches of a loader's data set that the training does not miss."""

from __future__ import annotations

import random
import time

from stetho import randomness
from stetho.preflight import trees


def chosen(loader) -> list[int] | None:
    """The samples of the data set that a loader's sampler chooses from; None for all."""
    sampler = getattr(loader.batch_sampler, "sampler", loader.sampler)
    indices = getattr(sampler, "indices", None)
    return None if indices is None else [int(i) for i in indices]


def is_stream(loader) -> bool:
    """Whether a data set can be read in order alone."""
    return not hasattr(loader.dataset, "__getitem__") or not hasattr(loader.dataset, "__len__")


def read(bench, loader, most: int, seconds: float) -> list:
    """Batches of up to `most` samples, spread over the data set, made as the loader makes them; fewer if `seconds` do not
    suffice.

    The random states are those of before afterwards.
    """
    torch, dataset = bench.torch, loader.dataset
    indices = chosen(loader)
    indices = list(range(len(dataset))) if indices is None else indices
    if loader.batch_sampler is None:
        most, size = max(1, most // 32), 1  # an item of the data set is a batch by itself
    else:
        size = loader.batch_size or 32
    picked = sorted(random.Random(0).sample(indices, min(most, len(indices))))
    picked = random.Random(1).sample(picked, len(picked))
    states, until, batches = randomness.states(), time.perf_counter() + seconds, []
    with bench.aside(), torch.no_grad():
        try:
            for start in range(0, len(picked), size):
                part = picked[start : start + size]
                if loader.batch_sampler is None:
                    batches.append(loader.collate_fn(dataset[part[0]]))
                else:
                    items = dataset.__getitems__(part) if hasattr(dataset, "__getitems__") else [dataset[i] for i in part]
                    batches.append(loader.collate_fn(items))
                if time.perf_counter() > until:
                    break
        finally:
            randomness.put(states)
    return batches


def content(bench):
    """The batch of the step as its loader gave it; None where it came from none."""
    last = bench.session.batches.last
    return None if last is None or bench.train_loader is None else last.content


def path_of(torch, batch, wanted) -> tuple | None:
    """Where in a batch a tensor of the step lies: the same memory, or the same numbers in another shape or type; None if
    nowhere."""
    leaves = [(path, tensor) for path, tensor in trees.leaves(torch, batch) if tensor.numel() == wanted.numel()]
    for path, tensor in leaves:
        if tensor.device == wanted.device and tensor.data_ptr() == wanted.data_ptr():
            return path
    numbers = wanted.detach().cpu().double().flatten()
    return next((path for path, tensor in leaves if torch.equal(tensor.detach().cpu().double().flatten(), numbers)), None)
