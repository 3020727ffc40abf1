"""Accelerate: its loops are the user's own, so a step is found as in any script; batches are drawn one ahead, which is made known here."""

from __future__ import annotations

from stetho.adapters import change
from stetho.watching import running

#: Batches that a prepared loader draws before the step of the first of them.
AHEAD = 3


def install(module) -> None:
    """Hears of prepared loaders that are iterated over."""
    for name in ("DataLoaderShard", "DataLoaderDispatcher"):
        if hasattr(module, name):
            change(getattr(module, name), "__iter__", _iterated)


def _iterated(original):
    def __iter__(self):
        session = running()
        if session is not None:
            session.batches.keep(AHEAD)
        return original(self)

    return __iter__
