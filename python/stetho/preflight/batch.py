"""The batch as the network sees it: inputs and targets in numbers, and pictures with their labels and boxes."""

from __future__ import annotations

import inspect

from stetho import pictures
from stetho.preflight import trees

#: Pictures that are shown, and the pixels of their longer side at most.
MOST_PICTURES = 32
MOST_SIDE = 128
#: Values that a histogram is made of, and its bins.
MOST_VALUES = 1 << 20
N_BINS = 32
#: Classes that are counted one by one, channels that are told apart.
MOST_CLASSES = 50
MOST_CHANNELS = 64
#: Samples with numbers that are not finite, of which the place is told.
MOST_SAMPLES = 20


def facts(bench) -> dict:
    """Numbers of inputs and targets, and the first pictures."""
    inputs = inputs_of(bench)
    targets = targets_of(bench, inputs)
    known = [t.shape[0] for t in inputs.values() if t.dim()]
    found = {
        "n": bench.n_rows or bench.n_listed() or (known[0] if known else None),
        "inputs": [tensor_facts(bench.torch, name, tensor) for name, tensor in inputs.items()],
        "targets": [tensor_facts(bench.torch, name, tensor) for name, tensor in targets.items()],
    }
    try:
        found["pictures"] = first_pictures(bench, inputs, targets)
    except (RuntimeError, TypeError, ValueError, KeyError, IndexError):
        found["pictures"] = []
    return found


def inputs_of(bench) -> dict[str, object]:
    """Tensors that the model gets, under the names that the user gave them, or those of its arguments."""
    if bench.model is None:
        return dict(list(bench.batch.items())[:1])
    try:
        arguments = [p for p in inspect.signature(bench.model.forward).parameters]
    except (TypeError, ValueError):
        arguments = []
    named: list[tuple[str, object]] = []
    for i, value in enumerate(bench.inputs):
        head = arguments[i] if i < len(arguments) else f"input {i}"
        named.extend((head + _spelled(path), t) for path, t in trees.leaves(bench.torch, value))
    for key, value in bench.keywords.items():
        named.extend((key + _spelled(path), t) for path, t in trees.leaves(bench.torch, value))
    found: dict[str, object] = {}
    for name, tensor in named:
        if not tensor.requires_grad or not tensor.is_leaf:
            known = next((n for n, t in bench.batch.items() if t is tensor), name)
            found.setdefault(known, tensor.detach())
    targets = [c.target for c in bench.loss_calls]
    held = [x for x in targets if hasattr(x, "untyped_storage")]
    return {n: t for n, t in found.items() if not any(t.shape == x.shape and _is_same(t, x) for x in held)} or found


def targets_of(bench, inputs: dict) -> dict[str, object]:
    """Tensors that losses are worked out against; the rest of the batch where no loss function is called."""
    found: dict[str, object] = {}
    for call in bench.loss_calls:
        target = call.target
        if hasattr(target, "untyped_storage") and not target.requires_grad:
            name = next((n for n, t in bench.batch.items() if t is target or _is_same(t, target)), "target")
            found.setdefault(name, target.detach())
    if not found:
        found = {n: t.detach() for n, t in bench.batch.items() if not any(_is_same(t, x) for x in inputs.values())}
    return found


def _is_same(a, b) -> bool:
    try:
        return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr() and a.numel() == b.numel()
    except (RuntimeError, NotImplementedError, AttributeError):
        return a is b


def _spelled(path: tuple) -> str:
    return "".join(f"[{key!r}]" for key in path)


def tensor_facts(torch, name: str, tensor) -> dict:
    """Range, centre, spread, histogram, channels and classes of a tensor."""
    found: dict = {"name": name, "shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}
    if tensor.numel() == 0 or tensor.is_complex() or tensor.is_sparse:
        return found
    values = tensor.detach().double() if tensor.numel() <= MOST_VALUES else tensor.detach().float()
    finite = torch.isfinite(values)
    found["n_non_finite"] = int((~finite).sum())
    if found["n_non_finite"] and values.dim():
        rows = (~finite).reshape(len(finite), -1).any(1)
        found["non_finite_samples"] = rows.nonzero().flatten()[:MOST_SAMPLES].tolist()
    flat = values[finite]
    if flat.numel() == 0:
        return found
    found.update({k: float(v) for k, v in (
        ("mean", flat.mean()), ("std", flat.std(unbiased=False)), ("min", flat.min()), ("max", flat.max()),
    )})
    found["histogram"] = _histogram(torch, flat)
    channels = _channels(values)
    if channels is not None:
        found["channels"] = [{"mean": float(c.mean()), "std": float(c.std(unbiased=False))} for c in channels]
    if not tensor.is_floating_point():
        labels, counts = torch.unique(tensor.reshape(-1)[:MOST_VALUES].long(), return_counts=True)
        if labels.numel() <= MOST_CLASSES:
            found["classes"] = [[int(label), int(n)] for label, n in zip(labels, counts)]
    return found


def _histogram(torch, flat) -> dict:
    stride = max(1, flat.numel() // MOST_VALUES)
    sample = flat[::stride].float().cpu()
    low, high = float(sample.min()), float(sample.max())
    if low == high:
        return {"edges": [low, high], "counts": [int(sample.numel())]}
    counts = torch.histc(sample, N_BINS, low, high)
    return {"edges": [low + (high - low) * i / N_BINS for i in range(N_BINS + 1)], "counts": [int(c) for c in counts]}


def _channels(values):
    """One tensor a channel, or a column; None where the shape does not tell."""
    if values.dim() in (4, 5) and values.shape[1] <= MOST_CHANNELS:
        return values.unbind(1)
    if values.dim() == 2 and 1 < values.shape[1] <= MOST_CHANNELS:
        return values.unbind(1)
    return None


def first_pictures(bench, inputs: dict, targets: dict) -> list[dict]:
    """The first pictures of the batch, each scaled to its own range."""
    shown = next((list(t[:MOST_PICTURES]) for t in inputs.values() if t.dim() == 4 and _is_picture(t[0])), None)
    if shown is None:
        shown = [t for t in inputs.values() if _is_picture(t)][:MOST_PICTURES]
        if len(shown) < 2:
            return []
    found = []
    for i, value in enumerate(shown):
        entry = {**pictures.picture(bench.torch, value, MOST_SIDE), "label": _label(bench, targets, i, len(shown))}
        boxes = _boxes(bench, i)
        if boxes is not None:
            entry["boxes"] = boxes[:50]
        found.append(entry)
    return found


def _is_picture(tensor) -> bool:
    return tensor.dim() == 3 and tensor.shape[0] in (1, 3) and min(tensor.shape[1:]) >= 8


def _label(bench, targets: dict, i: int, n: int) -> str | None:
    for tensor in targets.values():
        if tensor.dim() == 0 or tensor.shape[0] < n:
            continue
        value = tensor[i]
        if value.numel() == 1:
            names = getattr(getattr(bench.train_loader, "dataset", None), "classes", None)
            number = value.item()
            if isinstance(number, int) and isinstance(names, (list, tuple)) and 0 <= number < len(names):
                return str(names[number])
            return str(number) if isinstance(number, int) else f"{number:.4g}"
        if value.dim() == 1 and value.is_floating_point() and value.numel() <= 1000 and abs(float(value.sum()) - 1.0) < 1e-3:
            return str(int(value.argmax()))
    return None


def _boxes(bench, i: int):
    """Boxes of a sample in a list of dictionaries, as detectors of torchvision take them."""
    for name, tensor in bench.batch.items():
        if f"[{i}]['boxes']" in name and tensor.dim() == 2 and tensor.shape[1] == 4:
            return tensor.detach().cpu().tolist()
    return None
