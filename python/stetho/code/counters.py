"""The functions that stand in a watched script: each gives back whether a value is true, once, and counts.

They lie in one list a file, so that each can be exchanged while the script runs: a condition that went both ways needs no counting any more, and
is tested by `bool` alone from then on.
"""

from __future__ import annotations

import sys

from stetho.code import values

#: Times at which the values of a condition are looked at from the first on; afterwards at times that grow by a quarter.
_FIRST = 8
_GROWTH = 1.25


def nothing(*_) -> None:
    """Stands for what is not recorded at present."""


class Condition:
    """One condition of a script."""

    def __init__(self, entries: list, index: int, site, keeps_counts: bool) -> None:
        self.site = site
        self.taken = 0
        self.not_taken = 0
        self.seen = values.Seen()
        self.why = ""
        self._entries = entries
        self._index = index
        self._keeps_counts = keeps_counts
        #: Reads the count of the function that stands in the script at present.
        self._count = lambda: 0
        entries[index] = self._first

    def _first(self, value):
        """The first few times: what is tested is looked at too."""
        if value:
            self.taken += 1
            is_true = True
        else:
            self.not_taken += 1
            is_true = False
        if self._look(value) or self.taken + self.not_taken >= _FIRST:
            self._settle()
        return is_true

    def _look(self, value) -> bool:
        """Looks at the values; whether the condition has gone both ways."""
        if self.taken and self.not_taken:
            return True
        try:
            frame = sys._getframe(2)
            values.look(self.site.node, frame, self.seen)
            if not self.why:
                self.why = values.why_fixed(self.site.node, value, frame)
        except Exception:  # whatever the user's objects do, the condition was tested
            self.site.node = values.NOTHING
        return False

    def _settle(self) -> None:
        """Puts the function that fits what is known into the script."""
        self.taken, self.not_taken = self.counts()
        self._count = lambda: 0
        if self.taken and self.not_taken:
            test = self._both() if self._keeps_counts else bool
        else:
            test = self._one_way(bool(self.taken))
        self._entries[self._index] = test

    def _one_way(self, way: bool):
        """A test that went one way so far."""
        n = self.taken + self.not_taken
        before = n
        due = int(n * _GROWTH) + 1
        turned, look = self._turned, self._look

        if way:

            def test(value):
                nonlocal n, due
                if value:
                    n += 1
                    if n >= due:
                        look(value)
                        due = int(n * _GROWTH) + 1
                    return True
                turned(False)
                return False
        else:

            def test(value):
                nonlocal n, due
                if value:
                    turned(True)
                    return True
                n += 1
                if n >= due:
                    look(value)
                    due = int(n * _GROWTH) + 1
                return False

        self._count = lambda: n - before
        return test

    def _both(self):
        """A test that goes on counting."""
        taken = not_taken = 0

        def test(value):
            nonlocal taken, not_taken
            if value:
                taken += 1
                return True
            not_taken += 1
            return False

        self._count = lambda: (taken, not_taken)
        return test

    def _turned(self, way: bool) -> None:
        """It went the other way for the first time."""
        self.taken, self.not_taken = self.counts()
        self._count = lambda: 0
        if way:
            self.taken += 1
        else:
            self.not_taken += 1
        self._settle()

    def counts(self) -> tuple[int, int]:
        """How often it held, and how often not."""
        more = self._count()
        if isinstance(more, tuple):
            return self.taken + more[0], self.not_taken + more[1]
        if self.taken:
            return self.taken + more, self.not_taken
        return self.taken, self.not_taken + more

    def add(self, taken: int, not_taken: int) -> None:
        """Adds what other processes counted."""
        self.taken, self.not_taken = self.counts()
        self.taken += taken
        self.not_taken += not_taken
        self._count = lambda: 0

    def in_child(self, shared, at: int) -> None:
        """In a forked process: counted in memory that all share, at `at` what held, behind it what did not."""

        def test(value):
            if value:
                shared[at] += 1
                return True
            shared[at + 1] += 1
            return False

        self._entries[self._index] = test


__all__ = ["Condition", "nothing"]
