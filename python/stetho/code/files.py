"""Files that the script asks for, finds missing, reads and writes."""

from __future__ import annotations

import functools
import glob
import os
import pathlib
import sys

_CHECKPOINT_ENDS = (".pt", ".pth", ".ckpt", ".safetensors", ".pth.tar", ".pt.tar", ".weights", ".chkpt")
#: Ends that other files have as often.
_DOUBTFUL_ENDS = (".bin", ".pkl", ".tar", ".pickle", ".model")
_STRONG = ("checkpoint", "ckpt", "weights", "pretrain", "resume", "snapshot", "best_model", "chkpt")
_DATA_WORDS = ("data", "train", "valid", "test", "cache", "processed", "vocab", "token", "feature", "embedding", "stats", "index", "log", "history", "result")
_CONFIG_ENDS = (".json", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".env", ".lock")
_DATA_ENDS = (
    ".csv", ".tsv", ".npy", ".npz", ".jpg", ".jpeg", ".png", ".txt", ".parquet", ".h5", ".hdf5", ".jsonl", ".gz", ".zip", ".wav", ".idx", ".db",
)


def looks_like(path: str) -> str:
    """`checkpoint`, `data`, `config` or `other`, by the name of a file or a pattern of names. A folder is `other`."""
    name = os.path.basename(path.rstrip("/")).lower()
    is_called_so = any(w in name for w in _STRONG)
    if name.endswith(_CONFIG_ENDS):
        return "config"
    if name.endswith(_DATA_ENDS):
        return "data"
    if name.endswith(_CHECKPOINT_ENDS):
        return "data" if not is_called_so and any(w in name for w in _DATA_WORDS) else "checkpoint"
    if name.endswith(_DOUBTFUL_ENDS):
        return "checkpoint" if is_called_so or name.startswith("model") else "data"
    in_folder = "checkpoint" in path.lower() or "ckpt" in path.lower()
    return "checkpoint" if "*" in name and (is_called_so or in_folder) else "other"


class Missing:
    """A file that was asked for in vain."""

    __slots__ = ("path", "place", "how", "count", "before_training", "was_there", "directory")

    def __init__(self, path: str, place: tuple[str, int], how: str) -> None:
        self.path, self.place, self.how = path, place, how
        #: Whether an optimizer made its first step afterwards.
        self.before_training = False
        #: Whether it was there when it was asked for again.
        self.was_there = False
        self.count = 0
        self.directory = os.getcwd()

    def whole(self) -> str:
        """Its absolute path."""
        return os.path.join(self.directory, self.path)

    def look(self) -> bool:
        """Whether it is there now, or was when it was looked for before."""
        whole = self.whole()
        self.was_there = self.was_there or os.path.lexists(whole) or ("*" in self.path and bool(glob.glob(whole)))
        return self.was_there


class Files:
    """Hears of files that are asked for by the user's own code."""

    def __init__(self, recorder) -> None:
        self._recorder = recorder
        self.missing: dict[tuple[str, str, int], Missing] = {}
        #: Files that the run wrote, by their real path.
        self.written: dict[str, str] = {}
        self._undo: list[tuple] = []

    def note(self, path, how: str, frame, line: int = 0) -> None:
        """A file was not there; `frame` is the one that asked, at `line` of it if not where it is now."""
        recorder = self._recorder
        if not recorder.is_on or frame is None or not recorder.is_own(frame.f_code.co_filename):
            return
        if isinstance(path, int) or len(self.missing) >= 200:
            return
        text = os.fsdecode(path)
        place = (os.path.realpath(frame.f_code.co_filename), line or frame.f_lineno)
        key = (text, *place)
        found = self.missing.get(key)
        if found is None:
            found = self.missing[key] = Missing(text, place, how)
        found.count += 1

    def found(self, path) -> None:
        """A file is there that may have been asked for in vain before."""
        for missing in self.missing.values():
            if missing.path == path or missing.path == str(path):
                missing.was_there = True

    def look(self) -> None:
        """An optimizer is about to make its first step."""
        for missing in self.missing.values():
            missing.before_training = True
            missing.look()

    def was_not_found(self, error: BaseException, handler) -> bool:
        """Whether an error that a handler dropped is a missing file; it is noted as one."""
        if not isinstance(error, FileNotFoundError) or error.filename is None:
            return False
        if handler.kind == "reading" and looks_like(os.fsdecode(error.filename)) != "checkpoint":
            return False
        trace = error.__traceback__
        if trace is not None:
            self.note(error.filename, "torch.load" if handler.kind == "loading" else "open", trace.tb_frame, trace.tb_lineno)
        return True

    # -- listening

    def listen(self) -> None:
        """Hooks the functions that tell whether a file is there."""
        self._wrap(os.path, "exists", "os.path.exists")
        self._wrap(os.path, "isfile", "os.path.isfile")
        self._wrap(pathlib.Path, "exists", "Path.exists")
        self._wrap(pathlib.Path, "is_file", "Path.is_file")
        self._wrap(glob, "glob", "glob")

    def _wrap(self, owner, name: str, how: str) -> None:
        original = getattr(owner, name)
        note = self.note

        @functools.wraps(original)
        def asked(*args, **kwargs):
            result = original(*args, **kwargs)
            if result and self.missing and args:
                self.found(args[0])
            if not result and args:
                try:
                    note(args[0], how, sys._getframe(1))
                except Exception:
                    pass  # a path of a kind that nobody expected
            return result

        setattr(owner, name, asked)
        self._undo.append((owner, name, original, asked))

    def stop(self) -> None:
        """Puts the functions back."""
        for owner, name, original, ours in reversed(self._undo):
            if vars(owner).get(name) is ours:
                setattr(owner, name, original)
        self._undo.clear()

    def wrote(self, path) -> None:
        """The run wrote this file."""
        if isinstance(path, (str, bytes, os.PathLike)):
            self.written[os.path.realpath(os.fsdecode(path))] = os.fsdecode(path)
            for missing in self.missing.values():
                missing.look()

    def was_created(self, missing: Missing) -> bool:
        """Whether a missing file came to be; yes where nobody can tell any more."""
        if missing.look() or self.was_written(missing.whole()):
            return True
        folder = os.path.dirname(os.path.realpath(missing.whole()))
        return not os.path.isdir(folder) and not any(os.path.dirname(real) == folder for real in self.written)

    def was_written(self, path: str | None) -> bool:
        """Whether the run wrote it."""
        return path is not None and os.path.realpath(path) in self.written
