"""Something known of objects, by their identity, as long as they live."""

from __future__ import annotations

import weakref

#: Objects that cannot be referred to weakly, as lists, are kept alive: the newest of them.
MOST_KEPT = 4


class ByIdentity:
    """A dictionary whose keys need neither be hashable nor have the hash that they are made with ready (modules of torchmetrics under way have not),
    and are not kept alive. A number that the interpreter gives to another object later means nothing."""

    def __init__(self) -> None:
        self._held: dict[int, tuple] = {}
        self._kept: list[int] = []

    def __setitem__(self, key, value) -> None:
        number, held = id(key), self._held
        try:
            reference = weakref.ref(key, lambda gone: held.get(number, (None,))[0] is gone and held.pop(number))
        except TypeError:
            reference = lambda: key  # noqa: E731
            self._kept.append(number)
            if len(self._kept) > MOST_KEPT:
                held.pop(self._kept.pop(0), None)
        held[number] = (reference, value)

    def get(self, key, default=None):
        """What is known of an object."""
        reference, value = self._held.get(id(key), (None, None))
        return value if reference is not None and reference() is key else default

    def __contains__(self, key) -> bool:
        reference, _ = self._held.get(id(key), (None, None))
        return reference is not None and reference() is key

    def __len__(self) -> int:
        return len(self._held)

    def keys(self) -> list:
        """The objects that live."""
        found = (reference() for reference, _ in list(self._held.values()))
        return [key for key in found if key is not None]
