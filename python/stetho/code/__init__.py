"""What is recorded of the script itself: which way its conditions went, which errors it dropped, what it loaded, what it seeded.

Numbers and places only; `code.json` in the folder of the run is this record, and the rules judge it.
"""

from __future__ import annotations

import functools
import json
import linecache
import mmap
import os
import sys
import weakref

from stetho.code import annotate, branches, counters, handlers
from stetho.code.checkpoints import Checkpoints
from stetho.code.files import Files, looks_like
from stetho.code.optimizers import Optimizers
from stetho.code.seeds import Seeds

#: Conditions and handlers that forked workers count; those beyond are not counted there.
_SHARED = 8192
#: What workers leave behind of errors, in the folder of the run.
_WORKERS = ".code-workers.jsonl"


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
        self._trees: dict = {}
        self.conditions: list[tuple[list, int, counters.Condition]] = []
        self.handlers: list[tuple[list, int, handlers.Handler]] = []
        self._tried: list[tuple[list, int, handlers.Tried]] = []
        self._paused: list[list] | None = None
        #: Optimizers that have stepped.
        self._stepped: weakref.WeakSet = weakref.WeakSet()
        self._shared = memoryview(mmap.mmap(-1, _SHARED * 16)).cast("q")
        self._own_compile: tuple | None = None
        self.files = Files(self)
        self.seeds = Seeds(self)
        self.optimizers = Optimizers(self)
        self.checkpoints = Checkpoints(self)
        self.files.listen()
        os.register_at_fork(after_in_child=self._in_child)

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
        self._trees[plan.path] = tree
        entries: list = []
        self._lists.append(entries)

        def number(site) -> int:
            entries.append(counters.nothing)
            at = len(entries) - 1
            if isinstance(site, handlers.Handler):
                self.handlers.append((entries, at, site))
                entries[at] = handlers.catching(site, self)
            elif isinstance(site, handlers.Tried):
                self._tried.append((entries, at, site))
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
        if self.session.experiment is not None:
            return
        self.n_steps += 1
        if optimizer not in self._stepped:
            self._stepped.add(optimizer)
            self.files.look()
            self.checkpoints.look(self.session.known_models(), optimizer)
            self.checkpoints.trained.update(id(p) for g in optimizer.param_groups for p in g["params"])

    def is_own(self, path: str) -> bool:
        """Whether a file is the user's."""
        return self.session.options.is_own(path)

    # -- on and off

    def pause(self) -> None:
        """Records nothing until `resume`: what runs now is an experiment of ours."""
        if self._paused is None and self.is_on:
            self.is_on = False
            self._paused = [list(entries) for entries in self._lists]
            self._make_plain()

    def resume(self) -> None:
        """Goes on recording."""
        if self._paused is not None:
            for entries, kept in zip(self._lists, self._paused):
                entries[: len(kept)] = kept
            self._paused = None
            self.is_on = True
            if self.is_compiled:
                self._make_plain()

    def _make_plain(self) -> None:
        for entries, at, _ in self.conditions:
            entries[at] = bool
        for entries, at, _ in (*self.handlers, *self._tried):
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

    # -- forked workers

    def _in_child(self) -> None:
        """A forked process: a worker of a data loader, as a rule. What it does is counted in memory that it shares with us."""
        if not self.is_on or self._paused is not None:
            return
        self.is_on = False
        shared = self._shared
        for i, (_, _, condition) in enumerate(self.conditions[:_SHARED]):
            condition.in_child(shared, 2 * i)
        limit = 2 * _SHARED - 1
        for i, (entries, at, handler) in enumerate(self.handlers[: _SHARED // 4]):
            entries[at] = self._catching_in_child(handler, limit - i)
        for i, (entries, at, tried) in enumerate(self._tried[: _SHARED // 4]):
            entries[at] = _adding(shared, limit - _SHARED // 4 - i)

    def _catching_in_child(self, handler, at: int):
        caught = handlers.catching(handler, self)
        shared, path = self._shared, os.path.join(self.session.options.folder, _WORKERS)
        number = next(i for i, (_, _, h) in enumerate(self.handlers) if h is handler)

        def told() -> None:
            before = handler.count
            caught()
            if handler.count > before:
                shared[at] += handler.count - before
                if before == 0 and handler.first is not None:
                    line = json.dumps([number, *handler.first]) + "\n"
                    with open(path, "a", encoding="utf-8") as file:
                        file.write(line)

        return told

    def _from_children(self) -> None:
        """Adds what workers counted."""
        shared = self._shared
        for i, (_, _, condition) in enumerate(self.conditions[:_SHARED]):
            if shared[2 * i] or shared[2 * i + 1]:
                condition.add(shared[2 * i], shared[2 * i + 1])
        limit = 2 * _SHARED - 1
        for i, (_, _, handler) in enumerate(self.handlers[: _SHARED // 4]):
            handler.count += shared[limit - i]
        for i, (_, _, tried) in enumerate(self._tried[: _SHARED // 4]):
            tried.count += shared[limit - _SHARED // 4 - i]
        path = os.path.join(self.session.options.folder, _WORKERS)
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                for line in file:
                    number, *first = json.loads(line)
                    handler = self.handlers[number][2]
                    handler.first = handler.first or tuple(first)
            os.remove(path)

    # -- the record

    def place(self, path: str, line: int) -> dict:
        """A line of the user's, as the record holds it."""
        relative = os.path.relpath(path, self._folder) if path else ""
        text = linecache.getline(path, line).strip() if path else ""
        return {"path": path if relative.startswith("..") else relative, "line": line, "text": text}

    def finish(self, ended: bool) -> None:
        """Ends the recording, and writes the record into the folder of the run."""
        self.resume()
        was_on, self.is_on = self.is_on, False
        for part in (self.files, self.seeds, self.checkpoints, self.optimizers):
            part.stop()
        if self._own_compile is not None and self._own_compile[0].compile is self._own_compile[2]:
            self._own_compile[0].compile = self._own_compile[1]
        if not was_on or self.session.options.folder is None:
            return
        try:
            self._from_children()
            record = self.record(ended)
            path = os.path.join(self.session.options.folder, "code.json")
            with open(path + ".new", "w", encoding="utf-8") as file:
                json.dump(record, file)
            os.replace(path + ".new", path)
            if self._keeps_counts:
                annotate.show(self)
        except Exception:
            self.is_on = True
            self.failed("writing the record of the script")

    def record(self, ended: bool) -> dict:
        """All that is known."""
        return {
            "schema": 1, "script": self.place(self.session.options.script, 1)["path"], "n_steps": self.n_steps, "ended": ended,
            "branches": None if self.is_compiled else [self._branch(c) for _, _, c in self.conditions],
            "swallowed": [self._swallowed(h) for _, _, h in self.handlers if h.count],
            "missing_files": [self._missing(m) for m in self.files.missing.values()],
            "loads": [self._load(one) for one in self.checkpoints.loads],
            "files_read": [self._file(f) for f in self.checkpoints.files],
            "randomness": self.seeds.record(self.session.torch),
            "stale_optimizers": self.optimizers.stale,
        }

    def _branch(self, condition: counters.Condition) -> dict:
        site = condition.site
        taken, not_taken = condition.counts()
        return {
            "place": self.place(site.path, site.line), "kind": site.kind, "condition": site.condition, "taken": taken, "not_taken": not_taken,
            "values": condition.seen.words(), "is_guard": site.is_guard, "role": site.role, "why": condition.why, "in_step": site.in_step,
        }

    def _swallowed(self, handler: handlers.Handler) -> dict:
        kind, message, path, line = handler.first or ("", "", "", 0)
        return {
            "place": self.place(handler.path, handler.line), "raised": self.place(path, line), "type": kind, "message": message,
            "count": handler.count, "n_tried": handler.tried.count, "kind": handler.kind, "is_broad": handler.is_broad,
            "statement": handler.statement,
        }

    def _missing(self, missing) -> dict:
        written = [p for real, p in self.files.written.items() if looks_like(real) == "checkpoint"]
        return {
            "path": missing.path, "place": self.place(*missing.place), "how": missing.how, "count": missing.count,
            "looks_like": looks_like(missing.path), "was_created_later": self.files.was_created(missing), "is_saved_in_code": self._is_saved(missing), "before_training": missing.before_training,
            "saved_instead": written[:5],
        }

    def _is_saved(self, missing) -> bool:
        """Whether the script would write this file, in a longer run."""
        asked = branches.first_arguments(self._trees.get(missing.place[0]), missing.place[1])
        name = os.path.basename(missing.path)
        return any(text in asked or constant == name for tree in self._trees.values() for text, constant in branches.saved_paths(tree))

    def _load(self, load) -> dict:
        path = load.file.path if load.file is not None else None
        n_kept = None
        if load.n_kept is not None and load.after:
            n_kept = round(load.facts["n_loaded"] * load.n_kept / len(load.after))
        return {
            "place": self.place(*load.place), "model": load.model, "path": path, **load.facts, "n_kept": n_kept,
            "after_load": load.undone or None, "undone_at": self.place(*load.undone_at) if load.undone_at else None,
            "before_training": load.before_training, "written_by_run": self.files.was_written(path),
        }

    def _file(self, file) -> dict:
        return {
            "path": file.path, "place": self.place(*file.place), "n_parameters": len(file.prints), "fits": file.fits,
            "loaded_into": file.loaded_into, "n_in_use": file.n_in_use, "before_training": file.before_training,
            "written_by_run": self.files.was_written(file.path),
        }


def _adding(shared, at: int):
    def enter() -> None:
        shared[at] += 1

    return enter
