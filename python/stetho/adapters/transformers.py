"""Transformers: a callback for where there is no `stetho run`.

    trainer = Trainer(…, callbacks=[stetho.adapters.transformers.StethoCallback()])
"""

from __future__ import annotations

import sys

import transformers.trainer
from transformers import TrainerCallback

from stetho.adapters import transformers_trainer
from stetho.adapters.callback import Watching
from stetho.watching import begin, check_on_trap


class StethoCallback(Watching, TrainerCallback):
    """Watches each `train`: the trap, what is measured, the report at its end. Does nothing under `stetho run`, which watches already.

    `dir` is the run directory (a new one below ``runs`` by default), `on_trap` ``stop`` or ``skip``, `budget` the share of a step's time for measuring.
    """

    #: Known by the trainer's `train`, which ends the watching where it ends with an error.
    is_stethos = True

    def __init__(self, dir: str | None = None, on_trap: str = "stop", budget: float | str = "2%") -> None:
        check_on_trap(on_trap)
        self._script = sys._getframe(1).f_code.co_filename
        self._options = (dir, on_trap, budget)
        transformers_trainer.install(transformers.trainer)

    def on_train_begin(self, args, state, control, model=None, **kwargs) -> None:
        """The trainer calls this first."""
        self.watch = begin(self._script, (model,) if model is not None else (), *self._options)

    def on_train_end(self, args, state, control, **kwargs) -> None:
        """And this last."""
        self.close()


__all__ = ["StethoCallback"]
