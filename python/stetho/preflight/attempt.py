"""One more run of the user's own training step, changed in the ways that an experiment asks for."""

from __future__ import annotations

import time

from stetho import rows
from stetho.session import Tripped


class Skip(Exception):
    """An experiment does not apply; the text says why, in a few words."""


class Attempt:
    """The body of the step, once. Yielded by an experiment, it comes back with what happened.

    `rows`: indices of the samples that the batch is cut down to, or put in the place of others; None leaves the batch as it is.
    `inputs`: called with the arguments and keywords of each call of the model, gives those that it gets instead. Of a step that
    calls several models, a dictionary of such functions by model.
    `until`: ``end`` of the body, or the last ``backward`` of it, where it is left before an optimizer steps.
    `before_step`: called with the optimizer before it steps. `modes`: context managers that are entered around the body.
    `goes_on`: counters of the user's go on from the attempt before; else they are those of the first step.
    """

    def __init__(
        self, bench, *, rows=None, inputs=None, until: str = "end", before_step=None, modes=(), goes_on: bool = False
    ) -> None:
        self.bench = bench
        self.rows = rows
        self._inputs = inputs
        self._until = until
        self._before_step = before_step
        self._modes = list(modes)
        self.goes_on = goes_on
        #: The loss of each backward pass, as a number.
        self.losses: list[float] = []
        #: Optimizers in the order in which they stepped.
        self.stepped: list = []
        #: What the body raised, if it did.
        self.error: BaseException | None = None
        self.seconds = 0.0
        #: Seconds from the start to the end of the last optimizer step.
        self.head = 0.0
        self._handles: list = []
        self._entered: list = []

    @property
    def loss(self) -> float:
        """Sum of the losses of the backward passes; NaN where there was none."""
        return sum(self.losses) if self.losses else float("nan")

    @property
    def values(self) -> tuple:
        """What the carried names are set to before the body."""
        return self.bench.values(self)

    # -- what the session and its hooks call

    def batch(self, content):
        """What ``next`` gives in this attempt."""
        return self.mapped(content)

    def mapped(self, value):
        """A value of the batch with its rows replaced."""
        if self.rows is None or self.bench.n_rows is None:
            return value
        return rows.replaced(self.bench.torch, value, self.rows, self.bench.n_rows)

    def enter(self) -> None:
        """Before the body."""
        bench = self.bench
        if not (self.goes_on and bench.n_made and bench.random_advances):
            bench.session.random.restore()
        bench.body.cursor = 0
        self._grad_mode = bench.torch.is_grad_enabled()
        if self._inputs is not None:
            if not isinstance(self._inputs, dict) and bench.model is None:
                raise Skip(bench.why_no_model)
            changes = self._inputs if isinstance(self._inputs, dict) else {bench.model: self._inputs}
            for model, change in changes.items():
                self._handles.append(model.register_forward_pre_hook(_changed(change), with_kwargs=True))
        for mode in self._modes:
            mode.__enter__()
            self._entered.append(mode)
        self._start = time.perf_counter()

    def leave(self) -> None:
        """After it."""
        self.seconds = time.perf_counter() - self._start
        self.head = self.head or self.seconds
        while self._entered:
            self._entered.pop().__exit__(None, None, None)
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self.bench.torch.set_grad_enabled(self._grad_mode)

    def ends(self) -> None:
        """The body has been left without us looking: nothing more to do."""

    def raised(self, error: BaseException | None) -> None:
        """The body was left by this."""
        if not isinstance(error, Tripped):
            self.error = error

    def on_backward(self, original, tensors, args, kwargs):
        """A backward pass of the body."""
        torch = self.bench.torch
        loss = tensors if isinstance(tensors, torch.Tensor) else tensors[0]
        scaled, self.bench.session.scaled = self.bench.session.scaled, None
        if scaled is not None and scaled[0] is loss:
            loss = scaled[1]
        self.losses.append(_total(torch, loss, args[0] if args else kwargs.get("grad_tensors")))
        self.saw_loss(loss)
        result = original(tensors, *args, **kwargs)
        if self._until == "backward" and len(self.losses) >= max(self.bench.n_backward, 1):
            raise Tripped
        return result

    def saw_loss(self, loss) -> None:
        """The tensor that a backward pass starts from."""

    def on_step(self, optimizer) -> None:
        """An optimizer is about to step."""
        if self._before_step is not None:
            self._before_step(optimizer)

    def on_stepped(self, optimizer) -> None:
        """An optimizer has stepped."""
        self.stepped.append(optimizer)
        self.head = time.perf_counter() - self._start
        if self.bench.tail_is_long and len(self.stepped) >= self.bench.n_stepped:
            raise Tripped


def _changed(change):
    """A hook before a model that changes what it is given."""
    return lambda _module, args, kwargs: change(args, kwargs)


def _total(torch, loss, weights) -> float:
    """The loss as a number: one of several values is their sum, by the weights that the backward pass is given."""
    value = loss.detach()
    if value.numel() == 1:
        return float(value)
    weights = weights[0] if isinstance(weights, (list, tuple)) and weights else weights
    if isinstance(weights, torch.Tensor) and weights.shape == value.shape:
        value = value * weights.detach()
    return float(value.double().sum())


class Aside:
    """Stands where an attempt does while an experiment calls the model itself: nothing is logged and no trap is set."""

    @staticmethod
    def batch(content):
        """As it is."""
        return content

    @staticmethod
    def raised(error) -> None:
        """Not ours."""

    @staticmethod
    def on_backward(original, tensors, args, kwargs):
        """A backward pass of the experiment's own."""
        return original(tensors, *args, **kwargs)

    @staticmethod
    def on_step(optimizer) -> None:
        """An optimizer of the experiment's own."""

    @staticmethod
    def on_stepped(optimizer) -> None:
        """It has stepped."""
