"""Finds out why a machine-learning model does not learn.

``stetho run train.py`` needs no change of a script. From within one: `attach` watches the training of this process, `step` marks the function
that is one training step; `contract` has every sample of a data loader looked at. Importing the package costs milliseconds: PyTorch is imported only
where tensors are measured.
"""

from ._core import __version__

__all__ = ["Contract", "Watch", "__version__", "attach", "contract", "step"]


def __getattr__(name: str):
    if name in ("Watch", "attach", "step"):
        from . import watching as module

        for public in ("Watch", "attach", "step"):
            globals()[public] = getattr(module, public)
        return globals()[name]
    if name in ("Contract", "contract"):
        from . import contracts

        return getattr(contracts, name)
    if name in ("adapters", "contracts"):
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'stetho' has no attribute '{name}'")


def load_ipython_extension(shell) -> None:
    """``%load_ext stetho``: ``%%stetho`` above a cell that trains, ``%stetho on`` for every cell that does."""
    from . import notebook

    notebook.load(shell)
