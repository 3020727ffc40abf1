"""The checks before training: short experiments on the user's own first step, after each of which all is as it was.

An experiment is a module of this package with `NAME`, `TITLE`, `SHARE` (of the time allowed) and a function `measure(bench)`.
It may be a generator: ``outcome = yield Attempt(bench, …)`` has the user's step made once more. What it returns goes under its
name into ``preflight.json``; `Skip` says why it does not apply. Numbers only: what they mean is judged by the rules.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import time
import traceback
from importlib import import_module

from stetho.preflight import record
from stetho.preflight.attempt import Aside, Attempt, Skip
from stetho.preflight.bench import Bench
from stetho.preflight.draws import Draws
from stetho.preflight.kept import Kept
from stetho.preflight.quiet import Forbidden, Quiet
from stetho.preflight.surroundings import look_around, random_states, roots_of
from stetho.replay import eager
from stetho.session import Body, Stopped

#: Modules of this package, in the order of their worth.
EXPERIMENTS: tuple[str, ...] = (
    "facts", "overfit", "zeroed", "mixing", "causal", "validation", "output", "gradient_checks", "range", "sizes",
    "mini_validation",
)
#: Those that are made only if asked for, by option.
ON_REQUEST = {"ladder": "ladder", "memory": "memory"}
#: Seconds allowed in all.
BUDGET = 60.0


class Preflight:
    """All experiments, once, before the first step of a run."""

    def __init__(self, options: dict) -> None:
        self.is_only = bool(options.get("only"))
        self.budget = float(options.get("budget") or BUDGET)
        self._options = options
        self.record: dict = {"schema": 1, "budget": self.budget, "experiments": []}
        self._bodies = 0
        self._waits = False

    def is_due(self, session) -> bool:
        """Whether this body is the one: the first whose models have their parameters, and that makes a backward pass."""
        self._bodies += 1
        lazy = getattr(session.torch.nn.parameter, "UninitializedTensorMixin", None)
        if self._waits or lazy is None or self._bodies > 1:
            return not self._waits
        import gc

        return not any(issubclass(type(v), lazy) for v in gc.get_objects())

    def made(self, body) -> None:
        """A body of the training was made. Where the first ones make no backward pass, that comes after the first that did."""
        if body.n_backward:
            self._waits = False

    def run(self, session, number: int, values: tuple):
        """Yields the values of one attempt after another; gives the batches that the body drew."""
        started = time.perf_counter()
        self.record["script"] = session.options.script
        body = Body(session.sites[number], number, values)
        session.body = body
        quiet, kept, undo = Quiet(), Kept(session), contextlib.ExitStack()
        # What the script's branches and files are is recorded of the training alone.
        code = getattr(session, "code", None)
        if code is not None:
            code.pause()
        frame = session.user_frame()
        try:
            session.random = session.random or random_states(session)
            session.random.take()
            kept.take(roots_of(session, frame, values))
            session.draws = Draws(session.torch, kept)
            bench = Bench(session, body, kept)
            undo.callback(bench.put_back)
            look_around(bench, frame)
            try:
                quiet.enter()
                # Hooks and changed modes would have what is compiled made again for each experiment.
                undo.callback(eager(session.torch))
                yield from self._experiments(bench, started)
            finally:
                session.experiment = None
                undo.close()
                kept.restore()
                session.random.restore()
                quiet.leave()
                _tell_lost(session, kept)
            self.record["seconds"] = round(time.perf_counter() - started, 3)
        except GeneratorExit:
            raise
        except Exception as error:
            _failed(session, "the preflight", error)
        finally:
            session.body = session.experiment = None
            session.scaled = None
            if code is not None:
                code.resume()
        if self._has_no_backward:
            # A step that fills a buffer first, for one. The training goes on, and so does this.
            self._waits, session.preflight = True, self
            self.record = {"schema": 1, "budget": self.budget, "experiments": []}
            return body.batches
        self._write(session)
        if self.is_only:
            raise Stopped(0)
        return body.batches

    _has_no_backward = False

    def conclude(self, session) -> None:
        """The script has ended without a step that could be tried out: every experiment says so."""
        why = "the script did not import PyTorch" if session.torch is None else (
            "the script trains in processes that it starts, in which no experiments are made" if session.spawned
            else "no training step was found in the script" if not session.sites
            else "no step of the script made a backward pass" if self._bodies else "the script made no training step"
        )
        self.record["script"] = session.options.script
        for name in self._names():
            title = _title(name)
            self.record["experiments"].append({"name": name, "title": title, "seconds": 0.0, "skipped": why})
        self.record["seconds"] = 0.0
        self._write(session)

    def _experiments(self, bench, started: float):
        for name in self._names():
            module = import_module(f"stetho.preflight.{name}")
            entry = {"name": module.NAME, "title": module.TITLE, "seconds": 0.0, "skipped": None}
            self.record["experiments"].append(entry)
            before = time.perf_counter()
            left = started + self.budget - before
            try:
                if left <= 0:
                    raise Skip(f"the {self.budget:g} s allowed were used up")
                if name != "facts":
                    _must_work(bench)
                bench.deadline = before + min(left, module.SHARE * self.budget)
                found = yield from self._measure(module, bench)
                if name == "facts":
                    self.record.update(found)
                    self._has_no_backward = bench.n_backward == 0 and bench.watched.error is None
                    if self._has_no_backward:
                        return
                elif found is not None:
                    self.record[module.NAME] = found
            except Skip as reason:
                entry["skipped"] = str(reason)
            except Exception as error:
                entry["skipped"] = f"failed: {type(error).__name__}: {error}".splitlines()[0][:200]
                if os.environ.get("STETHO_DEBUG"):
                    traceback.print_exc(file=sys.__stderr__)
            entry["seconds"] = round(time.perf_counter() - before, 3)

    def _names(self) -> list[str]:
        asked = [n for n, option in ON_REQUEST.items() if self._options.get(option)]
        left_out = {"range"} if self._options.get("range") is False else set()
        return [n for n in (*EXPERIMENTS, *asked) if n not in left_out]

    def _measure(self, module, bench):
        session = bench.session
        bench.start_over()
        session.experiment = Aside
        steps = module.measure(bench)
        if not inspect.isgenerator(steps):
            return steps
        outcome = None
        while True:
            try:
                attempt = steps.send(outcome)
            except StopIteration as end:
                return end.value
            attempt.enter()
            session.experiment = attempt
            try:
                yield attempt.values
            finally:
                session.experiment = Aside
                attempt.leave()
            bench.n_made += 1
            outcome = attempt

    def _write(self, session) -> None:
        folder = session.options.folder
        if folder is None:
            return
        try:
            record.write(os.path.join(folder, "preflight.json"), self.record)
        except OSError as error:
            session.say(f"the preflight could not be written: {error.strerror or error}")


def _title(name: str) -> str:
    """The title of an experiment; read from its text, since importing it may need PyTorch."""
    import ast

    with open(os.path.join(os.path.dirname(__file__), f"{name}.py"), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "TITLE":
            return ast.literal_eval(node.value)
    return name


def _tell_lost(session, kept) -> None:
    """What an experiment changed and could not be put back, in one line."""
    lost = [*dict.fromkeys(kept.failures)]
    n_large = kept.lost()
    if n_large:
        lost.append(f"{n_large} tensors that the step writes to were too large to be kept")
    n_moved = kept.moved()
    if n_moved:
        lost.append(f"{n_moved} generators that the step reads from cannot go back")
    if kept.is_cut:
        lost.append("the script holds more objects than were looked through")
    if lost:
        what = "; ".join(lost[:3])
        session.say(f"the preflight could not put everything back, the training may differ from one without it: {what}")


def _must_work(bench) -> None:
    """Experiments need a step that can be made."""
    if bench.watched is None:
        raise Skip("the step could not be looked at")
    error = bench.watched.error
    if isinstance(error, Forbidden):
        raise Skip("the step changes files, which an experiment must not")
    if error is not None:
        raise Skip("the step itself fails")
    if bench.n_backward == 0:
        raise Skip("the step ends before its backward pass")


def _failed(session, what: str, error: Exception) -> None:
    why = f"{type(error).__name__}: {error}".splitlines()[0]
    session.say(f"{what} failed in stetho itself, the training goes on without it: {why}")
    if os.environ.get("STETHO_DEBUG"):
        traceback.print_exc()


__all__ = ["Attempt", "Bench", "Preflight", "Skip"]
