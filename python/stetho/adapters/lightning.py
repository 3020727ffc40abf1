"""Lightning: a callback for where there is no `stetho run`.

    trainer = L.Trainer(callbacks=[stetho.adapters.lightning.StethoCallback()])

Both packages are known, ``lightning`` and ``pytorch_lightning``.
"""

from __future__ import annotations

import sys

from stetho.adapters.callback import Watching
from stetho.watching import begin, check_on_trap


def _callback_class():
    """`Callback` of the package that the script uses."""
    if "pytorch_lightning" in sys.modules and "lightning.pytorch" not in sys.modules:
        from pytorch_lightning.callbacks import Callback
    else:
        from lightning.pytorch.callbacks import Callback
    return Callback


class StethoCallback(Watching, _callback_class()):
    """Watches each `fit`: the trap, what is measured, the report at its end. Does nothing under `stetho run`, which watches already.

    `dir` is the run directory (a new one below ``runs`` by default), `on_trap` ``stop`` or ``skip``, `budget` the share of a step's time for measuring.
    """

    def __init__(self, dir: str | None = None, on_trap: str = "stop", budget: float | str = "2%") -> None:
        super().__init__()
        check_on_trap(on_trap)
        self._script = sys._getframe(1).f_code.co_filename
        self._options = (dir, on_trap, budget)

    def setup(self, trainer, pl_module, stage: str) -> None:
        """Lightning calls this first."""
        if stage == "fit":
            self.watch = begin(self._script, (pl_module,), *self._options)

    def teardown(self, trainer, pl_module, stage: str) -> None:
        """And this last, whether or not the fit was ended by an error."""
        self.close()

    def on_exception(self, trainer, pl_module, exception: BaseException) -> None:
        """The trap ends a fit by an exception, as any other."""
        self.close()


__all__ = ["StethoCallback"]
