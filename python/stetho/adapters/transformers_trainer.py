"""Transformers: `Trainer.training_step` is the part of a step that is run again; the optimizer's step, which the trainer makes after it, closes it."""

from __future__ import annotations

from stetho import hooks
from stetho.adapters import change, fresh
from stetho.watching import running, site_of


def install(module) -> None:
    """Makes the steps of `transformers.trainer.Trainer` attemptable."""
    change(module.Trainer, "train", lambda original: _train(original, module.TrainerCallback))


def _train(original, callback_class):
    def train(self, *args, **kwargs):
        ours = [c for c in self.callback_handler.callbacks if getattr(c, "is_stethos", False)]
        if running() is None and not ours or "training_step" in vars(self):
            return original(self, *args, **kwargs)
        steps = Steps(self, self.training_step)
        ends = _ends(steps, callback_class)
        # Of the instance, so that a subclass's own `training_step` is the one that is made.
        self.training_step = steps
        self.add_callback(ends)
        try:
            return original(self, *args, **kwargs)
        finally:
            steps.close()
            self.remove_callback(ends)
            del self.training_step
            for callback in ours:
                callback.close()

    return train


class Steps:
    """Stands for `training_step` of one trainer while it trains."""

    def __init__(self, trainer, make) -> None:
        self._trainer = trainer
        self._make = make
        #: The attempts of the step whose optimizer has not stepped yet.
        self._open = None

    def __call__(self, model, inputs, *args, **kwargs):
        self.close()
        session = running()
        if session is None or session.body is not None:
            return self._make(model, inputs, *args, **kwargs)
        session.batches.keep(self._trainer.args.gradient_accumulation_steps + 2)
        number = site_of(session, type(self._trainer).training_step.__code__, ("inputs",))
        attempts = session.attempts(number, (fresh(inputs),))
        result = None
        for attempt in attempts:
            given = inputs if attempt is None else fresh(attempt[0])
            try:
                result = self._make(model, given, *args, **kwargs)
                self._look(session)
            except session.Again:
                result = None
                continue
            if session.experiment is None and session.body is not None:
                # Made; it is open until the optimizer has stepped.
                session.body.is_over = True
                self._open = attempts
                break
        return self._nothing(session) if result is None else result

    def _look(self, session) -> None:
        """The gradients, before they are clipped: once this has returned, the step cannot be attempted again."""
        if not self._trainer.accelerator.sync_gradients:
            return
        optimizer = self._trainer.optimizer
        while hasattr(optimizer, "optimizer"):
            optimizer = optimizer.optimizer
        if optimizer is None:
            return
        if session.experiment is not None:
            session.experiment.on_step(optimizer)
            return
        try:
            hooks.look_at_gradients(session.torch, session, optimizer)
        except Exception:
            session.failed("looking at gradients")

    def _nothing(self, session):
        """The loss of a batch that was dropped: the trainer puts the mean of those before in its place, if it was not told otherwise."""
        is_filtered = getattr(self._trainer.args, "logging_nan_inf_filter", False)
        return session.torch.tensor(float("nan") if is_filtered else 0.0, device=self._trainer.args.device)

    def close(self) -> None:
        """The optimizer has stepped."""
        attempts, self._open = self._open, None
        if attempts is not None:
            attempts.close()


def _ends(steps: Steps, callback_class):
    """A callback that hears of the end of steps."""

    class Ends(callback_class):
        def on_step_end(self, args, state, control, **kwargs) -> None:
            steps.close()

        # A batch whose gradient is added to those of others.
        on_substep_end = on_step_end

    return Ends()
