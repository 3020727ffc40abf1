"""Where the samples come from of which a contract is made."""

from __future__ import annotations

import contextlib
import itertools
import random
import sys

from stetho.data import base

#: Samples of a batch where the loader does not say.
BATCH = 32
#: Most samples that are looked at.
MOST = 1024


def is_loader(data) -> bool:
    """Whether it is a PyTorch `DataLoader`, or something that holds a data set and puts it together as one does."""
    module = sys.modules.get("torch.utils.data")
    return module is not None and isinstance(data, module.DataLoader)


def name_of(data) -> str:
    """The name of the variable of a caller that holds it, else of its type."""
    frame = sys._getframe(1)
    while frame is not None:
        if not frame.f_globals.get("__name__", "").startswith("stetho."):
            for names in (frame.f_locals, frame.f_globals):
                for name, value in list(names.items()):
                    if value is data and not name.startswith("_"):
                        return name
        frame = frame.f_back
    return type(data.dataset if is_loader(data) else data).__name__


def n_classes(data) -> int | None:
    """How many classes the data set says it has, as those of torchvision do."""
    dataset = data.dataset if is_loader(data) else data
    classes = getattr(base(dataset), "classes", None)
    return len(classes) if isinstance(classes, (list, tuple)) and classes else None


def samples(data, first: int):
    """An iterator over samples, and how many it will give at most: spread over a data set that has a length, the first ones of any other."""
    from stetho.contracts import wrap

    dataset = data.dataset if is_loader(data) else data
    size = (data.batch_size or 1) if is_loader(data) else BATCH
    n = max(1, min(first * size, MOST))
    if wrap.is_stream(dataset):
        return itertools.islice(_through_worker(data, dataset, None), n), n
    length = len(dataset)
    # By chance and the same each time: even distances would meet with whatever repeats itself in a data set.
    chosen = list(range(length)) if length <= n else sorted(random.Random(0).sample(range(length), n))
    return _through_worker(data, dataset, chosen), len(chosen)


def _through_worker(data, dataset, chosen: list[int] | None):
    """Samples one by one; of a loader with workers from a worker, since what a data set opens when it is first asked must not be open when it is forked."""
    if not is_loader(data) or not data.num_workers:
        return iter(dataset) if chosen is None else (dataset[i] for i in chosen)
    from torch.utils.data import DataLoader

    given = {"num_workers": 1, "multiprocessing_context": data.multiprocessing_context, "worker_init_fn": data.worker_init_fn}
    return iter(DataLoader(dataset, batch_size=None, sampler=chosen, collate_fn=_as_it_is, **given))


def _as_it_is(sample):
    return sample


@contextlib.contextmanager
def unwatched(session):
    """Batches that are drawn meanwhile are none of the run's."""
    before, session.is_off = session.is_off, True
    try:
        yield
    finally:
        session.is_off = before
