"""Training and evaluation mode: of models and of modules that act differently in them, while stepping and
while validating.

A pass over validation data is a call of a model outside of every training step. The hook that sees it is one
check at each call.
"""

from __future__ import annotations

import functools

from stetho.probes import Probe as Base
from stetho.probes import guarded


class Probe(Base):
    """Modes at sampled steps, and of every pass over validation data."""

    is_light = True

    def __init__(self, session) -> None:
        super().__init__(session)
        self._torch = session.torch
        self._models: list = []
        self._modules: list[tuple[str, object, object]] = []
        self._handles: list = []
        self._passes: list[list[float]] = []
        #: Passes with a gradient, and their lines: a backward pass may still show that they train.
        self._unsure: list[tuple] = []
        calls = session.calls
        module = self._torch.nn.Module
        original = module.eval

        def eval(self):
            if not session.is_off and session.experiment is None:
                calls.note("eval")
            return original(self)

        session.patches.put(module, "eval", eval)

    def meet(self, models: list) -> None:
        for handle in self._handles:
            handle.remove()
        self._models = [(self.session.prefix(m).rstrip(".") or type(m).__name__, m) for m in models]
        self._modules = []
        for model in models:
            for name, module in switching(self._torch, model):
                self._modules.append((self.session.prefix(model) + name, module, model))
        self._handles = [
            m.register_forward_pre_hook(_Called(self)) for m in models if self._modules and not is_compiled(m)
        ]

    @guarded
    def called(self, model) -> None:
        """A model is called."""
        session = self.session
        if session.step == 0 or session.experiment is not None or session.is_off or session.probes is None:
            return
        if not session.probes.is_validating():
            return
        if self._torch.is_grad_enabled() and not session.sites or _is_estimating(self._modules):
            return
        seen = [float(m.training and of.training) if of is model else -1.0 for _, m, of in self._modules]
        if self._torch.is_grad_enabled():
            if len(self._unsure) < 512:
                self._unsure.append((seen, session.calls.line(2)))
            return
        session.calls.note("validation_forward", 3)
        self._validated(seen)

    def _validated(self, seen: list[float]) -> None:
        self._passes.append(seen)
        if len(self._passes) > 512:
            del self._passes[::2]
        self.session.probes.is_due = True

    @guarded
    def trains_outside(self) -> None:
        """A backward pass outside of every step: what was computed with a gradient before it was no validation."""
        self._unsure.clear()

    @guarded
    def starts(self) -> None:
        """A step begins: nothing trained with what was computed before it."""
        unsure, self._unsure = self._unsure, []
        for seen, line in unsure:
            if line is not None:
                self.session.calls.add("validation_forward", *line)
            if len(seen) == len(self._modules):
                self._validated(seen)

    def tell(self, write) -> None:
        names, values = [], []
        passes, self._passes = self._passes, []
        for i, (name, _, _) in enumerate(self._modules):
            seen = [p[i] for p in passes if i < len(p) and p[i] >= 0.0]
            if seen:
                names.append(name)
                values.append(sum(seen) / len(seen))
        if names:
            write.layers("evaluation_mode", names, values)

    def before_backward(self, loss) -> None:
        self._now = (
            [float(m.training) for _, m in self._models],
            [float(m.training) for _, m, _ in self._modules],
        )

    def end(self, body, write) -> None:
        """The modes at the backward pass of a sampled step, of the models that it trains."""
        now = self.__dict__.pop("_now", None)
        if now is None or len(now[1]) != len(self._modules) or len(now[0]) != len(self._models):
            return
        of_models, of_modules = now
        trained = {id(m) for _, m in self._models if self._is_stepped(m, body)}
        models = [(name, v) for (name, m), v in zip(self._models, of_models) if id(m) in trained]
        modules = [(name, v) for (name, _, of), v in zip(self._modules, of_modules) if id(of) in trained]
        if models:
            write.layers("model_mode", *map(list, zip(*models)))
        if modules:
            write.layers("training_mode", *map(list, zip(*modules)))

    def _is_stepped(self, model, body) -> bool:
        """Whether an optimizer of this step holds parameters of the model. One that is only asked, such as a teacher, may be in
        evaluation mode."""
        gradients = self.session.gradients
        stepped = {id(p) for o in body.stepped if (seen := gradients.get(o)) for p in seen.parameters}
        return not stepped or any(id(p) in stepped for p in model.parameters())


class _Called:
    """A hook on a model of the user's that hears of its calls. In a copy of the model, or where it is saved, it is one that does nothing."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe

    def __call__(self, model, args) -> None:
        self._probe.called(model)

    def __reduce__(self):
        # (model, args) → args; a function of Python's own, so that what is saved needs no package of ours.
        return functools.partial, ({}.get,)


def is_compiled(model) -> bool:
    """Whether a hook on it would have it compiled again."""
    return hasattr(model, "_orig_mod") or getattr(model, "_compiled_call_impl", None) is not None


def switching(torch, model) -> list[tuple[str, object]]:
    """Modules that act differently while training, of parts that are trained."""
    nn = torch.nn
    dropout = nn.modules.dropout._DropoutNd
    norm = nn.modules.batchnorm._NormBase
    found = []
    parents = {id(child): m for m in model.modules() for child in m.children()}
    for name, module in model.named_modules():
        if isinstance(module, dropout):
            if module.p > 0.0 and _is_trained(parents.get(id(module), model)):
                found.append((name or type(module).__name__, module))
        elif isinstance(module, norm):
            has_statistics = module.running_mean is not None
            if has_statistics and _is_trained(module if module.affine else parents.get(id(module), model)):
                found.append((name or type(module).__name__, module))
    return found


def _is_trained(module) -> bool:
    parameters = list(module.parameters())
    return not parameters or any(p.requires_grad for p in parameters)


def _is_estimating(modules: list) -> bool:
    """Whether statistics of batch normalisation are being worked out anew over the data, which needs training
    mode."""
    return any(m.training and getattr(m, "momentum", 0.1) is None for _, m, _ in modules)
