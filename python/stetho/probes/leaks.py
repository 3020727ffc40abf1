"""Samples that are both trained on and validated with, by what they hold: tensors of data sets, and variables
of the user's.

Looked at once, when the first validation is over. Samples that share an index of one data set are found by
`draws`.
"""

from __future__ import annotations

from stetho import data
from stetho.identity import ByIdentity
from stetho.probes import Probe as Base
from stetho.probes import fingerprints, guarded
from stetho.probes.draws import HELD_OUT, is_held_out, name_of


class Probe(Base):
    """One comparison for each loader that is validated with, and one of the variables in sight."""

    def __init__(self, session) -> None:
        super().__init__(session)
        self.forget()

    def forget(self) -> None:
        """Another training begins, with data of its own."""
        self._asked = ByIdentity()
        self._is_memory_asked = False
        #: Of each set the share of its samples that are trained on, and how many it holds.
        self.found: dict[str, tuple[float, int]] = {}

    @guarded
    def validated(self, loader) -> None:
        """A loader gave a batch that no step took."""
        draws = self.session.probes.draws
        trained = draws.loader
        if loader.dataset in self._asked or trained is None or loader in draws.trained:
            return
        self._asked[loader.dataset] = True
        name = name_of(self.session, loader) or "validation"
        if not is_held_out(trained, loader, name):
            return
        mine, other = (
            _tensor_of(self.session.torch, trained.dataset),
            _tensor_of(self.session.torch, loader.dataset),
        )
        if mine is not None and other is not None and data.base(trained.dataset) is not data.base(loader.dataset):
            self._compare(name, mine, other)

    @guarded
    def in_memory(self) -> None:
        """A validation that no loader took part in is over: the variables of the user's that hold its data
        are found by their names."""
        if self._is_memory_asked:
            return
        self._is_memory_asked = True
        torch = self.session.torch
        trained, held_out = {}, {}
        frame = self.session.user_frame()
        for _ in range(6):
            if frame is None:
                break
            for names in (frame.f_locals, frame.f_globals):
                for name, value in list(names.items()):
                    if not isinstance(value, torch.Tensor) or value.dim() < 2 or value.requires_grad:
                        continue
                    low = name.lower()
                    if any(word in low for word in HELD_OUT):
                        held_out.setdefault(name, value)
                    elif "train" in low or low.endswith("_tr"):
                        trained.setdefault(name, value)
            frame = frame.f_back
        for name, value in list(held_out.items())[:8]:
            for mine in list(trained.values())[:8]:
                self._compare(name, mine, value)

    def _compare(self, name: str, mine, other) -> None:
        compared = fingerprints.overlap(self.session.torch, mine, other)
        if compared is not None and compared[0] >= self.found.get(name, (0.0, 0))[0]:
            self.found[name] = compared
            self.session.probes.draws.more_evaluated()


def _tensor_of(torch, dataset):
    """The inputs of a data set that holds them as one tensor; None for any other."""
    dataset = data.unwrapped(dataset)
    if hasattr(dataset, "indices") and hasattr(dataset, "dataset"):
        inner = _tensor_of(torch, dataset.dataset)
        if inner is None:
            return None
        indices = torch.as_tensor(list(dataset.indices), dtype=torch.int64)
        return inner[indices]
    held = getattr(dataset, "tensors", None)
    if isinstance(held, tuple) and held and isinstance(held[0], torch.Tensor):
        return held[0]
    try:
        n = len(dataset)
    except TypeError:
        return None
    values = [
        v for v in vars(dataset).values() if isinstance(v, torch.Tensor) and v.dim() > 1 and v.shape[0] == n
    ]
    return values[0] if len(values) == 1 else None
