"""The run directory: what an earlier run has left in it."""

from __future__ import annotations

import os
import re
import shutil

#: Files that a run writes.
_FILES = ("traps.jsonl", "findings.jsonl", "code.json", "preflight.json", "report.html")
_FOLDERS = re.compile(r"training-\d+|step-\d+.*")
_EVENTS = "events.out.tfevents."
#: What a log of ours has near its start, and others have not: the name of the plugin that packs values of layers.
_MARK = b"stetho/"
_HEAD = 1 << 16


def clear(folder: str) -> None:
    """Takes away what an earlier run wrote, which would be judged as part of the new one. Files of anyone else's stay."""
    for name in _FILES:
        _remove(os.path.join(folder, name))
    for parent in (folder, os.path.join(folder, "bundles")):
        for entry in _entries(parent):
            path = os.path.join(parent, entry)
            if _FOLDERS.fullmatch(entry) and _is_ours(path):
                shutil.rmtree(path, ignore_errors=True)
            elif entry.startswith(_EVENTS) and _is_log(path):
                _remove(path)


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _is_ours(folder: str) -> bool:
    """Whether a folder holds a log or a bundle that a run has written."""
    entries = _entries(folder)
    return "bundle.json" in entries or any(e.startswith(_EVENTS) and _is_log(os.path.join(folder, e)) for e in entries)


def _is_log(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return _MARK in file.read(_HEAD)
    except OSError:
        return False


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass
