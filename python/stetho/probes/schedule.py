"""Steps of learning-rate schedulers against those of their optimizers."""

from __future__ import annotations

import math
import sys
import weakref

from stetho.probes import Probe as Base
from stetho.probes import guarded

#: A schedule is over where the rate has fallen to this share of its first value.
OVER = 0.01


class _Seen:
    """What is known of one scheduler."""

    __slots__ = ("name", "steps", "early", "length")

    def __init__(self, name: str, length: float | None) -> None:
        self.name = name
        self.steps = 0
        #: Steps before the first one of its optimizer.
        self.early = 0
        self.length = length


class Probe(Base):
    """Calls of `scheduler.step()` by the user; those that schedulers make of each other are not counted."""

    def __init__(self, session) -> None:
        super().__init__(session)
        self._seen: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self._names: dict[str, int] = {}
        self._depth = 0
        self._is_new = False
        module = sys.modules.get("torch.optim.lr_scheduler")
        if module is None:
            return
        base = module.LRScheduler
        plateau = module.ReduceLROnPlateau
        for kind in list(vars(module).values()):
            if isinstance(kind, type) and issubclass(kind, (base, plateau)) and "step" in vars(kind):
                self._patch(kind)

    def _patch(self, kind) -> None:
        original = kind.step
        probe, session = self, self.session

        def step(scheduler, *args, **kwargs):
            if probe._depth or session.is_off or session.experiment is not None:
                return original(scheduler, *args, **kwargs)
            if sys._getframe(1).f_code.co_name not in ("_initial_step", "__init__"):
                probe._stepped(scheduler)
            probe._depth += 1
            try:
                return original(scheduler, *args, **kwargs)
            finally:
                probe._depth -= 1

        session.patches.put(kind, "step", step)

    @guarded
    def _stepped(self, scheduler) -> None:
        seen = self._seen.get(scheduler)
        optimizer = getattr(scheduler, "optimizer", None)
        if seen is None:
            kind = type(scheduler).__name__
            n = self._names[kind] = self._names.get(kind, 0) + 1
            seen = self._seen[scheduler] = _Seen(kind if n == 1 else f"{kind} {n}", length_of(scheduler))
            self.session.calls.note("scheduler", 3)
        seen.steps += 1
        self._is_new = True
        if optimizer is not None and not self._n_steps(optimizer) and not self._has_scaler():
            seen.early += 1

    def _has_scaler(self) -> bool:
        """Whether the first steps may have been left out by a gradient scaler."""
        return self.session.scaler is not None

    def _n_steps(self, optimizer) -> int:
        seen = self.session.gradients.get(optimizer) if optimizer is not None else None
        return seen.n_steps if seen is not None else 0

    def tell(self, write) -> None:
        if not self._is_new:
            return
        self._is_new = False
        seen = [(s, self._n_steps(getattr(k, "optimizer", None))) for k, s in list(self._seen.items())]
        names = [s.name for s, _ in seen]
        write.layers("scheduler_steps", names, [float(s.steps) for s, _ in seen])
        write.layers("scheduler_early", names, [float(s.early) for s, _ in seen])
        write.layers("optimizer_steps", names, [float(n) for _, n in seen])
        known = [s for s, _ in seen if s.length is not None]
        if known:
            write.layers("scheduler_length", [s.name for s in known], [float(s.length) for s in known])


def length_of(scheduler) -> float | None:
    """Steps after which a schedule is over; None where it has no end, or it is not known."""
    kind = type(scheduler).__name__
    try:
        if kind == "CosineAnnealingLR":
            return float(scheduler.T_max)
        if kind == "OneCycleLR":
            return float(scheduler.total_steps)
        if kind == "StepLR" and 0.0 < scheduler.gamma <= 0.9:
            return float(scheduler.step_size * math.ceil(math.log(OVER) / math.log(scheduler.gamma)))
        if kind == "ExponentialLR" and 0.0 < scheduler.gamma < 1.0:
            return float(math.ceil(math.log(OVER) / math.log(scheduler.gamma)))
        if kind == "MultiStepLR" and scheduler.gamma <= 0.5 and len(scheduler.milestones):
            return float(max(scheduler.milestones))
    except (AttributeError, TypeError, ValueError, ZeroDivisionError):
        return None
    return None
