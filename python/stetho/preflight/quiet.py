"""While experiments are made the user's step prints nothing, logs nothing and writes no file."""

from __future__ import annotations

import builtins
import contextlib
import io
import logging
import os
import sys
import threading
import warnings


class Forbidden(PermissionError):
    """A step that is tried out was about to change files in a way that cannot be passed over."""


#: Methods that loggers of metrics and progress bars are told by; in an experiment they do nothing.
_SILENT = {
    "torch.utils.tensorboard.writer": ("SummaryWriter", ("add_", "flush")),
    "tensorboardX.writer": ("SummaryWriter", ("add_", "flush")),
    "tqdm.std": ("tqdm", ("update", "refresh", "display", "set_", "write", "close", "reset")),
}
#: Functions of modules that write somewhere.
_WRITERS = {
    "torch": ("save",),
    "torch.jit": ("save",),
    "wandb": ("log", "save", "log_artifact"),
    "mlflow": ("log_metric", "log_metrics", "log_artifact", "log_param", "log_params"),
    "safetensors.torch": ("save_file", "save_model"),
    "os": ("mkdir", "makedirs", "remove", "unlink", "rename", "replace", "rmdir", "removedirs", "symlink", "link", "truncate"),
    "shutil": ("rmtree", "move", "copy", "copy2", "copyfile", "copytree"),
}
#: What may be opened for writing all the same.
_HARMLESS = ("/dev/", "/proc/")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_AUDITED = frozenset(
    "os.remove os.rename os.mkdir os.rmdir os.link os.symlink os.truncate shutil.rmtree shutil.move shutil.copyfile "
    "shutil.copytree subprocess.Popen os.system os.posix_spawn".split()
)

_active: Quiet | None = None
_is_audited = False


class _Muted(io.StringIO):
    """A stream that takes nothing from the thread of the experiments, and hands on what others write."""

    def __init__(self, quiet: Quiet, stream) -> None:
        super().__init__()
        self._quiet, self._stream = quiet, stream

    def write(self, text: str) -> int:
        return len(text) if self._quiet.is_meant() or self._stream is None else self._stream.write(text)

    def flush(self) -> None:
        if self._stream is not None and not self._quiet.is_meant():
            self._stream.flush()


class Quiet:
    """Entered for the time of the preflight. Threads of the user's go on as ever."""

    def __init__(self) -> None:
        self._undo = contextlib.ExitStack()
        self._thread = threading.get_ident()

    def is_meant(self) -> bool:
        """Whether this is the thread that makes the experiments."""
        return _active is self and threading.get_ident() == self._thread

    def enter(self) -> None:
        """From here on nothing is written. What was done until an error is taken back by `leave`."""
        global _active
        _active = self
        _audit()
        self._replace(sys, "stdout", _Muted(self, sys.stdout))
        self._replace(sys, "stderr", _Muted(self, sys.stderr))
        self._undo.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        self._replace(sys, "dont_write_bytecode", True)
        self._replace(logging.Logger, "handle", self._nothing(logging.Logger.handle))
        self._replace(builtins, "open", self._open(builtins.open))
        self._replace(io, "open", builtins.open)
        for name, functions in _WRITERS.items():
            module = sys.modules.get(name)
            for function in functions if module is not None else ():
                if function in vars(module):
                    self._replace(module, function, self._nothing(vars(module)[function]))
        for name, (kind, prefixes) in _SILENT.items():
            owner = getattr(sys.modules.get(name), kind, None)
            for method in [m for m in dir(owner) if m.startswith(prefixes)] if owner is not None else ():
                if callable(getattr(owner, method)) and method in vars(owner):
                    self._replace(owner, method, self._nothing(vars(owner)[method]))

    def leave(self) -> None:
        """All is as it was."""
        global _active
        _active = None
        self._undo.close()

    def _replace(self, owner, name: str, value) -> None:
        self._undo.callback(setattr, owner, name, vars(owner)[name])
        setattr(owner, name, value)

    def _nothing(self, original):
        def nothing(*args, **kwargs):
            return None if self.is_meant() else original(*args, **kwargs)

        return nothing

    def _open(self, original):
        def quiet_open(file, mode="r", *args, **kwargs):
            is_writing = isinstance(mode, str) and set(mode) & set("wax+")
            if is_writing and self.is_meant() and not isinstance(file, int) and not str(file).startswith(_HARMLESS):
                return io.BytesIO() if "b" in mode else io.StringIO()
            return original(file, mode, *args, **kwargs)

        return quiet_open


def _audit() -> None:
    """Hears of what writes in any other way, and forbids it. Such a hook cannot be removed: afterwards it does nothing."""
    global _is_audited
    if _is_audited:
        return
    _is_audited = True

    def hook(event: str, arguments: tuple) -> None:
        if _active is None or not _active.is_meant():
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str) and flags & _WRITING and not path.startswith(_HARMLESS):
                raise Forbidden(f"a step that is tried out writes no file: {path}")
        elif event in _AUDITED:
            raise Forbidden(f"a step that is tried out changes no file: {event}")

    sys.addaudithook(hook)
    os.register_at_fork(after_in_child=_forget)


def _forget() -> None:
    """A worker that is forked within an experiment lives on after it."""
    global _active
    _active = None
