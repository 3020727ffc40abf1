"""What tells the ranks of a distributed training apart: their batches, their parameters, the time that each
needs by itself.

All ranks measure at the same steps. Each writes its own event file; `stetho watch` reads those of one folder
together.
"""

from __future__ import annotations

import time
import zlib

from stetho import data
from stetho.probes import Probe as Base

#: Steps between two looks, once the first ones are over; a power of 2.
EVERY = 64


class Probe(Base):
    """Measures nothing unless there are several ranks; where there are, it is asked at every step from the first one on."""

    def __init__(self, session) -> None:
        super().__init__(session)
        self._distributed = getattr(session.torch, "distributed", None)
        self._values: dict[str, float] = {}
        self._began = 0.0

    def _is_several(self) -> bool:
        d = self._distributed
        return d is not None and d.is_available() and d.is_initialized() and d.get_world_size() > 1

    def begin(self, body) -> None:
        self._began = time.perf_counter()
        if not self.every and self._is_several():
            self.every = True
            self.session.probes.ask_always(self)

    def before_backward(self, loss) -> None:
        # Backward passes wait for the other ranks; what comes before them is a rank's own.
        if self._began and self._is_several():
            self._values["stetho/rank_time"] = time.perf_counter() - self._began

    def after_step(self, optimizer) -> None:
        step = self.session.step - 1
        if step & (EVERY - 1) and step & (step - 1) or not self._is_several():
            return
        torch = self.session.torch
        seen = self.session.gradients.get(optimizer)
        if seen is not None:
            from stetho.hooks import slow_square_sum

            total, _ = slow_square_sum(torch, seen.parameters)
            self._values["stetho/rank_weights"] = total**0.5
        batch = self.session.batches.last
        indices = data.as_indices(batch.indices) if batch is not None else None
        if indices:
            self._values["stetho/rank_batch"] = float(zlib.crc32(repr(indices).encode()) & 0xFFFFFF)
        self.session.probes.is_due = True

    def tell(self, write) -> None:
        values, self._values = self._values, {}
        for tag, value in values.items():
            write.scalar(tag, value)
