"""Does the output for one sample depend on another sample of the batch?

The gradient of some outputs by all inputs: that of the same sample must be there, that of others must be exactly 0. Where inputs
are whole numbers one sample is exchanged for another and the outputs are compared. Dropout is off, batch normalisation fixed.
"""

from __future__ import annotations

from stetho.preflight import calls, trees
from stetho.preflight.attempt import Skip
from stetho.preflight.samples import Reading, is_graph, readings, taken
from stetho.preflight.still import Still
from stetho.preflight.trace import first_break

NAME = "mixing"
TITLE = "samples of a batch kept apart"
SHARE = 0.1

#: Samples that are looked at; more tell no more. A prime, so that no dimension of something else is taken for samples.
MOST = 7


def measure(bench):
    """The record `mixing`; see the format of ``preflight.json``."""
    return max(calls.each(bench, lambda call: _of_model(bench, call)), key=lambda r: r["other"] / max(r["own"], 1e-30))


def _of_model(bench, call) -> dict:
    torch = bench.torch
    given = (*call.inputs, *call.keywords.values())
    if not trees.leaves(torch, given) or any(isinstance(v, torch.nn.utils.rnn.PackedSequence) for v in given):
        raise Skip("the inputs are no tensors with a row a sample")
    if is_graph(torch, call.model, call.inputs, call.keywords):
        raise Skip("the inputs are a graph, whose nodes are meant to be mixed")
    ways = readings(torch, call.model, call.arguments, list(bench.batch.values()), bench.n_rows)
    if not ways:
        raise Skip("the batch has one sample")
    still = Still(torch, call.model, context=call.context)
    results = [r for r in (_tested(torch, still, call.arguments, way) for way in ways) if r is not None]
    if not results:
        raise Skip("no output has one row a sample")
    # Where a batch can be read in two ways, the right one is the one that is not mixed.
    result, way, cut = min(results, key=lambda r: r[0]["other"] / max(r[0]["own"], 1e-30))
    if result["other"] > 1e-6 * result["own"] and result["pair"] is not None:
        result.update(_blamed(bench, still, cut, way, result["pair"]))
    return {"model": type(call.model).__name__, **result}


def _tested(torch, still: Still, arguments: tuple, way: Reading) -> tuple | None:
    """The measures in one reading, with the reading and the arguments that were used."""
    n = min(way.n, MOST)
    small, cut = Reading(n, way.axis), taken(torch, arguments, way, list(range(n)))
    try:
        output = still(*cut)
    except Exception:
        small, cut = way, arguments  # a network that takes one size of batch alone
        output = still(*cut)
    outputs = _outputs(torch, output, small)
    if not outputs:
        return None
    if small.n > 2 and _compares(torch, still, cut, small, output):
        raise Skip("the outputs compare the samples of a batch with one another, as they are meant to")
    again = _outputs(torch, still(*cut), small)
    noise = max(_relative(a, b) for a, b in zip(outputs, again)) if len(again) == len(outputs) else 1.0
    found = _by_gradient(torch, still, cut, small)
    if found is None or found["own"] == 0.0:
        found = _by_exchange(torch, still, cut, small) or found
    if found is None:
        return None
    fixed = any("batchnorm" in type(m).__name__.lower() for m in still.model.modules())
    return {"n": small.n, **found, "module": None, "why": None, "batch_norms_in_eval": fixed, "repeat_error": noise}, small, cut


def _outputs(torch, output, way: Reading) -> list:
    """The outputs that have one row a sample, as rows."""
    found = [way.rows(t) for _, t in trees.leaves(torch, output) if trees.is_float(t)]
    return [rows for rows in found if rows is not None and rows.numel()]


def _compares(torch, still: Still, cut: tuple, way: Reading, output) -> bool:
    """Whether an output has a column a sample: then with one sample less it has one column less."""
    try:
        less = still(*taken(torch, cut, way, list(range(way.n - 1))))
    except Exception:
        return False
    pairs = zip(trees.leaves(torch, output), trees.leaves(torch, less))
    both = [(a.shape, b.shape) for (_, a), (_, b) in pairs if a.dim() == b.dim() > 1]
    return any(all(x == y + 1 for x, y in zip(a[:2], b[:2])) for a, b in both)


def _relative(a, b) -> float:
    scale = float(a.abs().max())
    return float((a - b).abs().max()) / scale if scale > 0.0 and a.shape == b.shape else 0.0


def _by_gradient(torch, still: Still, cut: tuple, way: Reading) -> dict | None:
    """The largest gradient of an output by the input of its own sample, and by that of another."""
    roots: list = []

    def watched(tensor):
        if not trees.is_float(tensor) or way.dimension(tensor) is None:
            return tensor
        roots.append(tensor.clone().requires_grad_())
        return roots[-1]

    arguments = trees.mapped(torch, cut, watched)
    if not roots:
        return None
    try:
        output = still(*arguments, with_gradient=True)
    except RuntimeError:
        return None  # an input is written over in place
    outputs = [o for o in _outputs(torch, output, way) if o.requires_grad]
    if not outputs:
        return None
    generator = torch.Generator().manual_seed(0)
    own, other, pair = 0.0, 0.0, None
    for i in sorted({0, way.n // 2, way.n - 1}):
        # Random weights: the sum of a softmax, say, has no gradient.
        weights = [torch.randn(o.shape[1], generator=generator, dtype=torch.float64) for o in outputs]
        total = sum((o[i].double().cpu() * w).sum() for o, w in zip(outputs, weights))
        try:
            gradients = torch.autograd.grad(total, roots, retain_graph=True, allow_unused=True)
        except RuntimeError:
            return None  # the model changes what its own backward pass needs
        sizes = [g.movedim(way.dimension(g), 0).reshape(way.n, -1).abs().amax(1) for g in gradients if g is not None]
        if not sizes:
            continue
        size = torch.stack([s.double().cpu() for s in sizes]).amax(0)
        if not bool(torch.isfinite(size).all()):
            return None
        own = max(own, float(size[i]))
        size[i] = 0.0
        if float(size.max()) > other:
            other, pair = float(size.max()), [i, int(size.argmax())]
    return {"own": own, "other": other, "pair": pair}


def _exchanged(torch, cut: tuple, way: Reading, j: int) -> tuple:
    """The arguments with another sample in the place of sample `j`: the one that differs most from it."""
    order = list(range(way.n))
    best, most = (j + 1) % way.n, -1.0
    for k in order:
        if k == j:
            continue
        distance = 0.0
        for _, t in trees.leaves(torch, cut):
            rows = way.rows(t) if way.dimension(t) is not None else None
            if rows is not None and not rows.is_complex():
                distance += float((rows[j] != rows[k]).double().mean())
        if distance > most:
            best, most = k, distance
    order[j] = best
    # Lists of whole numbers beside other inputs are lengths, often sorted: they stay.
    has_content = any(t.dim() > 1 for _, t in trees.leaves(torch, cut) if way.dimension(t) is not None)

    def exchange(tensor):
        is_length = has_content and tensor.dim() < 2 and not trees.is_float(tensor)
        return tensor if is_length else taken(torch, tensor, way, order)

    return trees.mapped(torch, cut, exchange)


def _by_exchange(torch, still: Still, cut: tuple, way: Reading) -> dict | None:
    """The largest change of an output when the input of its own sample is exchanged, and when that of another is."""
    before = _outputs(torch, still(*cut), way)
    own, other, pair = 0.0, 0.0, None
    for j in sorted({0, way.n // 2, way.n - 1}):
        after = _outputs(torch, still(*_exchanged(torch, cut, way, j)), way)
        if [o.shape for o in before] != [o.shape for o in after]:
            return None
        change = torch.stack([(a - b).abs().amax(1).double().cpu() for a, b in zip(before, after)]).amax(0)
        if not bool(torch.isfinite(change).all()):
            return None
        own = max(own, float(change[j]))
        change[j] = 0.0
        if float(change.max()) > other:
            other, pair = float(change.max()), [int(change.argmax()), j]
    return {"own": own, "other": other, "pair": pair}


def _blamed(bench, still: Still, cut: tuple, way: Reading, pair: list[int]) -> dict:
    """Where the samples are mixed: the first operation after which those that were not touched differ."""
    torch, (_, j) = bench.torch, pair

    def is_separate(mask) -> bool:
        if not bool(mask.any()) or any(_lies_in(mask, d, way.n, j) for d in range(mask.dim())):
            return True
        # Scores of every sample with every other.
        pairs = [(d, e) for d in range(mask.dim()) for e in range(d) if mask.shape[d] == mask.shape[e] == way.n]
        others = [i for i in range(way.n) if i != j]
        kept = torch.tensor(others, device=mask.device)
        return any(not bool(mask.index_select(d, kept).index_select(e, kept).any()) for d, e in pairs)

    return first_break(torch, still, cut, _exchanged(torch, cut, way, j), is_separate, bench.session.options.is_own)


def _lies_in(mask, d: int, n: int, j: int) -> bool:
    """Whether a mask is set only where dimension `d`, read as samples or as samples and something else, is at sample `j`."""
    size = mask.shape[d]
    if size == 0 or size % n:
        return False
    moved = mask.movedim(d, 0)
    for rows in (moved.reshape(n, size // n, -1), moved.reshape(size // n, n, -1).movedim(1, 0)):
        others = rows.reshape(n, -1).any(1)
        others[j] = False
        if not bool(others.any()):
            return True
    return False


