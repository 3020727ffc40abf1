"""A contract made into functions: each looks at one field and gives what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from stetho.contracts import boxes, fast, paths, values
from stetho.contracts.declare import Contract, Field


@dataclass(frozen=True)
class Broken:
    """One rule that a sample breaks."""

    #: Number of the rule in `Checker.rules`.
    rule: int
    #: The field as it is in this sample: an item of a list by its number.
    field: str
    #: The value, in a few words.
    value: str


class Checker:
    """Looks at samples."""

    def __init__(self, contract: Contract) -> None:
        #: Field and rule in words, by number.
        self.rules: list[tuple[str, str]] = []
        self._contract = contract
        #: Gives the fields that are left to look at, as bits; made when PyTorch is there.
        self._ask: Callable | None = None
        self._fields: list[tuple[tuple, bool, bool, int, list]] = []
        for path, said in contract.fields.items():
            steps = () if path == "sample" else paths.parse(path)
            present = self._number(path, "present")
            checks = [(self._numbers(path, words), check) for words, check in _checks(said)]
            self._fields.append((steps, paths.ALL in steps, said.optional, present, checks))
        self._groups = [
            ([(p, () if p == "sample" else paths.parse(p)) for p in group], measure, [self._number(p, f"as {word} as `{group[0]}`") for p in group[1:]])
            for groups, measure, word in (
                (contract.same_length, values.length_of, "long"),
                (contract.same_size, values.sides_of, "large"),
            )
            for group in groups
        ]

    def _number(self, path: str, words: str) -> int:
        self.rules.append((path, words))
        return len(self.rules) - 1

    def _numbers(self, path: str, words: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(self._number(path, w) for w in words)

    def look(self, sample) -> list[Broken]:
        """What is wrong with a sample; an empty list where nothing is."""
        if self._ask is None:
            self._ask = fast.prepared(self._contract)
        left = -1 if self._ask is None else self._ask(sample)
        if not left and not self._groups:
            return []
        found: list[Broken] = []
        for i, (steps, is_many, is_optional, present, checks) in enumerate(self._fields):
            if not left >> i & 1:
                continue
            if is_many:
                for inner, value in paths.each(sample, steps):
                    self._field(found, sample, value, inner, is_optional, present, checks)
            else:
                self._field(found, sample, paths.get(sample, steps), steps, is_optional, present, checks)
        for group, measure, numbers in self._groups:
            self._compare(found, sample, group, measure, numbers)
        return found

    @staticmethod
    def _field(found: list, sample, value, steps, is_optional: bool, present: int, checks: list) -> None:
        if value is paths.MISSING or value is None:
            if not is_optional:
                found.append(Broken(present, paths.text(steps), "None" if value is None else "not there"))
            return
        for numbers, check in checks:
            wrong = check(value, sample)
            if wrong is not None:
                which, shown = wrong
                found.append(Broken(numbers[which], paths.text(steps), shown))
                if which == 0 and len(numbers) == 1 and check.ends:
                    return  # of another type: what else is asked makes no sense

    @staticmethod
    def _compare(found: list, sample, group: list, measure: Callable, numbers: list[int]) -> None:
        first = paths.get(sample, group[0][1])
        first = measure(first) if first is not paths.MISSING else None
        if first is None:
            return
        for (path, steps), number in zip(group[1:], numbers):
            value = paths.get(sample, steps)
            size = measure(value) if value is not paths.MISSING and value is not None else None
            if size != first:
                found.append(Broken(number, path, f"{_size(size)}, not {_size(first)}"))


def _size(size) -> str:
    return "none" if size is None else f"{size[0]}×{size[1]}" if isinstance(size, tuple) else str(size)


class Check:
    """A function of a value and its sample that gives which of its rules is broken, and the value in words; None where none is."""

    __slots__ = ("_look", "ends")

    def __init__(self, look: Callable, ends: bool = False) -> None:
        self._look = look
        #: Whether the other checks of the field make no sense once this one fails.
        self.ends = ends

    def __call__(self, value, sample):
        return self._look(value, sample)


def _checks(said: Field) -> list[tuple[tuple[str, ...], Check]]:
    made: list[tuple[tuple[str, ...], Check]] = []
    if said.dtype is not None:
        made.append(_dtype(said.dtype))
    if said.shape is not None:
        made.append(_shape(said.shape))
    if said.finite or said.min is not None or said.max is not None:
        made.append(_range(said))
    if said.values is not None:
        made.append(_values(said.values))
    if said.increasing is not None:
        made.append(_increasing(said.increasing == "strictly"))
    if said.boxes is not None:
        made.append((boxes.words(said), Check(boxes.check(said))))
    return made


def _dtype(dtype: str | tuple[str, ...]):
    allowed = frozenset((dtype,) if isinstance(dtype, str) else dtype)

    def look(value, _):
        name = values.dtype_of(value)
        return None if name in allowed else (0, name)

    return (f"of type {' or '.join(sorted(allowed))}",), Check(look, ends=True)


def _shape(wanted: tuple):
    is_exact = None not in wanted
    words = "[" + ", ".join("any" if side is None else str(side) for side in wanted) + "]"

    def look(value, _):
        shape = getattr(value, "shape", None)
        if is_exact and shape == wanted:
            return None
        shape = values.shape_of(value)
        if shape is not None and len(shape) == len(wanted) and all(w is None or w == s for w, s in zip(wanted, shape)):
            return None
        return 0, f"shape {list(shape) if shape is not None else 'none'}"

    return (f"shape {words}",), Check(look)


def _range(said: Field):
    low = -math.inf if said.min is None else said.min
    high = math.inf if said.max is None else said.max
    is_finite = said.finite
    words = ("finite", f"at least {values.number(low)}", f"at most {values.number(high)}", "numbers")

    def look(value, _):
        seen = values.extremes(value)
        if seen is None:
            n = values.length_of(value)
            return None if n == 0 or hasattr(value, "shape") else (3, values.shown(value))
        least, most = seen
        if low <= least and most <= high and not (is_finite and (math.isinf(least) or math.isinf(most))):
            return None
        return _out_of_range(value, low, high, is_finite)

    return words, Check(look)


def _out_of_range(value, low: float, high: float, is_finite: bool):
    """Which number it is, and where."""
    shape = values.shape_of(value) or ()
    for at, number in enumerate(values.flat(value)):
        if number != number or is_finite and math.isinf(number):
            which = 0 if is_finite else 1 if low > -math.inf else 2
        elif number < low:
            which = 1
        elif number > high:
            which = 2
        else:
            continue
        return which, f"{values.shown(number)}{values.position(shape, at)}"
    return None


def _values(allowed: tuple):
    known = frozenset(allowed)
    listed = ", ".join(values.shown(v) for v in allowed[:6]) + (f", … {values.shown(allowed[-1])}" if len(allowed) > 6 else "")

    def look(value, _):
        if isinstance(value, (str, int, float)):
            return None if value in known else (0, values.shown(value))
        shape = values.shape_of(value) or ()
        many = values.flat(value)
        if known.issuperset(many):
            return None
        at = next(i for i, v in enumerate(many) if v not in known)
        return 0, f"{values.shown(many[at])}{values.position(shape, at)}"

    return (f"one of {listed}",), Check(look)


def _increasing(is_strict: bool):
    def look(value, _):
        many = values.flat(value)
        for i in range(1, len(many)):
            if not (many[i - 1] < many[i] or not is_strict and many[i - 1] == many[i]):
                return 0, f"{values.shown(many[i - 1])}, {values.shown(many[i])} at [{i - 1}], [{i}]"
        return None

    return ("strictly increasing" if is_strict else "increasing",), Check(look)


def compiled(contract: Contract) -> Checker:
    """The contract as a checker."""
    return Checker(contract)
