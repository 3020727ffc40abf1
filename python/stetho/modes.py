"""The modes of PyTorch under which a step is run again. Imported for a replay alone, since it imports PyTorch."""

from __future__ import annotations

import os
import sys

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from stetho.observe import MOST_EVENTS, UNSET, VIEWS, Event, Pick, flat_tensors, is_finite, is_float, key_of, op_name, place_of

#: Operations that may pick rows out of a data set.
_PICKING = ("index", "index_select", "slice")
MOST_PICKS = 512


class Forward(TorchDispatchMode):
    """Keeps the events of a forward pass, and which rows it picks out of larger tensors."""

    def __init__(self, is_own, modules) -> None:
        super().__init__()
        self._is_own = is_own
        self._modules = modules
        self.events: list[Event] = []
        self.n_ops = 0
        #: The events that wrote to a storage, in their order.
        self.writers: dict[int, list[Event]] = {}
        self.picked: list[Pick] = []
        self.is_watching = True
        #: What to call before the operation of this number.
        self.before: tuple | None = None

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if not self.is_watching:
            return func(*args, **kwargs)
        self.n_ops += 1
        if self.before is not None and self.n_ops == self.before[0]:
            self.before[1]()
        name = op_name(func)
        tensors = flat_tensors(torch, (args, kwargs), [])
        bad_in = [t for t in tensors if is_float(t) and not is_finite(torch, t)]
        had_nan = any(bool(torch.isnan(t).any()) for t in bad_in)
        mutates = name.endswith("_") or "out" in kwargs
        # An operand that is written over is needed as it was.
        operands = [] if had_nan or name in VIEWS else _operands(args, kwargs, clone=mutates)
        out = func(*args, **kwargs)
        frame = sys._getframe(1)
        if name in _PICKING and len(self.picked) < MOST_PICKS:
            self._pick(name, args, out, frame)
        if name.startswith(UNSET):
            return out
        outs = flat_tensors(torch, out, [])
        if mutates and not outs:
            outs = flat_tensors(torch, args[:1], [])
        bad_out = [t for t in outs if is_float(t) and not is_finite(torch, t)]
        is_same_memory = name in VIEWS and {key_of(t) for t in bad_out} <= {key_of(t) for t in bad_in}
        if bad_out and not is_same_memory and len(self.events) < MOST_EVENTS:
            output = bad_out[0].detach().clone() if mutates else bad_out[0].detach()
            event = Event(self.n_ops, name.rstrip("_") or name, place_of(frame, self._is_own), self._modules.current, output, operands)
            event.sources = [key_of(t) for t in bad_in]
            event.takes_infinity = _takes_infinity(args, kwargs)
            event.has_nan = any(bool(torch.isnan(t).any()) for t in bad_out)
            event.had_nan = had_nan
            event.keys = [key_of(t) for t in bad_out]
            self.events.append(event)
            for key in event.keys:
                self.writers.setdefault(key, []).append(event)
        return out

    def _pick(self, name: str, args, out, frame) -> None:
        if not isinstance(out, torch.Tensor) or not isinstance(args[0], torch.Tensor) or out.dim() == 0:
            return
        if _is_in_optimizer(frame, self._is_own):
            return
        base = args[0]
        try:
            rows = _picked_rows(name, args, out.shape[0])
        except (IndexError, RuntimeError, AttributeError, TypeError):
            return
        if rows is not None and rows.numel() == out.shape[0] < base.shape[0]:
            place = place_of(frame, self._is_own)
            self.picked.append(Pick(out.shape[0], rows.detach().cpu(), place, out.detach(), base.shape[0], key_of(base)))


def _picked_rows(name: str, args, n: int):
    """Which rows of its first operand an operation gives; None where it is not rows that it picks."""
    if name == "index":
        index = args[1][0] if args[1] else None
        if index is None:
            return None
        return index.nonzero().flatten() if index.dtype == torch.bool else index.flatten()
    if name == "index_select":
        return args[2].flatten() if args[1] == 0 else None
    if len(args) > 1 and args[1] != 0:
        return None
    start = args[2] if len(args) > 2 and args[2] is not None else 0
    step = args[4] if len(args) > 4 else 1
    if start < 0:
        start += args[0].shape[0]
    return torch.arange(start, start + n * step, step)


class Lines(TorchFunctionMode):
    """Which line, and which module, each node of the autograd graph comes from."""

    def __init__(self, is_own, modules) -> None:
        super().__init__()
        self._is_own = is_own
        self._modules = modules
        self.places: dict[int, tuple] = {}
        self._kept: list = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        first = out[0] if isinstance(out, (tuple, list)) and out else out
        if isinstance(first, torch.Tensor) and first.grad_fn is not None and id(first.grad_fn) not in self.places:
            place = place_of(sys._getframe(1), self._is_own)
            queue = [first.grad_fn]
            while queue:
                node = queue.pop()
                if node is None or id(node) in self.places:
                    continue
                self.places[id(node)] = (place, self._modules.current)
                self._kept.append(node)
                queue.extend(n for n, _ in node.next_functions)
        return out


class Picking(TorchDispatchMode):
    """Gives a batch that is picked out of a data set other rows: row ``source[i]`` in the place of row ``i``. `own` are the storages of
    parameters, which are no data."""

    def __init__(self, n_rows: int, source, own: set[int]) -> None:
        super().__init__()
        self._n_rows = n_rows
        self._source = source
        self._own = own

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if op_name(func) not in _PICKING or not isinstance(out, torch.Tensor):
            return out
        base = args[0]
        is_batch = out.dim() and out.shape[0] == self._n_rows < base.shape[0] and not base.requires_grad
        if not is_batch or key_of(base) in self._own or (base.dim() == 1 and not is_float(base) and _is_order(base)):
            return out
        return out.index_select(0, self._source.to(out.device))


def _is_in_optimizer(frame, is_own) -> bool:
    """Whether an optimizer of PyTorch runs, below the user's line."""
    while frame is not None and not is_own(frame.f_code.co_filename):
        if os.sep + os.path.join("torch", "optim") + os.sep in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def _is_order(indices) -> bool:
    """Whether it is an order of rows, such as `torch.randperm` gives, rather than data."""
    return indices.dtype.is_signed and indices.numel() > 1 and int(indices.max()) == indices.numel() - 1 and int(indices.min()) == 0


def _operands(args, kwargs, clone: bool) -> list:
    return [(key, _held(value, clone)) for key, value in (*enumerate(args), *kwargs.items())]


def _held(value, clone: bool):
    if isinstance(value, torch.Tensor):
        return value.detach().clone() if clone else value.detach()
    if isinstance(value, (list, tuple)):
        return [_held(v, clone) for v in value]
    return value


def _takes_infinity(args, kwargs) -> bool:
    return any(isinstance(v, float) and (v != v or v in (float("inf"), float("-inf"))) for v in (*args, *kwargs.values()))
