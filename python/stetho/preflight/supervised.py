"""From a loader's batch to what the model and the loss take, where the step does no more than hand them on."""

from __future__ import annotations

from dataclasses import dataclass

from stetho.preflight import held_data, trees
from stetho.preflight.attempt import Skip


@dataclass
class Known:
    """A tensor that a model was given in the step."""

    tensor: object
    #: Number of the call that gave it; None where it lies in the batch.
    maker: int | None
    #: Where in the batch, or in what that call gave, and its shape there.
    path: tuple
    shape: tuple


@dataclass
class Pair:
    """How inputs and targets lie in a batch, and which models are called with what."""

    bench: object
    #: The calls of models, in the order in which they are made; the last one gives what the loss takes.
    calls: list
    #: Where in what that one gives it lies.
    path: tuple
    known: list[Known]
    target: Known

    def models(self) -> list:
        """The models that are called."""
        return [call.module for call in self.calls]

    def of(self, batch):
        """The target of a batch."""
        return _as(trees.at(batch, self.target.path), self.target)

    def loss(self, batch, each: bool = False):
        """The loss of a batch; of each sample where asked."""
        call = self.bench.main_call
        output = self._output(batch)
        if output.shape[1:] != call.input.shape[1:]:
            output = output.reshape(-1, *call.input.shape[1:])
        given = {**call.kwargs, **({"reduction": "none"} if each else {})}
        rest = call.args[2:]
        if len(call.args) < 2:
            given.pop("input", None)
            given.pop("target", None)
        with self.bench.autocast_of(self.calls[-1])():
            return call.call(output, self.of(batch), *rest, **given)

    def _output(self, batch):
        """What the last model gives for a batch: the tensor that the loss takes."""
        bench, results = self.bench, []

        def other(tensor):
            known = next(k for k in self.known if k.tensor is tensor)
            return _as(trees.at(batch if known.maker is None else results[known.maker], known.path), known)

        for call in self.calls:
            arguments, keywords = trees.mapped(bench.torch, (tuple(call.args), dict(call.kwargs)), other)
            with bench.autocast_of(call)():
                results.append(call.module(*arguments, **keywords))
        return trees.at(results[-1], self.path)


def pair(bench) -> Pair:
    """Raises `Skip` where the step does more than hand a batch on, from one model to the next where there are several."""
    torch, batch = bench.torch, held_data.content(bench)
    if not bench.calls:
        raise Skip(bench.why_no_model)
    if batch is None:
        raise Skip("the batch comes from no data loader")
    if bench.main_call is None or bench.last_call is None:
        raise Skip("the loss is no single call of a loss function of PyTorch")
    calls = bench.calls[: bench.calls.index(bench.last_call) + 1]
    if len(calls) > 1 and bench.n_backward != 1:
        raise Skip(bench.why_no_model)
    output = _path_in(torch, bench.last_call.output, bench.main_call.input)
    if output is None:
        raise Skip("the step changes what the model gives before the loss gets it")
    known: list[Known] = []
    for i, call in enumerate(calls):
        known.extend(_known(torch, batch, calls[:i], t) for _, t in trees.leaves(torch, (tuple(call.args), dict(call.kwargs))))
    wanted = bench.main_call.target
    path = held_data.path_of(torch, batch, wanted) if hasattr(wanted, "dim") else None
    if not known or path is None:
        raise Skip("the step changes the targets before the loss gets them")
    return Pair(bench, calls, output, known, Known(wanted, None, path, trees.at(batch, path).shape))


def _known(torch, batch, calls: list, tensor) -> Known:
    """Where a tensor comes from that a model was given."""
    for i, call in enumerate(calls):
        path = _path_in(torch, call.output, tensor)
        if path is not None:
            return Known(tensor, i, path, trees.at(call.output, path).shape)
    path = held_data.path_of(torch, batch, tensor) if tensor.grad_fn is None else None
    if path is None:
        what = "what one model gives before the next one" if tensor.grad_fn is not None else "the batch before the model"
        raise Skip(f"the step changes {what} gets it")
    return Known(tensor, None, path, trees.at(batch, path).shape)


def _path_in(torch, result, wanted) -> tuple | None:
    """Where in what a model gave a tensor lies: the tensor itself, or one of the same numbers in another shape."""
    found = [(path, t) for path, t in trees.leaves(torch, result) if t.numel() == wanted.numel()]
    same = [path for path, t in found if t is wanted]
    if not same and wanted.is_contiguous():
        same = [path for path, t in found if t.data_ptr() == wanted.data_ptr() and t.is_contiguous()]
    return same[0] if same else None


def _as(tensor, known: Known):
    """A tensor in the form in which the step hands it on."""
    like = known.tensor
    if known.shape != like.shape:
        tensor = tensor.reshape(-1, *like.shape[1:])
    return tensor.to(device=like.device, dtype=like.dtype)
