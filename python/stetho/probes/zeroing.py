"""Whether gradients are cleared between the steps of an optimizer."""

from __future__ import annotations

import weakref

from stetho.probes import Probe as Base
from stetho.probes import guarded


class _Seen:
    """What is known of one optimizer."""

    __slots__ = ("name", "is_cleared", "clears", "last_body", "n_left", "n_steps", "parameter")

    def __init__(self, name: str, parameter) -> None:
        self.name = name
        #: Whether its gradients were cleared since its last step.
        self.is_cleared = True
        #: Whether it is ever cleared by a call that is seen.
        self.clears = False
        self.last_body = -1
        #: Steps since this was told, and those of them before which gradients had been left.
        self.n_steps = self.n_left = 0
        self.parameter = parameter


class Probe(Base):
    """Calls of `zero_grad` at every step; gradients that are cleared otherwise, on sampled steps."""

    every = True
    is_light = True

    def __init__(self, session) -> None:
        super().__init__(session)
        self._seen: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self._names: dict[str, int] = {}
        torch = session.torch
        self._hook(torch.optim.Optimizer, self._seen.get, self._cleared)
        self._hook(torch.nn.Module, lambda model: None, self._model_cleared)

    def _hook(self, of, known, told) -> None:
        """Hears of calls: of one that is known it is noted at once, since it comes at every step; of any other `told` is told."""
        original = of.zero_grad
        session = self.session

        def zero_grad(self, *args, **kwargs):
            result = original(self, *args, **kwargs)
            if session.experiment is None:
                seen = known(self)
                if seen is not None:
                    seen.is_cleared = seen.clears = True
                else:
                    told(self)
            return result

        session.patches.put(of, "zero_grad", zero_grad)

    def _of(self, optimizer) -> _Seen:
        seen = self._seen.get(optimizer)
        if seen is None:
            kind = type(optimizer).__name__
            n = self._names[kind] = self._names.get(kind, 0) + 1
            first = next((p for g in optimizer.param_groups for p in g["params"]), None)
            seen = self._seen[optimizer] = _Seen(kind if n == 1 else f"{kind} {n}", first)
        return seen

    @guarded
    def _cleared(self, optimizer) -> None:
        seen = self._of(optimizer)
        seen.is_cleared = seen.clears = True

    @guarded
    def _model_cleared(self, model) -> None:
        for seen in list(self._seen.values()):
            if _is_clear(seen.parameter):
                seen.is_cleared = seen.clears = True

    def before_backward(self, loss) -> None:
        for seen in list(self._seen.values()):
            if not seen.is_cleared and _is_clear(seen.parameter):
                seen.is_cleared = True

    def after_step(self, optimizer) -> None:
        seen = self._seen.get(optimizer) or self._of(optimizer)
        session = self.session
        body = session.attempted
        probes = session.probes
        is_sure = (
            seen.is_cleared
            or seen.clears
            or (probes is not None and probes.is_sampling and seen.last_body in (body, body - 1))
        )
        if is_sure and seen.last_body >= 0:
            seen.n_steps += 1
            seen.n_left += not seen.is_cleared
        if probes is not None and probes.is_sampling and session.body is not None:
            session.calls.note("step", 3)
            for group in optimizer.param_groups:
                seen.parameter = next((p for p in group["params"] if p.grad is not None), seen.parameter)
        seen.is_cleared = False
        seen.last_body = body

    def tell(self, write) -> None:
        names, values = [], []
        for seen in list(self._seen.values()):
            if seen.n_steps:
                names.append(seen.name)
                values.append(seen.n_left / seen.n_steps)
                seen.n_steps = seen.n_left = 0
        if names:
            write.layers("gradient_left", names, values)


def _is_clear(parameter) -> bool:
    """Whether a parameter has no gradient, or one of zeros."""
    if parameter is None:
        return False
    gradient = parameter.grad
    return gradient is None or (not gradient.is_sparse and not bool(gradient.detach().any()))
