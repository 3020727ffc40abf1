"""What the workers counted: a table of counts and a list of lines in a folder that they and the training process share.

No locks: each process writes to a row of its own, and appends whole lines.
"""

from __future__ import annotations

import json
import mmap
import os
import shutil
import struct
import sys
import tempfile
import weakref

#: Rows of the table: the training process, and the workers of a loader.
N_SLOTS = 256
#: Violations whose sample is kept, a process.
MOST_KEPT = 10_000


def slot() -> int:
    """The row of this process: 0, or the number of the worker and 1."""
    data = sys.modules.get("torch.utils.data")
    info = data.get_worker_info() if data is not None else None
    return 0 if info is None else 1 + info.id % (N_SLOTS - 1)


class Ledger:
    """Counts samples looked at, and violations by rule. It is pickled as its folder."""

    def __init__(self, n_rules: int, folder: str | None = None) -> None:
        self._n_columns = 1 + n_rules
        self.is_owner = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="stetho-contract-")
        self._table: mmap.mmap | None = None
        self._owner_pid = os.getpid()
        self._row: memoryview | None = None
        self._pid = 0
        self._seen: set[tuple] = set()
        if self.is_owner:
            with open(os.path.join(self.folder, "counts"), "wb") as file:
                file.truncate(8 * N_SLOTS * self._n_columns)
            weakref.finalize(self, _remove, self.folder, os.getpid())

    def __reduce__(self):
        return Ledger, (self._n_columns - 1, self.folder)

    def _open(self) -> mmap.mmap:
        if self._table is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._seen = set()
            with open(os.path.join(self.folder, "counts"), "r+b") as file:
                self._table = mmap.mmap(file.fileno(), 0)
            start = 8 * slot() * self._n_columns
            self._row = memoryview(self._table)[start : start + 8 * self._n_columns].cast("Q")
        return self._table

    def add(self, column: int, n: int = 1) -> None:
        """Counts: column 0 is of samples, 1 and beyond of rules."""
        if self._pid != os.getpid():
            self._open()
        self._row[column] += n

    def keep(self, rule: int, index, field: str, value: str, is_quarantined: bool) -> None:
        """Counts a violation, and keeps its sample once a process."""
        self.add(1 + rule)
        key = (rule, index, field)
        if key in self._seen or len(self._seen) >= MOST_KEPT:
            return
        self._seen.add(key)
        line = json.dumps([rule, index, field, value, slot(), is_quarantined]) + "\n"
        handle = os.open(os.path.join(self.folder, "lines"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)

    def is_first(self, rule: int) -> bool:
        """Whether no process has told of this rule yet."""
        try:
            os.close(os.open(os.path.join(self.folder, f"told-{rule}"), os.O_CREAT | os.O_EXCL))
        except OSError:
            return False
        return True

    def counts(self) -> list[int]:
        """Samples looked at, then violations of each rule, of all processes."""
        table = self._open()
        n = self._n_columns
        rows = [struct.unpack_from(f"={n}Q", table, 8 * i * n) for i in range(N_SLOTS)]
        return [sum(column) for column in zip(*rows)]

    def lines(self) -> list[tuple]:
        """Rule, index, field, value, worker and whether the sample was left out; each sample once a rule and field, by index."""
        try:
            with open(os.path.join(self.folder, "lines"), encoding="utf-8") as file:
                found = [tuple(json.loads(line)) for line in file if line.endswith("\n")]
        except OSError:
            return []
        distinct: dict[tuple, tuple] = {}
        for line in found:
            distinct.setdefault(line[:3], line)
        return sorted(distinct.values(), key=lambda line: (not isinstance(line[1], int), line[1] if isinstance(line[1], int) else 0, line[0]))


def _remove(folder: str, pid: int) -> None:
    # Not by a forked worker that ends.
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)
