"""Samples told apart by what they hold: for data in which the same sample has another index, or none."""

from __future__ import annotations

#: Numbers that are read of the training data, at most, and of what is held out.
MOST_NUMBERS = 4_000_000
MOST_HELD_OUT = 1_000_000
#: Rows with fewer different values are alike by chance.
LEAST_VALUES = 8


def rows(torch, tensor, most: int) -> tuple[list[int], int]:
    """Fingerprints of the rows of a tensor, those of an even sample where it holds more than `most` numbers;
    and how many rows it has."""
    n = tensor.shape[0]
    flat = tensor.detach().reshape(n, -1)
    width = max(flat.shape[1], 1)
    every = max(1, -(-n * width // most))
    flat = flat[::every].cpu().contiguous()
    bits = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}.get(flat.element_size())
    if bits is None or flat.numel() == 0:
        return [], n
    weights = (
        torch.randint(
            -(2**62), 2**62, (width,), generator=torch.Generator().manual_seed(7), dtype=torch.int64
        )
        * 2
        + 1
    )
    found: list[int] = []
    step = max(1, 500_000 // width)
    for start in range(0, flat.shape[0], step):
        part = flat[start : start + step].view(bits).to(torch.int64)
        # Sums of 64 bits that wrap around do not depend on their order.
        found.extend((part * weights).sum(1).tolist())
    return found, n


def is_rich(torch, tensor) -> bool:
    """Whether rows hold enough different values that two of them are alike for a reason."""
    if tensor.dim() < 2 or tensor.shape[0] < 2:
        return False
    few = tensor[:32].detach().reshape(min(tensor.shape[0], 32), -1).cpu()
    if few.shape[1] < LEAST_VALUES:
        return False
    counts = sorted(int(row.unique().numel()) for row in few)
    return counts[len(counts) // 2] >= LEAST_VALUES


def overlap(torch, trained, held_out) -> tuple[float, int] | None:
    """Share of the rows of `held_out` that are rows of `trained`, and how many rows that is a share of; None
    where they cannot be compared."""
    same_kind = trained.shape[1:] == held_out.shape[1:] and trained.dtype == held_out.dtype
    if not same_kind or held_out.shape[0] < 2 or not is_rich(torch, held_out):
        return None
    if trained.data_ptr() == held_out.data_ptr() and trained.shape == held_out.shape:
        return None  # one tensor under two names
    known, n_trained = rows(torch, trained, MOST_NUMBERS)
    asked, _ = rows(torch, held_out, MOST_HELD_OUT)
    if not known or not asked:
        return None
    coverage = len(known) / n_trained
    known_set = set(known)
    share = sum(key in known_set for key in asked) / len(asked)
    return min(1.0, share / coverage), held_out.shape[0]


def batch_key(torch, content):
    """What tells a batch from others: sums of its first tensor of numbers; None where it has none."""
    tensor = first_tensor(torch, content)
    if tensor is None or tensor.numel() < LEAST_VALUES:
        return None
    keys, _ = rows(torch, tensor if tensor.dim() > 1 else tensor.reshape(1, -1), MOST_HELD_OUT)
    return (tuple(tensor.shape), tuple(keys)) if keys else None


def first_tensor(torch, content, depth: int = 0):
    """The first tensor of floating point in a batch, else its first tensor."""
    found: list = []

    def look(value, depth: int) -> None:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif depth < 3 and isinstance(value, (list, tuple)):
            for item in value:
                look(item, depth + 1)
        elif depth < 3 and isinstance(value, dict):
            for item in value.values():
                look(item, depth + 1)
        elif depth < 3 and hasattr(value, "__dataclass_fields__"):
            for item in vars(value).values():
                look(item, depth + 1)

    look(content, depth)
    return next((t for t in found if t.is_floating_point() and t.dim()), found[0] if found else None)
