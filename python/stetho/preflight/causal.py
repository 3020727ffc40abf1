"""Does what a model says of position t depend on what comes after t?

Asked of models that predict the next element of a sequence: the targets are the inputs, moved by one. One element is exchanged,
and the outputs of the positions before it are compared; dropout is off.
"""

from __future__ import annotations

from stetho.preflight import calls, trees
from stetho.preflight.attempt import Skip
from stetho.preflight.still import Still
from stetho.preflight.trace import first_break

NAME = "causal"
TITLE = "no look into the future"
SHARE = 0.08

#: Share of the positions at which the target must be the next input.
_ALIKE = 0.98


class _Sequence:
    """An input of the model that is a sequence: where it is, and which dimension counts time."""

    def __init__(self, path: tuple, tensor, time: int) -> None:
        self.path = path
        self.tensor = tensor
        self.time = time
        self.length = tensor.shape[time]


def measure(bench):
    """The record `causal`; see the format of ``preflight.json``."""
    targets = [call.target for call in bench.loss_calls]
    return max(calls.each(bench, lambda call: _of_model(bench, call, targets)), key=lambda r: r["future"])


def _of_model(bench, call, targets: list) -> dict:
    torch, arguments = bench.torch, call.arguments
    sequence = _predicted(torch, arguments, targets)
    if sequence is None:
        raise Skip("the targets are not the next elements of the inputs")
    still = Still(torch, call.model, context=call.context)
    output = still(*arguments)
    if not _outputs(torch, output, sequence):
        raise Skip("the outputs have no position in time")
    noise = _change(torch, output, still(*arguments), sequence)
    past, future, worst = 0.0, 0.0, None
    for s in sorted({sequence.length - 1, sequence.length // 2, max(1, sequence.length // 4)}):
        changes = _change(torch, output, still(*_exchanged(torch, arguments, sequence, s)), sequence)
        if changes is None or noise is None:
            raise Skip("the outputs are not finite, or change their shape with the content of the inputs")
        past = max(past, float(changes[s:].max()))
        before = changes[:s] - noise[:s]
        if float(before.max()) > future:
            future, worst = float(before.max()), [int(before.argmax()), s]
    found = {"length": sequence.length, "past": past, "future": future, "position": worst, "predicts_next": True, "module": None}
    if worst is not None and future > 1e-5 * past:
        found.update(_blamed(bench, still, arguments, sequence, worst[1]))
    return found


def _predicted(torch, arguments: tuple, targets: list) -> _Sequence | None:
    """The input whose next elements are what is to be predicted."""
    for path, tensor in trees.leaves(torch, arguments):
        is_token = trees.is_integer(tensor) and tensor.dim() == 2
        is_series = trees.is_float(tensor) and tensor.dim() == 3
        if not is_token and not is_series:
            continue
        for time in (1, 0):
            if tensor.shape[time] < 3:
                continue
            if any(_is_next(torch, tensor, target, time) for target in targets):
                return _Sequence(path, tensor, time)
    return None


def _is_next(torch, tensor, target, time: int) -> bool:
    """Whether a target is a sequence moved by one; positions that are left out of the loss (below 0) do not count."""
    ordered = tensor.movedim(time, 1)
    n, length = ordered.shape[:2]
    inner = ordered[0, 0].numel()
    if not isinstance(target, torch.Tensor) or trees.is_float(target) != trees.is_float(tensor):
        return False
    for steps in (length, length - 1):
        if target.numel() != n * steps * inner:
            continue
        given = target.movedim(time, 1) if target.dim() > 1 and target.shape[:2] == (tensor.shape[0], tensor.shape[1]) else target
        if time == 0 and given is target:
            given = target.reshape(steps, n, *ordered.shape[2:]).movedim(0, 1)
        given = given.reshape(n, steps, inner)
        flat = ordered.reshape(n, length, inner)
        following = flat[:, 1:]
        same = _share(given[:, : length - 1], following)
        if same >= _ALIKE and _share(given[:, : length - 1], flat[:, : length - 1]) < _ALIKE:
            return True
    return False


def _share(given, wanted) -> float:
    """At which share of the positions two sequences agree."""
    counted = given >= 0 if trees.is_integer(given) else given == given
    n = int(counted.sum())
    return float(((given == wanted) & counted).sum()) / n if n else 0.0


def _exchanged(torch, arguments: tuple, sequence: _Sequence, s: int) -> tuple:
    """The arguments with another element at position `s` of every sequence: one that the batch has elsewhere."""
    other = sequence.tensor.clone()
    column = other.select(sequence.time, s)
    if trees.is_integer(other):
        values = sequence.tensor.unique()
        following = torch.searchsorted(values, column.contiguous()) + 1
        column.copy_(values[following % len(values)])
    else:
        spread = float(sequence.tensor.double().std()) or 1.0
        column.copy_(column.flip(0).neg() + spread)
    return trees.mapped(torch, arguments, lambda t: other if t is sequence.tensor else t)


def _outputs(torch, output, sequence: _Sequence) -> list:
    """The outputs with a position in time, as (time, everything else)."""
    n = sequence.tensor.shape[1 - sequence.time]
    found = []
    for _, t in trees.leaves(torch, output):
        if not trees.is_float(t) or t.dim() < 2:
            continue
        if t.dim() > 2 and t.shape[:2] == sequence.tensor.shape[:2]:
            found.append(t.movedim(sequence.time, 0).reshape(sequence.length, -1))
        elif t.dim() > 2 and t.shape[0] == n and t.shape[2] == sequence.length and sequence.time == 1:
            found.append(t.movedim(2, 0).reshape(sequence.length, -1))  # (samples, classes, time), as the loss takes them
        elif t.dim() == 2 and t.shape[0] == n * sequence.length:
            sizes = (n, sequence.length) if sequence.time == 1 else (sequence.length, n)
            found.append(t.reshape(*sizes, -1).movedim(sequence.time, 0).reshape(sequence.length, -1))
    return found


def _change(torch, before, after, sequence: _Sequence):
    """How far the outputs of each position moved, in standard deviations of all outputs."""
    changes = []
    for a, b in zip(_outputs(torch, before, sequence), _outputs(torch, after, sequence)):
        scale = float(a.double().std()) or 1.0
        changes.append((a - b).abs().amax(1).double().cpu() / scale)
    if not changes or not all(bool(torch.isfinite(c).all()) for c in changes):
        return None
    return torch.stack(changes).amax(0)


def _blamed(bench, still: Still, arguments: tuple, sequence: _Sequence, s: int) -> dict:
    """The first operation after which an earlier position differs."""
    length = sequence.length

    def is_separate(mask) -> bool:
        if not bool(mask.any()):
            return True
        if any(mask.shape[d] % length == 0 and mask.shape[d] and _starts_at(mask, d, length, s) for d in range(mask.dim())):
            return True
        # Scores of every position with every other, before the softmax.
        pairs = [(d, e) for d in range(mask.dim()) for e in range(d) if mask.shape[d] == mask.shape[e] == length]
        return any(not bool(mask.narrow(d, 0, s).narrow(e, 0, s).any()) for d, e in pairs)

    second = _exchanged(bench.torch, arguments, sequence, s)
    return first_break(bench.torch, still, arguments, second, is_separate, bench.session.options.is_own)


def _starts_at(mask, d: int, length: int, s: int) -> bool:
    """Whether a mask is set only from position `s` on, dimension `d` read as time, or as time and something else."""
    size = mask.shape[d]
    moved = mask.movedim(d, 0)
    for rows in (moved.reshape(size // length, length, -1).movedim(1, 0), moved.reshape(length, size // length, -1)):
        if not bool(rows[:s].any()):
            return True
    return False
