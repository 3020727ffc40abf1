"""Every operation of a step, seen: what goes in, what comes out, on whose line.

`modes.Forward` keeps an `Event` for each operation whose output holds NaN or infinity, and of those the operands; here is what an event is
and how a loss is followed back to the one to blame. `Graph` hangs a hook on every node of the autograd graph and keeps the first that turns finite gradients into others.
"""

from __future__ import annotations

import linecache
import os
from dataclasses import dataclass, field

#: Outputs are uninitialised memory.
UNSET = ("empty", "new_empty", "empty_like", "empty_strided", "new_empty_strided", "resize_", "empty_permuted")
#: Nothing is computed.
VIEWS = frozenset(
    "view _unsafe_view reshape detach alias slice select expand permute transpose t unsqueeze squeeze as_strided unbind split "
    "split_with_sizes unfold diagonal clone contiguous lift_fresh lift_fresh_copy _reshape_alias".split()
)
#: Infinity is what these were asked to write.
_WRITES = frozenset("masked_fill masked_fill_ full full_like new_full fill_ fill where scalar_tensor triu tril zero_".split())
#: These choose or add up values: an infinity that was meant to be ignored counts from here on.
_PICKS = ("nll_loss", "gather", "index", "take", "sum", "mean", "max", "amax", "select")
#: What was there before does not count.
_OVERWRITES = frozenset("fill copy zero normal uniform random bernoulli exponential set masked_fill scatter index_put".split())
MOST_EVENTS = 4000


@dataclass
class Place:
    """A line of the user's."""

    path: str
    line: int
    function: str
    expression: str | None = None

    @property
    def text(self) -> str:
        """The line itself."""
        return linecache.getline(self.path, self.line).rstrip("\n")


@dataclass
class Event:
    """An operation whose output is not finite."""

    number: int
    op: str
    place: Place | None
    module: str
    output: object
    #: Operands as they were before, tensors and numbers, by position or name.
    operands: list = field(default_factory=list)
    #: Storages of the operands that were not finite.
    sources: list[int] = field(default_factory=list)
    #: Whether a plain number among the operands is not finite.
    takes_infinity: bool = False
    has_nan: bool = False
    had_nan: bool = False
    keys: list[int] = field(default_factory=list)


@dataclass
class Pick:
    """Rows that were picked out of a larger tensor."""

    n: int
    rows: object
    place: Place | None
    output: object
    base_rows: int
    key: int


def place_of(frame, is_own) -> Place | None:
    """The innermost line of the user's below `frame`."""
    while frame is not None and not is_own(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return None
    return Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, expression_at(frame))


def expression_at(frame) -> str | None:
    """The source text of what a frame is just evaluating."""
    code = frame.f_code
    positions = getattr(code, "co_positions", None)
    if positions is None:
        return None
    wanted = frame.f_lasti // 2
    for i, (line, end_line, column, end_column) in enumerate(positions()):
        if i == wanted:
            if None in (line, end_line, column, end_column):
                return None
            lines = [linecache.getline(code.co_filename, n) for n in range(line, end_line + 1)]
            if not lines:
                return None
            pieces = [text.encode() for text in lines]
            pieces[-1] = pieces[-1][:end_column]
            pieces[0] = pieces[0][column:]
            text = " ".join(p.decode(errors="replace").strip() for p in pieces)
            return text if text and len(text) < 400 else None
    return None


def key_of(tensor) -> int:
    """What tells the memory of a tensor."""
    try:
        return tensor.untyped_storage().data_ptr() or id(tensor)
    except (RuntimeError, NotImplementedError):
        return id(tensor)


def flat_tensors(torch, value, found: list) -> list:
    """All tensors among arguments."""
    if isinstance(value, torch.Tensor):
        found.append(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            flat_tensors(torch, item, found)
    elif isinstance(value, dict):
        for item in value.values():
            flat_tensors(torch, item, found)
    return found


def is_float(tensor) -> bool:
    """Whether it can hold NaN."""
    return tensor.is_floating_point() or tensor.is_complex()


def is_finite(torch, tensor) -> bool:
    """Whether every value is."""
    if tensor.is_sparse:
        tensor = tensor._values()
    return bool(torch.isfinite(tensor).all())


def op_name(func) -> str:
    """``log`` of ``aten.log.default``."""
    name = getattr(func, "_schema", None)
    name = name.name if name is not None else str(func)
    return name.split("::")[-1].split(".")[0]


class Modules:
    """Which module is running, by its path in the model."""

    def __init__(self, session) -> None:
        self.names: dict[int, str] = {}
        models = session.known_models()
        for model in models:
            for name, module in model.named_modules():
                self.names.setdefault(id(module), name.replace("_orig_mod.", "").replace("_orig_mod", ""))
        self.stack: list[str] = []
        self._handles: list = []
        self._nn = session.torch.nn

    def enter(self) -> None:
        """Starts to listen."""
        module = self._nn.modules.module
        self._handles = [
            module.register_module_forward_pre_hook(self._before),
            module.register_module_forward_hook(self._after, **_ALWAYS),
        ]

    def leave(self) -> None:
        """Stops."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self.stack = []

    def _before(self, module, args):
        self.stack.append(self.names.get(id(module), type(module).__name__))

    def _after(self, module, args, output):
        if self.stack:
            self.stack.pop()

    @property
    def current(self) -> str:
        """Path of the innermost."""
        return self.stack[-1] if self.stack else ""


_ALWAYS: dict = {"always_call": True}


def first_into(forward, tensors: list) -> Event | None:
    """The first event that wrote what is not finite into one of these."""
    keys = {key_of(t) for t in tensors}
    return next((e for e in forward.events if keys.intersection(e.keys)), None)


@dataclass
class Origin:
    """Where the NaN or infinity of a loss comes from."""

    #: The operation to blame.
    event: Event | None
    #: The operation on the way that made NaN of infinity.
    made_nan: Event | None
    #: Storages on the way that were not finite and that no operation of the step wrote.
    foreign: set[int]


def origin_of(forward, loss, start: Event | None = None) -> Origin:
    """Goes back from a loss, or from the operation `start`, through all that was not finite."""
    start = start or _last_writer(forward, key_of(loss), None)
    if start is None:
        return Origin(forward.events[0] if forward.events else None, None, {key_of(loss)} if loss is not None else set())
    seen: set[int] = set()
    queue = [start]
    chain: list[Event] = []
    foreign: set[int] = set()
    while queue:
        event = queue.pop()
        if event.number in seen:
            continue
        seen.add(event.number)
        chain.append(event)
        for key in event.sources:
            before = _last_writer(forward, key, event.number)
            if before is not None:
                queue.append(before)
            elif key not in event.keys or event.op not in _OVERWRITES:
                foreign.add(key)
    chain.sort(key=lambda e: e.number)
    chain = [e for e in chain if e.op not in VIEWS] or chain
    made_nan = next((e for e in chain if e.has_nan and not e.had_nan), None)
    return Origin(_to_blame(chain, made_nan), made_nan, foreign)


def _to_blame(chain: list[Event], made_nan: Event | None) -> Event | None:
    if not any(e.has_nan for e in chain) and all(e.sources or _writes_infinity(e) for e in chain):
        # Infinities that were written on purpose, until one of them was picked or summed.
        return next((e for e in chain if e.op.startswith(_PICKS)), chain[-1] if chain else None)
    for event in chain:
        if _writes_infinity(event):
            continue
        if event.sources and made_nan is not None and event.number < made_nan.number and not event.has_nan:
            # Passes infinities on that were written on purpose, as the mask of an attention does.
            continue
        return event
    return made_nan or (chain[0] if chain else None)


def _writes_infinity(event: Event) -> bool:
    return not event.has_nan and (event.op in _WRITES or event.takes_infinity)


def _last_writer(forward, key: int, before: int | None) -> Event | None:
    events = forward.writers.get(key, [])
    for event in reversed(events):
        if before is None or event.number < before:
            return event
    return None


@dataclass
class Node:
    """A node of the autograd graph that made a gradient that is not finite."""

    name: str
    place: Place | None
    module: str
    #: Gradients that came in, all finite, and those that went out.
    incoming: list
    outgoing: list
    saved: dict
    #: Which node of the backward pass it was to run, from 1.
    number: int = 0


class Graph:
    """Hooks on the nodes of a graph."""

    def __init__(self, torch, lines) -> None:
        self._torch = torch
        self._lines = lines
        self.n_run = 0
        #: What to call before the node of this number.
        self.before: tuple | None = None
        self.found: Node | None = None
        self._handles: list = []

    def watch(self, roots: list) -> None:
        """Hooks every node below these."""
        seen: set[int] = set()
        queue = [r.grad_fn for r in roots if r.grad_fn is not None]
        self._kept = []
        while queue:
            node = queue.pop()
            if node is None or id(node) in seen:
                continue
            seen.add(id(node))
            self._kept.append(node)
            self._handles.append(node.register_prehook(self._count))
            self._handles.append(node.register_hook(self._hook(node)))
            queue.extend(n for n, _ in node.next_functions)

    def leave(self) -> None:
        """Removes the hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _count(self, gradients):
        self.n_run += 1
        if self.before is not None and self.n_run == self.before[0]:
            self.before[1]()

    def _hook(self, node):
        torch = self._torch

        def look(grad_inputs, grad_outputs):
            if self.found is not None:
                return
            incoming = [g for g in grad_outputs if isinstance(g, torch.Tensor) and is_float(g)]
            outgoing = [g for g in grad_inputs if isinstance(g, torch.Tensor) and is_float(g)]
            if all(is_finite(torch, g) for g in outgoing) or not all(is_finite(torch, g) for g in incoming):
                return
            place, module = self._lines.places.get(id(node), (None, ""))
            # The gradients of operands by position: of an operand that needs none there is None.
            saved = {}
            for name in dir(node):
                if name.startswith("_saved_"):
                    try:
                        value = getattr(node, name)
                    except RuntimeError:
                        continue
                    saved[name.removeprefix("_saved_")] = value.detach() if isinstance(value, torch.Tensor) else value
            self.found = Node(node.name().split("::")[-1], place, module, [g.detach().clone() for g in incoming], [g.detach().clone() for g in outgoing], saved, self.n_run)

        return look


class nothing:
    """While it is entered an experiment sees nothing: the user looks at tensors in the debugger."""

    def __init__(self, experiment) -> None:
        self._forward = experiment.forward

    def __enter__(self) -> None:
        self._was = self._forward.is_watching
        self._forward.is_watching = False

    def __exit__(self, *_) -> None:
        self._forward.is_watching = self._was


def shown_path(path: str) -> str:
    """A path as the user would name it."""
    try:
        relative = os.path.relpath(path)
    except ValueError:
        return path
    return path if relative.startswith("..") else relative
