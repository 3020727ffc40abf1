"""Keras 3 on PyTorch: a model's `train_step` is the step. Its optimizers are not those of PyTorch, and are shown to the session as if they were."""

from __future__ import annotations

import weakref

from stetho import hooks
from stetho.adapters import change, fresh
from stetho.watching import running, site_of

_shown: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def install(module) -> None:
    """Makes the steps of Keras' trainer attemptable, and hears of its optimizers."""
    if hasattr(module, "TorchTrainer"):
        for name in ("fit", "train_on_batch"):
            # Of the class of every model, which has them from this one.
            change(module.TorchTrainer, name, _trained)
    if hasattr(module, "BaseOptimizer"):
        change(module.BaseOptimizer, "apply", _applied)


def _trained(original):
    def train(self, *args, **kwargs):
        session = running()
        if session is None or "train_step" in vars(self):
            return original(self, *args, **kwargs)
        if getattr(self, "jit_compile", False) is True:
            session.say("the model is compiled (`jit_compile=True`): its steps are watched, and cannot be run again")
            return original(self, *args, **kwargs)
        session.batches.keep(2)
        session.kept = lambda: state_of(self)
        session.optimizers = lambda: _of_model(self)
        # Of the instance, so that a `train_step` of the user's own is the one that is made.
        vars(self)["train_step"] = _attempted(self, self.train_step)
        try:
            return original(self, *args, **kwargs)
        except BaseException:
            # Keras tells its callbacks of no error.
            for callback in _callbacks(args, kwargs):
                callback.close()
            raise
        finally:
            del vars(self)["train_step"]

    return train


def _callbacks(args: tuple, kwargs: dict) -> list:
    """Our callbacks among the arguments of `fit`."""
    lists = [v for v in (*args, *kwargs.values()) if isinstance(v, (list, tuple))]
    return [c for v in lists for c in v if getattr(c, "is_stethos", False)]


def _of_model(model) -> list:
    """The optimizer of a model, as the session knows it; none before it is built."""
    optimizer = model.optimizer
    is_built = optimizer is not None and optimizer.built
    return [_shown_of(optimizer, model.trainable_variables)] if is_built else []


def _shown_of(optimizer, variables: list) -> Shown:
    shown = _shown.get(optimizer)
    if shown is None or len(shown.parameters) != len(variables):
        shown = _shown[optimizer] = Shown(optimizer, variables)
    return shown


def _attempted(model, make):
    def train_step(data):
        session = running()
        if session is None or session.body is not None:
            return make(data)
        numbers = [(v.value, v.value.detach().clone()) for m in model.metrics for v in m.variables]
        result = None
        for attempt in session.attempts(site_of(session, type(model).train_step.__code__, ("data",)), (fresh(data),)):
            if attempt is not None:
                _put(session.torch, numbers)
            try:
                result = make(data if attempt is None else fresh(attempt[0]))
            except session.Again:
                result = None
        if result is None:
            # The batch was dropped: the metrics are what they were.
            _put(session.torch, numbers)
            result = model.get_metrics_result()
        return result

    return train_step


def _put(torch, numbers: list) -> None:
    with torch.no_grad():
        for now, before in numbers:
            now.copy_(before)


def state_of(model) -> list:
    """What a forward pass changes beside the weights: moving means, the states of random generators."""
    found = []
    for layer in model._flatten_layers():
        found.extend(v.value for v in getattr(layer, "_non_trainable_variables", ()))
        found.extend(g.state.value for g in getattr(layer, "_seed_generators", ()) if hasattr(g, "state"))
    unique = {id(t): t for t in found if hasattr(t, "data_ptr")}
    return list(unique.values())


class Shown:
    """An optimizer of Keras, as the session knows those of PyTorch."""

    def __init__(self, optimizer, variables: list) -> None:
        self._optimizer = weakref.ref(optimizer)
        self.parameters = [v.value for v in variables]
        self.__class__ = type(type(optimizer).__name__, (Shown,), {})

    @property
    def param_groups(self) -> list[dict]:
        """One group, with the learning rate as it is now."""
        optimizer = self._optimizer()
        rate = float(optimizer.learning_rate) if optimizer is not None else None
        return [{"params": self.parameters, "lr": rate, **({"eps": optimizer.epsilon} if hasattr(optimizer, "epsilon") else {})}]

    @property
    def state(self) -> dict:
        """Moments and counts, in place: what is copied into them the optimizer goes on with."""
        optimizer = self._optimizer()
        if optimizer is None:
            return {}
        return {self.parameters[0]: {str(i): v.value for i, v in enumerate(optimizer.variables)}}

    def state_dict(self) -> dict:
        """In PyTorch's form."""
        numbers = list(range(len(self.parameters)))
        state = {0: next(iter(self.state.values()), {})}
        return {"state": state, "param_groups": [{"params": numbers, "lr": self.param_groups[0]["lr"]}]}

    def load_state_dict(self, saved: dict) -> None:
        """Puts in what `state_dict` gave."""
        now = next(iter(self.state.values()), {})
        for name, value in saved["state"].get(0, {}).items():
            now[name].detach().copy_(value)


def _applied(original):
    def apply(self, grads, trainable_variables=None):
        session = running()
        if session is None or trainable_variables is None:
            return original(self, grads, trainable_variables)
        variables = list(trainable_variables)
        if not self.built:
            self.build(variables)
        shown = _shown_of(self, variables)
        if session.experiment is not None and shown not in session.gradients:
            session.known_optimizer(shown)
        try:
            hooks.before_step(session.torch, session, shown)
        except Exception:
            session.failed("looking at gradients")
        # An experiment may have put another optimizer in its place.
        result = shown.step() if "step" in vars(shown) else original(self, grads, variables)
        if session.experiment is not None and not session.is_off:
            session.experiment.on_stepped(shown)
        elif not session.is_off:
            try:
                hooks.after_step(session, shown)
            except Exception:
                session.failed("looking at parameters")
        return result

    return apply
