"""Data sets whose samples are looked at: in the worker that makes them, by fork or by spawn."""

from __future__ import annotations

import sys

from stetho.contracts.guard import MOST_TRIED, Guard
from stetho.contracts.violation import ContractViolation

#: Samples that are made before they are looked at.
TOGETHER = 32


def _base_index(dataset, index):
    """Through ``Subset``s, to the index in the data set underneath."""
    while hasattr(dataset, "indices") and hasattr(dataset, "dataset"):
        try:
            index = int(dataset.indices[index])
        except (IndexError, KeyError, TypeError, ValueError):
            break
        dataset = dataset.dataset
    return index


def _where(dataset, index):
    """What gives the index of a sample as JSON knows it, in the data set underneath."""
    return lambda: _plain(_base_index(dataset, index))


def _plain(index):
    """An index that JSON knows."""
    if isinstance(index, (int, str)):
        return index
    try:
        return int(index)
    except (TypeError, ValueError):
        return str(index)


class _Stand:
    """Stands for a data set: all that is asked of it and is no sample, the data set answers."""

    def __init__(self, inner, guard: Guard) -> None:
        self.__dict__["__stetho_wrapped__"] = inner
        self.__dict__["__stetho_guard__"] = guard

    def __getattr__(self, name: str):
        return getattr(self.__dict__["__stetho_wrapped__"], name)

    def __setattr__(self, name: str, value) -> None:
        setattr(self.__dict__["__stetho_wrapped__"], name, value)

    @property
    def __class__(self):
        return type(self.__dict__["__stetho_wrapped__"])

    def __reduce__(self):
        return type(self), (self.__dict__["__stetho_wrapped__"], self.__dict__["__stetho_guard__"])

    def __reduce_ex__(self, protocol):
        return self.__reduce__()

    def __repr__(self) -> str:
        return repr(self.__dict__["__stetho_wrapped__"])

    def __len__(self) -> int:
        return len(self.__dict__["__stetho_wrapped__"])

    def __bool__(self) -> bool:
        return bool(self.__dict__["__stetho_wrapped__"])


class Samples(_Stand):
    """A data set by index. A sample that is left out is stood in for by the next one that keeps the contract."""

    def __getitem__(self, index):
        inner, guard = self.__dict__["__stetho_wrapped__"], self.__dict__["__stetho_guard__"]
        sample = inner[index]
        if guard.look(sample, _where(inner, index)):
            return sample
        return self._next(index)

    def _next(self, index):
        """The next sample in order; at the end the first comes after the last."""
        inner, guard = self.__dict__["__stetho_wrapped__"], self.__dict__["__stetho_guard__"]
        if not isinstance(index, int):
            raise ContractViolation(
                f"a sample of `{guard.name}` breaks the contract and cannot be stood in for: its index {index!r} is no number; use the policy `raise` or `warn`"
            )
        n = len(inner)
        for i in range(1, min(MOST_TRIED, n)):
            other = (index + i) % n
            sample = inner[other]
            if guard.look(sample, _where(inner, other)):
                return sample
        raise ContractViolation(f"no sample of `{guard.name}` near {index} keeps the contract: {min(MOST_TRIED, n)} in a row break it; is it the right one?")

    def __getitems__(self, indices) -> list:
        """The samples of a batch, which data loaders ask for at once. They are looked at a few at a time, right after they were made: what looks is then
        in the processor's caches, which halves its time."""
        inner = self.__dict__["__stetho_wrapped__"]
        fetch = getattr(inner, "__getitems__", None)
        if fetch is not None:
            samples = fetch(indices)
            # A batch of the data set's own making is no list of samples.
            return self._looked_at(indices, samples) if isinstance(samples, (list, tuple)) else samples
        looked_at: list = []
        for at in range(0, len(indices), TOGETHER):
            some = indices[at:at + TOGETHER]
            looked_at.extend(self._looked_at(some, [inner[index] for index in some]))
        return looked_at

    def _looked_at(self, indices, samples) -> list:
        inner, guard = self.__dict__["__stetho_wrapped__"], self.__dict__["__stetho_guard__"]
        return [
            sample if guard.look(sample, _where(inner, index)) else self._next(index)
            for index, sample in zip(indices, samples)
        ]

    def __iter__(self):
        # As Python iterates over what has no `__iter__`; what has one is iterated over by its own.
        inner, guard = self.__dict__["__stetho_wrapped__"], self.__dict__["__stetho_guard__"]
        for i, sample in enumerate(inner):
            if guard.look(sample, _where(inner, i)):
                yield sample


class Stream(_Stand):
    """A data set that is iterated over, or any iterable. A sample that is left out is dropped; its index is its position in the stream."""

    def __iter__(self):
        inner, guard = self.__dict__["__stetho_wrapped__"], self.__dict__["__stetho_guard__"]
        for i, sample in enumerate(inner):
            if guard.look(sample, i):
                yield sample


def guard_of(dataset) -> Guard | None:
    """The guard of a data set that has one."""
    return dataset.__dict__.get("__stetho_guard__") if type(dataset) in (Samples, Stream) else None


def is_stream(dataset) -> bool:
    """Whether a data set is iterated over rather than asked by index."""
    data = sys.modules.get("torch.utils.data")
    if data is not None and isinstance(dataset, data.IterableDataset):
        return True
    return not hasattr(type(dataset), "__getitem__")


def wrapped(dataset, guard: Guard):
    """The data set with its guard."""
    return Stream(dataset, guard) if is_stream(dataset) else Samples(dataset, guard)
