"""Lightning: one batch of the optimization loop is the step — `training_step`, backward pass, clipping, optimizer step."""

from __future__ import annotations

from stetho.adapters import change, fresh
from stetho.watching import running, site_of

#: Batches that Lightning draws before the step of the first of them.
AHEAD = 3


def install(module) -> None:
    """Makes the steps of one of Lightning's loops attemptable."""
    if hasattr(module, "_AutomaticOptimization"):
        change(module._AutomaticOptimization, "run", _automatic)
    if hasattr(module, "_ManualOptimization"):
        change(module._ManualOptimization, "run", _manual)


def _automatic(original):
    def run(self, optimizer, batch_idx, kwargs):
        return _attempted(self, original, kwargs, lambda given: original(self, optimizer, batch_idx, given))

    return run


def _manual(original):
    def run(self, kwargs):
        return _attempted(self, original, kwargs, lambda given: original(self, given))

    return run


def _attempted(loop, original, kwargs, make):
    """The step of a batch. `kwargs` are what `training_step` is given, the batch first; one of an iterator cannot be run twice."""
    session = running()
    if session is None or session.body is not None or "batch" not in kwargs:
        return make(kwargs)
    session.batches.keep(AHEAD)
    counts = _counts(loop)
    result: dict = {}
    for attempt in session.attempts(site_of(session, original.__code__, ("batch",)), (fresh(kwargs["batch"]),)):
        given = kwargs
        if attempt is not None:
            _restore(counts)
            given = type(kwargs)(kwargs)
            given["batch"] = fresh(attempt[0])
        try:
            result = make(given)
        except session.Again:
            result = {}
    return result


def _counts(loop) -> list[tuple[dict, dict]]:
    """Lightning's own counts of what was begun and completed, which an attempt moves on."""
    progress = getattr(loop, "optim_progress", None) or getattr(loop, "optim_step_progress", None)
    found: list[tuple[dict, dict]] = []
    queue = [] if progress is None else [progress]
    while queue:
        inner = vars(queue.pop())
        found.append((inner, dict(inner)))
        queue.extend(value for value in inner.values() if hasattr(value, "__dataclass_fields__"))
    return found


def _restore(counts: list[tuple[dict, dict]]) -> None:
    for inner, kept in counts:
        inner.update(kept)
