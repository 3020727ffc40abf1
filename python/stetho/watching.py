"""Stetho without `stetho run`: from within a script, an adapter or a notebook."""

from __future__ import annotations

import functools
import json
import os
import sys

from stetho.instrument import Site
from stetho.options import Options, as_share, default_folder
from stetho.session import Session


class Watch:
    """A watched run; `close` ends it, as does the end of a ``with`` block."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def close(self, out: str | None = None) -> None:
        """Ends the watching, and prints the report to standard error, or writes it as JSON to `out`."""
        global _current
        if _current is not self:
            return
        from stetho import _core, ending

        # The defaults of the command line; a module's name is not looked for, as a notebook's would be.
        request = json.loads(_core.command(["run", *(["--out", out] if out else []), "-m", "--", "notebook"]))
        ending.finish(self.session, request, 0)
        self.session.is_off = True
        if self.session.probes is not None:
            self.session.probes.silence()
        self.session.patches.undo()
        _current = None

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    @property
    def folder(self) -> str | None:
        """The run directory."""
        return self.session.options.folder


_current: Watch | None = None


def running() -> Session | None:
    """The run that is watched: of `stetho run`, or of `attach`; None where there is none, or it is over."""
    import builtins

    found = getattr(builtins, "__stetho__", None)
    session = found if isinstance(found, Session) else _current.session if _current is not None else None
    return None if session is None or session.is_off or session.torch is None else session


def attach(*things, dir: str | None = None, on_trap: str = "stop", budget: float | str = "2%") -> Watch:
    """Watches the training of this process from here on.

    `things` are models and optimizers; those not given are found when an optimizer steps. A step that is a function with `@stetho.step`
    can be attempted again and the trap names the operation and the sample; any other is watched all the same. Under `stetho run` this does nothing
    but name the models.
    """
    check_on_trap(on_trap)
    caller = sys._getframe(1)
    while caller.f_back is not None and caller.f_code.co_filename.startswith(os.path.dirname(__file__)):
        caller = caller.f_back
    return begin(caller.f_code.co_filename, things, dir, on_trap, budget)


def check_on_trap(on_trap: str) -> None:
    """Refuses what cannot be done at a trap without the command."""
    if on_trap not in ("stop", "skip"):
        raise ValueError(f"on_trap is `{on_trap}`; it is `stop` or `skip`")


def begin(script: str, things: tuple, dir: str | None = None, on_trap: str = "stop", budget: float | str = "2%") -> Watch:
    """`attach` for the training that this file makes."""
    global _current
    import builtins

    import torch

    running = getattr(builtins, "__stetho__", None)
    if isinstance(running, Session) and running.torch is not None and not running.is_off:
        return Watch(running)
    if _current is not None:
        return _current
    roots = tuple(dict.fromkeys(os.path.realpath(p) for p in (os.path.dirname(os.path.abspath(script)), os.getcwd())))
    options = Options(folder=os.path.abspath(dir or default_folder(script)), budget=as_share(budget), on_trap=on_trap, roots=roots, script=script)
    os.makedirs(options.folder, exist_ok=True)
    from stetho import _core, adapters, hooks, probes

    session = Session(options, _core.RunLog(options.folder))
    hooks.install(torch, session)
    session.batches.patch(sys.modules["torch.utils.data.dataloader"], session)
    adapters.install_present()
    session.probes = probes.Probes(session)
    session.models = [t for t in things if isinstance(t, torch.nn.Module)]
    if session.models:
        from stetho.state import Buffers

        session.buffers = Buffers(session.models)
        session.probes.meet(session.models)
    _current = Watch(session)
    return _current


def step(function):
    """Makes a function one training step: forward pass, backward pass, optimizer step.

    When the trap trips in it, it is run again with every operation seen. Its arguments are the batch.
    """

    @functools.wraps(function)
    def attempted(*args, **kwargs):
        session = running()
        if session is None:
            return function(*args, **kwargs)
        result = None
        for attempt in session.attempts(site_of(session, function.__code__, ("args", "kwargs")), (args, kwargs)):
            now_args, now_kwargs = attempt if attempt is not None else (args, kwargs)
            try:
                result = function(*now_args, **now_kwargs)
            except session.Again:
                pass
        return result

    return attempted


def site_of(session: Session, code, carried: tuple[str, ...]) -> int:
    """The number of a function as a place of steps: what it starts from is `carried`."""
    number = session.numbers.get(code)
    if number is None:
        number = session.numbers[code] = len(session.sites)
        session.sites.append(Site(os.path.realpath(code.co_filename), code.co_firstlineno, carried, carried, function=code.co_name))
    return number


__all__ = ["Watch", "attach", "begin", "running", "site_of", "step"]
