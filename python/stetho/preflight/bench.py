"""What experiments work with: the step's model, its inputs, outputs and losses, as the first attempt showed them."""

from __future__ import annotations

import contextlib
import time

from stetho import rows
from stetho.data import as_indices
from stetho.preflight import trees
from stetho.preflight.attempt import Skip
from stetho.preflight.losses import is_part
from stetho.preflight.trace import nodes_below


class Bench:
    """Filled by the first attempt; shared by all experiments. Before each of them all state is as at the start of the step."""

    def __init__(self, session, body, kept) -> None:
        self.session = session
        self.torch = session.torch
        self.body = body
        self.site = body.site
        self.kept = kept
        #: Every live module; the outermost ones that hold parameters of an optimizer, or parameters at all.
        self.modules = kept.modules
        self.models: list = []
        self.optimizers: list = []
        self.schedulers: list = kept.schedulers
        self.scalers: list = [s for s in kept.scalers if s.is_enabled()]
        self.parameters: list = []
        self.device = self.torch.device("cpu")
        #: Loaders among the user's variables: (name, loader). The one that the batch came from.
        self.loaders: list[tuple[str, object]] = []
        self.train_loader = None
        #: The model that the loss hangs on, with the arguments of its first call, and what it gave; None where there is not one.
        self.model = None
        self.why_no_model = "the step calls no model that could be told"
        #: The first call of each model that the loss hangs on, in order; more than one where `model` is None.
        self.calls: list = []
        #: The call that gave what the loss takes.
        self.last_call = None
        self.inputs: tuple = ()
        self.keywords: dict = {}
        self.result = None
        #: The tensor of `result` that the loss is worked out of.
        self.output = None
        self._output_path: tuple = ()
        #: Whether the model was called under automatic mixed precision, and its type.
        self.mixed_precision: tuple = (False, None)
        #: The sum of the step's losses; the calls of loss functions; the one that takes `output`, if there is but one.
        self.loss: float = float("nan")
        self.loss_calls: list = []
        self.main_call = None
        self.n_backward = 0
        self.n_stepped = 0
        #: The tensors of the batch by name, and how many samples.
        self.batch: dict[str, object] = {}
        self.n_rows: int | None = None
        self.step_seconds = 0.0
        self.tail_is_long = False
        #: The first attempt.
        self.watched = None
        #: Clock time (`time.perf_counter`) at which the experiment under way should be over.
        self.deadline = float("inf")
        #: Attempts since state was put back, and whether an index of the loop counts steps without choosing the batch.
        self.n_made = 0
        self.index_advances = False
        #: Whether random states go on too: what the step draws puts the samples of the batch into another order, no more.
        self.random_advances = False
        #: Optimizers of frameworks, which are not among what is kept, in whose place another one steps.
        self.stood_in_for: list = []

    # -- for experiments

    def forward(self, inputs: tuple | None = None, keywords: dict | None = None):
        """The model on these arguments (those of the step if none are given); the tensor that the loss is worked out of."""
        if self.model is None:
            raise Skip(self.why_no_model)
        with self.autocast():
            result = self.model(*(self.inputs if inputs is None else inputs), **(self.keywords if keywords is None else keywords))
        return self.output_of(result)

    def output_of(self, result):
        """Of what the model gives, the tensor that the loss is worked out of."""
        output = trees.at(result, self._output_path)
        if not isinstance(output, self.torch.Tensor):
            raise Skip("the model gave something of another form than in the step")
        return output

    def loss_of(self, output):
        """The step's loss function on another output of the model; a tensor."""
        call = self.main_call
        if call is None:
            raise Skip("the loss is no single call of a loss function of PyTorch")
        wanted = call.input
        if output.shape != wanted.shape:
            if self.output is None or not _is_view(wanted, self.output):
                raise Skip("the loss is not worked out of the model's output as it is")
            output = output.reshape(wanted.shape)
        with self.autocast():
            return call.on(output)

    def autocast(self):
        """The mixed precision that the model was called under."""
        return self._precision(*self.mixed_precision)

    def autocast_of(self, call):
        """What makes the mixed precision of a call."""
        return lambda: self._precision(*call.autocast)

    def _precision(self, is_on: bool, dtype):
        return self.torch.autocast(self.device.type, dtype=dtype) if is_on else contextlib.nullcontext()

    def cut(self, value, indices: list[int]):
        """A value of the batch (or the model's arguments) with these samples alone, in this order; repeated ones too."""
        if self.n_rows is None:
            raise Skip("how many samples a batch has could not be told")
        return rows.replaced(self.torch, value, self.torch.tensor(indices), self.n_rows)

    def tensors_in(self) -> list:
        """Tensors among the arguments of the model."""
        return [t for _, t in trees.leaves(self.torch, (self.inputs, self.keywords))]

    def can_cut(self) -> bool:
        """Whether the batch comes to the step as a value whose rows can be taken out."""
        held = [v for n, v in zip(self.site.carried, self.body.values) if n in self.site.targets or self._is_of_batch(v)]
        tensors = [t for v in (*held, *self.body.batches) for _, t in rows.tensors_in(self.torch, v)]
        return self.n_rows is not None and any(t.dim() and t.shape[0] == self.n_rows for t in tensors)

    def start_over(self) -> None:
        """Puts everything back to the start of the step, within an experiment."""
        self.kept.restore()
        self.session.random.restore()
        self.put_back()
        self.n_made = 0

    def put_back(self) -> None:
        """Lets optimizers of frameworks step themselves again."""
        while self.stood_in_for:
            vars(self.stood_in_for.pop()).pop("step", None)

    def remaining(self) -> float:
        """Seconds left for the experiment under way."""
        return self.deadline - time.perf_counter()

    def has_time(self) -> bool:
        """Whether another attempt fits in."""
        return self.remaining() > self.step_seconds

    @contextlib.contextmanager
    def aside(self):
        """Within it no batch counts as one of the training."""
        was_off = self.session.is_off
        batches, self.session.is_off = self.session.batches.last, True
        try:
            yield
        finally:
            self.session.is_off = was_off
            self.session.batches.last = batches

    # -- for attempts

    def values(self, attempt) -> tuple:
        """What the carried names start from in an attempt."""
        unbound, n = self.session.UNBOUND, self.n_made if attempt.goes_on else 0
        found = []
        for name, value in zip(self.site.carried, self.body.values):
            is_target = name in self.site.targets
            is_count = isinstance(value, (int, float)) and not isinstance(value, bool)
            if value is unbound or (n and is_count and not is_target):
                found.append(unbound)
            elif is_count and is_target:
                found.append(value + n if self.index_advances and isinstance(value, int) else value)
            elif is_target or self._is_of_batch(value):
                found.append(attempt.mapped(value))
            else:
                found.append(value)
        return tuple(found)

    def _is_of_batch(self, value) -> bool:
        tensors = [t for _, t in rows.tensors_in(self.torch, value)]
        return bool(tensors) and not any(t.requires_grad for t in tensors)

    # -- filled from the first attempt

    def fill(self, watched) -> None:
        """Takes over what the first attempt saw."""
        self.watched = watched
        self.loss = watched.loss
        self.loss_calls = watched.loss_calls
        self.n_backward = len(watched.losses)
        self.n_stepped = len(watched.stepped)
        self.step_seconds = watched.head
        self.tail_is_long = watched.seconds - watched.head > max(0.3, 2.0 * watched.head)
        for call in self.loss_calls:
            call.is_part = is_part(watched, call)
        self._take_drawn()
        self._find_model(watched)
        self._find_output()
        sizes = {n for t in self.tensors_in() for n in t.shape[:2]}
        if sizes and self.n_rows not in sizes:
            self.n_rows = None  # what the body carries is no batch

    def _take_drawn(self) -> None:
        """The batches that the step drew itself, by ``next``."""
        drawn: dict[str, object] = {}
        for i, content in enumerate(self.body.batches):
            name = "batch" if len(self.body.batches) == 1 else f"batch {i}"
            drawn.update((n, t) for n, t in rows.tensors_in(self.torch, content, name) if not t.requires_grad)
        if drawn:
            self.batch = {**drawn, **self.batch}
            self.n_rows = None if self.n_listed() else rows.batch_size(list(drawn.values()))

    def n_listed(self) -> int | None:
        """How many samples the batch has, where the loader gives them as lists, so that no dimension counts them."""
        last = self.session.batches.last
        indices = as_indices(last.indices) if last is not None else None
        return len(indices) if indices and rows.is_listed(self.torch, last.content, len(indices)) else None

    def _find_model(self, watched) -> None:
        wanted = {id(p) for p in self.parameters}
        calls = [
            c for c in watched.calls
            if c.is_grad and c.n_backward == 0 and c.output is not None and any(id(p) in wanted for p in c.module.parameters())
        ]
        calls = self._reaching(watched, calls)
        models = list({id(c.module): c.module for c in calls}.values())
        if len(models) > 1:
            # Of a criterion with parameters of its own the loss comes out; of a model not.
            models = [m for m in models if not all(_is_number(c.output) for c in calls if c.module is m)] or models
        self.calls = [next(c for c in calls if c.module is m) for m in models]
        if len(models) != 1:
            names = ", ".join(dict.fromkeys(type(m).__name__ for m in models))
            self.why_no_model = f"the step calls several models: {names}" if models else self.why_no_model
            return
        (call,) = self.calls
        self.model, self.inputs, self.keywords, self.result = call.module, call.args, call.kwargs, call.output
        self.mixed_precision = call.autocast

    def _reaching(self, watched, calls: list) -> list:
        """Of the calls of several models, those whose outputs the first loss is worked out of; all where that cannot be told."""
        if len({id(c.module) for c in calls}) < 2 or not watched.loss_tensors:
            return calls
        reached = nodes_below(watched.loss_tensors[:1])
        found = [c for c in calls if any(t.grad_fn in reached for _, t in trees.leaves(self.torch, c.output) if t.grad_fn is not None)]
        return found or calls

    def _find_output(self) -> None:
        first = [c for c in self.loss_calls if c.n_backward == 0 and hasattr(c.input, "untyped_storage")]
        if len(first) == 1:
            self.main_call = first[0]
            self.last_call = next((c for c in reversed(self.calls) if self._taken(c.output, first[0]) is not None), None)
        found = [(p, t) for p, t in trees.leaves(self.torch, self.result) if _is_learnt(t)] if self.model is not None else []
        for call in first:
            taken = self._taken(self.result, call) if self.model is not None else None
            if taken is not None:
                self._output_path, self.output = taken
                return
        larger = [(p, t) for p, t in found if t.dim() > 0] or found
        if larger:
            self._output_path, self.output = larger[0]

    def _taken(self, result, call):
        """Of what a model gives, the tensor that a loss is called with, and its path; None where it takes none of it."""
        key = call.input.untyped_storage().data_ptr()
        floats = [(p, t) for p, t in trees.leaves(self.torch, result) if _is_learnt(t)]
        same = [(p, t) for p, t in floats if t is call.input]
        return next(iter(same or [(p, t) for p, t in floats if t.untyped_storage().data_ptr() == key]), None)


def _is_view(a, b) -> bool:
    return a.numel() == b.numel() and a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def _is_learnt(tensor) -> bool:
    return tensor.is_floating_point() and tensor.requires_grad


def _is_number(value) -> bool:
    return hasattr(value, "untyped_storage") and value.dim() == 0
