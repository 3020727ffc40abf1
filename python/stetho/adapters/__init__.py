"""Trainers of frameworks: the part of them that is one training step is made attemptable, as a loop of the user's is.

Under `stetho run` this happens by itself as soon as a script imports the framework; without it, by `stetho.attach` or by the callbacks of
`stetho.adapters.lightning`, `stetho.adapters.transformers` and `stetho.adapters.keras`.
"""

from __future__ import annotations

import functools
import sys
from importlib import import_module

#: Which of our modules has `install`, by the module of the framework whose classes it changes. They import nothing of the framework, which may be
#: at its own import still.
_WAITED: dict[str, str] = {
    "lightning.pytorch.loops.optimization.automatic": "lightning_loop",
    "lightning.pytorch.loops.optimization.manual": "lightning_loop",
    "pytorch_lightning.loops.optimization.automatic": "lightning_loop",
    "pytorch_lightning.loops.optimization.manual": "lightning_loop",
    "transformers.trainer": "transformers_trainer",
    "keras.src.backend.torch.trainer": "keras_trainer",
    "keras.src.optimizers.base_optimizer": "keras_trainer",
    "accelerate.data_loader": "accelerate_loader",
}


def __getattr__(name: str):
    # Modules with callbacks import their framework, so each is imported when it is asked for.
    if name in ("keras", "lightning", "transformers"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def waiting(session) -> dict:
    """For modules of frameworks: what to call once they are imported."""

    def install(ours: str, module) -> None:
        try:
            import_module(f"stetho.adapters.{ours}").install(module)
        except Exception as error:
            session.say(f"`{module.__name__}` is not as expected, its steps cannot be run again: {type(error).__name__}: {error}")

    return {name: functools.partial(install, ours) for name, ours in _WAITED.items()}


def install_present() -> None:
    """For what was imported before."""
    for name, ours in _WAITED.items():
        if name in sys.modules:
            import_module(f"stetho.adapters.{ours}").install(sys.modules[name])


def change(owner, name: str, make) -> None:
    """Puts ``make(original)`` in the place of a method, once."""
    original = getattr(owner, name)
    if getattr(original, "_is_stethos", False):
        return
    changed = functools.wraps(original)(make(original))
    changed._is_stethos = True
    setattr(owner, name, changed)


def fresh(batch, depth: int = 0):
    """A batch in new containers, its tensors shared: a step may take things out of a dictionary. What is a dictionary of some kind becomes a plain one."""
    if depth > 4:
        return batch
    if isinstance(batch, dict) or type(batch).__name__ in ("BatchEncoding", "BatchFeature"):
        return {key: fresh(value, depth + 1) for key, value in batch.items()}
    if type(batch) in (list, tuple):
        return type(batch)(fresh(value, depth + 1) for value in batch)
    return batch
