"""Norms of gradients, weights and updates of each parameter, and which parameters are meant to learn."""

from __future__ import annotations

import weakref

from stetho.probes import Probe as Base

#: Models with more numbers than this are measured without their updates, which need a copy of them.
MOST_NUMBERS = 100_000_000
#: Parameters, at most.
MOST_PARAMETERS = 1500


class Probe(Base):
    """Measured at both ends of a sampled step, for all parameters of the models that are trained."""

    def __init__(self, session) -> None:
        super().__init__(session)
        self._torch = session.torch
        self._parameters: list = []
        self._names: list[str] = []
        self._before: list | None = None
        self._gradients: list = []
        #: The gradients that parameters of no optimizer had when the models were met, and how often they had been written to.
        self._left: dict[int, tuple] = {}

    def meet(self, models: list) -> None:
        found: dict[int, tuple] = {}
        for model in models:
            for name, parameter in model.named_parameters():
                is_there = parameter.layout == self._torch.strided and not parameter.is_meta
                if parameter.is_floating_point() and is_there:
                    found.setdefault(id(parameter), (self.session.name_of(parameter) or name, parameter))
        kept = list(found.values())[:MOST_PARAMETERS]
        self._names = [name for name, _ in kept]
        self._parameters = [parameter for _, parameter in kept]
        self._before = None
        held = {id(p) for seen in list(self.session.gradients.values()) for p in seen.parameters}
        left = [(id(p), p.grad) for p in self._parameters if p.grad is not None and id(p) not in held]
        self._left = {key: (weakref.ref(grad), grad._version) for key, grad in left}

    def begin(self, body) -> None:
        self._gradients = []
        self._before = None
        numbers = sum(p.numel() for p in self._parameters)
        if self._parameters and numbers <= MOST_NUMBERS:
            with self._torch.no_grad():
                self._before = [p.detach().clone() for p in self._parameters]

    def before_step(self, optimizer) -> None:
        if not self._parameters:
            return
        there = [
            (i, p.grad)
            for i, p in enumerate(self._parameters)
            if p.requires_grad and p.grad is not None and not p.grad.is_sparse and not self._is_left(p)
        ]
        norms = _norms(self._torch, [g for _, g in there])
        known = dict(self._gradients)
        known.update(zip((i for i, _ in there), norms))
        self._gradients = sorted(known.items())

    def _is_left(self, parameter) -> bool:
        """Whether its gradient is that of a training before: the one that it had when the models were met, untouched since."""
        kept = self._left.get(id(parameter))
        return kept is not None and kept[0]() is parameter.grad and kept[1] == parameter.grad._version

    def end(self, body, write) -> None:
        if not self._parameters or not body.stepped:
            return
        torch = self._torch
        held = {id(p) for seen in list(self.session.gradients.values()) for p in seen.parameters}
        moved = {
            id(p) for o in body.stepped if (seen := self.session.gradients.get(o)) for p in seen.parameters
        }
        # Of several optimizers those that did not step here say nothing of their parameters.
        meant = [id(p) in moved or id(p) not in held for p in self._parameters]
        gradients = [(i, v) for i, v in self._gradients if meant[i]]
        if gradients:
            write.layers("gradient_norm", [self._names[i] for i, _ in gradients], [v for _, v in gradients])
        with torch.no_grad():
            write.layers("weight_norm", self._names, _norms(torch, [p.detach() for p in self._parameters]))
            if self._before is not None and len(self._before) == len(self._parameters):
                pairs = zip(self._parameters, self._before, meant)
                changes = [p.detach() - before for p, before, is_meant in pairs if is_meant]
                names = [name for name, is_meant in zip(self._names, meant) if is_meant]
                write.layers("update_norm", names, _norms(torch, changes))
        self._before = None
        write.layers("trainable", self._names, [float(p.requires_grad) for p in self._parameters])
        write.layers("in_optimizer", self._names, [float(id(p) in held) for p in self._parameters])


def _norms(torch, tensors: list) -> list[float]:
    """Euclidean norms, worked out in 32 bits at the least."""
    if not tensors:
        return []
    with torch.no_grad():
        norms = torch._foreach_norm(
            [t if t.dtype in (torch.float32, torch.float64) else t.float() for t in tensors]
        )
        if len({n.device for n in norms}) > 1 or len({n.dtype for n in norms}) > 1:
            return [float(n) for n in norms]
        return torch.stack(norms).tolist()
