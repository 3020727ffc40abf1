"""Layers in the order of the forward pass: how they were initialised, and what they make of the batch."""

from __future__ import annotations

from stetho.preflight.seen import LAYERS, is_norm

#: Columns of a weight by which rows are told apart before all of it is looked at.
FIRST_COLUMNS = 64
#: Layers that are written down.
MOST = 1000


def facts(bench, watched) -> dict:
    """Layers with weights, and normalisations."""
    names = {id(m): name for model in bench.models for name, m in model.named_modules()}
    if bench.model is not None:
        names = {id(m): name for name, m in bench.model.named_modules()} | names
    found, norms = [], []
    calls = [c for c in watched.leaves_called if id(c.module) in names]
    weighted = [c for c in calls if isinstance(c.module, LAYERS)]
    for depth, call in enumerate(weighted[:MOST]):
        name, kind = names[id(call.module)], type(call.module).__name__
        entry = {"name": name, "kind": kind, "depth": depth, "n_after": len(weighted) - depth - 1}
        entry.update(_weights(bench.torch, call.module))
        entry.update(_outputs(call))
        found.append(entry)
    for call in calls:
        if is_norm(call.module) and call.input is not None and call.input.dim() > 1:
            shape = call.input.shape
            norms.append({
                "name": names[id(call.module)],
                "kind": type(call.module).__name__,
                "n": int(shape[0]),
                "n_values": call.input.numel() // max(int(shape[1]), 1),
                "training": call.extra.get("training", True),
            })
    return {"layers": found, "norms": norms}


def _weights(torch, module) -> dict:
    weight, bias = module.weight.detach(), getattr(module, "bias", None)
    is_transposed = "Transpose" in type(module).__name__
    rows = weight.transpose(0, 1).flatten(1) if is_transposed and weight.dim() > 1 else weight.flatten(1)
    with_bias = bias is not None and not (is_transposed and module.groups > 1)
    if with_bias:
        rows = torch.cat([bias.detach()[:, None].to(rows.dtype), rows], 1) if bias.shape[0] == rows.shape[0] else rows
    return {
        "n_units": int(rows.shape[0]),
        # Filters of one channel each see inputs of their own.
        "n_distinct": _n_distinct(torch, rows) if getattr(module, "groups", 1) == 1 else None,
        "weight_std": float(weight.float().std(unbiased=False)),
        "bias_norm": float(bias.detach().float().norm()) if bias is not None else None,
        "has_bias": bias is not None,
        "is_zero": not bool(weight.any()),
    }


def _n_distinct(torch, rows) -> int:
    first = int(torch.unique(rows[:, :FIRST_COLUMNS], dim=0).shape[0])
    if first == rows.shape[0] or rows.shape[1] <= FIRST_COLUMNS:
        return first
    return int(torch.unique(rows, dim=0).shape[0])


def _outputs(call) -> dict:
    out = call.output
    entry = {
        "before": call.extra.get("before"),
        "activation": call.extra.get("activation"),
        "zero_units": call.extra.get("zero_units"),
        "in_std": call.extra.get("in_std"),
        "is_residual_end": bool(call.extra.get("is_residual_end")),
        "is_cut_twice": bool(call.extra.get("is_cut_twice")),
        "is_dropped": bool(call.extra.get("is_dropped")),
    }
    if out is not None and out.is_floating_point() and out.numel() > 1:
        entry["out_std"] = call.extra["out_std"]
        entry["out_mean"] = call.extra["out_mean"]
    return entry


def is_followed_by_zero(bench, watched, parameter) -> str | None:
    """Whether a later layer's weights are all zero, so that no gradient passes it at the first step."""
    names = {id(m): name for model in bench.models for name, m in model.named_modules()}
    own = next((c.order for c in watched.leaves_called if any(p is parameter for p in c.module.parameters(recurse=False))), None)
    if own is None:
        return None
    for call in watched.leaves_called:
        weight = getattr(call.module, "weight", None)
        is_scale = weight is not None and hasattr(weight, "any") and (isinstance(call.module, LAYERS) or is_norm(call.module))
        if call.order > own and is_scale and not bool(weight.detach().any()):
            return f"the weights of `{names.get(id(call.module), type(call.module).__name__)}` after it start at 0"
    return None


def first(bench, watched) -> dict | None:
    """The first layer with weights of its own that takes numbers: what it is given. Tables that are looked into are none."""
    names = {id(m): name for model in bench.models for name, m in model.named_modules()}
    for call in watched.leaves_called:
        given = call.input
        if next(call.module.parameters(recurse=False), None) is None or given is None:
            continue
        if given.is_floating_point() and given.numel() > 1:
            values = given.float()
            found = {"name": names.get(id(call.module), ""), "kind": type(call.module).__name__}
            return {**found, "in_mean": float(values.mean()), "in_std": float(values.std(correction=0))}
    return None
