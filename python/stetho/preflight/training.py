"""Training on a held batch: the user's step made again and again, with all that regularises switched off."""

from __future__ import annotations

import math

import torch
from torch.overrides import TorchFunctionMode

from stetho.preflight import trees
from stetho.preflight.attempt import Attempt
from stetho.preflight.seen import DROPOUTS, LOSSES
from stetho.rows import replaced

#: Places of arguments that regularise, in the functions that take them by position.
_POSITIONS = {"cross_entropy": (7, "label_smoothing"), "scaled_dot_product_attention": (4, "dropout_p")}
#: Nodes of the graph that keep what is at least 0 so; those after a square alone.
_THROUGH = frozenset("Mean Sum Sqrt Div View Squeeze Unsqueeze Reshape ReshapeAlias UnsafeView Flatten".split())
#: Steps of a series whose inputs are compared.
LOOKED_AT = 4


class Plain(TorchFunctionMode):
    """Switches off dropout and label smoothing where functions are called; keeps the calls of losses."""

    def __init__(self, rows=None, n_rows: int | None = None) -> None:
        super().__init__()
        #: Rows that the model was given alone of `n_rows`; what is held against its output is cut down likewise.
        self._rows, self.n_rows = rows, n_rows
        self.switched_off: set[str] = set()
        #: Calls of losses in the attempt under way: name, arguments, keywords, value.
        self.calls: list[tuple] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if self._rows is not None and name not in ("index_select", "__getitem__", "gather", "take"):
            args = self._cut(name, args)
        if name in DROPOUTS and args:
            p = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
            if p:
                self.switched_off.add("dropout")
            return args[0]
        if name in _POSITIONS:
            args, kwargs = self._without(name, args, kwargs)
        out = func(*args, **kwargs)
        if name in LOSSES:
            self.calls.append((name, args, kwargs, out))
        return out

    def _cut(self, name: str, args: tuple) -> tuple:
        """Operands that still have all rows, beside one that has the chosen ones alone, lose the others."""
        k, n = len(self._rows), self.n_rows
        sizes = {a.shape[0] for a in args if isinstance(a, torch.Tensor) and a.dim()}
        # Positions of a sequence and samples may share a dimension: (samples × positions, classes).
        times = next((s // k for s in sizes if s % k == 0 and s // k * n in sizes and s != s // k * n), None)
        if times is None or (times > 1 and name not in LOSSES):
            return args
        return tuple(self._chosen(a, times) for a in args)

    def _chosen(self, value, times: int):
        if not isinstance(value, torch.Tensor) or value.dim() == 0 or value.shape[0] != self.n_rows * times:
            return value
        rows = self._rows.to(value.device)
        return value.unflatten(0, (self.n_rows, times)).index_select(0, rows).flatten(0, 1)

    def _without(self, name: str, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        position, keyword = _POSITIONS[name]
        if kwargs.get(keyword) or (len(args) > position and args[position]):
            self.switched_off.add("label smoothing" if keyword == "label_smoothing" else "dropout")
            if len(args) > position:
                args = (*args[:position], 0.0, *args[position + 1 :])
            else:
                kwargs = {**kwargs, keyword: 0.0}
        return args, kwargs


class _Series(Attempt):
    """An attempt of a series: of a single backward pass, what its loss is when made by hand."""

    by_hand: str | None = None

    def saw_loss(self, loss) -> None:
        self.by_hand = difference_of(loss) if len(self.losses) == 1 else None


class Held:
    """A series of attempts on one batch, in which the state of training goes on."""

    def __init__(self, bench, rows=None, adam: float | None = None, is_plain: bool = True) -> None:
        self.bench = bench
        self.rows = rows
        #: Of a step that reads its data from variables, the model's input is cut down rather than the batch.
        self._is_cut_late = rows is not None and not bench.can_cut()
        n = len(next((t for t in bench.tensors_in() if t.dim()), ())) if self._is_cut_late else None
        self.plain = Plain(rows, n) if self._is_cut_late else Plain()
        self.losses: list[float] = []
        self.by_hand: str | None = None
        #: Whether the model gets the same batch each time.
        self.is_held = True
        self._inputs: list | None = None
        self._n_calls = 0
        self.rates: list[float] = []
        #: Parameters that have had no gradient but 0 yet.
        self.without = [p for p in bench.parameters if p.requires_grad]
        self.error: BaseException | None = None
        self.set_rate = None
        self._is_plain = is_plain
        self._switch_off_modules()
        self._own = self._take_over(adam) if adam is not None else None

    def step(self):
        """One attempt; yields it. Whether it was made."""
        bench = self.bench
        self.plain.calls = []
        self._n_calls = 0
        late: dict = {} if self._is_cut_late else {"rows": self.rows}
        if bench.model is not None:
            late["inputs"] = self._see_inputs
        attempt = _Series(bench, before_step=self._before_step, modes=[self.plain], goes_on=True, **late)
        yield attempt
        if attempt.error is not None or not attempt.losses:
            self.error = attempt.error or RuntimeError("the step made no backward pass")
            return False
        self.by_hand = attempt.by_hand
        if not attempt.stepped:
            step_ourselves(bench, [self._own] if self._own is not None else bench.optimizers, self._before_step)
        self.losses.append(self._value(attempt))
        return math.isfinite(self.losses[-1])

    def _see_inputs(self, args, kwargs):
        self._n_calls += 1
        if self._is_cut_late:
            rows, n = self.rows, self.plain.n_rows
            args, kwargs = replaced(torch, args, rows, n), replaced(torch, kwargs, rows, n)
        if self._n_calls == 1 and len(self.losses) < LOOKED_AT and not self.bench.random_advances:
            now = [t.detach() for _, t in trees.leaves(torch, (args, kwargs)) if not t.requires_grad]
            if self._inputs is None:
                self._inputs = [t.clone() for t in now]
            elif len(now) != len(self._inputs) or not all(map(torch.equal, now, self._inputs)):
                self.is_held = False
        return args, kwargs

    def _value(self, attempt) -> float:
        values = [float(c[3].detach().mean()) for c in self.plain.calls if isinstance(c[3], torch.Tensor) and c[3].numel()]
        return sum(values) if values else attempt.loss

    def _before_step(self, optimizer) -> None:
        self.without = [p for p in self.without if p.grad is None or not _is_any(p.grad)]
        for group in optimizer.param_groups:
            if self._is_plain and group.get("weight_decay"):
                group["weight_decay"] = 0.0
                self.plain.switched_off.add("weight decay")
            if self.set_rate is not None and optimizer is not self._own:
                group["lr"] = self.set_rate
        self.rates.append(max((float(g["lr"]) for g in optimizer.param_groups if g.get("lr") is not None), default=float("nan")))

    def _switch_off_modules(self) -> None:
        if not self._is_plain:
            return
        for module in self.bench.modules:
            name = type(module).__name__.lower()
            if "droppath" in name or "stochasticdepth" in name or ("drop" in name and "dropout" not in name):
                self.plain.switched_off.add("stochastic depth")
                module.register_forward_pre_hook(_not_training)
            elif isinstance(module, (torch.nn.RNNBase, torch.nn.MultiheadAttention)) and module.dropout:
                self.plain.switched_off.add("dropout")
                module.dropout = 0.0

    def _take_over(self, rate: float):
        """Adam in the place of the user's optimizers, on all that the loss reaches."""
        bench = self.bench
        reached = bench.watched.gradients
        own = torch.optim.Adam([p for p in bench.parameters if p.requires_grad and id(p) in reached], rate)
        stepping = list({id(o): o for o in bench.watched.stepped}.values()) or bench.optimizers
        for i, optimizer in enumerate(stepping):
            if not isinstance(optimizer, torch.optim.Optimizer):
                bench.stood_in_for.append(optimizer)
            # Schedulers hang their counter on `step` as an attribute of the object as well.
            optimizer.step = _stand_in(own) if i == 0 else _no_step
        return own


def step_ourselves(bench, optimizers: list, before_step=None) -> None:
    """Steps that the user's body leaves to a later one, or to what calls it: gradients are collected over several batches."""
    reached = bench.watched.gradients
    for optimizer in optimizers:
        if not any(id(p) in reached for g in optimizer.param_groups for p in g["params"]):
            continue
        scaler = next(iter(bench.scalers), None)
        if before_step is not None:
            before_step(optimizer)
        if scaler is not None:
            scaler.step(optimizer)
            scaler.update()
        else:
            optimizer.step()
        optimizer.zero_grad()


def _is_any(gradient) -> bool:
    """Whether a number of it is not 0."""
    return bool((gradient._values() if gradient.is_sparse else gradient).any())


def _not_training(module, args) -> None:
    module.training = False


def _no_step(closure=None) -> None:
    return None


def _stand_in(own):
    def step(closure=None):
        result = own.step(closure)
        own.zero_grad()
        return result

    return step


def floor_of(calls: list[tuple], log_rows: float | None, by_hand: str | None = None) -> tuple[float | None, str]:
    """The least value that the sum of these loss calls can take, and why; None where that is not known.

    `by_hand` is what `difference_of` says of a loss without such calls.
    """
    if not calls:
        return (0.0, by_hand) if by_hand else (None, "the loss is worked out by hand")
    inputs = [id(args[0]) for _, args, _, _ in calls if args]
    if len(set(inputs)) < len(inputs):
        return None, "several losses pull at the same output"
    total, reasons = 0.0, []
    for name, args, kwargs, _ in calls:
        floor, reason = _floor(name, args, kwargs, log_rows)
        if floor is None:
            return None, reason
        total += floor
        reasons.append(reason)
    return total, ", ".join(dict.fromkeys(reasons))


def difference_of(loss) -> str | None:
    """What a loss made by hand is, if it is a mean or sum of squares or absolute values of a difference to a target."""
    node, kind = loss.grad_fn, None
    for _ in range(12):
        if node is None:
            return None
        name = node.name().removesuffix("Backward0").removesuffix("Backward1").split("::")[-1]
        inner = [n for n, _ in node.next_functions if n is not None]
        if name == "Sub":
            return kind if kind is not None and len(inner) == 1 else None
        if name == "Pow" and getattr(node, "_saved_exponent", 0) == 2:
            kind = "0, of squares"
        elif name == "Abs":
            kind = "0, of absolute values"
        elif name == "Mul" and len(inner) == 2 and inner[0] is inner[1]:
            kind = "0, of squares"
        elif name not in _THROUGH or len(inner) != 1:
            return None
        node = inner[0]
    return None


def _floor(name: str, args: tuple, kwargs: dict, log_rows: float | None) -> tuple[float | None, str]:
    if name in ("gaussian_nll_loss", "poisson_nll_loss"):
        return None, f"{name} has no least value that is known"
    if name == "nll_loss" and log_rows is not None and log_rows < 1.0:
        return None, "nll_loss is fed what is no logarithm of probabilities"
    target = args[1] if len(args) > 1 else kwargs.get("target")
    is_mean = kwargs.get("reduction", "mean") in ("mean", None)
    if not isinstance(target, torch.Tensor) or not target.is_floating_point():
        return 0.0, "0"
    shares = target.detach().double()
    if name == "cross_entropy":
        entropy = torch.special.entr(shares).sum(1 if shares.dim() > 1 else 0)
    elif name.startswith("binary_cross_entropy"):
        if kwargs.get("weight") is not None or kwargs.get("pos_weight") is not None:
            return (0.0, "0") if bool(((shares == 0) | (shares == 1)).all()) else (None, "weighted soft targets")
        entropy = torch.special.entr(shares) + torch.special.entr(1.0 - shares)
    else:
        return 0.0, "0"
    floor = float(entropy.mean() if is_mean else entropy.sum())
    return (floor, "entropy of soft targets") if floor > 1e-9 else (0.0, "0")
