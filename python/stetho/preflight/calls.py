"""The models that a step calls, each with the arguments of its first call."""

from __future__ import annotations

from dataclasses import dataclass

from stetho.preflight import trees
from stetho.preflight.attempt import Skip
from stetho.preflight.still import detached

#: Models that are looked at, at most.
MOST = 4


@dataclass
class Call:
    """A model and what it was called with, cut off from the graph."""

    model: object
    inputs: tuple
    keywords: dict
    context: object

    @property
    def arguments(self) -> tuple:
        """Inputs and keywords, as one value."""
        return self.inputs, self.keywords


def of(bench) -> list[Call]:
    """Every model that the step calls while gradients are on; no losses. Raises `Skip` where there is none."""
    torch, found = bench.torch, {}
    for call in bench.watched.calls:
        module = call.module
        if id(module) in found or not call.is_grad or call.output is None or next(module.parameters(), None) is None:
            continue
        if not any(t.dim() for _, t in trees.leaves(torch, call.output) if trees.is_float(t)):
            continue  # one number: a loss
        arguments = detached(torch, (tuple(call.args), dict(call.kwargs)))
        found[id(module)] = Call(module, *arguments, bench.autocast_of(call))
        if len(found) >= MOST:
            break
    if not found:
        raise Skip(bench.why_no_model if bench.model is None else "the model gives its loss alone, or no tensors")
    return list(found.values())


def each(bench, look) -> list:
    """What `look(call)` gives for each model that it applies to; where it applies to none, the reason that the first one gave."""
    results, reason = [], None
    for call in of(bench):
        try:
            results.append(look(call))
        except Skip as skip:
            reason = reason or skip
        except RuntimeError as error:  # of PyTorch: shapes, devices, types
            said = str(error).splitlines()[0][:120]
            reason = reason or Skip(f"{type(call.model).__name__} does not take changed inputs: {said}")
        if bench.remaining() < 0.0:
            break
    if not results:
        raise reason or Skip("there was no time for it")
    return results
