"""Keras 3 on PyTorch: a callback for where there is no `stetho run`.

    model.fit(x, y, callbacks=[stetho.adapters.keras.StethoCallback()])
"""

from __future__ import annotations

import sys

import keras

from stetho.adapters.callback import Watching
from stetho.watching import begin, check_on_trap

if keras.backend.backend() != "torch":
    raise ImportError(f"stetho watches Keras on PyTorch; this one runs on {keras.backend.backend()}: set KERAS_BACKEND=torch before keras is imported")


class StethoCallback(Watching, keras.callbacks.Callback):
    """Watches from where it is made to the end of `fit`: the trap, what is measured, the report. Does nothing under `stetho run`, which watches already.

    `dir` is the run directory (a new one below ``runs`` by default), `on_trap` ``stop`` or ``skip``, `budget` the share of a step's time for measuring.
    """

    #: Known by `fit`, which ends the watching where it ends with an error.
    is_stethos = True

    def __init__(self, dir: str | None = None, on_trap: str = "stop", budget: float | str = "2%") -> None:
        super().__init__()
        check_on_trap(on_trap)
        # Now, since `fit` is entered before a callback hears of it.
        self.watch = begin(sys._getframe(1).f_code.co_filename, (), dir, on_trap, budget)

    def on_train_end(self, logs=None) -> None:
        """Keras calls this last."""
        self.close()


__all__ = ["StethoCallback"]
