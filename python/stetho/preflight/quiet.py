"""While experiments are made the user's step prints nothing, logs nothing and writes no file."""

from __future__ import annotations

import builtins
import io
import logging
import os
import sys
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


class Quiet:
    """Entered for the time of the preflight."""

    def __init__(self) -> None:
        self._undo: list = []
        #: Files that the step would have written.
        self.kept_from: list[str] = []

    def enter(self) -> None:
        """From here on nothing is written."""
        global _active
        _active = self
        _audit()
        self._streams = (sys.stdout, sys.stderr)
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")
        self._disabled = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        self._bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        self._replace(builtins, "open", self._open(builtins.open))
        self._replace(io, "open", builtins.open)
        for name, functions in _WRITERS.items():
            module = sys.modules.get(name)
            for function in functions if module is not None else ():
                if hasattr(module, function):
                    self._replace(module, function, _nothing)
        for name, (kind, prefixes) in _SILENT.items():
            owner = getattr(sys.modules.get(name), kind, None)
            for method in [m for m in dir(owner) if m.startswith(prefixes)] if owner is not None else ():
                if callable(getattr(owner, method)) and method in vars(owner):
                    self._replace(owner, method, _nothing)

    def leave(self) -> None:
        """All is as it was."""
        global _active
        _active = None
        for owner, name, before in reversed(self._undo):
            setattr(owner, name, before)
        self._undo = []
        sys.dont_write_bytecode = self._bytecode
        logging.disable(self._disabled)
        self._warnings.__exit__(None, None, None)
        sys.stdout, sys.stderr = self._streams

    def _replace(self, owner, name: str, value) -> None:
        self._undo.append((owner, name, vars(owner)[name]))
        setattr(owner, name, value)

    def _open(self, original):
        def quiet_open(file, mode="r", *args, **kwargs):
            is_writing = isinstance(mode, str) and set(mode) & set("wax+")
            if is_writing and not isinstance(file, int) and not str(file).startswith(_HARMLESS):
                self.kept_from.append(str(file))
                return io.BytesIO() if "b" in mode else io.StringIO()
            return original(file, mode, *args, **kwargs)

        return quiet_open


def _nothing(*args, **kwargs) -> None:
    return None


def _audit() -> None:
    """Hears of what writes in any other way, and forbids it. Such a hook cannot be removed: afterwards it does nothing."""
    global _is_audited
    if _is_audited:
        return
    _is_audited = True

    def hook(event: str, arguments: tuple) -> None:
        if _active is None:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str) and flags & _WRITING and not path.startswith(_HARMLESS):
                _active.kept_from.append(path)
                raise Forbidden(f"a step that is tried out writes no file: {path}")
        elif event in _AUDITED:
            _active.kept_from.append(str(arguments[0]) if arguments else event)
            raise Forbidden(f"a step that is tried out changes no file: {event}")

    sys.addaudithook(hook)
