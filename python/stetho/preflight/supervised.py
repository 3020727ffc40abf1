"""From a loader's batch to what the model and the loss take, where the step does no more than hand them on."""

from __future__ import annotations

from dataclasses import dataclass

from stetho.preflight import held_data, trees
from stetho.preflight.attempt import Skip


@dataclass
class Pair:
    """How inputs and targets lie in a batch."""

    bench: object
    #: Of each tensor among the model's arguments: the tensor of the step, where in a batch it lies, and its shape there.
    inputs: list
    #: The same of the target.
    target: tuple

    def of(self, batch) -> tuple:
        """Arguments, keywords and target for a batch."""
        bench, torch = self.bench, self.bench.torch

        def other(tensor):
            return _as(batch, *next(known for known in self.inputs if known[0] is tensor))

        arguments, keywords = trees.mapped(torch, (tuple(bench.inputs), dict(bench.keywords)), other)
        return arguments, keywords, _as(batch, *self.target)

    def loss(self, batch, each: bool = False):
        """The loss of a batch; of each sample where asked."""
        bench = self.bench
        arguments, keywords, target = self.of(batch)
        output = bench.forward(arguments, keywords)
        call = bench.main_call
        if output.shape[1:] != call.input.shape[1:]:
            output = output.reshape(-1, *call.input.shape[1:])
        given = {**call.kwargs, **({"reduction": "none"} if each else {})}
        rest = call.args[2:]
        if len(call.args) < 2:
            given.pop("input", None)
            given.pop("target", None)
        with bench.autocast():
            return call.call(output, target, *rest, **given)


def pair(bench) -> Pair:
    """Raises `Skip` where the step does more than hand a batch on."""
    torch, batch = bench.torch, held_data.content(bench)
    if bench.model is None:
        raise Skip(bench.why_no_model)
    if batch is None:
        raise Skip("the batch comes from no data loader")
    if bench.main_call is None or bench.output is None:
        raise Skip("the loss is no single call of a loss function of PyTorch")
    inputs = []
    for _, tensor in trees.leaves(torch, (tuple(bench.inputs), dict(bench.keywords))):
        path = held_data.path_of(torch, batch, tensor)
        if path is None:
            raise Skip("the step changes the batch before the model gets it")
        inputs.append((tensor, path, trees.at(batch, path).shape))
    target = held_data.path_of(torch, batch, bench.main_call.target) if hasattr(bench.main_call.target, "dim") else None
    if not inputs or target is None:
        raise Skip("the step changes the targets before the loss gets them")
    return Pair(bench, inputs, (bench.main_call.target, target, trees.at(batch, target).shape))


def _as(batch, like, path: tuple, shape):
    """A tensor of a batch in the form in which the step hands it on."""
    tensor = trees.at(batch, path)
    if shape != like.shape:
        tensor = tensor.reshape(-1, *like.shape[1:])
    return tensor.to(device=like.device, dtype=like.dtype)
