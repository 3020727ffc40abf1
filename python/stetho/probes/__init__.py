"""What is measured of a run and written to its log.

At every step (tier 0): the loss, the norm of the gradient, the learning rate, times. On sampled steps, spaced so that their cost stays
within the budget: all that the probes of this package measure, one a file. A probe measures and never judges.
"""

from __future__ import annotations

import time
from importlib import import_module

#: Modules of this package that each define `Probe`, in the order in which they are asked.
NAMES: tuple[str, ...] = ()
#: Steps that are sampled whatever they cost: the first ones.
FIRST = 3
#: Seconds after which what was measured is handed to the log.
HAND_OVER = 0.5
#: Steps that are kept before that.
MOST_KEPT = 256


class Probe:
    """One measurement. Methods are called on sampled steps alone, but for those of `every`."""

    def __init__(self, session) -> None:
        self.session = session

    #: Whether `end` and `after_step` are wanted at every step.
    every = False

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


class Probes:
    """All probes of a run, and when they measure."""

    def __init__(self, session) -> None:
        self.session = session
        self.log = session.log
        self.is_sampling = False
        self.all: list[Probe] = []
        for name in NAMES:
            self.all.append(import_module(f"stetho.probes.{name}").Probe(session))
        self._every = [p for p in self.all if p.every]
        self._kept: list[tuple] = []
        self._handed = time.perf_counter()
        self._next = 0
        self._n = 0
        self._cost = 0.0
        self._sampled_cost = 0.0
        self._step_time = 0.0
        self._ended = time.perf_counter()
        self._wait = 0.0
        self._norm: float | None = None
        self._rates: tuple = ()
        self._losses: list[float] = []
        self.findings: list[str] = []

    def meet(self, models: list) -> None:
        """The models are known, or have changed."""
        for probe in self.all:
            probe.meet(models)

    def begin(self, body) -> None:
        """A step begins."""
        self._wait = self.session.batches.wait
        self.session.batches.wait = 0.0
        self.is_sampling = self._n >= self._next and bool(self.all)
        if self.is_sampling:
            start = time.perf_counter()
            for probe in self.all:
                probe.begin(body)
            self._cost = time.perf_counter() - start

    def before_backward(self, loss) -> None:
        """See `Probe`."""
        self._timed("before_backward", loss)

    def after_backward(self) -> None:
        """See `Probe`."""
        self._timed("after_backward")

    def before_step(self, optimizer) -> None:
        """See `Probe`."""
        self._timed("before_step", optimizer)

    def after_step(self, optimizer, square_sum: float) -> None:
        """See `Probe`; called at every step."""
        self._norm = square_sum ** 0.5
        groups = optimizer.param_groups
        self._rates = (groups[0]["lr"],) if len(groups) == 1 else tuple(g.get("lr") for g in groups)
        if self.is_sampling:
            self._timed("after_step", optimizer)
        elif self._every:
            for probe in self._every:
                probe.after_step(optimizer)

    def _timed(self, method: str, *arguments) -> None:
        start = time.perf_counter()
        for probe in self.all:
            getattr(probe, method)(*arguments)
        self._cost += time.perf_counter() - start

    def end(self, body) -> None:
        """A step is over."""
        now = time.perf_counter()
        step_time = now - self._ended
        self._ended = now
        if body.losses:
            self._losses.extend(body.losses)
        if not body.stepped:
            if not self.is_sampling:
                return
        step = self.session.step - 1 if body.stepped else self.session.step
        writer = None
        if self.is_sampling:
            writer = Writer()
            for probe in self.all:
                probe.end(body, writer)
        elif self._every:
            writer = Writer()
            for probe in self._every:
                probe.end(body, writer)
        if body.stepped:
            losses, self._losses = self._losses, []
            loss = sum(losses) / len(losses) if losses else None
            if loss is not None:
                self.session.trap.recent.append((step, loss))
            self._kept.append((step, time.time(), loss, self._norm, self._rates, step_time, self._wait, writer))
        self._n += 1
        if self.is_sampling:
            self._cost += time.perf_counter() - now
            self._space(step_time)
        if len(self._kept) >= MOST_KEPT or now - self._handed > HAND_OVER:
            self.hand_over()

    def _space(self, step_time: float) -> None:
        """When the next step is sampled: the cost of this one, spread over steps, stays within the budget."""
        plain = max(step_time - self._cost, 1e-6)
        self._step_time = plain if self._step_time == 0.0 else min(self._step_time, plain) * 0.5 + plain * 0.5
        spacing = self._cost / (self._step_time * max(self.session.options.budget, 1e-4))
        self._next = self._n if self._n < FIRST else self._n + max(1, int(spacing))
        self.is_sampling = False

    def hand_over(self) -> None:
        """Gives to the log what was kept."""
        self._handed = time.perf_counter()
        kept, self._kept = self._kept, []
        if self.log is None:
            return
        for step, _, loss, norm, rates, step_time, wait, writer in kept:
            scalars = {"time/step": step_time}
            if loss is not None:
                scalars["train/loss"] = loss
            if norm is not None:
                scalars["grad_norm"] = norm
            for i, rate in enumerate(rates):
                if rate is not None:
                    scalars["learning_rate" if len(rates) == 1 else f"learning_rate/group{i}"] = float(rate)
            if wait:
                scalars["time/data"] = wait
            vectors: dict = {}
            if writer is not None:
                scalars.update(writer.scalars)
                vectors = writer.vectors
            self.findings.extend(self.log.log(step, scalars, vectors))
        self.log.flush()

    def close(self) -> None:
        """The run is over."""
        self.hand_over()
