"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os


@contextlib.contextmanager
def whole(path: str | os.PathLike[str], mode: str = "w", **options):
    """A file to write; it comes to its place once all is written."""
    part = f"{os.fspath(path)}.{os.getpid()}.part"  # ranks write beside each other
    if "b" not in mode:
        options.setdefault("encoding", "utf-8")
    with open(part, mode, **options) as file:
        yield file
    os.replace(part, path)
