"""Lines of the script that make calls of interest, each told once."""

from __future__ import annotations

import linecache
import os
import sys

#: Lines of one kind that are told, at most.
MOST = 8


class Sites:
    """Where the user calls what. A line that was seen before costs one look-up."""

    def __init__(self, session) -> None:
        self._session = session
        self._seen: dict[tuple, None] = {}
        self._counts: dict[str, int] = {}
        self._new: list[tuple[str, int]] = []

    def note(self, call: str, depth: int = 2) -> None:
        """The innermost line of the user's above the caller; `call` is a word of `stetho_core::run::Call`."""
        if self._counts.get(call, 0) < MOST and (line := self.line(depth)) is not None:
            self.add(call, *line)

    def line(self, depth: int) -> tuple[str, int] | None:
        """File and number of the innermost line of the user's above the caller."""
        frame = sys._getframe(depth + 1)
        is_own = self._session.options.is_own
        while frame is not None and not is_own(frame.f_code.co_filename):
            frame = frame.f_back
        return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)

    def add(self, call: str, path: str, line: int) -> None:
        """A line of a file, as it is."""
        key = (call, path, line)
        if key in self._seen or self._counts.get(call, 0) >= MOST:
            return
        self._seen[key] = None
        self._counts[call] = self._counts.get(call, 0) + 1
        text = linecache.getline(path, line).strip().replace("\t", " ")[:160]
        self._new.append((f"{call}\t{shown(path)}\t{line}\t{text}", self._session.step))

    def tell(self, write) -> None:
        """Lines that are new since the last time."""
        if self._new:
            new, self._new = self._new, []
            write.layers("site", [name for name, _ in new], [float(step) for _, step in new])


def shown(path: str) -> str:
    """A path as the user would name it: relative to where the run was started, where it lies below."""
    try:
        near = os.path.relpath(path)
    except ValueError:
        return path
    return path if near.startswith("..") else near
