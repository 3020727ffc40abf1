"""Which samples are drawn for training, in which order, and which of them are validated with.

A batch that a training step begins with, or takes, is drawn for training; one that no step follows is
validated with. Samples are known by their index in the data set underneath all subsets.
"""

from __future__ import annotations

import weakref
import zlib

from stetho import data
from stetho._core import Drawn
from stetho.identity import ByIdentity
from stetho.probes import Probe as Base
from stetho.probes import fingerprints, guarded

#: Data sets with more samples than this are not kept count of.
MOST = 50_000_000
#: Batches of which the hash of the order is made.
ORDER_BATCHES = 8
#: Batches of several workers that are compared, of the first epochs.
COMPARED = 24
COMPARED_EPOCHS = 3


class _Evaluated:
    """A set that was validated with."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: dict[int, bool] = {}


class Probe(Base):
    """Counts at every batch; tells when asked."""

    def __init__(self, session) -> None:
        super().__init__(session)
        self.forget()
        session.batches.listeners.append(self._drawn)
        self._watch_resumes()

    def forget(self) -> None:
        """Another training begins: what was drawn for the one before it is no matter."""
        self._pending = self._pending_of = None
        #: Whether the newest batch was drawn within the body of a step.
        self._is_within = False
        #: By the data set, which may be a tensor, or made anew for every pass.
        self._sets = ByIdentity()
        self._maps = ByIdentity()
        self._evaluated = ByIdentity()
        #: What was found of the sets that were validated with, by name.
        self._validations: dict[str, _Evaluated] = {}
        self._trained: weakref.WeakSet = weakref.WeakSet()
        self.n_in_epoch = 0
        self.n_in_order = 0
        self._before = -2
        self._epoch = None
        self._n_epochs = 0
        self._first: list = []
        self._order: float | None = None
        self._finished: float | None = None
        self._loader = None
        #: What is still to be told of a loader that is no longer trained with.
        self._left: dict[str, float] | None = None
        self._is_new = False
        self._is_evaluation_new = False
        self._keys: dict = {}
        self._n_compared = self._n_twins = 0
        self._is_resumed = False
        #: Of the loader that is trained with: what was drawn of its data set, and the subset that it draws from.
        self._drawn_of = self._subset = None

    def _watch_resumes(self) -> None:
        """A state that is loaded into an optimizer, with steps in it, is a resume: the order of what follows
        is told anew."""
        of = self.session.torch.optim.Optimizer
        original = of.load_state_dict
        probe = self

        def load_state_dict(optimizer, state_dict, *args, **kwargs):
            result = original(optimizer, state_dict, *args, **kwargs)
            if state_dict.get("state"):
                probe._is_resumed = True
                probe._first = []
            return result

        self.session.patches.put(of, "load_state_dict", load_state_dict)

    # -- batches as they come

    @guarded
    def _drawn(self, batch) -> None:
        """A loader gave a batch. The one before it was validated with if no step has taken it."""
        session = self.session
        if session.experiment is not None or session.probes is None:
            return
        before = self._pending
        if before is not None and not self._is_within:
            if session.batches.is_ahead and self._is_drawn_ahead(before):
                self._train(before)
            else:
                self._validated(before)
        # The loader may have been made for this batch alone: it is kept with it.
        self._pending, self._pending_of = batch, batch.loader() if batch.loader is not None else None
        self._is_within = session.body is not None
        if not self._is_within:
            return
        if session.probes.is_validating():
            self._validated(batch)
        else:
            self._train(batch)

    def _is_drawn_ahead(self, batch) -> bool:
        """Whether a batch that no step has taken yet is one that a framework drew ahead: of a loader that is trained with, with a gradient."""
        loader = batch.loader() if batch.loader is not None else None
        return loader in self._trained and self.session.torch.is_grad_enabled()

    @guarded
    def starts(self) -> None:
        """A training step begins: the batch at hand is drawn for it."""
        if self._pending is None:
            return
        if self._is_within:
            self._pending = None
        else:
            self._train(self._pending)

    @guarded
    def trains_outside(self) -> None:
        """A backward pass outside of every step: the batch at hand is trained with."""
        if self._pending is not None and not self._is_within:
            self._train(self._pending)

    def _train(self, batch) -> None:
        self._pending = None
        loader = batch.loader() if batch.loader is not None else None
        if loader is None:
            return
        if loader is not self._loader:
            self._leave(self._loader, loader)
            self._loader = loader
            self._trained.add(loader)
            self.session.calls.note("batches", 3)
        if batch.passing != self._epoch:
            self._new_epoch(batch.passing)
            self._drawn_of, self._subset = self._set_of(loader), _subset_of(loader)
        indices = data.as_indices(batch.indices)
        self._is_new = True
        if (
            self._n_epochs <= COMPARED_EPOCHS
            and getattr(loader, "num_workers", 0) > 1
            and len(self._keys) < COMPARED
        ):
            self._compare(batch, indices)
        if indices is None or len(indices) == 1 and _is_iterable(loader):
            return
        if self._drawn_of is not None:
            self._count(self._drawn_of, indices)

    def _leave(self, before, loader) -> None:
        """Another loader is trained with: what was counted of the one before is told of that one."""
        if before is None or data.base(before.dataset) is data.base(loader.dataset):
            return
        if self._is_new:
            self._left = self._scalars(before)

    def _new_epoch(self, epoch: int) -> None:
        if self.n_in_epoch > 1:
            self._finished = self.n_in_order / (self.n_in_epoch - 1)
        self._epoch = epoch
        self._n_epochs += 1
        self._keys = {}
        self.n_in_epoch = self.n_in_order = 0
        self._before = -2

    def _compare(self, batch, indices) -> None:
        """Whether a batch is the copy of another of its epoch that was drawn under other indices."""
        key = fingerprints.batch_key(self.session.torch, batch.content)
        if key is None:
            return
        drawn = tuple(indices) if indices is not None and len(indices) > 1 else None
        self._n_compared += 1
        if key in self._keys and (drawn is None or self._keys[key] != drawn):
            self._n_twins += 1
        self._keys.setdefault(key, drawn)

    def _count(self, held: Drawn, indices: list[int]) -> None:
        positions = indices if self._subset is None else self._positions(self._subset, indices)
        n_in_order, self._before = held.draw(positions, self._before)
        self.n_in_order += n_in_order
        self.n_in_epoch += len(positions)
        if len(self._first) < ORDER_BATCHES and (self._is_resumed or self.session.step < 2 * ORDER_BATCHES):
            self._first.append(tuple(positions))
            if len(self._first) == ORDER_BATCHES:
                self._is_resumed = False
                # What goes through the file in its order is the same each time by its nature. 24 bits are
                # what a number of 32 bits bears.
                if self.n_in_order < 0.5 * self.n_in_epoch:
                    self._order = float(zlib.crc32(repr(self._first).encode()) & 0xFFFFFF)

    def _positions(self, dataset, indices: list[int]) -> list[int]:
        """Indices of a subset in the data set underneath all subsets."""
        # Indices of a subset may be added to, as where it is labelled step by step.
        n, known = self._maps.get(dataset, (0, []))
        if n != len(dataset):
            known = [data.base_index(dataset, i)[1] for i in range(len(dataset))]
            self._maps[dataset] = (len(dataset), known)
        return [known[i] for i in indices]

    def _set_of(self, loader) -> Drawn | None:
        base = data.base(loader.dataset)
        try:
            size = len(base)
        except TypeError:
            return None
        if not 0 < size <= MOST:
            return None
        known = self._sets.get(base)
        if known is None:
            known = self._sets[base] = Drawn(size, MOST)
        return known

    @property
    def loader(self):
        """The loader that is trained with."""
        return self._loader

    @property
    def trained(self):
        """Loaders that were trained with."""
        return self._trained

    def more_evaluated(self) -> None:
        """Something was found of the sets that are validated with."""
        self._is_evaluation_new = True
        self.session.probes.is_due = True

    def is_pending(self, batch) -> bool:
        """Whether no training step has taken this batch."""
        return self._pending is batch

    # -- validation

    def _validated(self, batch) -> None:
        loader = batch.loader() if batch.loader is not None else None
        indices = data.as_indices(batch.indices)
        if loader is None or indices is None or self.session.step == 0:
            return
        self.session.probes.leaks.validated(loader)
        if loader in self._trained:
            return  # a loader that is trained with: its score is that of the training data, on purpose
        held = self._sets.get(data.base(loader.dataset))
        evaluated = self._evaluated.get(loader.dataset)
        if evaluated is None:
            evaluated = self._evaluated[loader.dataset] = _Evaluated(name_of(self.session, loader) or "validation")
            self._validations[evaluated.name] = evaluated
            self.session.calls.note("validation_batches", 4)
        if not is_held_out(self._loader, loader, evaluated.name):
            return
        self._is_evaluation_new = True
        if held is None:
            for i in indices:
                evaluated.seen.setdefault(i, False)
            return
        subset = _subset_of(loader)
        for i in indices if subset is None else self._positions(subset, indices):
            if not evaluated.seen.get(i):
                evaluated.seen[i] = held.has(i)

    # -- telling

    def tell(self, write) -> None:
        loader = self._loader
        told, self._left = self._left, None
        if told is None and self._is_new and loader is not None:
            self._is_new = False
            told = self._scalars(loader)
        for tag, value in (told or {}).items():
            write.scalar(tag, value)
        if self._is_evaluation_new:
            self._is_evaluation_new = False
            shares = {
                e.name: (sum(e.seen.values()) / len(e.seen), len(e.seen))
                for e in self._validations.values()
                if e.seen
            }
            for name, found in self.session.probes.leaks.found.items():
                shares[name] = max(found, shares.get(name, found))
            names = list(shares)
            write.layers("evaluated", names, [float(n) for _, n in shares.values()])
            write.layers("seen_in_training", names, [share for share, _ in shares.values()])

    def _scalars(self, loader) -> dict[str, float]:
        """What was counted of a loader, by the tags of the log."""
        told: dict[str, float] = {}
        if self._n_epochs:
            told["epoch"] = float(self._n_epochs - 1)
        told["stetho/workers"] = float(getattr(loader, "num_workers", 0))
        held = self._set_of(loader)
        if held is not None and held.n_drawn:
            told["stetho/drawn"] = float(held.n_drawn)
            told["stetho/distinct"] = float(held.n_distinct)
            told["stetho/dataset_size"] = float(_n_drawable(loader))
        if loader.batch_size:
            told["stetho/batch_size"] = float(loader.batch_size)
        if self._finished is not None:
            told["stetho/draw_order"] = self._finished
            self._finished = None
        if self._n_compared >= 4:
            told["stetho/twin_batches"] = self._n_twins / self._n_compared
        if self._order is not None:
            told["stetho/order_hash"] = self._order
            self._order = None
        return told


def _subset_of(loader):
    """The data set of a loader, where it is a subset of another."""
    dataset = loader.dataset
    return dataset if hasattr(dataset, "indices") and hasattr(dataset, "dataset") else None


def _is_iterable(loader) -> bool:
    return type(loader.sampler).__name__ == "_InfiniteConstantSampler"


def _n_drawable(loader) -> int:
    """Samples that the loader can draw: of a subset or a sampler of some, those."""
    try:
        sampler = loader.sampler
        indices = getattr(sampler, "indices", None)
        return len(indices) if indices is not None else len(loader.dataset)
    except TypeError:
        return 0


#: Parts of the names of variables that hold what is not trained on.
HELD_OUT = ("val", "test", "dev", "eval", "hold")


def is_held_out(trained, loader, name: str) -> bool:
    """Whether a loader stands for data that are not trained on: another data set or subset, or a name that
    says so."""
    if any(word in name.lower() for word in HELD_OUT):
        return True
    return trained is None or data.unwrapped(loader.dataset) is not data.unwrapped(trained.dataset)


def name_of(session, value) -> str | None:
    """The name of the user's variable that is this object; a telling one before a plain one."""
    frame = session.user_frame()
    plain = None
    for _ in range(12):
        if frame is None:
            break
        for names in (frame.f_locals, frame.f_globals):
            for name, held in list(names.items()):
                if held is value and not name.startswith("__"):
                    if any(word in name.lower() for word in (*HELD_OUT, "train")):
                        return name
                    plain = plain or name
        for name, held in list(frame.f_locals.items()):
            inner = getattr(held, "__dict__", None)
            if name == "self" and inner:
                for attribute, object_ in list(inner.items()):
                    if object_ is value:
                        return attribute
        frame = frame.f_back
    return plain
