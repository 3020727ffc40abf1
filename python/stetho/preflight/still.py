"""The network held still: the same inputs give the same outputs, and nothing of it is changed."""

from __future__ import annotations

import contextlib
import re

from stetho import randomness
from stetho.preflight import trees

#: Modules that draw at random or mix the samples of a batch while training; by the names of their classes.
_UNSTILL = re.compile(r"(?i:dropout|drop_?path|drop_?block|stochastic_?depth|batch_?(re)?norm)|BN|^GaussianNoise$")


class Still:
    """Runs a model with dropout off and the statistics of batch normalisation fixed; buffers, modes and random states are put
    back after each pass, so that every pass starts from the same.

    The mode of all other modules stays as the user set it: some give other outputs altogether while they evaluate.
    """

    def __init__(self, torch, model, evaluate: bool = False, context=contextlib.nullcontext) -> None:
        self._torch = torch
        self.model = model
        #: The mixed precision that the model is called under.
        self._context = context
        #: Whether the whole model evaluates, as it does in a validation.
        self._evaluate = evaluate

    def __call__(self, inputs, keywords=None, with_gradient: bool = False):
        """What the model gives for these arguments."""
        torch = self._torch
        modes = [(m, m.training) for m in self.model.modules()]
        buffers = [(b, b.detach().clone(), version_of(b)) for b in self.model.buffers() if b is not None]
        states = randomness.states()
        try:
            for module, _ in modes:
                if self._evaluate or is_unstill(torch, module):
                    module.training = False
            with torch.set_grad_enabled(with_gradient), self._context():
                return self.model(*inputs, **_not_training(keywords or {}))
        finally:
            for module, mode in modes:
                module.training = mode
            with torch.no_grad():
                for buffer, kept, version in buffers:
                    if version is None or version != version_of(buffer):
                        buffer.copy_(kept)
            randomness.put(states)


def _not_training(keywords: dict) -> dict:
    """Keywords of a model that is told by one of them whether it trains, as those of Keras are."""
    return {**keywords, "training": False} if keywords.get("training") is True else keywords


def version_of(tensor) -> int | None:
    """How often a tensor has been written to; None where PyTorch does not count."""
    try:
        return tensor._version
    except RuntimeError:
        return None


def is_unstill(torch, module) -> bool:
    """Whether a module draws at random, or looks at the whole batch, in training mode alone."""
    if isinstance(module, (torch.nn.RNNBase, torch.nn.MultiheadAttention)):
        return getattr(module, "dropout", 0) > 0
    return bool(_UNSTILL.search(type(module).__name__))


def detached(torch, value):
    """The same arguments, cut off from the graph in which they were made."""
    return trees.mapped(torch, value, lambda t: t.detach())
