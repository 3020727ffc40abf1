"""What a step is seen to call: kinds of functions and modules, and the calls themselves."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

#: Functions of `torch.nn.functional` that are losses.
LOSSES = frozenset(
    "cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy "
    "binary_cross_entropy_with_logits kl_div poisson_nll_loss gaussian_nll_loss hinge_embedding_loss "
    "multilabel_margin_loss multi_margin_loss soft_margin_loss "
    "margin_ranking_loss "
    "multilabel_soft_margin_loss cosine_embedding_loss triplet_margin_loss triplet_margin_with_distance_loss ctc_loss".split()
)
#: What makes probabilities.
SOFTMAXES = frozenset("softmax log_softmax sigmoid logsigmoid softmin gumbel_softmax sigmoid_ log_sigmoid hardsigmoid".split())
#: Calls of each kind that are kept.
MOST_CALLS = 64
_NN = torch.nn
#: Modules with weights of which each row makes one unit; those that normalise over samples or groups.
LAYERS = (_NN.Linear, _NN.Conv1d, _NN.Conv2d, _NN.Conv3d, _NN.ConvTranspose1d, _NN.ConvTranspose2d, _NN.ConvTranspose3d)
_BATCH_NORM = _NN.modules.batchnorm._BatchNorm
_INSTANCE_NORM = _NN.modules.instancenorm._InstanceNorm
NORMS = (_BATCH_NORM, _INSTANCE_NORM, _NN.GroupNorm, _NN.LayerNorm, *(c for c in [getattr(_NN, "RMSNorm", None)] if c))
#: Modules whose output stands for what they were given.
PASSING = (_NN.Identity, _NN.modules.dropout._DropoutNd)
#: Activations that are 0 for a part of the numbers, and others, as modules and functions.
ACTIVATIONS = frozenset(
    "relu relu_ relu6 leaky_relu leaky_relu_ gelu silu elu elu_ selu celu mish softplus tanh tanh_ sigmoid hardtanh hardswish "
    "prelu rrelu softsign logsigmoid threshold".split()
)
#: Functions that leave out numbers at random, and those that bring vectors to one length or measure it.
DROPOUTS = frozenset(
    "dropout dropout_ dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout feature_dropout".split()
)
NORMALISING = frozenset("normalize cosine_similarity norm linalg_norm linalg_vector_norm vector_norm".split())
#: Operations through which a tensor is still what a softmax made of it.
SAME = frozenset(
    "view reshape flatten squeeze unsqueeze permute transpose contiguous __getitem__ float to clone t mT "
    "movedim swapaxes type_as clamp clip clamp_min clamp_max clamp_ double half bfloat16 index_select unflatten".split()
)
#: Operations that put values to numbers of classes.
ADDITIONS = frozenset("add __add__ __radd__ __iadd__ add_ iadd radd".split())
ARGMAX = frozenset("argmax max topk".split())


def is_norm(module) -> bool:
    """Whether a module normalises; of RMS normalisation there are many of people's own."""
    return isinstance(module, NORMS) or type(module).__name__.endswith("RMSNorm")


@dataclass
class LossCall:
    """A call of a loss function."""

    function: str
    call: object
    args: tuple
    kwargs: dict
    place: object
    value: object
    #: Of how many backward passes there were before it.
    n_backward: int
    #: What made its input, if that was a softmax or the like: its name and place.
    origin: tuple | None = None
    #: Whether it is one term of several.
    is_part: bool = False

    def argument(self, position: int, name: str, default=None):
        """An argument by position or name."""
        return self.args[position] if len(self.args) > position else self.kwargs.get(name, default)

    @property
    def input(self):
        """What the model has made."""
        return self.argument(0, "input")

    @property
    def target(self):
        """What it should have made."""
        return self.argument(1, "target")

    def on(self, output):
        """The same call on another input."""
        if self.args:
            return self.call(output, *self.args[1:], **self.kwargs)
        return self.call(**{**self.kwargs, "input": output})


@dataclass
class Softmax:
    """A call of a softmax or sigmoid."""

    function: str
    dim: int | None
    place: object
    module: object
    output: object
    #: Whether it was made between two products of matrices, as attention is.
    is_attention: bool = False
    class_dim: int | None = None


@dataclass
class HandMade:
    """A difference between something that needs a gradient and something that does not: of shapes that differ, or of what a
    sigmoid has made."""

    place: object
    shapes: tuple
    dtype: str
    origin: tuple | None
    target: object


@dataclass
class ModuleCall:
    """A call of a module that no other module made."""

    module: object
    args: tuple
    kwargs: dict
    output: object = None
    autocast: tuple = (False, None)
    is_grad: bool = True
    n_backward: int = 0
    place: object = None


@dataclass
class LeafCall:
    """The first call of a module without children."""

    module: object
    input: object
    output: object
    depth: int
    order: int = 0
    extra: dict = field(default_factory=dict)
