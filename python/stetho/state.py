"""What a step starts from beside the weights: random states and the buffers of normalisation layers.

Taken at the start of every step, so it must cost microseconds: memory of fixed places is copied by one call into Rust
(`_core.Snapshot`), generators of random numbers among them (`generators`). The weights are not copied: a step is stopped before they
change. Only where a step has several optimizers is what the first of them changes kept as well (`Undo`).
"""

from __future__ import annotations

import copy
import itertools
import random
import sys

from stetho import _core, generators


#: Numbers of a parameter without a gradient that is kept as buffers are.
MOST_FROZEN = 1 << 16


def _snapshot(*places: tuple[int, int] | None) -> _core.Snapshot:
    """Copies of memory at addresses, of so many bytes each."""
    known = [place for place in places if place is not None]
    return _core.Snapshot([address for address, _ in known], [n for _, n in known])


class RandomStates:
    """The random states of PyTorch, Python and NumPy."""

    def __init__(self, torch) -> None:
        self._torch = torch
        self._generator = torch.default_generator
        python, own = generators.of_python(), generators.of_torch(torch)
        self._with_numpy = "numpy" in sys.modules
        self._snapshot = _snapshot(python, generators.of_numpy(), generators.of_numpys_spare())
        #: PyTorch's own, where it lies where it is looked for; else the state that it gives.
        self._own = _snapshot(own) if own is not None else None
        self._slow = python is None
        self._python = None
        self._gauss = None
        self._is_taken = False
        self._cpu = None
        self._cuda = None
        self._has_cuda = torch.cuda.is_available()

    def take(self) -> None:
        """Keeps them as they are."""
        self._is_taken = True
        if self._own is None:
            self._cpu = self._generator.get_state()
        else:
            self._own.take()
        self._snapshot.take()
        self._gauss = random._inst.gauss_next if not self._slow else None
        if self._slow:
            self._python = random.getstate()
        if self._has_cuda:
            self._cuda = [
                (g, g.get_state()) for g in self._torch.cuda.default_generators[: self._torch.cuda.device_count()]
            ]

    def restore(self) -> None:
        """Puts them back."""
        if not self._is_taken:
            return
        self._restore_own()
        self._snapshot.restore()
        if self._slow:
            random.setstate(self._python)
        else:
            random._inst.gauss_next = self._gauss
        for generator, state in self._cuda or ():
            generator.set_state(state)

    def is_now(self) -> bool:
        """Whether PyTorch's generator is where it was when they were kept."""
        if not self._is_taken:
            return False
        now = self._generator.get_state()
        self._restore_own()
        kept = self._generator.get_state()
        self._generator.set_state(now)
        return bool(self._torch.equal(kept, now))

    def _restore_own(self) -> None:
        if self._own is None:
            self._generator.set_state(self._cpu)
        else:
            self._own.restore()

    def put(self, saved: dict) -> None:
        """Sets the states of a bundle, and keeps them."""
        self._generator.set_state(saved["torch"])
        random.setstate((3, tuple(saved["python"]), saved["gauss"]))
        if "numpy" in saved and "numpy" in sys.modules:
            numpy = sys.modules["numpy"]
            name, keys, position, has_gauss, gauss = saved["numpy"]
            numpy.random.set_state((name, numpy.array(keys, dtype=numpy.uint32), position, has_gauss, gauss))
        self.take()

    def is_stale(self) -> bool:
        """Whether NumPy was imported since."""
        return not self._with_numpy and "numpy" in sys.modules

    def saved(self) -> dict:
        """What a bundle keeps: the states at the start of the step, as tensors and plain values."""
        now = (self._generator.get_state(), random.getstate())
        numpy = sys.modules.get("numpy")
        numpy_now = numpy.random.get_state() if numpy is not None else None
        self.restore()
        kept = {"torch": self._generator.get_state(), "python": list(random.getstate()[1]), "gauss": random.getstate()[2]}
        if numpy is not None:
            name, keys, position, has_gauss, gauss = numpy.random.get_state()
            kept["numpy"] = [name, [int(k) for k in keys], int(position), int(has_gauss), float(gauss)]
            numpy.random.set_state(numpy_now)
        self._generator.set_state(now[0])
        random.setstate(now[1])
        return kept


class Buffers:
    """What a forward pass changes of models: buffers such as running means, counts and codebooks, and what modules of the user's own keep
    as attributes. Either may be written to in place, or be replaced by another tensor."""

    def __init__(self, models: list, more=()) -> None:
        self._modules = list({id(m): m for model in models for m in model.modules()}.values())
        self._more = tuple(more)
        # Those of PyTorch keep nothing from one call to the next but in buffers.
        self._own = [vars(m) for m in self._modules if not type(m).__module__.startswith("torch.")]
        self._attributes: list[dict] = []
        self._copies: list = []
        self._look()

    def _look(self) -> None:
        """Finds the tensors, and where they lie."""
        self._dicts = [held for m in self._modules for held in (m._buffers, m._parameters) if held]
        self._values = [t for held in self._dicts for t in held.values()]
        self._sizes = [len(held) for held in self._dicts]
        self._names = [name for held in self._dicts for name in held]
        self.tensors = list({id(t): t for t in self._values if t is not None and not _is_learning(t)}.values())
        self.tensors.extend(self._more)
        self._copied = [b for b in self.tensors if b.device.type != "cpu" or not b.is_contiguous()]
        self._fixed = [b for b in self.tensors if b.device.type == "cpu" and b.is_contiguous()]
        #: The same memory under another name, which keeps it alive where a tensor gets another one.
        self._aliases = [b.detach() for b in self._fixed]
        self._addresses = [b.data_ptr() for b in self._fixed]
        self._held = _core.Held(self._dicts, self._fixed, [b.numel() * b.element_size() for b in self._fixed])

    def take(self) -> None:
        """Keeps them as they are."""
        if not self._held.take():
            self._look()
            self._held.take()
        if self._copied:
            self._copies = [b.detach().clone() for b in self._copied]
        if self._own:
            self._attributes = [attributes.copy() for attributes in self._own]

    def restore(self) -> None:
        """Puts them back."""
        values = iter(zip(self._names, self._values))
        for held, n in zip(self._dicts, self._sizes):
            held.update(itertools.islice(values, n))
        for buffer, alias, address in zip(self._fixed, self._aliases, self._addresses):
            if buffer.data_ptr() != address:
                buffer.data = alias
        self._held.restore()
        for buffer, kept in zip(self._copied, self._copies):
            buffer.data.copy_(kept)
        for attributes, kept in zip(self._own, self._attributes):
            for name, value in kept.items():
                if attributes.get(name) is not value:
                    attributes[name] = value


def _is_learning(tensor) -> bool:
    """Whether it is a parameter that an optimizer changes, after the forward pass, or one that is too large to be copied at each step."""
    if not isinstance(tensor, sys.modules["torch"].nn.Parameter):
        return False
    return tensor.requires_grad or tensor.numel() > MOST_FROZEN


class Undo:
    """The weights and states of an optimizer that steps before the last one of a step does."""

    def __init__(self, torch, optimizer) -> None:
        self._torch = torch
        self.optimizer = optimizer
        self._kept: list[tuple] = []
        self._state: dict = {}

    def take(self) -> None:
        """Keeps them as they are; called before the optimizer steps."""
        self._kept = [(p, p.detach().clone()) for group in self.optimizer.param_groups for p in group["params"]]
        tensor = self._torch.Tensor
        self._state = {
            p: {k: v.clone() if isinstance(v, tensor) else copy.deepcopy(v) if isinstance(v, list) else v for k, v in state.items()}
            for p, state in self.optimizer.state.items()
        }

    def restore(self) -> None:
        """Puts them back."""
        for parameter, value in self._kept:
            parameter.data.copy_(value)
        state = self.optimizer.state
        for p in list(state):
            if p not in self._state:
                del state[p]
                continue
            kept = self._state[p]
            for key in set(state[p]) - set(kept):
                del state[p][key]
            for key, value in kept.items():
                if isinstance(value, self._torch.Tensor) and isinstance(state[p].get(key), self._torch.Tensor):
                    state[p][key].copy_(value)
                else:
                    state[p][key] = value
        self._kept, self._state = [], {}
