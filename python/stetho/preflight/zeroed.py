"""Does the model learn from its inputs, or would it learn as well without?

The user's own step is made again and again on the held batch, once with the true inputs and once with zeroed ones, from the same
state.
"""

from __future__ import annotations

import math
import re

from stetho.preflight import trees
from stetho.preflight.attempt import Attempt, Skip
from stetho.preflight.still import Still, detached
from stetho.preflight.training import step_ourselves

NAME = "zeroed"
TITLE = "learns from its inputs"
SHARE = 0.25

#: Steps with each kind of inputs, at most; and the fewest that tell anything.
STEPS = 30
FEWEST = 8
#: Names of arguments that are what is to be predicted, or that say how to read the others.
_SPARED = re.compile(
    r"label|target|^y(_?b|_?true)?$|mask|length|^lens?$|position|pad|hidden|state|^h0?$|^c0?$|segment|type_id", re.IGNORECASE
)
#: Seconds that more than the fewest steps may take.
SECONDS = 6.0
#: Samples of the held batch.
MOST = 32


def measure(bench):
    """The record `zeroed`; see the format of ``preflight.json``."""
    torch = bench.torch
    without = _changes(bench)
    keywords = {"rows": torch.arange(MOST)} if bench.n_rows and bench.n_rows > MOST else {}
    first = yield Attempt(bench, **keywords)
    if first.error is not None and keywords:
        _again(bench)
        keywords = {}
        first = yield Attempt(bench)
    _check(first)
    _step(bench, first)
    each = 2.0 * max(first.seconds, 1e-4)  # with inputs, and without
    steps = min(STEPS, max(FEWEST, int(SECONDS / each)))
    if steps * each > bench.remaining():
        raise Skip("a step takes too long")
    real = [first.loss]
    while len(real) < steps:
        outcome = yield Attempt(bench, goes_on=True, **keywords)
        _check(outcome)
        _step(bench, outcome)
        real.append(outcome.loss)
    change = _change(bench) if bench.model is not None else None
    _again(bench)
    zero: list[float] = []
    while len(zero) < steps:
        outcome = yield Attempt(bench, inputs=without, goes_on=bool(zero), **keywords)
        if outcome.error is not None:
            raise Skip(f"the model does not take zeroed inputs: {type(outcome.error).__name__}")
        if not math.isfinite(outcome.loss):
            raise Skip("with zeroed inputs the loss is not finite")
        _step(bench, outcome)
        zero.append(outcome.loss)
    return {"steps": steps, "real": real, "zero": zero, "output_change": change}


def _changes(bench) -> dict:
    """What zeroes the inputs of each model that the loss hangs on, by model; of several, what one gives another stays."""
    torch, found = bench.torch, {}
    if bench.model is None and (bench.n_backward != 1 or not bench.calls):
        raise Skip(bench.why_no_model)
    for call in bench.calls:
        arguments = (tuple(call.args), dict(call.kwargs))
        given = detached(torch, arguments)
        spared = _spared(torch, bench, call.module, given)
        made = _made(torch, arguments) if bench.model is None else frozenset()
        if _has_content(torch, given, spared | made):
            found[call.module] = _without(torch, spared, is_one_of_several=bench.model is None)
    if not found:
        raise Skip("the inputs are zero as they are, or the model takes none")
    return found


def _without(torch, spared: frozenset, is_one_of_several: bool):
    def change(args, kwargs):
        return zeroed(torch, (args, kwargs), spared | _made(torch, (args, kwargs)) if is_one_of_several else spared)

    return change


def _made(torch, arguments) -> frozenset:
    """Where among arguments lies what comes of another model."""
    return frozenset(path for path, tensor in trees.leaves(torch, arguments) if tensor.grad_fn is not None)


def _again(bench) -> None:
    """Back to the state before the experiment."""
    bench.kept.restore()
    bench.n_made = 0


def _check(outcome) -> None:
    if outcome.error is not None:
        raise Skip(f"the step could not be made again: {type(outcome.error).__name__}")
    if math.isnan(outcome.loss):
        raise Skip("the step has no loss of one number")


def _step(bench, outcome) -> None:
    """The step of an optimizer that comes after the user's body, or only after several batches."""
    if not outcome.stepped:
        if not bench.optimizers:
            raise Skip("the step has no optimizer that steps")
        step_ourselves(bench, bench.optimizers)


def zeroed(torch, value, spared: frozenset = frozenset()):
    """Arguments with zeros in the place of numbers. Truth values stay (masks), and so do lists of whole numbers beside other
    inputs (lengths) and what lies at the paths in `spared`."""
    leaves = trees.leaves(torch, value)
    has_content = any(trees.is_float(t) or t.dim() > 1 for p, t in leaves if p not in spared)
    kept = {id(t) for p, t in leaves if p in spared}

    def zero(tensor):
        is_content = trees.is_float(tensor) or (trees.is_integer(tensor) and (tensor.dim() > 1 or not has_content))
        return torch.zeros_like(tensor) if is_content and id(tensor) not in kept else tensor

    return trees.mapped(torch, value, zero)


def _spared(torch, bench, model, given) -> frozenset:
    """Which of the arguments are no inputs: what is to be predicted (models that work out their own loss take it beside their
    inputs), masks, lengths, states."""
    leaves = trees.leaves(torch, given)
    wanted = [c.target for c in bench.loss_calls if isinstance(c.target, torch.Tensor)]
    names = trees.names(model, given[0], {})

    def is_spared(path, tensor) -> bool:
        name = names[path[1]] if path[0] == 0 and path[1] < len(names) else str(path[1])
        is_flag = trees.is_integer(tensor) and tensor.dim() > 1 and bool(((tensor == 0) | (tensor == 1)).all())
        return bool(_SPARED.search(name)) or is_flag or any(_is_same(tensor, w) for w in wanted)

    found = {p for p, t in leaves if is_spared(p, t)}
    return frozenset(found) if len(found) < len(leaves) else frozenset()


def _is_same(a, b) -> bool:
    return a.numel() == b.numel() > 1 and (a.data_ptr() == b.data_ptr() or bool((a.flatten() == b.flatten()).all()))


def _has_content(torch, given, spared: frozenset) -> bool:
    pairs = zip(trees.leaves(torch, given), trees.leaves(torch, zeroed(torch, given, spared)))
    return any(a.numel() and bool((a != b).any()) for (_, a), (_, b) in pairs)


def _change(bench) -> float | None:
    """How far the outputs move when the inputs are zeroed, in standard deviations of the outputs; None where they are no
    numbers."""
    torch = bench.torch
    given = detached(torch, (tuple(bench.inputs), dict(bench.keywords)))
    spared = _spared(torch, bench, bench.model, given)
    still = Still(torch, bench.model, context=bench.autocast)
    try:
        before, after = still(*given), still(*zeroed(torch, given, spared))
    except Exception:
        return None
    worst = None
    for (_, a), (_, b) in zip(trees.leaves(torch, before), trees.leaves(torch, after)):
        if not trees.is_float(a) or a.shape != b.shape or a.dim() == 0 or not a.numel():
            continue
        scale = max(float(a.double().std()) if a.numel() > 1 else 0.0, float(a.abs().max()) * 1e-6, 1e-30)
        change = float((a - b).abs().max()) / scale
        worst = change if worst is None or change > worst else worst
    return worst
