"""Are the gradients of the user's own autograd functions right?

Each `torch.autograd.Function` of the user's code that the model uses is run again in double precision: the slope along random
directions, by central differences, is compared with what its `backward` gives (`torch.autograd.gradcheck` does so in its fast
mode).
"""

from __future__ import annotations

import linecache
import math
import sys

from stetho import randomness
from stetho.observe import Place, place_of
from stetho.preflight.attempt import Attempt, Skip
from stetho.preflight.record import place as place_record
from stetho.preflight.still import detached

NAME = "gradient_checks"
TITLE = "gradients of own functions"
SHARE = 0.05

#: Random directions that are tried for each input.
DIRECTIONS = 3
#: Relative error up to which a slope agrees.
TOLERANCE = 1e-3
#: Step of the differences, relative to the size of an input; at kinks a larger one errs more.
_STEP = 1e-6
#: Share of the outputs that move with an input, below which they go in steps, as rounding does.
_FLAT = 0.01


def measure(bench):
    """The record `gradient_checks`; see the format of ``preflight.json``."""
    torch = bench.torch
    classes = own_functions(torch, bench.session.options.is_own)
    if not classes:
        raise Skip("the script has no autograd function of its own")
    seen = _Calls(torch, classes, bench.session.options.is_own)
    yield Attempt(bench, until="backward", modes=[seen])
    if not seen.calls:
        raise Skip("the step does not use the autograd functions of the script")
    states = randomness.states()
    try:
        return [_checked(torch, cls, *call) for cls, call in seen.calls.items() if bench.remaining() > 0.0]
    finally:
        randomness.put(states)


def own_functions(torch, is_own) -> list:
    """The classes of autograd functions that are defined in files of the user's."""
    found, queue = [], list(torch.autograd.Function.__subclasses__())
    while queue:
        cls = queue.pop()
        queue.extend(cls.__subclasses__())
        code = getattr(cls.forward, "__code__", None)
        if code is not None and is_own(code.co_filename) and cls not in found:
            found.append(cls)
    return found


class _Calls:
    """Keeps the arguments of the first call of each function, and the line that called it."""

    def __init__(self, torch, classes: list, is_own) -> None:
        self._torch = torch
        self._classes = classes
        self._is_own = is_own
        self._kept: list[tuple] = []
        self.calls: dict = {}

    def __enter__(self) -> _Calls:
        originals = [(cls, cls.forward) for cls in self._classes]
        for cls, forward in originals:
            self._kept.append((cls, cls.__dict__.get("forward")))
            cls.forward = staticmethod(self._listening(cls, forward))
        return self

    def __exit__(self, *error) -> None:
        for cls, forward in self._kept:
            if forward is None:
                del cls.forward  # it is inherited
            else:
                cls.forward = forward

    def _listening(self, cls, forward):
        takes_context = not has_setup(self._torch, cls)

        def listening(*args, **keywords):
            if cls not in self.calls:
                given = args[1:] if takes_context else args
                needs = getattr(args[0], "needs_input_grad", None) if takes_context and args else None
                if needs is None:
                    needs = [isinstance(a, self._torch.Tensor) and a.requires_grad for a in given]
                copies = [a.detach().clone() if isinstance(a, self._torch.Tensor) else a for a in given]
                self.calls[cls] = (copies, list(needs), place_of(sys._getframe(1), self._is_own))
            return forward(*args, **keywords)

        return listening


def has_setup(torch, cls) -> bool:
    """Whether a function keeps what it needs in `setup_context`, so that its `forward` is not given the context."""
    return cls.setup_context is not torch.autograd.Function.setup_context


def _checked(torch, cls, arguments: list, needs: list, place) -> dict:
    """One entry of the record."""
    called = place_record(place)
    found = {"function": cls.__name__, "place": _definition(torch, cls) or called, "called": called, "tolerance": TOLERANCE}
    try:
        why_not, worst, worst_input = _compared(torch, cls, arguments, needs)
    except Exception as error:
        said = (str(error).splitlines() or [""])[0]
        why_not, worst, worst_input = f"it failed in double precision: {type(error).__name__}: {said}"[:200], None, None
    return {**found, "worst": worst, "input": worst_input, "why_not": why_not}


def _compared(torch, cls, arguments: list, needs: list) -> tuple:
    """Why there is no answer, or the worst relative error and the input that has it."""
    wide = [a.double() if _is_real(torch, a) else a for a in arguments]
    wanted = [k for k, (a, need) in enumerate(zip(wide, needs)) if need and _is_real(torch, a) and a.numel()]
    if not wanted:
        return "no input of it needs a gradient", None, None
    states = randomness.states()

    def apply(values: list) -> list:
        randomness.put(states)
        out = cls.apply(*values)
        return [o for o in (out if isinstance(out, (tuple, list)) else (out,)) if _is_real(torch, o)]

    with torch.no_grad():
        plain = [o.clone() for o in apply(detached(torch, wide))]
    if not plain or any(o.dtype != torch.float64 for o in plain):
        return "its outputs are not in double precision when its inputs are", None, None
    if any(o.shape == wide[k].shape and bool((o == wide[k]).all()) for o in plain for k in wanted):
        return "it passes its input on as it is: its gradient is changed on purpose", None, None
    worst, worst_input = 0.0, wanted[0]
    generator = torch.Generator().manual_seed(0)
    for k in wanted:
        for _ in range(DIRECTIONS):
            along, weights = _random(torch, wide[k], generator), [_random(torch, o, generator) for o in plain]
            numeric, moved = _slope(torch, apply, wide, k, along, weights)
            analytic = _analytic(torch, apply, wide, k, along, weights)
            if moved < _FLAT and analytic != 0.0:
                return "its outputs go in steps: its gradient is an estimate on purpose", None, None
            if not math.isfinite(numeric) or not math.isfinite(analytic):
                continue
            error = abs(numeric - analytic) / max(abs(numeric), abs(analytic), 1e-8)
            if error > worst:
                worst, worst_input = error, k
    return None, worst, worst_input


def _is_real(torch, value) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _random(torch, like, generator):
    return torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like.device)


def _slope(torch, apply, values: list, k: int, along, weights: list) -> tuple[float, float]:
    """By central differences, the slope of the weighted outputs along a direction of input `k`; and the share of outputs that
    moved."""
    step = _STEP * max(1.0, float(values[k].abs().mean()))
    sides = []
    with torch.no_grad():
        for sign in (1.0, -1.0):
            moved = detached(torch, values)
            moved[k] = values[k] + sign * step * along
            sides.append([o.clone() for o in apply(moved)])
    slope = sum(float(((a - b) * w).sum()) for a, b, w in zip(*sides, weights)) / (2.0 * step)
    n_moved = sum(int((a != b).sum()) for a, b in zip(*sides))
    return slope, n_moved / max(1, sum(a.numel() for a in sides[0]))


def _analytic(torch, apply, values: list, k: int, along, weights: list) -> float:
    """The same by the function's own `backward`."""
    given = detached(torch, values)
    given[k] = given[k].clone().requires_grad_()
    with torch.enable_grad():
        outputs = [(o, w) for o, w in zip(apply(given), weights) if o.requires_grad]
        if not outputs:
            return 0.0
        total = sum((o * w).sum() for o, w in outputs)
        (gradient,) = torch.autograd.grad(total, given[k], allow_unused=True)
    return 0.0 if gradient is None else float((gradient.double() * along).sum())


def _definition(torch, cls) -> dict | None:
    """Where the `backward` of a function is written."""
    code = getattr(cls.backward, "__code__", None)
    if code is None or cls.backward is torch.autograd.Function.backward:
        return None
    line = code.co_firstlineno
    while linecache.getline(code.co_filename, line).lstrip().startswith("@"):
        line += 1
    return place_record(Place(code.co_filename, line, "backward"))
