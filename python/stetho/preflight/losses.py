"""Calls of loss functions and softmaxes, in numbers."""

from __future__ import annotations

import math

from stetho.preflight import trees
from stetho.preflight.record import place

#: Losses whose targets are classes.
CLASSES = frozenset("cross_entropy nll_loss multi_margin_loss".split())
BINARY = frozenset("binary_cross_entropy binary_cross_entropy_with_logits multilabel_soft_margin_loss".split())
#: Values that are looked at of one tensor.
MOST_VALUES = 1 << 22
_REDUCTIONS = {"mean", "sum", "none", "batchmean"}


def loss_calls(bench, watched) -> list[dict]:
    """Each call of a loss function, and differences of unlike shapes that were made by hand."""
    found = [_call(bench, watched, call) for call in watched.loss_calls if hasattr(call.input, "untyped_storage")]
    for made in watched.differences:
        found.append({
            "function": "difference",
            "place": place(made.place),
            "input_shape": list(made.shapes[0]),
            "target_shape": list(made.shapes[1]),
            "target_dtype": made.dtype,
            "is_part": True,
            **_of_hand_made(made),
        })
    return found


def _of_hand_made(made) -> dict:
    if made.origin is None or not made.target.numel():
        return {}
    values = made.target.double()
    return {
        "input_from": made.origin[0],
        "target_min": _number(values.min()),
        "target_max": _number(values.max()),
        "beyond_unit": _beyond_unit(values),
    }


def _beyond_unit(values) -> float:
    return float(((values < 0.0) | (values > 1.0)).double().mean())


def _view_of(bench, given) -> list:
    """The shape of what the model gives, where the loss takes the same numbers in the same order under another shape."""
    last = bench.last_call
    if last is None or not given.is_contiguous():
        return []
    for _, output in trees.leaves(bench.torch, last.output):
        is_same = output.numel() == given.numel() and output.data_ptr() == given.data_ptr()
        if is_same and output.is_contiguous() and output.shape != given.shape:
            return list(output.shape)
    return []


def _call(bench, watched, call) -> dict:
    torch = bench.torch
    given, target = call.input.detach(), call.target
    has_target = hasattr(target, "untyped_storage")
    value = call.value
    entry: dict = {
        "function": call.function,
        "place": place(call.place),
        "input_shape": list(given.shape),
        "target_shape": list(target.shape) if has_target else [],
        "target_dtype": str(target.dtype).removeprefix("torch.") if has_target else "",
        "reduction": call.kwargs.get("reduction") or next((a for a in call.args if _is_reduction(a)), "mean"),
        "weighted": any(call.kwargs.get(k) is not None for k in ("weight", "pos_weight")),
        "input_min": _number(given.min()) if given.numel() else None,
        "input_max": _number(given.max()) if given.numel() else None,
        "value": _number(value.detach().mean()) if hasattr(value, "untyped_storage") and value.numel() else None,
        "is_part": call.is_part,
        "is_of_cosines": watched.has_cosines,
        "view_of": _view_of(bench, given),
    }
    if call.origin is not None:
        entry["input_from"] = call.origin[0]
        entry["input_place"] = place(call.origin[1])
    with torch.no_grad():
        entry.update(_rows(torch, call.function, given))
        if has_target and target.numel():
            entry.update(_target(torch, call, given, target.detach()))
    return entry


def _is_reduction(value) -> bool:
    return isinstance(value, str) and value in _REDUCTIONS


def is_part(watched, call) -> bool:
    """Whether the call is one term of several: others come before the same backward pass, or the loss is no fraction of it."""
    calls = [c for c in watched.loss_calls if c.n_backward == call.n_backward]
    if len(calls) > 1:
        return True
    if call.n_backward >= len(watched.loss_tensors):
        return False
    total, value = watched.loss_tensors[call.n_backward], call.value
    if total is value or not hasattr(value, "numel"):
        return False
    whole = float(total.detach().float().mean())
    own = float(value.detach().float().mean())
    if whole == 0.0 or not math.isfinite(whole) or not math.isfinite(own):
        return False
    share = own / whole
    return not (0.99 < share < 1025.0 and abs(share - round(share)) < 1e-4 * share)


def log_rows_of(torch, call) -> float:
    """Share of the rows of a loss's input that are logarithms of probabilities."""
    return _rows(torch, call.function, call.input.detach()).get("log_rows", 0.0)


def _rows(torch, function: str, given) -> dict:
    """How many rows along the class axis are probabilities, or logarithms of them."""
    if given.dim() == 0 or not given.is_floating_point() or given.numel() == 0:
        return {}
    dim = 1 if given.dim() > 1 and function in ("cross_entropy", "nll_loss") else given.dim() - 1
    n = given.shape[dim]
    found: dict = {"n_classes": n} if function in CLASSES else {}
    if n < 2 or given.numel() > MOST_VALUES:
        return found
    values = given.double()
    ones = (values.sum(dim) - 1.0).abs() < 1e-4
    found["rows_sum_to_one"] = float((ones & (values.amin(dim) >= 0.0)).double().mean())
    logs = (values.exp().sum(dim) - 1.0).abs() < 1e-4
    found["log_rows"] = float((logs & (values.amax(dim) <= 1e-6)).double().mean())
    return found


def _target(torch, call, given, target) -> dict:
    found: dict = {"n_targets": target.numel(), "n_ignored": 0}
    found["target_min"], found["target_max"] = _number(target.min()), _number(target.max())
    if call.function in CLASSES and not target.is_floating_point():
        ignore = call.kwargs.get("ignore_index", -100)
        used = target[target != ignore]
        found["n_ignored"] = target.numel() - used.numel()
        found["target_kind"] = "class"
        if used.numel():
            found["target_min"], found["target_max"] = _number(used.min()), _number(used.max())
            shares = torch.unique(used, return_counts=True)[1].double()
            shares /= shares.sum()
            found["entropy"] = float(-(shares * shares.log()).sum())
        return found
    values = target.double()
    if call.function in ("cross_entropy", "kl_div"):
        found["target_kind"] = "probabilities"
        shares = values.flatten(2).mean(2).mean(0) if values.dim() > 2 else values.mean(0) if values.dim() == 2 else values
        shares = shares[shares > 0]
        found["entropy"] = float(-(shares * shares.log()).sum())
        return found
    is_binary = bool(((values == 0) | (values == 1)).all())
    found["target_kind"] = "binary" if is_binary and call.function in BINARY else "real"
    if call.function in BINARY:
        columns = values.reshape(values.shape[0], -1) if values.dim() > 1 else values.reshape(-1, 1)
        flat = columns.mean(0).clamp(0, 1)
        found["entropy"] = float(torch.special.entr(flat).add(torch.special.entr(1 - flat)).mean())
    found["beyond_unit"] = _beyond_unit(values)
    found["target_variance"] = float(values.var(unbiased=False))
    found["target_mean_square"] = float((values * values).mean())
    found["target_mean_abs_deviation"] = float((values - values.median()).abs().mean())
    return found


def class_dim(shape, batch) -> int | None:
    """The dimension that counts classes: without it the shape is that of labels of the batch, which are numbers below its size. None
    where nothing, or more than one dimension, is so."""
    found = set()
    for labels in batch:
        if labels.is_floating_point() or labels.is_complex() or labels.dim() != len(shape) - 1 or not labels.numel():
            continue
        least, most = int(labels.min()), int(labels.max())
        for d, size in enumerate(shape):
            if tuple(shape[:d]) + tuple(shape[d + 1 :]) == tuple(labels.shape) and least >= 0 and 0 < most < size:
                found.add(d)
    return next(iter(found)) if len(found) == 1 else None


def softmaxes(watched) -> list[dict]:
    """Each line that makes a softmax, once."""
    found: dict[tuple, dict] = {}
    for softmax in watched.softmaxes:
        output = softmax.output.detach()
        dim = softmax.dim + output.dim() if softmax.dim is not None and softmax.dim < 0 else softmax.dim
        classes = softmax.class_dim
        if classes is None and not softmax.is_attention:
            classes = class_dim(output.shape, watched.bench.batch.values())
        if classes is not None and classes < 0:
            classes += output.dim()
        entry = {
            "place": place(softmax.place),
            "function": softmax.function,
            "dim": dim,
            "shape": list(output.shape),
            "class_dim": classes,
            "is_attention": softmax.is_attention,
            "sum_error": 0.0,
        }
        if classes is not None and classes < output.dim() and output.numel():
            probabilities = output.double().exp() if "log" in softmax.function else output.double()
            entry["sum_error"] = _number((probabilities.sum(classes) - 1.0).abs().max())
        key = (str(entry["place"]), dim, softmax.function)
        if key not in found or (found[key]["class_dim"] is None and classes is not None):
            found[key] = entry
    return list(found.values())


def _number(value) -> float:
    return float(value)
