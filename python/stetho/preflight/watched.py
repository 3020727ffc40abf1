"""The first attempt: the step as it is, with the calls of models, losses and softmaxes seen with their arguments."""

from __future__ import annotations

import sys

import torch
from torch.overrides import TorchFunctionMode

from stetho.observe import place_of
from stetho.preflight import trees
from stetho.preflight.attempt import Attempt
from stetho.preflight.seen import (
    ACTIVATIONS, ADDITIONS, ARGMAX, DROPOUTS, LAYERS, LOSSES, MOST_CALLS, NORMALISING, PASSING, SAME, SOFTMAXES,
    HandMade, LeafCall, LossCall, ModuleCall, Softmax, is_norm,
)

#: Numbers of a parameter that is compared with itself before the step, at most.
MOST_COMPARED = 1 << 20


class Functions(TorchFunctionMode):
    """Sees calls of the functions of PyTorch."""

    def __init__(self, watched) -> None:
        super().__init__()
        self._watched = watched

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        watched = self._watched
        watched.takes(name, args, kwargs)
        try:
            out = func(*args, **kwargs)
        except Exception:
            if name in LOSSES:
                watched.saw_loss_call(name, func, args, kwargs, None, sys._getframe(1))
            raise
        if name in LOSSES:
            watched.saw_loss_call(name, func, args, kwargs, out, sys._getframe(1))
        elif name in SOFTMAXES and isinstance(out, torch.Tensor):
            watched.saw_activation(name, args, out)
            watched.saw_softmax(name, args, kwargs, out, sys._getframe(1))
        elif name in ACTIVATIONS and isinstance(out, torch.Tensor):
            watched.saw_activation(name, args, out)
        elif name in SAME and isinstance(out, torch.Tensor) and args:
            watched.passes(args[0], out)
        elif name in ARGMAX and args and isinstance(args[0], torch.Tensor):
            watched.saw_argmax(args, kwargs)
        elif name in ("matmul", "bmm", "baddbmm", "einsum", "__matmul__"):
            watched.saw_product(args)
        elif name in ADDITIONS:
            watched.saw_addition(args)
        elif name in ("neg", "__neg__", "negative") and args:
            watched.saw_negated(args[0], out)
        elif name in NORMALISING and args and watched.is_weight(args[0]):
            watched.has_cosines = True
        elif name in DROPOUTS and args and isinstance(out, torch.Tensor) and out is not args[0]:
            watched.saw_dropout(args[0])
        elif name in ("sub", "__sub__", "rsub", "__rsub__", "sub_") and len(args) >= 2:
            watched.saw_difference(args, out, sys._getframe(1))
        return out


class Watched(Attempt):
    """The step as it is, seen."""

    def __init__(self, bench) -> None:
        super().__init__(bench)
        self.calls: list[ModuleCall] = []
        self.leaves_called: list[LeafCall] = []
        self.loss_calls: list[LossCall] = []
        self.softmaxes: list[Softmax] = []
        self.differences: list[HandMade] = []
        self.loss_tensors: list = []
        #: Whether the step draws random numbers before it calls a model.
        self.draws_first = False
        #: Norms of the loss's gradient with regard to what models gave, by the identity of the tensor.
        self.output_gradients: dict[int, float] = {}
        #: Names of the parameters whose gradients were there after the last backward pass, with their norms.
        self.gradients: dict[int, float] = {}
        #: Parameters that the step changes or replaces although no gradient reaches them, as a codebook that follows averages.
        self.changed: set[int] = set()
        self._stack: list = []
        self._made: dict[int, tuple] = {}
        self._known: set[int] = set()
        self._from_layer: dict[int, tuple] = {}
        self._normed: dict[int, object] = {}
        self._activated: dict[int, tuple] = {}
        self._negated: dict[int, tuple] = {}
        #: Parameters that an operation of a model takes where gradients are on, by identity.
        self.taken: set[int] = set()
        #: Whether rows of weights are brought to one length, so that scores are cosines.
        self.has_cosines = False

    def enter(self) -> None:
        for module in self.bench.modules:
            self._handles.append(module.register_forward_pre_hook(self._before, with_kwargs=True))
            self._handles.append(module.register_forward_hook(self._after, with_kwargs=True, always_call=True))
        self._modes = [Functions(self)]
        self._values = [(p, p.detach().clone()) for p in self.bench.parameters if not p.is_meta and p.numel() <= MOST_COMPARED]
        super().enter()

    def leave(self) -> None:
        super().leave()
        changed = [p for p, before in self._values if id(p) not in self.gradients and not torch.equal(p.detach(), before)]
        there = {id(p) for m in self.bench.modules for p in m._parameters.values()}
        replaced = {id(p) for p, _ in self._values} - there
        self.changed, self._values = {id(p) for p in changed} | replaced, []

    # -- modules

    def _before(self, module, args, kwargs):
        if _is_transformed():
            return
        if not self._stack and len(self.calls) < MOST_CALLS:
            device = self.bench.device.type
            autocast = (torch.is_autocast_enabled(device), torch.get_autocast_dtype(device))
            place = place_of(sys._getframe(1), self.bench.session.options.is_own)
            self.calls.append(
                ModuleCall(module, args, dict(kwargs), None, autocast, torch.is_grad_enabled(), len(self.losses), place)
            )
            self.draws_first |= len(self.calls) == 1 and not self.bench.session.random.is_now()
        self._stack.append(module)

    def _after(self, module, args, kwargs, output):
        if _is_transformed():
            return
        if self._stack and self._stack[-1] is module:
            self._stack.pop()
        if not self._stack and self.calls and self.calls[-1].module is module:
            self.calls[-1].output = output
            for _, tensor in trees.leaves(torch, output):
                if tensor.requires_grad:
                    tensor.register_hook(self._keep_norm(id(tensor)))
        if id(module) in self._known or len(self.leaves_called) >= 2000 or next(module.children(), None) is not None:
            return
        self._known.add(id(module))
        first = args[0] if args else next(iter(kwargs.values()), None)
        made = output[0] if isinstance(output, (tuple, list)) and output else output
        self._saw_leaf(module, first, made)

    def _keep_norm(self, key: int):
        self.output_gradients[key] = 0.0

        def keep(gradient) -> None:
            self.output_gradients[key] = float(gradient.detach().float().norm())

        return keep

    def _saw_leaf(self, module, first, made) -> None:
        call = LeafCall(module, _detached(first), _detached(made), len(self._stack), len(self.leaves_called))
        call.extra["training"] = module.training
        self.leaves_called.append(call)
        if not isinstance(made, torch.Tensor):
            return
        if isinstance(module, LAYERS):
            if isinstance(first, torch.Tensor) and first.is_floating_point() and first.numel() > 1:
                call.extra["in_std"] = float(first.detach().float().std(unbiased=False))
            if made.is_floating_point() and made.numel() > 1:
                flat = made.detach().float()
                call.extra["out_std"], call.extra["out_mean"] = float(flat.std(unbiased=False)), float(flat.mean())
            self._from_layer[id(made)] = (call, made)
            return
        layer = self.layer_of(first)
        if layer is None:
            return
        if is_norm(module) and not self._is_normed(first):
            layer.extra.setdefault("before", type(module).__name__)
        if is_norm(module) or isinstance(module, PASSING) or "drop" in type(module).__name__.lower():
            self._from_layer[id(made)] = (layer, made)
            self._normed[id(made)] = made

    def layer_of(self, tensor):
        """The layer that made this tensor, if nothing but a normalisation, dropout or change of shape came after it."""
        known = self._from_layer.get(id(tensor))
        return known[0] if known is not None and known[1] is tensor else None

    def _is_normed(self, tensor) -> bool:
        return self._normed.get(id(tensor)) is tensor

    # -- functions

    def takes(self, name: str, args, kwargs) -> None:
        """What an operation is called with: the parameters among it."""
        if not self._stack or name == "__get__" or not torch.is_grad_enabled():
            return
        for value in (*args, *kwargs.values()):
            many = value if isinstance(value, (list, tuple)) else (value,)
            self.taken.update(id(v) for v in many if isinstance(v, torch.nn.Parameter))

    def is_weight(self, tensor) -> bool:
        """Whether a tensor is a matrix of weights, or one turned over."""
        base = getattr(tensor, "_base", None)
        return any(isinstance(t, torch.nn.Parameter) and t.dim() == 2 for t in (tensor, base))

    def saw_dropout(self, tensor) -> None:
        """Some units of a layer's output are left out, before or after its activation."""
        made = self._activated.get(id(tensor))
        layer = self.layer_of(tensor) or (made[0] if made is not None and made[1] is tensor else None)
        if layer is not None:
            layer.extra["is_dropped"] = True

    def saw_loss_call(self, name, func, args, kwargs, out, frame) -> None:
        """A loss was worked out."""
        if len(self.loss_calls) >= MOST_CALLS:
            return
        call = LossCall(name, func, tuple(args), dict(kwargs), self._place(frame), out, len(self.losses))
        made = self._made.get(id(call.input))
        call.origin = made[0] if made is not None and made[1] is call.input else None
        self.loss_calls.append(call)
        for softmax in self.softmaxes:
            if softmax.output is call.input and name in ("nll_loss", "cross_entropy", "kl_div") and softmax.output.dim() > 1:
                softmax.class_dim = 1 if name != "kl_div" else softmax.output.dim() - 1
            elif name in ("nll_loss", "cross_entropy") and _is_flattened(softmax.output, call.input):
                if self.is_output_of((None, None, softmax), call.input):
                    softmax.class_dim = softmax.output.dim() - 1

    def is_output_of(self, origin: tuple, tensor) -> bool:
        """Whether this tensor is what that softmax made, under whatever shape."""
        made = self._made.get(id(tensor))
        return made is not None and made[1] is tensor and made[0][2] is origin[2]

    def saw_softmax(self, name, args, kwargs, out, frame) -> None:
        """Probabilities were made."""
        dim = kwargs.get("dim", args[1] if len(args) > 1 and isinstance(args[1], int) else None)
        place = self._place(frame)
        softmax = Softmax(name, dim, place, self._stack[-1] if self._stack else None, out)
        self._made[id(out)] = ((name, place, softmax), out)
        if "softmax" in name or name == "softmin":
            if dim is None and args and isinstance(args[0], torch.Tensor):
                softmax.dim = 0 if args[0].dim() in (0, 1, 3) else 1
            if len(self.softmaxes) < MOST_CALLS:
                self.softmaxes.append(softmax)

    def passes(self, before, after) -> None:
        """A tensor goes on under another shape."""
        made = self._made.get(id(before))
        if made is not None and made[1] is before:
            self._made[id(after)] = (made[0], after)
        layer = self.layer_of(before)
        if layer is not None:
            self._from_layer[id(after)] = (layer, after)
            if self._is_normed(before):
                self._normed[id(after)] = after

    def saw_negated(self, before, after) -> None:
        """The output of an activation was negated."""
        made = self._activated.get(id(before))
        if made is not None and made[1] is before:
            self._negated[id(after)] = (made[0], after)

    def saw_activation(self, name, args, out) -> None:
        """Something was made of a layer's output, unit by unit."""
        made = self._negated.get(id(args[0])) if args else None
        if made is not None and made[1] is args[0] and out.numel() > 1 and not bool(out.detach().any()):
            made[0].extra["is_cut_twice"] = True
        layer = self.layer_of(args[0]) if args else None
        if layer is None or "activation" in layer.extra:
            return
        layer.extra["activation"] = name.rstrip("_")
        self._activated[id(out)] = (layer, out)
        flat = out.detach()
        unit = 1 if "Conv" in type(layer.module).__name__ and flat.dim() > 1 else flat.dim() - 1
        if flat.dim() > 1 and flat.shape[0] > 1:
            is_zero = (flat == 0).movedim(unit, 0).flatten(1).all(1)
            layer.extra["zero_units"] = float(is_zero.double().mean())

    def saw_addition(self, args) -> None:
        """Something was added to a layer's output: it may be the end of a residual branch."""
        if len(args) < 2 or not all(isinstance(a, torch.Tensor) and a.dim() > 1 for a in args[:2]):
            return
        for value in args[:2]:
            layer = self.layer_of(value)
            if layer is not None:
                layer.extra["is_residual_end"] = True

    def saw_argmax(self, args, kwargs) -> None:
        """Classes were read off."""
        made = self._made.get(id(args[0]))
        dim = kwargs.get("dim", args[1] if len(args) > 1 and isinstance(args[1], int) else None)
        if made is not None and made[1] is args[0] and dim is not None:
            made[0][2].class_dim = dim

    def saw_product(self, args) -> None:
        """A product of matrices: of what a softmax made, it is attention."""
        for value in args[1:] if args and isinstance(args[0], str) else args:
            made = self._made.get(id(value)) if isinstance(value, torch.Tensor) else None
            if made is not None and made[1] is value:
                made[0][2].is_attention = True

    def saw_difference(self, args, out, frame) -> None:
        """``prediction - target``, where the one needs a gradient and the other does not."""
        a, b = args[:2]
        if not (isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor)) or self._stack:
            return
        if a.requires_grad == b.requires_grad or min(a.numel(), b.numel()) < 2 or len(self.differences) >= MOST_CALLS:
            return
        prediction, target = (a, b) if a.requires_grad else (b, a)
        made = self._made.get(id(prediction))
        is_sigmoid = made is not None and made[1] is prediction and made[0][0].rstrip("_") == "sigmoid"
        origin = made[0] if is_sigmoid else None
        if a.shape == b.shape and origin is None:
            return
        shapes = (tuple(prediction.shape), tuple(target.shape))
        dtype = str(target.dtype).removeprefix("torch.")
        self.differences.append(HandMade(self._place(frame), shapes, dtype, origin, target.detach()))

    def _place(self, frame):
        return place_of(frame, self.bench.session.options.is_own)

    # -- the backward pass

    def saw_loss(self, loss) -> None:
        self.loss_tensors.append(loss)

    def on_backward(self, original, tensors, args, kwargs):
        result = super().on_backward(original, tensors, args, kwargs)
        for parameter in self.bench.parameters:
            if parameter.grad is not None:
                gradient = parameter.grad.detach()
                norm = float((gradient._values() if gradient.is_sparse else gradient).float().norm())
                known = self.gradients.get(id(parameter))
                self.gradients[id(parameter)] = norm if known is None else max(norm, known)
        return result


def _detached(value):
    return value.detach() if isinstance(value, torch.Tensor) else None


def _is_flattened(tensor, flat) -> bool:
    """Whether the second is the first with all its dimensions but the last in one, as of tokens that are counted one by one."""
    if not isinstance(flat, torch.Tensor) or not flat.dim() == 2 < tensor.dim():
        return False
    return flat.numel() == tensor.numel() and flat.shape[1] == tensor.shape[-1] not in tensor.shape[1:-1]


def _is_transformed() -> bool:
    """Whether `torch.func` is at work, whose tensors stand for many and tell no numbers."""
    peek = getattr(getattr(torch._C, "_functorch", None), "peek_interpreter_stack", None)
    return peek is not None and peek() is not None
