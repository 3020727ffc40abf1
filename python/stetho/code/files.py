"""Files that the script asks for, finds missing, reads and writes."""

from __future__ import annotations

import functools
import glob
import os
import pathlib
import sys

_CHECKPOINT_ENDS = (".pt", ".pth", ".ckpt", ".safetensors", ".pth.tar", ".pt.tar", ".weights", ".chkpt", ".bin", ".pkl", ".tar")
_CHECKPOINT_WORDS = ("checkpoint", "ckpt", "weights", "pretrain", "resume", "snapshot", "best_model", "chkpt", "model", "last", "best")
_DATA_WORDS = ("data", "train", "valid", "test", "cache", "processed", "vocab", "token", "feature", "embedding", "stats", "index", "log", "history", "result")
_DATA_ENDS = (
    ".csv", ".tsv", ".npy", ".npz", ".jpg", ".jpeg", ".png", ".txt", ".parquet", ".h5", ".hdf5", ".jsonl", ".gz", ".zip", ".wav", ".idx", ".db",
)
_CONFIG_ENDS = (".json", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".env", ".lock")


def looks_like(path: str) -> str:
    """`checkpoint`, `data`, `config` or `other`, by the name of a file or a pattern of names."""
    name = os.path.basename(path.rstrip("/")).lower()
    whole = path.lower()
    if name.endswith(_CONFIG_ENDS):
        return "config"
    if name.endswith(_DATA_ENDS):
        return "data"
    strong = any(w in name for w in _CHECKPOINT_WORDS[:8])
    if name.endswith(_CHECKPOINT_ENDS):
        return "data" if not strong and any(w in name for w in _DATA_WORDS) else "checkpoint"
    if "." in name.strip("."):
        return "other"
    # A folder or a stem: only what is called so.
    return "checkpoint" if strong or any(w in whole for w in _CHECKPOINT_WORDS[:2]) and "*" in name else "other"


class Missing:
    """A file that was asked for in vain."""

    __slots__ = ("path", "place", "how", "count", "before_training", "directory")

    def __init__(self, path: str, place: tuple[str, int], how: str, before_training: bool) -> None:
        self.path, self.place, self.how, self.before_training = path, place, how, before_training
        self.count = 0
        self.directory = os.getcwd()

    def is_there(self) -> bool:
        """Whether it is there now."""
        whole = os.path.join(self.directory, self.path)
        return os.path.lexists(whole) or ("*" in self.path and bool(glob.glob(whole)))


class Files:
    """Hears of files that are asked for by the user's own code."""

    def __init__(self, recorder) -> None:
        self._recorder = recorder
        self.missing: dict[tuple[str, str, int], Missing] = {}
        #: Files that the run wrote, by their real path.
        self.written: dict[str, str] = {}
        self._undo: list[tuple] = []

    def note(self, path, how: str, frame) -> None:
        """A file was not there; `frame` is the one that asked."""
        recorder = self._recorder
        if not recorder.is_on or frame is None or not recorder.is_own(frame.f_code.co_filename):
            return
        if isinstance(path, int) or len(self.missing) >= 200:
            return
        text = os.fsdecode(path)
        place = (os.path.realpath(frame.f_code.co_filename), frame.f_lineno)
        key = (text, *place)
        found = self.missing.get(key)
        if found is None:
            found = self.missing[key] = Missing(text, place, how, recorder.n_steps == 0)
        found.count += 1

    def was_not_found(self, error: BaseException, handler) -> bool:
        """Whether an error that a handler dropped is a missing file; it is noted as one."""
        if not isinstance(error, FileNotFoundError) or error.filename is None:
            return False
        if handler.kind == "reading" and looks_like(os.fsdecode(error.filename)) != "checkpoint":
            return False
        frame = error.__traceback__.tb_frame if error.__traceback__ is not None else None
        self.note(error.filename, "torch.load" if handler.kind == "loading" else "open", frame)
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

    def was_written(self, path: str | None) -> bool:
        """Whether the run wrote it."""
        return path is not None and os.path.realpath(path) in self.written
