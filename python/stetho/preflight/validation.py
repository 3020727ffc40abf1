"""Do training and validation inputs have the same statistics, as they reach the model?

Up to 512 samples of each are read, spread over the data set, through the data set's own transforms.
"""

from __future__ import annotations

from stetho.preflight import held_data, lookup, trees
from stetho.preflight.attempt import Skip

NAME = "validation"
TITLE = "training and validation inputs alike"
SHARE = 0.15

#: Samples of each that are read.
MOST = 512
#: Channels, or columns, that are told apart.
_MOST_CHANNELS = 256
#: Fewest samples of each that tell anything.
_FEWEST = 8


def measure(bench):
    """The record `validation`; see the format of ``preflight.json``."""
    pair = _from_loaders(bench) or _from_variables(bench)
    if pair is None:
        raise Skip("no validation data among the script's variables")
    (train_name, train), (valid_name, valid) = pair
    if train.shape[1:2] != valid.shape[1:2] or train.dim() != valid.dim():
        raise Skip("training and validation inputs have different shapes")
    if min(len(train), len(valid)) < _FEWEST:
        raise Skip("too few samples to compare")
    a, b = _statistics(train), _statistics(valid)
    channels = [
        {"train_mean": am, "train_std": astd, "valid_mean": bm, "valid_std": bstd, "train_spread": asp, "valid_spread": bsp}
        for (am, astd, asp), (bm, bstd, bsp) in zip(a, b)
    ]
    return {
        "train_name": train_name,
        "valid_name": valid_name,
        "n_train": len(train),
        "n_valid": len(valid),
        "channels": channels,
        "all": {f"{n}_{f}": float(getattr(t, f)()) for n, t in (("train", train), ("valid", valid)) for f in ("mean", "std")},
        "spread_train": _spread(train),
        "spread_valid": _spread(valid),
    }


def _from_loaders(bench):
    """The inputs that the two loaders give, each as one tensor of samples."""
    torch = bench.torch
    training, other = bench.train_loader, lookup.validation_loader(bench)
    if training is None or other is None:
        return None
    name, validation = other
    if held_data.is_stream(training) or held_data.is_stream(validation):
        raise Skip("the data set is a stream, which cannot be read twice")
    path = input_path(bench)
    if path is None:
        raise Skip("which part of a batch is the input could not be told")
    found = []
    for loader in (training, validation):
        batches = held_data.read(bench, loader, MOST, bench.remaining() / 2)
        tensors = [t for t in (trees.at(batch, path) for batch in batches) if isinstance(t, torch.Tensor) and t.dim() > 0]
        shapes = {tuple(t.shape[1:]) for t in tensors}
        if not tensors:
            raise Skip(f"the batches of `{name}` have another form" if loader is validation else "the batches could not be read")
        if any(not trees.is_float(t) for t in tensors) and max(t.dim() for t in tensors) < 3:
            raise Skip("the inputs are no measurements but whole numbers")
        if len(shapes) > 1:
            # Sizes that differ: the mean of each sample, channel by channel.
            tensors = [t.double().reshape(*t.shape[:2], -1).mean(2, keepdim=True) for t in tensors]
        found.append(torch.cat([t.double() for t in tensors]))
    return ("training loader", found[0]), (name, found[1])


def input_path(bench) -> tuple | None:
    """Where in a batch of the loader the model's input lies."""
    torch, batch = bench.torch, held_data.content(bench)
    if batch is None:
        return None
    given = [t for _, t in trees.leaves(torch, (tuple(bench.inputs), dict(bench.keywords))) if t.dim() > 0]
    for tensor in sorted(given, key=lambda t: not trees.is_float(t)):
        path = held_data.path_of(torch, batch, tensor)
        if path is not None:
            return path
    # Changed on its way to the model: the first numbers with more than one dimension.
    return next((p for p, t in trees.leaves(torch, batch) if trees.is_float(t) and t.dim() > 1), None)


def _from_variables(bench):
    """Data that lies in variables whose names differ in what it is for alone: ``x_train`` and ``x_val``."""
    if bench.model is None:
        return None
    given = trees.leaves(bench.torch, (tuple(bench.inputs), dict(bench.keywords)))
    widths = {t[0].numel() for _, t in given if trees.is_float(t) and t.dim() > 1 and len(t)}
    held = {n: t for n, t in lookup.variables(bench).items() if trees.is_float(t) and t.dim() > 1 and len(t) >= _FEWEST}
    found = []
    for name, tensor in held.items():
        other = lookup.training_name(name, held)
        is_pair = other is not None and held[other] is not tensor and held[other].shape[1:] == tensor.shape[1:]
        if is_pair and tensor[0].numel() in widths and _holds(held[other], [t for _, t in given]):
            found.append((not lookup.VALIDATION.search(name).group().lower().startswith("val"), name, other))
    if not found:
        return None
    _, name, other = min(found)
    return (other, _some(bench.torch, held[other])), (name, _some(bench.torch, held[name]))


def _holds(data, given: list) -> bool:
    """Whether a sample that the model was given is one of these: what lies in a variable may have been scaled on its way."""
    for tensor in given:
        if not trees.is_float(tensor) or tensor.dim() < 2 or not len(tensor) or tensor[0].numel() != data[0].numel():
            continue
        sample = tensor.detach()[0].reshape(-1).cpu().float()
        parts = (part.detach().reshape(len(part), -1).cpu().float() for part in data.split(8192))
        if any(bool((part == sample).all(1).any()) for part in parts):
            return True
    return False


def _some(torch, tensor):
    n = len(tensor)
    indices = torch.linspace(0, n - 1, min(n, MOST)).long()
    return tensor.detach()[indices].cpu().double()


def _by_channel(tensor):
    """As (samples, channels, values): dimension 1 of pictures and of rows of features; the last one of sequences of features."""
    if tensor.dim() == 2:
        return tensor.unsqueeze(2)
    if tensor.dim() == 3:
        return tensor.movedim(2, 1)
    if tensor.dim() == 4 and tensor.shape[1] > 16 >= tensor.shape[3]:
        tensor = tensor.movedim(3, 1)
    return tensor.reshape(tensor.shape[0], tensor.shape[1], -1) if tensor.dim() > 1 else tensor.reshape(-1, 1, 1)


def _statistics(tensor) -> list[tuple[float, float, float]]:
    """Of each channel mean, standard deviation, and the standard deviation over samples of a sample's mean."""
    values = _by_channel(tensor)[:, :_MOST_CHANNELS]
    each = values.mean(2)
    flat = values.movedim(1, 0).reshape(values.shape[1], -1)
    spread = each.std(0) if len(each) > 1 else each[0] * 0.0
    return [tuple(float(v) for v in row) for row in zip(flat.mean(1), flat.std(1, unbiased=False), spread)]


def _spread(tensor) -> float:
    each = tensor.reshape(len(tensor), -1).mean(1)
    return float(each.std()) if len(each) > 1 else 0.0
