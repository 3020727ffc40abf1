"""Batches that the step draws itself with ``next``: drawn once, and what drawing does to random states done each time."""

from __future__ import annotations

from stetho.state import RandomStates


class Draws:
    """Keeps, for each batch that an experiment drew from the user's iterator, the random states before and after."""

    def __init__(self, torch, kept) -> None:
        self._torch = torch
        self._kept = kept
        self._states: list[tuple] = []

    def first(self, draw):
        """Draws a batch for the first time."""
        before, after = RandomStates(self._torch), RandomStates(self._torch)
        before.take()
        generators = self._kept.generator_states()
        batch = draw()
        after.take()
        self._states.append((before, after))
        # A generator that only the drawing uses stays where it is now: the iterator has gone on too.
        self._kept.keep_generators(generators)
        return batch

    def again(self, i: int) -> None:
        """The batch is given once more: random states go on as if it had been drawn."""
        if i < len(self._states):
            before, after = self._states[i]
            if before.is_now():
                after.restore()
