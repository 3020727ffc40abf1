"""A walk over all that a training step may change: each thing is kept as it is.

Memory of tensors is copied by storage; lists, dictionaries and the attributes of objects shallowly, each.
"""

from __future__ import annotations

import builtins
import collections
import gc
import random
import sys
import types

#: Objects that are looked at, at most.
MOST_OBJECTS = 200_000
#: Entries of one container that are looked into; all of it is kept in any case.
MOST_ENTRIES = 2_000
#: Bytes of a tensor or array that is not part of a module: larger ones are data.
MOST_BYTES = 1 << 26
#: Objects of these packages hold threads, files or connections and are left alone.
_FOREIGN = frozenset(
    "threading _thread multiprocessing io _io socket logging asyncio concurrent subprocess ctypes queue selectors tensorboard "
    "tensorboardX wandb mlflow comet_ml stetho ast inspect weakref matplotlib pandas PIL importlib zipimport _frozen_importlib "
    "argparse re typing".split()
)
#: Iterators that can be set to where they were.
_ITERATORS = frozenset((type(iter([])), type(iter(())), type(iter(range(0))), type(iter(""))))
_LEAVES = (type(None), bool, int, float, complex, str, bytes, range, slice, type(Ellipsis))


class Walk:
    """All that can be reached, and as it was."""

    def __init__(self, session) -> None:
        self._session = session
        self._torch = session.torch
        self._seen: dict[int, object] = {id(vars(builtins)): None}
        self._storages: dict[int, tuple] = {}
        self._tensors: list[tuple] = []
        self._lists: list[tuple] = []
        self._dicts: list[tuple] = []
        self._sets: list[tuple] = []
        self._objects: list[tuple] = []
        self._arrays: list[tuple] = []
        #: What sets and gives the state of each generator, and the states to put back.
        self._generators: list[tuple] = []
        self._generator_states: list = []
        self._cells: list[tuple] = []
        #: Tensors too large to be kept, with their versions.
        self._large: list[tuple] = []
        #: Iterators, with where they are; generators of the user's, which cannot be put back.
        self._iterators: list[tuple] = []
        self._frames: list[tuple] = []
        #: Whether there was more than could be looked through.
        self.is_cut = False
        self.modules: list = []
        self.optimizers: list = []
        self.schedulers: list = []
        self.scalers: list = []
        self.loaders: list = []

    # -- taking

    def take(self, roots: list) -> None:
        """Walks all that can be reached from `roots` (variables and values) and from living models and optimizers."""
        self._walk(collections.deque([*self._living(), *roots]))

    def _living(self) -> list:
        torch = self._torch
        kinds = (torch.nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler, torch.amp.GradScaler)
        found = []
        for value in gc.get_objects():
            try:
                if issubclass(type(value), kinds):
                    found.append(value)
            except (ReferenceError, TypeError):
                continue
        return found

    def _walk(self, queue: collections.deque) -> None:
        """What is near first: a long list must not keep the rest from being seen."""
        while queue:
            if len(self._seen) >= MOST_OBJECTS:
                self.is_cut = True
                return
            value = queue.popleft()
            kind = type(value)
            if kind in _LEAVES or id(value) in self._seen:
                continue
            self._seen[id(value)] = value
            queue.extend(self._keep(value, kind))

    def _keep(self, value, kind: type) -> list:
        """Keeps one value; gives what it holds."""
        torch = self._torch
        if issubclass(kind, torch.Tensor):
            return self._keep_tensor(value)
        if issubclass(kind, dict):
            before = dict(dict_of(kind).items(value))
            self._dicts.append((value, before))
            return _few(before.values()) + self._attributes(value, kind)
        if issubclass(kind, (list, collections.deque)):
            self._lists.append((value, list(value)))
            return _few(value) + self._attributes(value, kind)
        if issubclass(kind, (tuple, frozenset)):
            return _few(value)
        if issubclass(kind, set):
            self._sets.append((value, set(value)))
            return _few(value)
        if issubclass(kind, types.FunctionType):
            return self._closure(value)
        if issubclass(kind, types.MethodType):
            return [value.__self__, value.__func__]
        if issubclass(kind, type):
            return self._class(value)
        if kind is types.GeneratorType:
            self._frames.append((value, place_in(value)))
            return []
        if self._keep_generator(value, kind) or self._keep_array(value, kind) or self._keep_iterator(value, kind):
            return []
        return self._attributes(value, kind)

    def _attributes(self, value, kind: type) -> list:
        root = kind.__module__.partition(".")[0] if isinstance(kind.__module__, str) else ""
        if root in _FOREIGN or root == "builtins" or issubclass(kind, (types.ModuleType, BaseException)):
            return []
        if "IterDataPipe" in kind.__name__ or kind.__name__.endswith("DataLoaderIter"):
            return []
        try:
            held = object.__getattribute__(value, "__dict__")
        except AttributeError:
            return self._slots(value, kind)
        if type(held) is not dict:
            return []
        self._note(value, kind)
        self._objects.append((held, dict(held)))
        return list(held.values())

    def _slots(self, value, kind: type) -> list:
        if not self._is_own(kind):
            return []
        names = [n for c in kind.__mro__ for n in _names(c.__dict__.get("__slots__", ()))]
        held = [getattr(value, n) for n in names if hasattr(value, n)]
        self._cells.append((value, {n: getattr(value, n) for n in names if hasattr(value, n)}))
        return held

    def _note(self, value, kind: type) -> None:
        """Remembers what experiments want to know of."""
        torch = self._torch
        data = sys.modules.get("torch.utils.data")
        if issubclass(kind, torch.nn.Module):
            self.modules.append(value)
        elif issubclass(kind, torch.optim.Optimizer):
            self.optimizers.append(value)
        elif issubclass(kind, torch.optim.lr_scheduler.LRScheduler):
            self.schedulers.append(value)
        elif issubclass(kind, torch.amp.GradScaler):
            self.scalers.append(value)
        elif data is not None and issubclass(kind, data.DataLoader):
            self.loaders.append(value)

    def _is_own(self, kind: type) -> bool:
        module = sys.modules.get(kind.__module__)
        return self._session.options.is_own(getattr(module, "__file__", None) or "")

    def _class(self, kind: type) -> list:
        if not self._is_own(kind):
            return []
        plain = {n: v for n, v in vars(kind).items() if not n.startswith("__") and not callable(v) and not hasattr(v, "__get__")}
        self._cells.append((kind, plain))
        return list(plain.values())

    def _closure(self, function) -> list:
        if not self._session.options.is_own(function.__code__.co_filename):
            return []
        found = [vars(function)] if vars(function) else []
        for cell in function.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:
                continue
            self._cells.append((cell, {"cell_contents": content}))
            found.append(content)
        return found

    def _keep_tensor(self, tensor) -> list:
        try:
            storage = tensor.untyped_storage()
            key, n = storage.data_ptr(), storage.nbytes()
        except (RuntimeError, NotImplementedError, AttributeError, ValueError):
            return []  # sparse, lazy: nothing that can be copied by its memory
        is_learnt = tensor.requires_grad or isinstance(tensor, self._torch.nn.Parameter)
        if n > MOST_BYTES and not is_learnt:
            self._large.append((tensor, version(tensor)))
            return []
        if key and key not in self._storages:
            self._storages[key] = (storage, storage.clone())
        gradient = tensor.grad if tensor.is_leaf else None
        with self._torch.no_grad():
            self._tensors.append((tensor, tensor.data, gradient, tensor.requires_grad if tensor.is_leaf else None))
        return ([gradient] if gradient is not None else []) + list(vars(tensor).values())

    def _keep_generator(self, value, kind: type) -> bool:
        numpy = sys.modules.get("numpy")
        if issubclass(kind, self._torch.Generator):
            self._generators.append((value.set_state, value.get_state))
        elif issubclass(kind, random.Random):
            self._generators.append((value.setstate, value.getstate))
        elif numpy is not None and issubclass(kind, numpy.random.RandomState):
            self._generators.append((value.set_state, value.get_state))
        elif numpy is not None and issubclass(kind, numpy.random.Generator):
            bits = value.bit_generator
            self._generators.append((lambda state, bits=bits: setattr(bits, "state", state), lambda bits=bits: bits.state))
        else:
            return False
        return True

    def _keep_iterator(self, value, kind: type) -> bool:
        if kind not in _ITERATORS:
            return False
        state = value.__reduce__()[2:]
        if state:
            self._iterators.append((value, state[0]))
        return True

    def _keep_array(self, value, kind: type) -> bool:
        numpy = sys.modules.get("numpy")
        if numpy is None or not issubclass(kind, numpy.ndarray):
            return False
        is_small = value.nbytes <= MOST_BYTES and value.dtype != object
        if is_small and value.flags.writeable and not issubclass(kind, numpy.memmap):
            self._arrays.append((value, value.copy()))
        return True


def place_in(generator) -> tuple:
    """Where a generator is, and what its names hold."""
    frame = generator.gi_frame
    return () if frame is None else (frame.f_lasti, {n: id(v) for n, v in frame.f_locals.items()})


def _few(values) -> list:
    inner = list(values) if len(values) <= MOST_ENTRIES else [v for v, _ in zip(values, range(MOST_ENTRIES))]
    return [v for v in inner if type(v) not in _LEAVES]


def _names(slots) -> tuple:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def version(tensor) -> int:
    """Counts how often a tensor was written to."""
    try:
        return tensor._version
    except RuntimeError:
        return 0  # made under inference mode


def dict_of(kind: type) -> type:
    """The type whose methods tell what a dictionary holds, whatever its subclass makes of them."""
    return collections.OrderedDict if issubclass(kind, collections.OrderedDict) else dict
