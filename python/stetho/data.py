"""Which samples of the data set a batch is made of."""

from __future__ import annotations

import itertools
import time
import weakref
from collections import deque


class Batch:
    """What a data loader gave last."""

    __slots__ = ("indices", "loader", "dataset", "content", "wait", "epoch", "passing")

    def __init__(self, indices, loader, dataset, content, wait: float, epoch: int, passing: int) -> None:
        #: Positions in the loader's data set, in the order of the rows; None where it has none.
        self.indices = indices
        #: A weak reference to the loader.
        self.loader = loader
        self.dataset = dataset
        self.content = content
        #: Seconds that the loop waited for it.
        self.wait = wait
        self.epoch = epoch
        #: The number of the pass over data that it belongs to, of all passes of this process.
        self.passing = passing


def as_indices(indices) -> list[int] | None:
    """The indices of a batch as a list; None where there are none."""
    if isinstance(indices, (list, tuple)):
        if indices and type(indices[0]) is int and type(indices[-1]) is int:
            return indices  # as samplers give them
        if any(i is None for i in indices):
            return None
        try:
            return [int(i) for i in indices]
        except (TypeError, ValueError):
            return None
    try:
        return [int(indices)]
    except (TypeError, ValueError):
        return None


def base_index(dataset, index: int) -> tuple[object, int]:
    """Through ``Subset``s, to the data set underneath."""
    dataset = unwrapped(dataset)
    while hasattr(dataset, "indices") and hasattr(dataset, "dataset"):
        try:
            index = int(dataset.indices[index])
        except (IndexError, TypeError, ValueError):
            break
        dataset = unwrapped(dataset.dataset)
    return dataset, index


def base(dataset):
    """The data set underneath all subsets."""
    dataset = unwrapped(dataset)
    while hasattr(dataset, "indices") and hasattr(dataset, "dataset"):
        dataset = unwrapped(dataset.dataset)
    return dataset


def unwrapped(dataset):
    """The data set itself, where a contract stands for it."""
    return getattr(dataset, "__stetho_wrapped__", dataset)


class Batches:
    """Hears of every batch that a ``DataLoader`` of this process gives."""

    def __init__(self) -> None:
        self.last: Batch | None = None
        self.wait = 0.0
        #: What passes over loaders.
        self._iterators: weakref.WeakSet = weakref.WeakSet()
        self._loaders: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self.listeners: list = []
        #: The batches before the last, where a framework draws them ahead of the steps.
        self.earlier: deque[Batch] = deque(maxlen=0)

    @property
    def is_ahead(self) -> bool:
        """Whether batches may be drawn before the steps before theirs are made."""
        return bool(self.earlier.maxlen)

    def keep(self, n: int) -> None:
        """Remembers the last `n` batches: a framework draws so many ahead."""
        if n > (self.earlier.maxlen or 0):
            self.earlier = deque(self.earlier, maxlen=n)

    def at_hand(self) -> list[Batch]:
        """The last batch of each pass over a loader, though the loader itself be gone, and those that were drawn ahead."""
        newest = [i.__dict__.get("_stetho_batch") for i in self._iterators]
        return [batch for batch in newest if batch is not None] + list(self.earlier)

    def hear(self, batch: Batch, session) -> None:
        """A loader gave a batch."""
        self.last = batch
        if self.earlier.maxlen:
            self.earlier.append(batch)
        self.wait += batch.wait
        try:
            for listener in self.listeners:
                listener(batch)
        except Exception:
            session.failed("looking at a batch")

    def patch(self, module, session) -> None:
        """Hooks ``torch.utils.data.dataloader``."""
        base = module._BaseDataLoaderIter
        next_index, give, start = base._next_index, base.__next__, base.__init__
        epochs, iterators = self._loaders, self._iterators
        batches, clock = self, time.perf_counter
        passes = itertools.count()

        def __init__(self, loader, *args, **kwargs):
            start(self, loader, *args, **kwargs)
            epochs[loader] = epochs.get(loader, -1) + 1
            self._stetho_loader = weakref.ref(loader)
            self._stetho_epoch = epochs[loader]
            self._stetho_passing = next(passes)
            iterators.add(self)
            if not getattr(loader, "persistent_workers", False):
                # One that is made for a pass alone is gone for the rest of the program.
                self._stetho_keeps = loader

        def _next_index(self):
            index = next_index(self)
            if session.is_off:
                return index
            waiting = self.__dict__.get("_stetho_indices")
            if waiting is None:
                waiting = self.__dict__["_stetho_indices"] = deque()
            waiting.append(index)
            return index

        def __next__(self):
            if session.is_off:
                return give(self)
            before = clock()
            content = give(self)
            wait = clock() - before
            of = self.__dict__
            waiting = of.get("_stetho_indices")
            indices = waiting.popleft() if waiting else None
            if of.get("_in_order") is False and getattr(self, "_num_workers", 0):
                indices = None  # workers give their batches as they are ready
            batch = of["_stetho_batch"] = Batch(
                indices, of.get("_stetho_loader"), self._dataset, content, wait, of.get("_stetho_epoch", 0), of.get("_stetho_passing", -1)
            )
            batches.hear(batch, session)
            return content

        reset = base._reset

        def _reset(self, loader, first_iter=False):
            # Persistent workers: the same iterator starts another epoch.
            if not first_iter:
                epochs[loader] = epochs.get(loader, -1) + 1
                self._stetho_epoch = epochs[loader]
                self._stetho_passing = next(passes)
                self.__dict__.pop("_stetho_indices", None)
            return reset(self, loader, first_iter)

        for name, function in (("__init__", __init__), ("_next_index", _next_index), ("__next__", __next__), ("_reset", _reset)):
            session.patches.put(base, name, function)
