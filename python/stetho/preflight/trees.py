"""Nested values that hold tensors: arguments of a model, what it gives, batches."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping

#: How deep a value is looked into.
DEPTH = 5


def leaves(torch, value, path: tuple = (), depth: int = 0) -> list[tuple[tuple, object]]:
    """Every tensor of a value with where it is: the keys, indices and names that lead to it."""
    if isinstance(value, torch.Tensor):
        return [(path, value)]
    if depth >= DEPTH:
        return []
    return [leaf for key, item in _items(value) for leaf in leaves(torch, item, (*path, key), depth + 1)]


def at(value, path: tuple):
    """What lies where a path of `leaves` leads to; None where there is nothing."""
    for key in path:
        try:
            if isinstance(value, Mapping) or (isinstance(value, (list, tuple)) and isinstance(key, int)):
                value = value[key]
            else:
                value = getattr(value, key)
        except (KeyError, IndexError, AttributeError):
            return None
    return value


def mapped(torch, value, change: Callable, depth: int = 0):
    """The same value with `change(tensor)` in the place of each tensor. Containers are new; all else is shared."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if depth >= DEPTH:
        return value
    if type(value) is dict:
        return {k: mapped(torch, v, change, depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        items = [mapped(torch, v, change, depth + 1) for v in value]
        if hasattr(value, "_fields"):
            return type(value)(*items)
        return type(value)(items) if type(value) in (list, tuple) else value
    if dataclasses.is_dataclass(value) and not isinstance(value, (type, Mapping)):
        fields = {f.name: mapped(torch, getattr(value, f.name), change, depth + 1) for f in dataclasses.fields(value) if f.init}
        return dataclasses.replace(value, **fields)
    return value


def _items(value) -> list[tuple]:
    """The parts of a container, with their keys."""
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, (list, tuple)) and len(value) <= 256:
        return list(enumerate(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(f.name, getattr(value, f.name, None)) for f in dataclasses.fields(value)]
    return []


def names(model, inputs: tuple, keywords: dict) -> list[str]:
    """The names under which a model takes what it was given."""
    try:
        given = list(inspect.signature(model.forward).parameters)[: len(inputs)]
    except (TypeError, ValueError):
        given = []
    return [*given, *map(str, keywords)]


def is_float(tensor) -> bool:
    """Whether it holds real numbers."""
    return tensor.is_floating_point()


def is_integer(tensor) -> bool:
    """Whether it holds whole numbers: tokens, labels, indices; no truth values."""
    return not tensor.is_floating_point() and not tensor.is_complex() and str(tensor.dtype) != "torch.bool"
