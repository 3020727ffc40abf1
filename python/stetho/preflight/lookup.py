"""Data among the user's variables: the loader or data set of the validation, tensors and arrays, found by their names."""

from __future__ import annotations

import re
import sys

from stetho.preflight.held_data import chosen

#: Parts of names that say what data is for, with what stands in their place in the name of the training data.
VALIDATION = re.compile(r"validation|valid|val|testing|test|dev|eval|te(?![a-z])", re.IGNORECASE)
_TRAINING = ("train", "training", "tr", "trn", "")


def validation_loader(bench):
    """Another loader, of other samples: by its name the validation, else the test, else one that goes through its data in order
    beside a training in random order; else one made of a data set with such a name. (name, loader), or None."""
    training, found = bench.train_loader, []
    things = _things(bench)
    for name, loader in _named(bench, things):
        if loader is training or (training is not None and _same_samples(loader, training)):
            continue
        match = VALIDATION.search(name)
        if match:
            found.append((not match.group().lower().startswith("val"), name, loader))
        elif training is not None and _is_in_order(loader) and not _is_in_order(training) and "train" not in name.lower():
            found.append((2, name or "another loader", loader))
    found.sort(key=lambda f: f[:2])
    return found[0][1:] if found else _of_data_set(bench, things) or _of_method(bench, things)


def _of_data_set(bench, things: list) -> tuple[str, object] | None:
    """A loader of a data set whose name says that it is for the validation, made as that of the training is."""
    data, training = bench.torch.utils.data, bench.train_loader
    if training is None:
        return None
    sets = [(n, v) for n, v in things if isinstance(v, data.Dataset) and v is not training.dataset]
    sets = [(n, v) for n, v in sets if not isinstance(v, data.IterableDataset) and hasattr(v, "__len__")]
    named = sorted((not n.lower().startswith("val"), n, i) for i, (n, v) in enumerate(sets) if VALIDATION.search(n))
    if not named:
        return None
    name, dataset = sets[named[0][2]]
    return name, data.DataLoader(dataset, batch_size=training.batch_size or 1, collate_fn=training.collate_fn)


def _of_method(bench, things: list) -> tuple[str, object] | None:
    """What `val_dataloader()` of an object of the user's gives, as data modules have it."""
    data = bench.torch.utils.data
    for _, value in things:
        make = getattr(type(value), "val_dataloader", None)
        if not bench.session.options.is_own(getattr(getattr(make, "__code__", None), "co_filename", "")):
            continue
        try:
            with bench.aside():
                loader = value.val_dataloader()
        except Exception:
            continue  # it asks for more than there is
        if isinstance(loader, data.DataLoader):
            return "val_dataloader()", loader
    return None


def _is_in_order(loader) -> bool:
    return type(getattr(loader.batch_sampler, "sampler", loader.sampler)).__name__ == "SequentialSampler"


def _named(bench, things: list) -> list[tuple[str, object]]:
    """The loaders with their names: those of variables, and of attributes and keys of what variables hold."""
    wanted = {id(loader): (name, loader) for name, loader in bench.loaders}
    for name, value in things:
        if id(value) in wanted and not wanted[id(value)][0]:
            wanted[id(value)] = (name, value)
    return list(wanted.values())


def _things(bench) -> list[tuple[str, object]]:
    """The user's variables, and the attributes and keys of what they hold, with their names."""
    found = []
    for scope in _scopes(bench):
        for name, value in list(scope.items()):
            if name.startswith("__"):
                continue
            found.append((name, value))
            held = value if type(value) is dict else getattr(value, "__dict__", None)
            if isinstance(held, dict) and not isinstance(value, type):
                found.extend((str(n), v) for n, v in list(held.items())[:256])
    return found


def _same_samples(a, b) -> bool:
    return a.dataset is b.dataset and chosen(a) == chosen(b)


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
