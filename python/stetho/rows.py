"""Rows of a batch: which of them a mask means, and batches with some rows put in the place of others."""

from __future__ import annotations

import dataclasses
from collections import Counter


def tensors_in(torch, value, path: str = "", depth: int = 0):
    """Every tensor in a batch, with its name: ``x``, ``batch['boxes']``, ``batch[1]``."""
    if isinstance(value, torch.Tensor):
        yield path, value
    elif depth > 4:
        return
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from tensors_in(torch, item, f"{path}[{key!r}]", depth + 1)
    elif isinstance(value, (list, tuple)) and len(value) <= 256:
        names = getattr(value, "_fields", None)
        for i, item in enumerate(value):
            yield from tensors_in(torch, item, f"{path}.{names[i]}" if names else f"{path}[{i}]", depth + 1)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from tensors_in(torch, getattr(value, field.name, None), f"{path}.{field.name}", depth + 1)
    elif type(value).__module__ not in ("builtins", "torch") and hasattr(value, "__dict__") and depth < 2:
        if not isinstance(value, (type, torch.nn.Module)) and not callable(value):
            for name, item in list(vars(value).items())[:64]:
                yield from tensors_in(torch, item, f"{path}.{name}", depth + 1)


def batch_size(tensors: list) -> int | None:
    """How many samples: the first dimension that most tensors of the batch have."""
    counts = Counter(t.shape[0] for t in tensors if t.dim() > 0)
    if not counts:
        return None
    most = max(counts.values())
    return max(n for n, c in counts.items() if c == most)


def is_listed(torch, value, n: int, depth: int = 0) -> bool:
    """Whether a batch of `n` samples is a list of them, as pictures of different sizes are, rather than tensors with a row a sample."""
    if isinstance(value, dict):
        return any(is_listed(torch, item, n, depth + 1) for item in value.values())
    if not isinstance(value, (list, tuple)) or depth > 2:
        return False
    if len(value) == n > 1:
        tensors = [t for _, t in tensors_in(torch, list(value))]
        if tensors and any(t.dim() == 0 or t.shape[0] != n for t in tensors):
            return True
    return any(is_listed(torch, item, n, depth + 1) for item in value)


def dimension(shape, n_rows: int) -> int | None:
    """The dimension that counts samples."""
    for d, size in enumerate(shape):
        if size == n_rows:
            return d
    return None


def of_mask(mask, n_rows: int | None) -> list[int] | None:
    """The samples in which a mask is set; None where its shape does not tell."""
    if n_rows is None or mask.dim() == 0:
        return None
    d = dimension(mask.shape, n_rows)
    if d is not None:
        flat = mask.movedim(d, 0).reshape(n_rows, -1).any(1)
        return flat.nonzero().flatten().tolist()
    # Samples and something else in one dimension: (samples × anchors, …).
    if mask.shape[0] % n_rows == 0 and n_rows > 1:
        flat = mask.reshape(mask.shape[0], -1).any(1).reshape(n_rows, -1).any(1)
        return flat.nonzero().flatten().tolist()
    return None


def replaced(torch, value, source, n_rows: int, depth: int = 0):
    """A batch whose row ``i`` is row ``source[i]`` of this one. Containers are new, all that has no rows is shared."""
    if isinstance(value, torch.Tensor):
        if value.dim() == 0:
            return value
        d = 0 if value.shape[0] == n_rows else None
        if d is None and value.dim() > 1 and value.shape[1] == n_rows:
            d = 1
        return value if d is None else value.detach().index_select(d, source.to(value.device))
    if depth > 4:
        return value
    if isinstance(value, dict):
        return type(value)({k: replaced(torch, v, source, n_rows, depth + 1) for k, v in value.items()}) if type(
            value
        ) is dict else _copied_mapping(torch, value, source, n_rows, depth)
    if isinstance(value, (list, tuple)):
        if len(value) == n_rows and not any(isinstance(v, torch.Tensor) and v.dim() and v.shape[0] == n_rows for v in value):
            items = [value[i] for i in source.tolist()]  # one entry a sample
        else:
            items = [replaced(torch, v, source, n_rows, depth + 1) for v in value]
        if hasattr(value, "_fields"):
            return type(value)(*items)
        return type(value)(items)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            f.name: replaced(torch, getattr(value, f.name), source, n_rows, depth + 1)
            for f in dataclasses.fields(value)
            if f.init
        }
        return dataclasses.replace(value, **fields)
    return value


def _copied_mapping(torch, value, source, n_rows: int, depth: int):
    import copy

    other = copy.copy(value)
    for key in list(value):
        other[key] = replaced(torch, value[key], source, n_rows, depth + 1)
    return other
