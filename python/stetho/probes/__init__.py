"""What is measured of a run and written to its log.

At every step (tier 0): the loss, the norm of the gradient, the learning rate, times. On sampled steps,
spaced so that their cost stays within the budget: all that the probes of this package measure, one a file.
A probe measures and never judges.
"""

from __future__ import annotations

import functools
import json
import os
import time
import traceback
from importlib import import_module

from stetho.ranks import is_first_here
from stetho.probes import graph
from stetho.probes.sites import Sites

#: Modules of this package that each define `Probe`, in the order in which they are asked.
NAMES: tuple[str, ...] = (
    "layers",
    "activations",
    "modes",
    "zeroing",
    "schedule",
    "draws",
    "leaks",
    "labels",
    "losses",
    "clipping",
    "memory",
    "ranks",
    "contracts",
)
#: Steps that are sampled whatever they cost: the first ones, and from there on each time their number has
#: grown by these factors, as long as it is small.
FIRST = 3
GROWTH = 2.0
GROWTH_LIGHT = 1.3
LAST_GROWTH = 600
#: Share of the budget that goes into the light probes, which are asked oftener than the others.
LIGHT_SHARE = 0.4
#: Seconds after which what was measured is handed to the log.
HAND_OVER = 0.5
#: Steps that are kept before that.
MOST_KEPT = 256


def guarded(method):
    """For methods that run within the user's calls: an error of ours ends the probe, not the training."""

    def run(self, *arguments):
        if self.is_dropped:
            return None
        try:
            return method(self, *arguments)
        except Exception as error:
            self.drop(error)
            return None

    def run_alone(self):
        # The same without arguments, which costs less: it comes at every step.
        if self.is_dropped:
            return None
        try:
            return method(self)
        except Exception as error:
            self.drop(error)
            return None

    return functools.wraps(method)(run if method.__code__.co_argcount > 1 else run_alone)


class Probe:
    """One measurement. Methods are called on sampled steps alone, but for those of `every`."""

    def __init__(self, session) -> None:
        self.session = session

    #: Whether it failed, and is not asked any more.
    is_dropped = False

    def drop(self, error: Exception) -> None:
        """It failed: said once, then the run goes on without it."""
        self.is_dropped = True
        name = type(self).__module__.rpartition(".")[2]
        self.session.say(
            f"measuring {name} failed in stetho itself, it is left out: {type(error).__name__}: {error}"
        )
        if os.environ.get("STETHO_DEBUG"):
            traceback.print_exc()
        if self.session.probes is not None:
            self.session.probes.leave_out(self)

    #: Whether `after_step` is wanted at every step.
    every = False
    #: Whether it costs little enough to be asked oftener than those that pass over all parameters.
    is_light = False

    def meet(self, models: list) -> None:
        """The models are known, or have changed."""

    def begin(self, body) -> None:
        """A sampled step begins."""

    def before_backward(self, loss) -> None:
        """The loss of a backward pass, as the user has it."""

    def after_backward(self) -> None:
        """Gradients are there."""

    def before_step(self, optimizer) -> None:
        """An optimizer is about to step."""

    def after_step(self, optimizer) -> None:
        """It has stepped."""

    def end(self, body, write) -> None:
        """The step is over: ``write.scalar(tag, value)``, ``write.layers(word, names, values)``."""

    def forget(self) -> None:
        """Another training begins, on data of its own: what was counted of the one before it is no matter."""

    def tell(self, write) -> None:
        """What is counted all the time is asked for: after sampled steps, and when the log is written."""


class Writer:
    """What one step gives to the log."""

    __slots__ = ("scalars", "vectors")

    def __init__(self) -> None:
        self.scalars: dict[str, float] = {}
        self.vectors: dict[str, tuple[list[str], list[float]]] = {}

    def scalar(self, tag: str, value: float) -> None:
        """A number under a tag of `docs/run-logs.md`."""
        self.scalars[tag] = value

    def layers(self, word: str, names: list[str], values: list[float]) -> None:
        """A number a layer, from the input to the output."""
        self.vectors[word] = (names, values)


class Spacing:
    """Which steps are sampled."""

    __slots__ = ("next", "_growth", "_start")

    def __init__(self, growth: float, start: int = 0) -> None:
        #: Number of the next one.
        self.next = start
        self._growth = growth
        self._start = start

    def after(self, n: int, spacing: float) -> None:
        """The step before number `n` was sampled; `spacing` steps apart, sampling keeps to its budget."""
        known = n - self._start
        self.next = n if known < FIRST else n + max(1, int(spacing))
        if known < LAST_GROWTH:
            self.next = min(self.next, max(n + 1, self._start + int(self._growth * known)))


class Probes:
    """All probes of a run, and when they measure."""

    def __init__(self, session) -> None:
        self.session = session
        self.log = session.log
        self.is_sampling = False
        #: Whether something was counted that should be told with the next step.
        self.is_due = False
        session.calls = Sites(session)
        named = {name: import_module(f"stetho.probes.{name}").Probe(session) for name in NAMES}
        self.all: list[Probe] = list(named.values())
        self.draws = named["draws"]
        self.leaks = named["leaks"]
        self._modes = named["modes"]
        self._clipping = named["clipping"]
        self._every = tuple(p for p in self.all if p.every)
        self._light = [p for p in self.all if p.is_light]
        #: The probes that this step is sampled by.
        self._asked: list[Probe] = []
        self._heavy_spacing, self._light_spacing = Spacing(GROWTH), Spacing(GROWTH_LIGHT)
        self._graph: tuple | None = None
        self._kept: list[tuple] = []
        self._handed = time.perf_counter()
        self._n = 0
        self._cost = 0.0
        self._step_time = 0.0
        self._ended = time.perf_counter()
        self._wait = 0.0
        self._has_loader = False
        self._time = 0.0
        self._waited = 0.0
        self._writer: Writer | None = None
        self._square_sum: float | None = None
        self._rates: tuple = ()
        self._losses: list[float] = []
        self.findings: list[str] = []

    def meet(self, models: list) -> None:
        """The models are known, or have changed: they are looked at as often as at the start."""
        if self._n > 0:
            self._space_anew()
        self._ask(self.all, "meet", models)

    def forget_data(self) -> None:
        """Another model is trained: it may be validated with what the one before it was trained on."""
        self._ask(self.all, "forget")

    def start_over(self, log) -> None:
        """What follows is another training, with a log of its own."""
        self.log = log
        self._kept, self._losses, self._writer = [], [], None
        self._n = 0
        self._space_anew()

    def _space_anew(self) -> None:
        self._heavy_spacing, self._light_spacing = Spacing(GROWTH, self._n), Spacing(GROWTH_LIGHT, self._n)

    def ask_always(self, probe: Probe) -> None:
        """A probe has something to do after every step."""
        self._every += (probe,)

    def leave_out(self, probe: Probe) -> None:
        """A probe failed."""
        is_whole = self._asked is self.all
        for probes in (self.all, self._light):
            if probe in probes:
                probes.remove(probe)
        self._every = tuple(p for p in self._every if p is not probe)
        if not is_whole and self._asked is not self._light:
            self._asked = []

    def _ask(self, probes: list[Probe], method: str, *arguments) -> None:
        for probe in list(probes):
            try:
                getattr(probe, method)(*arguments)
            except Exception as error:
                probe.drop(error)

    def is_validating(self) -> bool:
        """Whether what is computed now without a gradient is no part of a training step: between steps, or in
        the body of one after its optimizer has stepped."""
        body = self.session.body
        return body is None or bool(body.stepped) and not self.session.torch.is_grad_enabled()

    def graph_of(self, loss) -> list:
        """The autograd graph of a loss, looked through once."""
        if self._graph is None or self._graph[0] is not loss:
            self._graph = (loss, graph.walk(loss))
        return self._graph[1]

    def begin(self, body) -> None:
        """A step begins."""
        self.draws.starts()
        self._modes.starts()
        batches = self.session.batches
        self._wait = batches.wait
        if self._wait:
            self._has_loader = True
            batches.wait = 0.0
        n = self._n
        if n >= self._heavy_spacing.next:
            self._asked = self.all
        elif n >= self._light_spacing.next:
            self._asked = self._light
        else:
            self.is_sampling = False
            return
        self.is_sampling = bool(self._asked)
        if self.is_sampling:
            start = time.perf_counter()
            self._ask(self._asked, "begin", body)
            self._cost += time.perf_counter() - start

    def trains_outside(self) -> None:
        """A backward pass outside of every step, as of a generator that steps once after several steps of its critic."""
        self.draws.trains_outside()
        self._modes.trains_outside()

    def before_backward(self, loss) -> None:
        """See `Probe`."""
        self._timed("before_backward", loss)
        self._graph = None

    def after_backward(self) -> None:
        """See `Probe`."""
        self._timed("after_backward")

    def before_step(self, optimizer) -> None:
        """See `Probe`."""
        self._timed("before_step", optimizer)

    def after_step(self, optimizer, square_sum: float) -> None:
        """See `Probe`; called at every step."""
        self._square_sum = square_sum
        groups = optimizer.param_groups
        self._rates = (groups[0]["lr"],) if len(groups) == 1 else tuple(g.get("lr") for g in groups)
        if self.is_sampling:
            self._timed("after_step", optimizer)
            if self._asked is self.all:
                return
        for probe in self._every:
            if not (self.is_sampling and probe.is_light):
                try:
                    probe.after_step(optimizer)
                except Exception as error:
                    probe.drop(error)

    def _timed(self, method: str, *arguments) -> None:
        start = time.perf_counter()
        self._ask(self._asked, method, *arguments)
        self._cost += time.perf_counter() - start

    def end(self, body) -> None:
        """A step is over."""
        now = time.perf_counter()
        step_time = now - self._ended
        self._ended = now
        self._time += step_time
        self._waited += self._wait
        if body.losses:
            self._losses.extend(body.losses)
        # A step that a gradient scaler leaves out is one nevertheless.
        is_scaled = self.session.scaler is not None and self._clipping.was_scaled()
        is_step = is_scaled or bool(body.stepped)
        if self.is_sampling or self.is_due and is_step:
            if self._writer is None:
                self._writer = Writer()
            if self.is_sampling:
                self._ask(self._asked, "end", body, self._writer)
            if self.is_due or self._asked is self.all:
                self._tell(self._writer)
        if is_step:
            self._keep(body, is_scaled)
        self._n += 1
        if self.is_sampling:
            self._cost += time.perf_counter() - now
            if is_step:
                self._space(step_time)
        if now - self._handed > HAND_OVER or len(self._kept) >= MOST_KEPT:
            self.hand_over()
            self.is_due = True

    def _keep(self, body, is_scaled: bool) -> None:
        """What was seen of a step, and of the bodies that went into it."""
        session, losses, clipping = self.session, self._losses, self._clipping
        step, square_sum, loss = session.step, None, None
        if body.stepped:
            step, square_sum = step - 1, self._square_sum
        if losses:
            loss = losses[0] if len(losses) == 1 else sum(losses) / len(losses)
            self._losses = []
            session.trap.recent.append((step, loss))
        clip = clipping.take() if clipping.last is not None else None
        scale = clipping.scale() if is_scaled else None
        self._kept.append((step, loss, square_sum, clip, self._rates, self._time, self._waited, scale, self._writer))
        self._time = self._waited = 0.0
        self._writer = None

    def _tell(self, writer) -> None:
        self.is_due = False
        self._ask(self.all, "tell", writer)
        self.session.calls.tell(writer)

    def _space(self, step_time: float) -> None:
        """When the next step is sampled: the cost of this one, spread over steps, stays within the budget."""
        plain = max(step_time - self._cost, 1e-6)
        self._step_time = plain if self._step_time == 0.0 else min(self._step_time, plain) * 0.5 + plain * 0.5
        spare = self._step_time * max(self.session.options.budget, 1e-4)
        if self._asked is self.all:
            self._heavy_spacing.after(self._n, self._cost / (spare * (1.0 - LIGHT_SHARE)))
            self._light_spacing.next = max(self._light_spacing.next, self._n + 1)
        else:
            self._light_spacing.after(self._n, self._cost / (spare * LIGHT_SHARE))
        self._cost = 0.0
        self.is_sampling = False

    def hand_over(self) -> None:
        """Gives to the log what was kept."""
        self._handed = time.perf_counter()
        kept, self._kept = self._kept, []
        if self.log is None:
            return
        for step, loss, square_sum, clip, rates, step_time, wait, scale, writer in kept:
            scalars = {"time/step": step_time}
            norm = square_sum**0.5 if square_sum is not None else None
            if loss is not None:
                scalars["train/loss"] = loss
            if clip is not None:
                scalars["grad_norm"], scalars["max_grad_norm"] = clip
                if norm is not None:
                    scalars["grad_norm_clipped"] = norm
            elif norm is not None:
                scalars["grad_norm"] = norm
            for i, rate in enumerate(rates):
                if rate is not None:
                    scalars["learning_rate" if len(rates) == 1 else f"learning_rate/group{i}"] = float(rate)
            if self._has_loader:
                scalars["time/data"] = wait
            if scale is not None:
                scalars["loss_scale"] = scale
            vectors: dict = {}
            if writer is not None:
                scalars.update(writer.scalars)
                vectors = writer.vectors
            for text in self.log.log(step, scalars, vectors):
                self._found(json.loads(text))
        self.log.flush()

    def _found(self, finding: dict) -> None:
        """Tells the user while the run goes on. What the trap finds it has said itself."""
        rule, severity, message = finding["rule"], finding["severity"], finding["message"]
        self.findings.append(rule)
        if severity in ("error", "warning") and not self.session.trap.records and is_first_here():
            self.session.say(f"{severity} {rule}: {message}")
        if self.session.debugger is not None:
            self.session.debugger.found(rule, message)

    def silence(self) -> None:
        """The process goes on after the run: what was hooked for it is passed through."""
        self._ask(self.all, "meet", [])
        for probe in self.all:
            probe.is_dropped = True

    def close(self) -> None:
        """The run is over."""
        self.hand_over()
        if self.log is None or self._n == 0:
            return
        writer = self._writer or Writer()
        self._tell(writer)
        self.log.log(max(self.session.step - 1, 0), writer.scalars, writer.vectors)
        self.log.flush()
