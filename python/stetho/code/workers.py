"""What forked processes do, as a rule the workers of a data loader: it is counted in memory that all share."""

from __future__ import annotations

import json
import mmap
import os

from stetho.code import handlers

#: Conditions that are counted there; those beyond are not. A quarter of it for handlers, and as many for what they guard.
_MOST = 8192
_HANDLERS = _MOST // 8
#: What workers leave behind of errors, in the folder of the run.
_FILE = ".code-workers.jsonl"


class Workers:
    """Counts of all forked processes together; an increment may be lost where two are made at once."""

    def __init__(self, recorder) -> None:
        self._recorder = recorder
        # Two numbers a condition, one a handler, one a `try`.
        self._counts = memoryview(mmap.mmap(-1, 8 * (2 * _MOST + 2 * _HANDLERS))).cast("q")
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        """In the forked process."""
        recorder, counts = self._recorder, self._counts
        if not recorder.is_on or recorder.paused is not None or recorder.is_compiled:
            return
        recorder.is_on = False
        for i, (_, _, condition) in enumerate(recorder.conditions[:_MOST]):
            condition.in_child(counts, 2 * i)
        for i, (entries, at, handler) in enumerate(recorder.handlers[:_HANDLERS]):
            entries[at] = self._catching(i, handler)
        for i, (entries, at, _) in enumerate(recorder.tried[:_HANDLERS]):
            entries[at] = _adding(counts, 2 * _MOST + _HANDLERS + i)

    def _path(self) -> str:
        return os.path.join(self._recorder.session.options.folder, _FILE)

    def _catching(self, number: int, handler):
        caught = handlers.catching(handler, self._recorder)
        counts, path = self._counts, self._path()

        def told() -> None:
            before = handler.count
            caught()
            if handler.count == before:
                return
            counts[2 * _MOST + number] += 1
            if before == 0 and handler.first is not None:
                try:
                    with open(path, "a", encoding="utf-8") as file:
                        file.write(json.dumps([number, *handler.first]) + "\n")
                except OSError:
                    pass  # it was counted

        return told

    def collect(self) -> None:
        """In the process of the script, at its end: adds what the others counted."""
        recorder, counts = self._recorder, self._counts
        for i, (_, _, condition) in enumerate(recorder.conditions[:_MOST]):
            if counts[2 * i] or counts[2 * i + 1]:
                condition.add(counts[2 * i], counts[2 * i + 1])
        for i, (_, _, handler) in enumerate(recorder.handlers[:_HANDLERS]):
            handler.count += counts[2 * _MOST + i]
        for i, (_, _, tried) in enumerate(recorder.tried[:_HANDLERS]):
            tried.count += counts[2 * _MOST + _HANDLERS + i]
        if not os.path.isfile(self._path()):
            return
        with open(self._path(), encoding="utf-8") as file:
            for line in file:
                number, *first = json.loads(line)
                handler = recorder.handlers[number][2]
                handler.first = handler.first or tuple(first)
        os.remove(self._path())


def _adding(counts, at: int):
    def enter() -> None:
        counts[at] += 1

    return enter
