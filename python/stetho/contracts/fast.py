"""What of a contract one call into Rust can answer: tensors and numbers that surely keep it. What is left is looked at in Python.

Right after a picture was decoded nothing of the interpreter is in the processor's caches, so that each function of Python costs
several times what it costs in a loop of its own.
"""

from __future__ import annotations

import math
import sys

from stetho.contracts import paths
from stetho.contracts.declare import Contract, Field

#: Codes of types of numbers; see `Checks` in ``_core.pyi``.
_TENSORS = ("float32", "float64", "float16", "bfloat16", "uint8", "int8", "int16", "int32", "int64")
_CODES = {name: code for code, name in enumerate((*_TENSORS, "int", "float"))}
#: Fields that one call can answer for.
_MOST = 64


def prepared(contract: Contract):
    """A function that gives the fields of a sample that are left to look at, as bits of a number; None where that cannot be had,
    since PyTorch is not loaded."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "Tensor") or len(contract.fields) > _MOST:
        return None
    try:
        from stetho import _core
    except ImportError:
        return None
    dtypes = [(getattr(torch, name), _CODES[name]) for name in _TENSORS]
    fields = [(_steps(path), None if paths.ALL in path else _checks(said)) for path, said in contract.fields.items()]
    return _core.Checks(torch.Tensor, dtypes, fields).look


def _steps(path: str) -> list:
    return [] if path == "sample" else list(paths.parse(path))


def _checks(said: Field) -> list[tuple] | None:
    """What is asked of a field, as `Checks` takes it; None where it is for Python alone."""
    bounds = [bound for bound in (said.min, said.max) if bound is not None]
    is_exact = all(abs(bound) <= 1 << 53 or math.isinf(bound) for bound in bounds)
    is_whole = all(type(v) is int and abs(v) < 1 << 62 for v in said.values or ())
    if said.increasing is not None or not is_exact or not is_whole:
        return None
    made: list[tuple] = []
    if said.dtype is not None:
        names = (said.dtype,) if isinstance(said.dtype, str) else said.dtype
        made.append(("kind", [_CODES[name] for name in names if name in _CODES]))
    if said.shape is not None:
        made.append(("shape", list(said.shape)))
    if said.finite or said.min is not None or said.max is not None:
        most = sys.float_info.max if said.finite else math.inf
        made.append(("within", max(-most, _bound(said.min, -math.inf)), min(most, _bound(said.max, math.inf))))
    if said.values is not None:
        made.append(("one of", list(said.values)))
    if said.boxes is not None:
        inside = said.inside if said.inside in (None, "unit") else _steps(said.inside)
        made.append(("boxes", said.boxes, float(said.min_side), inside))
    return made


def _bound(said: float | None, otherwise: float) -> float:
    return otherwise if said is None else float(said)
