"""Does the step hold for other sizes: a batch of a prime number of samples, one sample, another length, another picture?

Whether such a size will come is told: the last batch of an epoch is smaller where the loader does not drop it.
"""

from __future__ import annotations

import re

from stetho import randomness
from stetho.preflight import trees
from stetho.preflight.attempt import Attempt, Skip
from stetho.preflight.held_data import is_stream, read
from stetho.preflight.samples import Reading, is_graph, readings, taken
from stetho.preflight.still import Still, detached
from stetho.preflight.trace import place_of_error

NAME = "sizes"
TITLE = "other sizes"
SHARE = 0.1

_PRIMES = (7, 5, 3, 11, 13)
#: Layers that are meant to look at the whole batch, by the names of their classes.
_MIXES = re.compile(r"mini_?batch|std_?dev", re.IGNORECASE)


def measure(bench):
    """The record `sizes`; see the format of ``preflight.json``."""
    torch = bench.torch
    if bench.model is not None and is_graph(torch, bench.model, bench.inputs, bench.keywords):
        raise Skip("the inputs are a graph, whose nodes belong together")
    found = []
    last = _last_size(bench)
    if bench.n_rows and bench.n_rows > 1:
        for n in [n for n in (last, _prime(bench.n_rows)) if n] if last != 1 else [_prime(bench.n_rows)]:
            outcome = yield Attempt(bench, rows=torch.arange(n) % bench.n_rows, until="backward")
            found.append(_of_step(bench, n, outcome, will_come=n == last))
            bench.kept.restore()
    if bench.model is not None:
        found.extend(_of_model(bench, last))
    if not found:
        raise Skip("no batch whose size could be changed")
    return found


def _last_size(bench) -> int | None:
    """How many samples the last batch of an epoch has, if that is another number than the others have."""
    loader = bench.train_loader
    try:
        if loader is None or loader.drop_last or not loader.batch_size or len(loader.dataset) < loader.batch_size:
            return None
        n = len(loader.sampler) if loader.sampler is not None else len(loader.dataset)
        return n % loader.batch_size or None
    except (TypeError, AttributeError):
        return None


def _prime(n: int) -> int:
    return next(p for p in _PRIMES if p != n and n % p)


def _of_step(bench, n: int, outcome, will_come: bool) -> dict:
    what = f"step with a batch of {n}"
    # A loop that is written for one size, as with constant targets of a discriminator, may be, where no other size comes.
    if outcome.error is None or not (will_come or _is_within_a_network(bench, outcome.error)):
        return _entry(what, "ok", will_come)
    return _raised(bench, what, outcome.error, will_come)


def _is_within_a_network(bench, error: BaseException) -> bool:
    """Whether an error comes from a module that has parameters, or from what it calls, rather than from the loop or the loss."""
    trace, module = error.__traceback__, bench.torch.nn.Module
    while trace is not None:
        held = trace.tb_frame.f_locals.get("self")
        is_call = trace.tb_frame.f_code is module._call_impl.__code__
        if is_call and isinstance(held, module) and next(held.parameters(), None) is not None:
            return True
        trace = trace.tb_next
    return False


def _entry(what: str, outcome: str, will_come: bool, **more) -> dict:
    return {"what": what, "outcome": outcome, "message": None, "place": None, "difference": None, "will_come": will_come, **more}


def _raised(bench, what: str, error: BaseException, will_come: bool) -> dict:
    said = str(error).splitlines()
    text = f"{type(error).__name__}: {said[0] if said else ''}"[:200]
    return _entry(what, "raised", will_come, message=text, place=place_of_error(error, bench.session.options.is_own))


def _of_model(bench, last: int | None) -> list[dict]:
    """The model alone, while it evaluates: other numbers of samples, another length, other pictures."""
    torch = bench.torch
    arguments = detached(torch, (tuple(bench.inputs), dict(bench.keywords)))
    ways = readings(torch, bench.model, arguments, list(bench.batch.values()), bench.n_rows)
    still = Still(torch, bench.model, context=bench.autocast)
    if not ways:
        return []
    try:
        output = still(*arguments)
    except Exception:
        return []
    ways = [w for w in ways if _rows(torch, output, w)]
    if not ways:
        return []
    is_mixed = any(_MIXES.search(type(m).__name__) for m in bench.model.modules())
    compared = None if is_mixed or _draws(torch, still, arguments, output) else output
    results = []
    for way in ways:
        made = [_with_samples(bench, still, arguments, compared, way, n, last) for n in (_prime(way.n), 1)]
        results.append((sum(f is not None and f["outcome"] != "ok" for f in made), made, way))
    # Where a batch can be read in two ways, the right one is the one that bears other sizes.
    _, found, way = min(results, key=lambda r: r[0])
    found.extend(_with_length(bench, still, arguments, way))
    return [f for f in found if f is not None]


def _rows(torch, output, way: Reading) -> list:
    """The outputs as rows of samples."""
    found = [way.rows(t) for _, t in trees.leaves(torch, output) if trees.is_float(t)]
    return [r for r in found if r is not None]


def _draws(torch, still: Still, arguments, output) -> bool:
    """Whether the model draws at random even while it is held still: then batches of two sizes are not alike."""
    states = randomness.states()
    torch.manual_seed(1)
    other = still(*arguments)
    randomness.put(states)
    pairs = zip(trees.leaves(torch, output), trees.leaves(torch, other))
    return any(a.shape != b.shape or not torch.equal(a, b) for (_, a), (_, b) in pairs)


def _with_samples(bench, still: Still, arguments, output, way: Reading, n: int, last: int | None) -> dict | None:
    """The outputs of the first samples of a smaller or larger batch, held against those of the whole one (`output`; None where
    they cannot be)."""
    torch, what, will_come = bench.torch, f"batch of {n}", n == last
    try:
        other = still(*taken(torch, arguments, way, [i % way.n for i in range(n)]))
    except Exception as error:
        return _raised(bench, what, error, will_come)
    shapes = [tuple(t.shape) for _, t in trees.leaves(torch, other) if trees.is_float(t)]
    before, after = _rows(torch, output, way), _rows(torch, other, Reading(n, way.axis))
    if not after or len(after) < len(before):
        message = f"the output has the shape {list(shapes[0]) if shapes else []} for {n} sample{'s' * (n > 1)}"
        return _entry(what, "differs", will_come, message=message)
    worst = 0.0
    for a, b in zip(before, after):
        if a.shape[1] != b.shape[1]:
            return None  # a column a sample, or a width that depends on the content
        scale = float(a.abs().max()) or 1.0
        k = min(len(a), len(b))
        worst = max(worst, float((a[:k] - b[:k]).abs().max()) / scale)
    return _entry(what, "differs" if worst > 1e-3 else "ok", will_come, difference=worst, epsilon=_epsilon(bench, still.model, other))


def _epsilon(bench, model, output) -> float:
    """Distance from 1 to the next number in the coarsest type that the model works in."""
    torch, (is_on, dtype) = bench.torch, bench.mixed_precision
    known = {t.dtype for _, t in trees.leaves(torch, output) if trees.is_float(t)}
    known |= {p.dtype for p in model.parameters() if p.is_floating_point()} | ({dtype} if is_on else set())
    return max((torch.finfo(d).eps for d in known), default=0.0)


def _with_length(bench, still: Still, arguments, way: Reading) -> list[dict]:
    """Shorter sequences, and pictures of another size. Networks of a fixed size raise, which is no fault; `will_come` is whether
    sizes vary."""
    torch = bench.torch
    main = next((t for _, t in trees.leaves(torch, arguments) if way.dimension(t) is not None and t.dim() > 1), None)
    if main is None:
        return []
    changed = _resized(torch, main, way)
    if changed is None:
        return []
    what, tensor = changed
    original = tuple(main.shape)

    def change(t):
        if t is main:
            return tensor
        # What goes with each position: masks, positions, segments.
        is_beside = main.dim() < 4 and t.dim() > 1 and tuple(t.shape[:2]) == original[:2]
        return t[: tensor.shape[0], : tensor.shape[1]].contiguous() if is_beside else t

    varies = _varies(bench, main)
    try:
        output = still(*trees.mapped(torch, arguments, change))
    except Exception as error:
        return [_raised(bench, what, error, varies)]
    if not _rows(torch, output, way):
        shapes = [tuple(t.shape) for _, t in trees.leaves(torch, output) if trees.is_float(t)]
        message = f"{way.n} samples give an output of the shape {list(shapes[0]) if shapes else []}"
        return [_entry(what, "differs", varies, message=message)]
    return [_entry(what, "ok", varies)]


def _resized(torch, main, way: Reading) -> tuple | None:
    """The main input in another size: pictures of 37×41, sequences of 13 or fewer."""
    if main.dim() == 4 and trees.is_float(main) and min(main.shape[2:]) > 3:
        return "pictures of 37x41", torch.nn.functional.interpolate(main, size=(37, 41))
    time = 1 - way.axis
    if (main.dim() == 3 and trees.is_float(main)) or (main.dim() == 2 and trees.is_integer(main)):
        length = next((p for p in (13, 11, 7, 5, 3) if p < main.shape[time]), None)
        if length is not None:
            return f"sequence of {length}", main.narrow(time, 0, length).contiguous()
    return None


def _varies(bench, main) -> bool:
    """Whether other batches of the loader differ in more than their number of samples; where samples are stacked as they are they
    cannot."""
    torch, loader = bench.torch, bench.train_loader
    if loader is None or is_stream(loader):
        return False
    if loader.batch_sampler is not None and loader.batch_size != 1 and loader.collate_fn is torch.utils.data.default_collate:
        return False
    batches = read(bench, loader, 4 * (loader.batch_size or 1), 1.0)
    tensors = [t for _, t in trees.leaves(torch, batches) if t.dim() == main.dim() and t.dtype == main.dtype]
    return any(t.shape[1:] != main.shape[1:] for t in tensors)
