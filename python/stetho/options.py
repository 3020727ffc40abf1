"""What `stetho run` was asked to do."""

from __future__ import annotations

import os
from dataclasses import dataclass, field


@dataclass
class Options:
    """Options of a run; made from the request of the command line, or by `stetho.attach`."""

    #: The run directory; None where nothing is to be written.
    folder: str | None = None
    #: Share of the time of a step that may be spent on measuring.
    budget: float = 0.02
    on_trap: str = "stop"
    breaks: list[dict] = field(default_factory=list)
    debugger: str = "pdb"
    roots: tuple[str, ...] = ()
    script: str = ""
    #: What `stetho preflight` or `--preflight` asks for; None without it.
    preflight: dict | None = None
    #: `infer`, or the path of a contract that every data loader's samples must keep.
    contract: str | None = None
    #: Whether the process was started by a script that is watched: a step of it cannot be run again by itself.
    is_spawned: bool = False
    _own: dict[str, bool] = field(default_factory=dict)

    def is_own(self, path: str) -> bool:
        """Whether a file is the user's own; remembered, since it is asked of every frame."""
        known = self._own.get(path)
        if known is None:
            from stetho.instrument import is_own

            known = self._own[path] = is_own(path, self.roots) or (path.startswith("<ipython") or path.startswith("/tmp/ipykernel"))
        return known


def as_share(text: str | float) -> float:
    """``2%`` or ``0.02``."""
    if isinstance(text, (int, float)):
        return float(text)
    return float(text.rstrip("%")) / 100.0 if text.endswith("%") else float(text)


def default_folder(script: str) -> str:
    """``runs/<script>-<date>-<time>``, a new one; the ranks of one training share it."""
    import time

    from stetho import ranks

    stem = os.path.splitext(os.path.basename(script))[0] or "run"
    name = f"{stem}-{time.strftime('%Y%m%d-%H%M%S', time.localtime(ranks.began()))}"
    folder = os.path.join("runs", name)
    if ranks.number() is not None:
        return folder
    n = 1
    while os.path.exists(folder):
        n += 1
        folder = os.path.join("runs", f"{name}-{n}")
    return folder
