"""Samples read beside the training: batches of a loader's data set that the training does not miss, and data in variables."""

from __future__ import annotations

import random
import re
import sys
import time

from stetho.preflight import trees
from stetho.preflight.still import put_states, states_of

#: Parts of names that say what data is for, with what stands in their place in the name of the training data.
VALIDATION = re.compile(r"validation|valid|val|testing|test|dev|eval|te(?![a-z])", re.IGNORECASE)
_TRAINING = ("train", "training", "tr", "trn", "")


def training_loader(bench):
    """The loader that the batch of the step came from; None where it came from no loader."""
    return bench.train_loader


def validation_loader(bench):
    """Another loader, of other samples: by its name the validation, else the test, else one that goes through its data in order
    beside a training in random order; (name, loader), or None."""
    training = training_loader(bench)
    found = []
    for name, loader in _named(bench):
        if loader is training or (training is not None and _same_samples(loader, training)):
            continue
        match = VALIDATION.search(name)
        if match:
            found.append((not match.group().lower().startswith("val"), name, loader))
        elif training is not None and _is_in_order(loader) and not _is_in_order(training) and "train" not in name.lower():
            found.append((2, name or "another loader", loader))
    found.sort(key=lambda f: f[:2])
    return found[0][1:] if found else None


def _is_in_order(loader) -> bool:
    return type(getattr(loader.batch_sampler, "sampler", loader.sampler)).__name__ == "SequentialSampler"


def _named(bench) -> list[tuple[str, object]]:
    """The loaders with their names: those of variables, and of attributes and keys of what variables hold."""
    wanted = {id(loader): (name, loader) for name, loader in bench.loaders}
    if all(name for name, _ in wanted.values()):
        return list(wanted.values())
    for scope in _scopes(bench):
        for value in list(scope.values()):
            held = value if type(value) is dict else getattr(value, "__dict__", None)
            if isinstance(value, type) or not isinstance(held, dict):
                continue
            for name, inner in list(held.items()):
                if id(inner) in wanted and not wanted[id(inner)][0]:
                    wanted[id(inner)] = (str(name), inner)
    return list(wanted.values())


def _same_samples(a, b) -> bool:
    return a.dataset is b.dataset and _chosen(a) == _chosen(b)


def _chosen(loader):
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
    chosen = _chosen(loader)
    chosen = list(range(len(dataset))) if chosen is None else chosen
    if loader.batch_sampler is None:
        most, size = max(1, most // 32), 1  # an item of the data set is a batch by itself
    else:
        size = loader.batch_size or 32
    picked = sorted(random.Random(0).sample(chosen, min(most, len(chosen))))
    picked = random.Random(1).sample(picked, len(picked))
    states, until, batches = states_of(torch), time.perf_counter() + seconds, []
    with bench.aside(), torch.no_grad():
        try:
            for start in range(0, len(picked), size):
                indices = picked[start : start + size]
                if loader.batch_sampler is None:
                    batches.append(loader.collate_fn(dataset[indices[0]]))
                else:
                    items = dataset.__getitems__(indices) if hasattr(dataset, "__getitems__") else [dataset[i] for i in indices]
                    batches.append(loader.collate_fn(items))
                if time.perf_counter() > until:
                    break
        finally:
            put_states(torch, states)
    return batches


def content(bench):
    """The batch of the step as its loader gave it; None where it came from none."""
    last = bench.session.batches.last
    return None if last is None or training_loader(bench) is None else last.content


def path_of(torch, batch, wanted) -> tuple | None:
    """Where in a batch a tensor of the step lies: the same memory, or the same numbers in another shape or type; None if
    nowhere."""
    leaves = [(path, tensor) for path, tensor in trees.leaves(torch, batch) if tensor.numel() == wanted.numel()]
    for path, tensor in leaves:
        if tensor.device == wanted.device and tensor.data_ptr() == wanted.data_ptr():
            return path
    numbers = wanted.detach().cpu().double().flatten()
    return next((path for path, tensor in leaves if torch.equal(tensor.detach().cpu().double().flatten(), numbers)), None)


def variables(bench) -> dict[str, object]:
    """Tensors and arrays among the variables of the user's frames, as tensors, by name; the innermost of a name."""
    torch, numpy = bench.torch, sys.modules.get("numpy")
    found: dict[str, object] = {}
    for scope in _scopes(bench):
        for name, value in list(scope.items()):
            if name.startswith("_") or name in found:
                continue
            if isinstance(value, torch.Tensor) and not value.requires_grad:
                found[name] = value
            elif numpy is not None and type(value) is numpy.ndarray and value.dtype.kind in "fiu" and value.ndim:
                try:
                    found[name] = torch.from_numpy(value)
                except (TypeError, ValueError):
                    continue
    return found


def _scopes(bench) -> list[dict]:
    """The variables of the user's frames, from the innermost on: experiments are made within the user's step."""
    frame, found = sys._getframe(1), []
    while frame is not None:
        if bench.session.options.is_own(frame.f_code.co_filename):
            found.extend((frame.f_locals, frame.f_globals))
        frame = frame.f_back
    return found


def training_name(name: str, names) -> str | None:
    """The variable that holds for the training what `name` holds for the validation: ``x_train`` for ``x_val``."""
    match = VALIDATION.search(name)
    if match is None:
        return None
    for word in _TRAINING:
        for spelt in (word, word.upper(), word.capitalize()):
            other = name[: match.start()] + spelt + name[match.end() :]
            for form in (other, other.strip("_")):
                if form != name and form in names:
                    return form
    return None
