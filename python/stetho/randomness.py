"""The random states of PyTorch, NumPy and Python, as far as they are loaded: taken, and put back."""

from __future__ import annotations

import contextlib
import random
import sys


def states() -> tuple:
    """All of them, as they are."""
    torch, numpy = _loaded("torch"), _loaded("numpy", "random")
    on_cuda = torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized()
    return (
        random.getstate(),
        None if numpy is None else numpy.random.get_state(),
        None if torch is None else torch.get_rng_state(),
        torch.cuda.get_rng_state_all() if on_cuda else None,
    )


def put(taken: tuple) -> None:
    """Sets what `states` gave."""
    of_python, of_numpy, of_torch, of_cuda = taken
    random.setstate(of_python)
    if of_numpy is not None:
        sys.modules["numpy"].random.set_state(of_numpy)
    if of_torch is not None:
        sys.modules["torch"].set_rng_state(of_torch)
    if of_cuda is not None:
        sys.modules["torch"].cuda.set_rng_state_all(of_cuda)


@contextlib.contextmanager
def kept():
    """Afterwards all are what they were: a training is that of before, bit for bit."""
    taken = states()
    try:
        yield
    finally:
        put(taken)


def _loaded(name: str, attribute: str = "get_rng_state"):
    module = sys.modules.get(name)
    return module if module is not None and hasattr(module, attribute) else None
