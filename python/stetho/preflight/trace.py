"""Where in a network what is separate gets mixed: two passes compared, operation by operation."""

from __future__ import annotations

import sys
from collections.abc import Callable

from stetho.observe import Place, place_of
from stetho.preflight import trees
from stetho.preflight.record import place as place_record

#: Operations that are kept of a pass, and bytes of their outputs; what comes after is not compared.
MOST = 4000
MOST_BYTES = 1 << 28


def first_break(torch, still, first: tuple, second: tuple, is_separate: Callable, is_own: Callable) -> dict:
    """The first operation whose output differs between two passes where it must not, though its operands differ where they may.

    `first` and `second` are the arguments (`inputs`, `keywords`) of the two passes; `is_separate(mask)` says of where the values
    of a tensor differ whether that is allowed. Gives `module`, its class (`module_kind`), `function` and `place`, each None where
    it could not be told.
    """
    one, two = _Seen(torch, still.model, is_own), _Seen(torch, still.model, is_own)
    with one:
        still(*first, with_gradient=True)
    with two:
        output = still(*second, with_gradient=True)
    reached = nodes_below([t for _, t in trees.leaves(torch, output) if t.dim() > 0])
    for a, b in zip(one.operations, two.operations):
        if a.function != b.function:
            break
        if b.node is not None and b.node not in reached:
            continue  # what the outputs do not come from
        for x, y in zip(a.outputs, b.outputs):
            if x.shape == y.shape and not is_separate(differing(torch, x, y)):
                return {"module": a.module or None, "module_kind": a.kind, "function": a.function, "place": place_record(a.place)}
    return {"module": None, "module_kind": None, "function": None, "place": None}


def differing(torch, a, b):
    """Where two tensors differ; NaN equals NaN."""
    return (a != b) & ~((a != a) & (b != b))


def place_of_error(error: BaseException, is_own: Callable) -> dict | None:
    """The user's line that an error comes from: the innermost one that the traceback passes."""
    found, trace = None, error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if is_own(path):
            found = Place(path, trace.tb_lineno, trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    return place_record(found)


class _Operation:
    __slots__ = ("function", "module", "kind", "place", "outputs", "node")


class _Seen:
    """Keeps the operations of one pass."""

    def __init__(self, torch, model, is_own: Callable) -> None:
        self._torch = torch
        self._is_own = is_own
        self._names = {m: name for name, m in model.named_modules()}
        self._stack: list = []
        self._handles: list = []
        self._kept: list = []
        self._n_bytes = 0
        self.operations: list[_Operation] = []

    def __enter__(self) -> _Seen:
        for module in self._names:
            self._handles.append(module.register_forward_pre_hook(self._before))
            self._handles.append(module.register_forward_hook(self._after, always_call=True))
        self._mode = _mode(self._torch)(self._see)
        self._mode.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self._mode.__exit__(*error)
        for handle in self._handles:
            handle.remove()

    def _before(self, module, _inputs) -> None:
        self._stack.append(module)

    def _after(self, _module, _inputs, _output) -> None:
        if self._stack:
            self._stack.pop()

    def _see(self, function, out, frame) -> None:
        outputs = [t for _, t in trees.leaves(self._torch, out)]
        name = getattr(function, "__name__", "")
        self._n_bytes += sum(t.numel() * t.element_size() for t in outputs)
        if not outputs or name.startswith("__get__") or len(self.operations) >= MOST or self._n_bytes > MOST_BYTES:
            return
        operation = _Operation()
        operation.function = name.strip("_")
        operation.module = self._names.get(self._stack[-1], "") if self._stack else ""
        operation.kind = type(self._stack[-1]).__name__ if self._stack else None
        operation.place = place_of(frame, self._is_own)
        operation.outputs = [t.detach().clone() for t in outputs]
        operation.node = outputs[0].grad_fn
        self._kept.append(outputs)
        self.operations.append(operation)


def _mode(torch):
    """A mode that shows each call of PyTorch's functions; a class of its own, since it derives from one of PyTorch's."""
    from torch.overrides import TorchFunctionMode

    class Calls(TorchFunctionMode):
        """Calls `see(function, output, frame)` after each function."""

        def __init__(self, see: Callable) -> None:
            super().__init__()
            self._see = see

        def __torch_function__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            frame = sys._getframe(1)
            self._see(func, out, frame)
            return out

    return Calls


def nodes_below(tensors: list) -> set:
    """The nodes of the graph that these come from."""
    queue = [t.grad_fn for t in tensors if t.grad_fn is not None]
    reached: set = set()
    while queue:
        node = queue.pop()
        if node is None or node in reached:
            continue
        reached.add(node)
        queue.extend(n for n, _ in node.next_functions)
    return reached
