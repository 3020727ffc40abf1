"""A few samples, learned by heart: what trains at all reaches the floor of its loss on them."""

from __future__ import annotations

import math

from stetho.preflight.attempt import Skip
from stetho.preflight.facts import names_of
from stetho.preflight.losses import CLASSES
from stetho.preflight.training import Held, floor_of

NAME = "overfit"
TITLE = "overfit one batch"
SHARE = 0.4
#: Samples that are held, and steps that are made with one optimizer.
N_SAMPLES = 8
MOST_STEPS = 300
#: Samples of a batch that cannot be cut down, at most.
MOST_WHOLE = 64
#: Steps after which a loss that does not fall any more is given up.
PATIENCE = 60
#: The floor counts as reached when this share of the way to it is left.
LEFT = 0.02
#: A loss without a known floor must fall by this share of its start.
FALL = 0.5
#: Steps of Adam that are tried where the user's optimizer does not get there.
RATES = (1e-3, 1e-2, 1e-4)


def measure(bench):
    """The user's optimizer first, then Adam, each from the weights as they were found."""
    if len({id(o) for o in bench.watched.stepped}) > 1 and bench.n_backward > 1:
        raise Skip("the step trains several models against losses of their own")
    parameters = [p for p in bench.parameters if id(p) in bench.watched.gradients and p.requires_grad]
    if not parameters:
        raise Skip("no parameter gets a gradient")
    rows, conflicting = choose(bench, sum(p.numel() for p in parameters))
    held = Held(bench, rows)
    made = yield from held.step()
    if held.error is not None and rows is not None:
        rows = None  # the step needs its batch whole
        bench.start_over()
        held = Held(bench, rows)
        made = yield from held.step()
    if rows is None:
        _must_be_few(bench, parameters)
    if held.error is not None:
        raise Skip(f"the step could not be made again: {type(held.error).__name__}: {held.error}".splitlines()[0][:160])
    log_rows = _log_rows(bench)
    floor, reason = floor_of(held.plain.calls, log_rows, held.by_hand)
    found = _start(bench, rows, held, floor, reason, conflicting)
    ended = yield from _train(bench, held, floor, made, 0.4)
    if not held.is_held:
        raise Skip("the step draws another batch each time")
    found["curves"].append(_curve(_name(bench), held, ended))
    last = held
    for i, rate in enumerate(RATES):
        if _is_there(last, floor) or not bench.has_time():
            break
        bench.start_over()
        last = Held(bench, rows, adam=rate)
        made = yield from last.step()
        if not last.losses:
            last = held
            break  # gradients that Adam does not take
        ended = yield from _train(bench, last, floor, made, 1.0 / (len(RATES) - i))
        found["curves"].append(_curve(f"Adam at {rate:g}", last, ended))
    found["gradients_missing"] = _without_gradient(bench, held, last)
    found["fitted"] = _fitted(bench.torch, last.plain.calls)
    found["switched_off"] = sorted(set().union(held.plain.switched_off, last.plain.switched_off))
    return found


def _must_be_few(bench, parameters: list) -> None:
    """Only a batch that a model of this size can know by heart tells something."""
    n = _n_whole(bench)
    if n is not None and n > min(MOST_WHOLE, _capacity(bench, sum(p.numel() for p in parameters), n)):
        raise Skip(f"the batch of {n} samples could not be cut down")


def _n_whole(bench) -> int | None:
    """Samples of the batch as it is."""
    return bench.n_rows or next((t.shape[0] for t in bench.tensors_in() if t.dim()), None)


def _train(bench, held: Held, floor: float | None, made: bool, share: float):
    """Makes steps until the floor is reached, the loss has stopped falling, or the time is up; gives which of these."""
    import time

    until = time.perf_counter() + bench.remaining() * share
    best, best_at = math.inf, 0
    while made and held.is_held and len(held.losses) < MOST_STEPS and time.perf_counter() < until and not _is_there(held, floor):
        loss = held.losses[-1]
        if loss < best - 0.005 * abs(best if math.isfinite(best) else loss):
            best, best_at = loss, len(held.losses)
        if len(held.losses) - best_at > PATIENCE:
            return "stalled"
        made = yield from held.step()
    if not made:
        return "not finite" if held.error is None else "failed"
    if _is_there(held, floor):
        return "floor"
    return "steps" if len(held.losses) >= MOST_STEPS else "time"


def _is_there(held: Held, floor: float | None) -> bool:
    if not held.losses or not math.isfinite(held.losses[-1]):
        return False
    first = held.losses[0]
    if floor is None:
        # Nothing more can be asked of a loss whose floor is not known than that it falls.
        return held.losses[-1] < first - FALL * abs(first)
    return held.losses[-1] - floor <= max(LEFT * abs(first - floor), 1e-6)


def _start(bench, rows, held: Held, floor, reason: str, conflicting: int) -> dict:
    return {
        "n_samples": len(rows) if rows is not None else _n_whole(bench),
        "floor": floor,
        "floor_reason": reason,
        "is_part": len(held.plain.calls) > 1 or any(c.is_part for c in bench.loss_calls),
        "curves": [],
        "conflicting": conflicting,
        "output_gradient": bench.watched.output_gradients.get(id(bench.output)) if bench.output is not None else None,
    }


def _without_gradient(bench, *series) -> list[str]:
    """Names of the parameters that had none but 0 in all steps of these series."""
    names = names_of(bench)
    without = set.intersection(*({id(p) for p in held.without} for held in series))
    return [names[id(p)] for p in bench.parameters if id(p) in without and id(p) in names][:100]


def _curve(name: str, held: Held, ended: str) -> dict:
    rates = [r for r in held.rates if math.isfinite(r)]
    return {
        "optimizer": name,
        "rate": max(rates, default=None),
        "losses": held.losses,
        "ended": ended,
        "rate_rises": bool(rates) and rates[-1] > rates[0] * 1.01,
    }


def _name(bench) -> str:
    stepping = bench.watched.stepped or bench.optimizers
    names = dict.fromkeys(type(o).__name__ for o in stepping)
    return f"{' and '.join(names) or 'the optimizer'}, as the script has it"


def _log_rows(bench) -> float | None:
    from stetho.preflight.losses import log_rows_of

    calls = [c for c in bench.loss_calls if c.function == "nll_loss"]
    return min((log_rows_of(bench.torch, c) for c in calls), default=None)


def _fitted(torch, calls: list) -> float | None:
    """Share of the samples classified right in the last step."""
    for name, args, kwargs, _ in calls:
        given = args[0] if args else kwargs.get("input")
        target = args[1] if len(args) > 1 else kwargs.get("target")
        if not isinstance(target, torch.Tensor):
            continue
        if name in ("cross_entropy", "nll_loss") and given.dim() > 1:
            wanted = target.argmax(1) if target.is_floating_point() else target
            used = wanted != kwargs.get("ignore_index", -100)
            if bool(used.any()):
                return float((given.detach().argmax(1) == wanted)[used].double().mean())
        if name.startswith("binary_cross_entropy") and given.shape == target.shape:
            edge = 0.0 if name.endswith("logits") else 0.5
            return float(((given.detach() > edge) == (target > 0.5)).double().mean())
    return None


def choose(bench, n_parameters: int):
    """Rows of the batch to hold, of many classes and no input twice; and how many equal inputs have different targets."""
    torch = bench.torch
    n = bench.n_rows if bench.can_cut() else next((t.shape[0] for t in bench.tensors_in() if t.dim()), None)
    inputs = [t for t in (*bench.inputs, *bench.keywords.values()) if isinstance(t, torch.Tensor) and t.dim() and t.shape[0] == n]
    target = next((c.target for c in bench.loss_calls if isinstance(c.target, torch.Tensor)), None)
    if n is None or n < 2:
        return None, 0
    target = target if target is not None and target.dim() and target.shape[0] == n else None
    keys = [b"".join(_bytes(torch, t[i]) for t in inputs) for i in range(min(n, 512))]
    labels = [None if target is None else _label(target[i]) for i in range(len(keys))]
    first: dict[bytes, int] = {}
    groups: dict[object, list[int]] = {}
    conflicting = 0
    for i, (key, label) in enumerate(zip(keys, labels)):
        if inputs and key in first:
            conflicting += labels[first[key]] != label
            continue
        first[key if inputs else str(i).encode()] = i
        groups.setdefault(label, []).append(i)
    wanted = min(N_SAMPLES, _capacity(bench, n_parameters, n), n)
    picked: list[int] = []
    while len(picked) < wanted and any(groups.values()):
        for members in groups.values():
            if members and len(picked) < wanted:
                picked.append(members.pop(0))
    if len(picked) < 2:
        return None, conflicting
    return torch.tensor(sorted(picked)), conflicting


def _bytes(torch, value) -> bytes:
    return value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def _label(value) -> object:
    if value.numel() == 1:
        return value.item()
    return value.detach().cpu().double().numpy().tobytes() if value.numel() <= 64 else None


def _capacity(bench, n_parameters: int, n: int) -> int:
    """Samples that a model of that many numbers can be expected to know by heart."""
    call = next((c for c in bench.loss_calls if hasattr(c.input, "numel")), None)
    values = 1.0
    if call is not None:
        values = call.input.numel() / n
        if call.function in CLASSES and call.input.dim() > 1:
            n_classes = call.input.shape[1]
            values = values / n_classes * min(n_classes, 32)
    return max(2, int(n_parameters / (2.0 * max(values, 1.0))))
