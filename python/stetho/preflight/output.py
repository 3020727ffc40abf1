"""What the last layer says before training, held against how often each class occurs."""

from __future__ import annotations

from stetho.preflight import held_data, lookup, trees
from stetho.preflight.attempt import Skip
from stetho.preflight.still import Still, detached

NAME = "output"
TITLE = "output bias and class shares"
SHARE = 0.08

#: Labels that are read, in batches of the loader.
_BATCHES = 50
_MOST_LABELS = 200_000
_MOST_CLASSES = 1000
#: Where data sets keep their labels.
_LABELS = ("targets", "labels", "_labels", "y", "train_labels")
_WITH_LOGITS = ("cross_entropy", "nll_loss")
_BINARY = ("binary_cross_entropy_with_logits", "binary_cross_entropy")


def measure(bench):
    """The record `output`; see the format of ``preflight.json``."""
    torch, call = bench.torch, bench.main_call
    if not bench.calls:
        raise Skip(bench.why_no_model)
    if call is None or bench.last_call is None or call.function not in _WITH_LOGITS + _BINARY:
        raise Skip("no loss over classes was seen")
    n_classes = _n_classes(call)
    if n_classes is None or n_classes > _MOST_CLASSES:
        raise Skip("the targets are no classes, or there are too many of them")
    labels = _labels(bench, call.target)
    ignored = call.kwargs.get("ignore_index", -100)
    labels = labels[labels != ignored].long() if call.function in _WITH_LOGITS else labels.round().long()
    if not len(labels) or int(labels.min()) < 0 or int(labels.max()) >= n_classes:
        raise Skip("the labels are not numbers of classes")
    counts = torch.bincount(labels, minlength=n_classes)
    name, bias = _last_bias(bench, 1 if call.function in _BINARY else n_classes)
    return {
        "layer": name,
        "n_classes": n_classes,
        "bias": None if bias is None else [float(v) for v in bias],
        "shares": [float(c) / len(labels) for c in counts],
        "n_labels": len(labels),
        "prediction": _prediction(torch, call),
    }


def _n_classes(call) -> int | None:
    """How many classes the loss tells apart; None where its targets are something else."""
    given, target = call.input, call.target
    if not hasattr(target, "dim") or not hasattr(given, "dim"):
        return None
    if call.function in _BINARY:
        is_one = given.dim() == 1 or (given.dim() == 2 and given.shape[1] == 1)
        is_label = bool(((target == 0) | (target == 1)).all())
        return 2 if is_one and is_label else None
    if trees.is_float(target) or given.dim() < 2:
        return None
    return given.shape[1]


def _labels(bench, target):
    """Labels of the training data: those of the data set where it keeps them, those of samples, or those of the batch."""
    torch = bench.torch
    loader, batch = bench.train_loader, held_data.content(bench)
    path = held_data.path_of(torch, batch, target) if batch is not None else None
    if path is not None and not held_data.is_stream(loader):
        kept = _kept_labels(torch, loader.dataset, path)
        if kept is not None and bool(torch.isin(target.detach().flatten().cpu(), kept.to(target.dtype)).all()):
            return kept[:: max(1, len(kept) // _MOST_LABELS)]
        batches = held_data.read(bench, loader, _BATCHES * (loader.batch_size or 32), bench.remaining() / 2)
        found = [trees.at(b, path) for b in batches]
        found = [t.flatten() for t in found if isinstance(t, torch.Tensor)]
        if found:
            return torch.cat(found)[:_MOST_LABELS].detach().cpu()
    held = _variable(bench, target)
    return (target if held is None else held).detach().flatten().cpu()[:_MOST_LABELS]


def _kept_labels(torch, dataset, path: tuple):
    """The labels of a whole data set, without reading a sample: of torchvision's, of `TensorDataset`; through subsets."""
    if hasattr(dataset, "indices") and hasattr(dataset, "dataset"):
        inner = _kept_labels(torch, dataset.dataset, path)
        return None if inner is None else inner[torch.as_tensor(list(dataset.indices))]
    if type(dataset).__name__ == "TensorDataset" and path and isinstance(path[0], int) and path[0] < len(dataset.tensors):
        return dataset.tensors[path[0]].detach().cpu().flatten()
    for name in _LABELS:
        held = getattr(dataset, name, None)
        if held is None or isinstance(held, str) or not hasattr(held, "__len__") or len(held) != len(dataset):
            continue
        try:
            labels = torch.as_tensor(held)
        except (TypeError, ValueError, RuntimeError):
            continue
        if labels.dim() == 1 and not trees.is_float(labels):
            return labels.cpu()
    return None


def _variable(bench, target):
    """Labels in a variable of which the batch is a part: whole numbers, many more of them, named as labels are."""
    for name, tensor in lookup.variables(bench).items():
        is_named = any(word in name.lower() for word in ("y", "label", "target")) and not lookup.VALIDATION.search(name)
        is_alike = tensor.dim() == target.dim() == 1 and trees.is_float(tensor) == trees.is_float(target)
        if is_named and is_alike and len(tensor) >= 2 * len(target):
            if bool(bench.torch.isin(target.detach().cpu(), tensor.cpu().to(target.dtype)).all()):
                return tensor
    return None


def _last_bias(bench, width: int) -> tuple:
    """Name and bias of the last layer whose output is as wide as the model's."""
    torch, last_call = bench.torch, bench.last_call
    names = {m: n for n, m in last_call.module.named_modules()}
    called: list = []
    handles = [
        m.register_forward_hook(lambda module, _args, _out: called.append(module))
        for m in names
        if getattr(m, "weight", None) is not None and next(m.children(), None) is None
    ]
    try:
        still = Still(torch, last_call.module, context=bench.autocast_of(last_call))
        still(*detached(torch, (tuple(last_call.args), dict(last_call.kwargs))))
    finally:
        for handle in handles:
            handle.remove()
    if not called:
        return None, None
    last = called[-1]
    size = getattr(last, "out_features", getattr(last, "out_channels", None))
    if size != width:
        return None, None
    bias = getattr(last, "bias", None)
    return names[last], bias.detach() if isinstance(bias, torch.Tensor) else None


def _prediction(torch, call) -> list[float]:
    """The mean predicted probability of each class."""
    given = call.input.detach().double()
    if call.function in _BINARY:
        share = float((given.sigmoid() if call.function.endswith("logits") else given).mean())
        return [1.0 - share, share]
    shares = given.softmax(1) if call.function == "cross_entropy" else given.exp()
    return [float(v) for v in shares.movedim(1, 0).reshape(shares.shape[1], -1).mean(1)]
