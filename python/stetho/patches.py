"""Functions of PyTorch that are listened to: each is put in the place of the original, and taken away again when the run is over."""

from __future__ import annotations


class Patches:
    """What a run has replaced, in order."""

    def __init__(self) -> None:
        self._done: list[tuple] = []
        #: What else is to be taken away: handles with a `remove`.
        self.handles: list = []

    def put(self, owner, name: str, ours) -> None:
        """Puts `ours` in the place of ``owner.name``, under its name and documentation."""
        original = getattr(owner, name)
        ours.__wrapped__ = original
        for attribute in ("__doc__", "__name__", "__qualname__", "__module__"):
            value = getattr(original, attribute, None)
            if value is not None:
                setattr(ours, attribute, value)
        self._done.append((owner, name, original, ours))
        setattr(owner, name, ours)

    def undo(self) -> None:
        """Takes all of it away; what somebody has put on top stays, and what lies under it."""
        while self._done:
            owner, name, original, ours = self._done.pop()
            if getattr(owner, name, None) is ours:
                setattr(owner, name, original)
        for handle in self.handles:
            handle.remove()
        self.handles.clear()
