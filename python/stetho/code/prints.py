"""Fingerprints of parameters: a few numbers of each tensor, enough to tell whether two hold the same."""

from __future__ import annotations

import gc
import os

#: Names of each kind that are kept of a load.
NAMES = 50
#: Numbers of a tensor that are compared.
_SAMPLES = 16


def of(torch, tensor) -> tuple | None:
    """Shape and some numbers of a tensor; None where it holds no floating-point numbers in this memory."""
    if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point() or tensor.layout != torch.strided or tensor.is_meta:
        return None
    n = tensor.numel()
    if n == 0:
        return None
    with torch.no_grad():
        flat = tensor.detach().reshape(-1) if tensor.is_contiguous() else tensor.detach().flatten()
        some = flat[:: max(1, n // _SAMPLES)][:_SAMPLES].double().cpu().tolist()
    return (tuple(tensor.shape), tuple(some))


def is_telling(print_: tuple | None) -> bool:
    """Whether a fingerprint could be that of one tensor only: not all numbers alike, as those of fresh biases and norms are."""
    return print_ is not None and len(set(print_[1])) > 1


def of_module(torch, module) -> dict[str, tuple | None]:
    """Those of all parameters and buffers of a module, by name."""
    found = {name: of(torch, p) for name, p in module.named_parameters(remove_duplicate=False)}
    found.update({name: of(torch, b) for name, b in module.named_buffers(remove_duplicate=False)})
    return found


def states_in(torch, value, depth: int = 0) -> dict[str, object]:
    """The tensors of a loaded object, by their paths in it: those of its dictionaries and of modules."""
    if isinstance(value, torch.nn.Module):
        return dict(value.state_dict())
    found: dict[str, object] = {}
    if not isinstance(value, dict) or depth > 3:
        return found
    tensors = {k: v for k, v in value.items() if isinstance(k, str) and isinstance(v, torch.Tensor)}
    if tensors and any("." in k or k in ("weight", "bias") for k in tensors):
        found.update(tensors)
        return found
    for key, inner in value.items():
        if isinstance(inner, dict) and isinstance(key, str) and "optim" not in key and "sched" not in key:
            found.update({f"{key}/{k}": v for k, v in states_in(torch, inner, depth + 1).items()})
    return found


def of_all(torch, gone: set[int]) -> set:
    """Fingerprints of the parameters of every module that lives, but for those that are `gone`."""
    found: set = set()
    for value in gc.get_objects():
        if issubclass(type(value), torch.nn.Module):
            own = value.__dict__.get("_parameters", {}).values()
            if any(id(p) in gone for p in own):
                continue
            for tensor in (*own, *value.__dict__.get("_buffers", {}).values()):
                mark = of(torch, tensor)
                if is_telling(mark):
                    found.add(mark)
    return found


def same_memory(a, b) -> bool:
    """Whether two tensors are one."""
    return hasattr(a, "data_ptr") and hasattr(b, "data_ptr") and a.numel() > 0 and a.data_ptr() == b.data_ptr() and a.shape == b.shape


def path_of(source) -> str | None:
    """The path of what is read or written; None where it has none."""
    if isinstance(source, (str, bytes, os.PathLike)):
        return os.fsdecode(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else None


def renamed(own, state, missing: list[str], unexpected: list[str]) -> list[tuple[str, str]]:
    """Pairs of a missing and an unexpected name that end alike and are of one shape."""
    pairs = []
    left = list(unexpected)
    for name in missing[:200]:
        end = name.rpartition(".")[2]
        shape = getattr(own.get(name), "shape", None)
        fits = (u for u in left if u.rpartition(".")[2] == end and getattr(state[u], "shape", ()) == shape and len(shape or ()) > 0)
        found = next(fits, None)
        if found is not None:
            left.remove(found)
            pairs.append((name, found))
    return pairs[:NAMES]
