"""What an operation did, in words: why its output is not finite, which operand is to blame, in which rows."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from stetho.describe import dtype_word, number


@dataclass
class Cause:
    """Why."""

    #: A word of the closed list that the rules know.
    word: str
    #: What makes it exact.
    detail: str = ""
    #: Where the operand that is to blame has the values to blame: a mask of its shape.
    mask: object = None
    #: Its position among the operands.
    position: int | None = None


_LOGS = {"log": 0.0, "log2": 0.0, "log10": 0.0, "log1p": -1.0}
_EXPS = frozenset("exp exp2 expm1 sinh cosh softplus logsumexp".split())
_MATRICES = frozenset(
    "linalg_inv_ex linalg_inv inverse linalg_cholesky_ex linalg_cholesky cholesky _linalg_det _linalg_slogdet linalg_solve_ex "
    "_linalg_solve_ex linalg_lu_factor_ex logdet det slogdet".split()
)
_HALVES = ("f16", "bf16")


def _tensor(torch, operands: list, position: int):
    """An operand as a tensor of double precision; numbers too."""
    for at, value in operands:
        if at == position:
            if isinstance(value, torch.Tensor):
                return value.double() if value.is_floating_point() or not value.is_complex() else None
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return torch.tensor(float(value), dtype=torch.float64)
    return None


def cause_of_event(torch, event) -> Cause:
    """The cause of an event of the forward pass."""
    op = event.op
    output = event.output
    bad = ~torch.isfinite(output)
    first = _tensor(torch, event.operands, 0)
    second = _tensor(torch, event.operands, 1)
    dtype = dtype_word(output.dtype)
    if op in _LOGS and first is not None:
        edge = _LOGS[op]
        mask = first == edge
        if bool(mask.any()):
            return Cause("log_of_zero", f"{op}({number(edge)})", mask, 0)
        return Cause("log_of_negative", _example(op, first, first < edge), first < edge, 0)
    if op == "logit" and first is not None:
        mask = (first <= 0) | (first >= 1)
        return Cause("log_of_zero", _example("logit", first, mask), mask, 0)
    if op in ("div", "true_divide", "divide", "reciprocal", "rsqrt", "remainder", "fmod"):
        return _of_division(torch, op, first, second, bad, dtype)
    if op in ("sqrt", "acos", "asin", "acosh", "atanh", "arccos", "arcsin") and first is not None:
        if op == "sqrt":
            return Cause("sqrt_of_negative", _example("sqrt", first, first < 0), first < 0, 0)
        outside = {"acosh": first < 1, "atanh": first.abs() >= 1}.get(op, first.abs() > 1)
        return Cause("acos_out_of_range", _example(op, first, outside), outside, 0)
    if op in _EXPS and first is not None:
        mask = bad & torch.isfinite(first) if bad.shape == first.shape else None
        most = {"f16": 11.09, "bf16": 88.7, "f32": 88.7, "f64": 709.8}.get(dtype, 88.7)
        top = number(float(first[torch.isfinite(first)].max())) if bool(torch.isfinite(first).any()) else "?"
        return Cause("exp_overflow", f"exp({top}); the most that {dtype} bears is exp({most})", mask, 0)
    if op in ("pow", "float_power", "__rpow__") and first is not None:
        return _of_power(torch, first, second, dtype)
    if op in ("_softmax", "_log_softmax", "softmax", "log_softmax", "_safe_softmax", "_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_attention_math") and first is not None:
        return _of_softmax(torch, first, bad, op)
    if op in _MATRICES:
        return Cause("singular_matrix", "the matrix has no inverse, or is not positive definite")
    if op in ("mean", "nanmean", "median") and first is not None and first.numel() == 0:
        return Cause("empty_reduction", f"{op} of nothing")
    if op in ("std", "var", "std_mean", "var_mean", "std_correction", "var_correction") and first is not None:
        return Cause("empty_reduction", f"{op} of one value, with Bessel's correction, is 0/0")
    if op.startswith(("nll_loss", "cross_entropy")):
        if event.sources:
            return Cause("infinite_logits", "the target's logit is -inf")
        return Cause("empty_reduction", "no target counts: all are ignored, or their weights are 0")
    if op == "_to_copy" and first is not None:
        mask = bad & torch.isfinite(first)
        return Cause("half_overflow", _overflow_words(first, dtype), mask, 0)
    if event.sources:
        return _of_infinities(torch, op, event, first, second, bad)
    if event.takes_infinity and set(event.sources) <= set(event.keys):
        return Cause("unknown", "a number of yours is not finite")
    if dtype in _HALVES:
        return Cause("half_overflow", f"the result is beyond {'65504' if dtype == 'f16' else '3.4e38'}, the most that {dtype} bears")
    return Cause("overflow", f"the result is beyond the most that {dtype} bears")


def _overflow_words(values, dtype: str) -> str:
    import torch

    finite = values[torch.isfinite(values)]
    top = number(float(finite.abs().max())) if finite.numel() else "?"
    return f"{top} is beyond the most that {dtype} bears"


def _example(op: str, values, mask) -> str:
    chosen = values[mask] if mask is not None and bool(mask.any()) else values.reshape(-1)[:1]
    return f"{op}({number(float(chosen.reshape(-1)[0]))})" if chosen.numel() else op


def _of_division(torch, op: str, first, second, bad, dtype: str) -> Cause:
    below, above, position = (first, None, 0) if op in ("reciprocal", "rsqrt") else (second, first, 1)
    if below is None:
        return Cause("division_by_zero")
    zero = below == 0
    if op == "rsqrt" and bool((below < 0).any()) and not bool(zero.any()):
        return Cause("sqrt_of_negative", _example("rsqrt", below, below < 0), below < 0, 0)
    if not bool(zero.any()):
        word = "half_overflow" if dtype in _HALVES else "overflow"
        least = number(float(below.abs().min())) if below.numel() else "0"
        return Cause(word, f"divided by {least}", None, position)
    if above is not None:
        try:
            both = torch.broadcast_to(zero, bad.shape) & (torch.broadcast_to(above, bad.shape) == 0)
            if bool((both & bad).any()):
                return Cause("zero_over_zero", "0/0", zero, position)
        except RuntimeError:
            pass
    return Cause("division_by_zero", "divided by 0", zero, position)


def _of_power(torch, base, exponent, dtype: str) -> Cause:
    if exponent is None:
        return Cause("overflow")
    fraction = exponent != exponent.round()
    negative = (base < 0) & fraction
    if bool(negative.any()):
        return Cause("pow_of_negative", "a negative number to the power of a fraction", (base < 0) if base.dim() else None, 0)
    zero = (base == 0) & (exponent < 0)
    if bool(zero.any()):
        return Cause("division_by_zero", "0 to a negative power", (base == 0) if base.dim() else None, 0)
    return Cause("half_overflow" if dtype in _HALVES else "overflow", "the power is too large")


def _of_softmax(torch, logits, bad, op: str) -> Cause:
    if bool(torch.isposinf(logits).any()):
        return Cause("infinite_logits", "a logit is +inf", torch.isposinf(logits), 0)
    masked = torch.isneginf(logits)
    if bool(masked.any()):
        whole = masked.all(-1)
        mask = whole.unsqueeze(-1).expand_as(logits) if bool(whole.any()) else masked
        if bool(whole.any()):
            return Cause("masked_softmax", "every position of a row is masked with -inf", mask, 0)
        return Cause("infinite_logits", "a logit is -inf", masked, 0)
    return Cause("infinite_logits", "", bad if bad.shape == logits.shape else None, 0)


def _of_infinities(torch, op: str, event, first, second, bad) -> Cause:
    if op in ("mul", "mm", "bmm", "addmm", "matmul", "dot", "einsum", "addcmul", "baddbmm", "convolution"):
        position = next((i for i, v in event.operands if isinstance(v, torch.Tensor) and not bool(torch.isfinite(v).all())), None)
        return Cause("zero_times_infinity", "0 · inf", None, position)
    if op in ("sub", "add", "sum", "mean", "cumsum", "rsub", "logaddexp"):
        return Cause("infinity_minus_infinity", "inf - inf")
    if op in ("sin", "cos", "tan"):
        return Cause("unknown", f"{op} of infinity")
    return Cause("unknown", "an operand is infinite")


def cause_of_node(torch, node) -> Cause:
    """The cause of a node of the backward pass."""
    base = re.sub(r"Backward\d*$", "", node.name)
    saved = {k: v.double() if isinstance(v, torch.Tensor) and v.is_floating_point() else v for k, v in node.saved.items()}
    out = node.outgoing[0] if node.outgoing else None
    x, result, other = saved.get("self"), saved.get("result"), saved.get("other")
    blocked = _is_blocked(torch, node)
    if base == "Sqrt" and isinstance(result, torch.Tensor):
        return Cause("sqrt_at_zero", "the slope of sqrt at 0 is infinite", result == 0, 0)
    if base == "Rsqrt" and isinstance(result, torch.Tensor):
        return Cause("where_gradient" if blocked else "division_by_zero", "rsqrt at 0", ~torch.isfinite(result), 0)
    if base in ("Norm", "LinalgVectorNorm", "Cdist", "PairwiseDistance", "EuclideanDist") or "Norm" in base and "Layer" not in base and "Batch" not in base:
        mask = result == 0 if isinstance(result, torch.Tensor) else None
        return Cause("norm_at_zero", "the slope of a norm at 0 is 0/0", mask, 0)
    if base == "Std":
        return Cause("zero_std", "the slope of the standard deviation of equal values is 0/0", result == 0 if isinstance(result, torch.Tensor) else None, 0)
    if base == "Pow" and isinstance(x, torch.Tensor):
        if bool((x == 0).any()):
            return Cause("where_gradient" if blocked else "pow_at_zero", "the slope of a power below 1 at 0 is infinite", x == 0, 0)
        return Cause("where_gradient" if blocked else "pow_of_negative", "a power of a negative number", x < 0, 0)
    if base in ("Log", "Log2", "Log10", "Log1P") and isinstance(x, torch.Tensor):
        edge = -1.0 if base == "Log1P" else 0.0
        return Cause("where_gradient" if blocked else "log_of_zero", "the slope of log at 0 is infinite", x == edge, 0)
    if base in ("Acos", "Asin", "Acosh", "Atanh") and isinstance(x, torch.Tensor):
        return Cause("acos_at_one", f"the slope of {base.lower()} at ±1 is infinite", x.abs() >= 1, 0)
    if base == "Atan2" and isinstance(x, torch.Tensor) and isinstance(other, torch.Tensor):
        return Cause("atan2_at_zero", "the slope of atan2 at (0, 0) is 0/0", (x == 0) & (other == 0), 0)
    if base in ("Div", "Reciprocal"):
        below = other if base == "Div" else result
        mask = None
        if isinstance(below, torch.Tensor):
            mask = below == 0 if base == "Div" else ~torch.isfinite(below)
            if not bool(mask.any()):
                return Cause("overflow", "the gradient of a division by nearly 0", None, 1)
        return Cause("where_gradient" if blocked else "division_by_zero", "the slope of a division by 0 is infinite", mask, 1)
    if base in ("Exp", "Expm1", "Exp2", "Mul", "Sinh", "Cosh"):
        if blocked:
            return Cause("where_gradient", "0 · inf: the gradient of what was not chosen")
        dtype = dtype_word(out.dtype) if out is not None else "f32"
        return Cause("half_overflow" if dtype in _HALVES else "overflow", "the gradient is too large")
    if base in ("ToCopy", "To"):
        return Cause("half_overflow", "the gradient is too large for half precision")
    if re.match(r"(Inverse|Linalg|Cholesky|Logdet|Slogdet|Det|Svd|Symeig)", base):
        return Cause("singular_matrix", "eigenvalues are equal, or the matrix has no inverse")
    if base in ("Prod", "Cumprod"):
        return Cause("division_by_zero", "the gradient of a product that holds 0")
    if out is not None and dtype_word(out.dtype) in _HALVES:
        return Cause("half_overflow", "the gradient is too large for half precision")
    if "__module__" in saved or not re.search(r"Backward\d+$", node.name):
        return Cause("custom_function", f"the `backward` of your autograd function `{base}`")
    return Cause("where_gradient" if blocked else "overflow", "")


def _is_blocked(torch, node) -> bool:
    """Whether the gradient that came in is 0 wherever the one that goes out is NaN: something else was chosen there."""
    for incoming in node.incoming:
        for outgoing in node.outgoing:
            if incoming.shape == outgoing.shape:
                bad = torch.isnan(outgoing)
                if bool(bad.any()):
                    return bool((incoming[bad] == 0).all())
    return False


# -- the text of operands

def argument_text(expression: str | None, op: str, position: int | None) -> str | None:
    """The source text of the operand that is to blame, if it can be seen."""
    if not expression:
        return None
    try:
        node = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        return None
    found: ast.expr | None = None
    wanted = position or 0
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if _same_op(name, op):
            arguments = list(node.args)
            if isinstance(node.func, ast.Attribute) and not _is_namespace(node.func.value):
                arguments.insert(0, node.func.value)
            found = arguments[wanted] if wanted < len(arguments) else None
    elif isinstance(node, ast.BinOp):
        if isinstance(node.op, (ast.Div, ast.Mod, ast.FloorDiv)):
            found = node.right if wanted == 1 or op == "reciprocal" else node.left
        else:
            found = node.right if wanted == 1 else node.left
    return ast.get_source_segment(expression.strip(), found) if found is not None else None


def _same_op(name: str, op: str) -> bool:
    plain = re.sub(r"backward\d*$", "", op.lower()).strip("_").replace("linalg_vector_", "").replace("linalgvector", "")
    name = name.lower().strip("_")
    return bool(plain) and (name == plain or plain.startswith(name) or name.startswith(plain))


def _is_namespace(node: ast.expr) -> bool:
    """``torch``, ``F``, ``torch.nn.functional``, ``np``: what a function is looked up in, not an operand."""
    names = ("torch", "F", "nn", "functional", "linalg", "special", "np", "math", "tnf", "fn")
    return isinstance(node, ast.Name) and node.id in names or isinstance(node, ast.Attribute) and node.attr in names
