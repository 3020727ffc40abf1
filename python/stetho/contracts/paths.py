"""Where a value lies in a sample: ``[1].boxes``, ``target["boxes"]``, ``[1][*].bbox``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stetho.contracts.violation import ContractError

#: Stands for every item of a list.
ALL = "[*]"
#: What a value is that is not there.
MISSING = object()

_PLAIN = (tuple, list, dict)
_STEP = re.compile(r"""\[(?P<index>-?\d+)\]|\[(?P<all>\*)\]|\[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]|\.?(?P<name>[^\W\d]\w*)""")


def parse(path: str) -> tuple:
    """The steps of a path: whole numbers are positions, words are keys or attributes, `ALL` is every item."""
    steps: list = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise ContractError(f"`{path}` is no path of a field: write `[0]`, `image`, `[1].boxes` or `target[\"boxes\"]`")
        if found["index"] is not None:
            steps.append(int(found["index"]))
        elif found["all"] is not None:
            steps.append(ALL)
        else:
            steps.append(found["key"] if found["key"] is not None else found["name"])
        at = found.end()
    return tuple(steps)


def text(steps: tuple) -> str:
    """A path as it is written; ``sample`` is the sample itself."""
    written = ""
    for step in steps:
        if step is ALL:
            written += ALL
        elif isinstance(step, int):
            written += f"[{step}]"
        elif step.isidentifier():
            written += f".{step}" if written else step
        else:
            written += f'["{step}"]'
    return written or "sample"


def step_into(value, step):
    """One step; `MISSING` where there is nothing."""
    if isinstance(step, int):
        if isinstance(value, (tuple, list)):
            return value[step] if -len(value) <= step < len(value) else MISSING
        return MISSING
    if isinstance(value, dict):
        return value.get(step, MISSING)
    if hasattr(value, "keys") and hasattr(value, "__getitem__"):
        try:
            return value[step]
        except KeyError:
            return MISSING
    return getattr(value, step, MISSING)


def get(sample, steps: tuple):
    """The value at a path without `ALL`; `MISSING` where there is none."""
    value = sample
    for step in steps:
        try:
            value = value[step] if type(value) in _PLAIN else step_into(value, step)
        except (IndexError, KeyError, TypeError):
            return MISSING
        if value is MISSING:
            return MISSING
    return value


def each(sample, steps: tuple) -> Iterator[tuple[tuple, object]]:
    """The values that a path means, with the path of each."""
    if ALL not in steps:
        yield steps, get(sample, steps)
        return
    at = steps.index(ALL)
    held = get(sample, steps[:at])
    if held is MISSING:
        yield steps, MISSING
        return
    for i, item in enumerate(held):
        for rest, value in each(item, steps[at + 1:]):
            yield (*steps[:at], i, *rest), value


def leaves(sample, steps: tuple = (), depth: int = 0) -> Iterator[tuple[tuple, object]]:
    """Every field of a sample: tuples, dictionaries, dataclasses and lists of these are gone into."""
    if depth > 5:
        return
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        items = [((*steps, name), getattr(sample, name)) for name in sample._fields]
    elif isinstance(sample, tuple) or isinstance(sample, list) and depth == 0 and not _is_plain_list(sample):
        items = [((*steps, i), item) for i, item in enumerate(sample)]
    elif isinstance(sample, dict):
        items = [((*steps, key), item) for key, item in sample.items() if isinstance(key, str)]
    elif hasattr(sample, "__dataclass_fields__"):
        items = [((*steps, name), getattr(sample, name)) for name in sample.__dataclass_fields__]
    elif isinstance(sample, list) and sample and isinstance(sample[0], (dict, tuple)):
        items = [((*steps, ALL), item) for item in sample]
    else:
        yield steps, sample
        return
    for inner, item in items:
        yield from leaves(item, inner, depth + 1)


def _is_plain_list(value: list) -> bool:
    return bool(value) and isinstance(value[0], (int, float, str))
