"""What is recorded of the script itself: which way its conditions went, which errors it dropped, what it loaded, what it seeded.

Numbers and places only; `code.json` in the folder of the run is this record, and the rules judge it.
"""

from __future__ import annotations

import functools
import json
import linecache
import os
import sys
import weakref

from stetho import writing
from stetho.code import annotate, branches, counters, handlers, record
from stetho.code.checkpoints import Checkpoints
from stetho.code.files import Files
from stetho.code.optimizers import Optimizers
from stetho.code.seeds import Seeds
from stetho.code.workers import Workers


class Absent:
    """Stands for the recorder where a function of the user's was sent to another process by value."""

    is_on = False

    def __init__(self) -> None:
        self.files = self

    def was_not_found(self, error, handler) -> bool:
        """Nothing is recorded there."""
        return True


class Recorder:
    """Watches the script itself. Whatever fails in here ends the recording, never the script."""

    def __init__(self, session, keeps_counts: bool = False) -> None:
        self.session = session
        self.is_on = True
        self.n_steps = 0
        self.is_compiled = False
        self._keeps_counts = keeps_counts
        self._folder = os.getcwd()
        self._lists: list[list] = []
        self.conditions: list[tuple[list, int, counters.Condition]] = []
        self.handlers: list[tuple[list, int, handlers.Handler]] = []
        self.tried: list[tuple[list, int, handlers.Tried]] = []
        #: The user's files, by their paths.
        self.trees: dict = {}
        self.paused: list[list] | None = None
        #: Optimizers that have stepped.
        self._stepped: weakref.WeakSet = weakref.WeakSet()
        self._workers = Workers(self)
        self._own_compile: tuple | None = None
        self.files = Files(self)
        self.seeds = Seeds(self)
        self.optimizers = Optimizers(self)
        self.checkpoints = Checkpoints(self)
        self.files.listen()

    def __reduce__(self):
        return Absent, ()

    # -- the user's files

    def plan(self, tree, path: str, reach) -> branches.Plan | None:
        """What is to be watched in a file, before it is changed in any other way."""
        if not self.is_on:
            return None
        try:
            return branches.plan(tree, path, reach)
        except Exception:
            self.failed("reading the script")
            return None

    def write(self, tree, plan: branches.Plan | None):
        """The file with what is needed for that."""
        if plan is None:
            return tree
        self.trees[plan.path] = tree
        entries: list = []
        self._lists.append(entries)

        def number(site) -> int:
            entries.append(counters.nothing)
            at = len(entries) - 1
            if isinstance(site, handlers.Handler):
                self.handlers.append((entries, at, site))
                entries[at] = handlers.catching(site, self)
            elif isinstance(site, handlers.Tried):
                self.tried.append((entries, at, site))
                entries[at] = handlers.counting(site)
            else:
                self.conditions.append((entries, at, counters.Condition(entries, at, site, self._keeps_counts)))
                if self.is_compiled:
                    entries[at] = bool
            return at

        return branches.write(tree, plan, number, len(self._lists) - 1)

    def list_of(self, key: int) -> list:
        """The functions of a file; called by it when it begins."""
        return self._lists[key]

    # -- events

    def after_import(self) -> dict:
        """What is listened to once it has been imported, by the name of the module."""
        after = {"numpy.random": self._guarded(self.seeds.listen_to_numpy)}
        after["safetensors.torch"] = self._guarded(self.checkpoints.listen_to_safetensors)
        for name in [n for n in after if n in sys.modules]:
            after.pop(name)(sys.modules[name])
        return after

    def _guarded(self, listen):
        def heard(module) -> None:
            try:
                listen(module)
            except Exception:
                self.failed("listening to a module")

        return heard

    def torch_is_here(self, torch) -> None:
        """PyTorch has been imported."""
        try:
            self.checkpoints.listen(torch)
            self.seeds.listen(torch)
            self.optimizers.listen(torch)
            self._hear_of_compiling(torch)
        except Exception:
            self.failed("listening to PyTorch")

    def _hear_of_compiling(self, torch) -> None:
        """Conditions are not counted any more once something is compiled: the compiler reads the bytecode of the user's functions."""
        original = torch.compile

        @functools.wraps(original)
        def compile(*args, **kwargs):
            self.is_compiled = True
            self._make_plain()
            return original(*args, **kwargs)

        torch.compile = compile
        self._own_compile = (torch, original, compile)

    def stepping(self, optimizer) -> None:
        """An optimizer is about to step."""
        if optimizer not in self._stepped:
            self._stepped.add(optimizer)
            self.files.look()
            self.checkpoints.look(self.session.known_models(), optimizer)
            for parameter in (p for g in optimizer.param_groups for p in g["params"]):
                self.checkpoints.trained[parameter] = True

    def is_own(self, path: str) -> bool:
        """Whether a file is the user's."""
        return self.session.options.is_own(path)

    # -- on and off

    def pause(self) -> None:
        """Records nothing until `resume`: what runs now is an experiment of ours."""
        if self.paused is None and self.is_on:
            self.is_on = False
            self.paused = [list(entries) for entries in self._lists]
            self._make_plain()

    def resume(self) -> None:
        """Goes on recording."""
        if self.paused is not None:
            for entries, kept in zip(self._lists, self.paused):
                entries[: len(kept)] = kept
            self.paused = None
            self.is_on = True
            if self.is_compiled:
                self._make_plain()

    def _make_plain(self) -> None:
        for entries, at, _ in self.conditions:
            entries[at] = bool
        for entries, at, _ in (*self.handlers, *self.tried):
            entries[at] = counters.nothing

    def failed(self, what: str) -> None:
        """Something of ours went wrong: the recording ends, the script goes on."""
        if self.is_on:
            self.is_on = False
            self._make_plain()
            error = sys.exc_info()[1]
            self.session.say(f"{what} failed in stetho itself, the script is no longer recorded: {type(error).__name__}: {error}")
            if os.environ.get("STETHO_DEBUG"):
                import traceback

                traceback.print_exc()

    # -- the record

    def place(self, path: str, line: int) -> dict:
        """A line of the user's, as the record holds it."""
        relative = os.path.relpath(path, self._folder) if path else ""
        text = linecache.getline(path, line).strip() if path else ""
        return {"path": path if relative.startswith("..") else relative, "line": line, "text": text}

    def finish(self, ended: bool, is_whole: bool = True, is_written: bool = True) -> None:
        """Ends the recording, and writes the record into the folder of the run, unless processes that the script has started do so."""
        self.resume()
        was_on, self.is_on = self.is_on, False
        for part in (self.files, self.seeds, self.checkpoints, self.optimizers):
            part.stop()
        if self._own_compile is not None and self._own_compile[0].compile is self._own_compile[2]:
            self._own_compile[0].compile = self._own_compile[1]
        if not was_on or not is_written or self.session.options.folder is None:
            return
        try:
            self._workers.collect()
            told = record.of(self, ended and is_whole, is_whole)
            path = os.path.join(self.session.options.folder, "code.json")
            with writing.whole(path) as file:
                json.dump(told, file)
            if self._keeps_counts:
                annotate.show(self)
        except Exception:
            self.is_on = True
            self.failed("writing the record of the script")
