"""What a condition tested: the names in it with their values, and whether these could have made it vary at all."""

from __future__ import annotations

import ast
import enum
import inspect

_NUMBERS = (int, float)
#: Values of one name that are told one by one.
_MOST = 4
_SENTINELS = frozenset({"auto", "none", "mean", "sum", "max", "min", "all", "last", "best"})


#: Holds no names: what a condition that cannot be looked at is taken for.
NOTHING = ast.Constant(None)


class Unknown:
    """Stands for what cannot be read without calling something."""


def operand(node: ast.AST, frame) -> object:
    """The value of an expression as far as it can be read without running any code of the user's; `Unknown` otherwise."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        for scope in (frame.f_locals, frame.f_globals):
            if node.id in scope:
                return scope[node.id]
        return Unknown
    if isinstance(node, ast.Attribute):
        base = operand(node.value, frame)
        if base is Unknown:
            return Unknown
        if isinstance(base, enum.EnumMeta):
            return base.__members__.get(node.attr, Unknown)
        if isinstance(base, enum.Enum) and node.attr in ("value", "name"):
            return getattr(base, f"_{node.attr}_")
        held = getattr(base, "__dict__", None)
        if isinstance(held, dict) and node.attr in held:
            return held[node.attr]
        plain = node.attr in ("shape", "dtype", "device", "ndim") and type(base).__module__.split(".")[0] in ("torch", "numpy")
        return getattr(base, node.attr) if plain else Unknown
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        items = [operand(e, frame) for e in node.elts]
        if any(i is Unknown for i in items):
            return Unknown
        try:
            return {ast.Tuple: tuple, ast.List: list, ast.Set: set}[type(node)](items)
        except TypeError:
            return Unknown
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = operand(node.operand, frame)
        return -inner if type(inner) in _NUMBERS else Unknown
    return Unknown


def shown(value: object) -> str | None:
    """A value in few characters; None where it has no short form."""
    if value is None or isinstance(value, (bool, str)):
        text = repr(value)
        return text if len(text) <= 24 else text[:20] + "…" + text[-1]
    if isinstance(value, _NUMBERS):
        return f"{value:.4g}" if isinstance(value, float) else str(value)
    kind = type(value)
    if kind.__module__ == "torch" and kind.__name__ == "Tensor":
        if value.numel() == 1 and value.device.type == "cpu" and not value.is_complex():
            return f"tensor({value.item():.4g})"
        return f"tensor of shape {list(value.shape)}"
    if kind.__name__ in ("Size", "dtype", "device", "float64", "float32", "int64", "int32", "str_", "bool_"):
        return str(value) if kind.__name__ != "Size" else repr(value)
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        return f"{kind.__name__} of {len(value)}"
    return kind.__name__ if inspect.isroutine(value) or inspect.isclass(value) else None


class Seen:
    """Values of the names in a condition, over the times at which they were looked at."""

    def __init__(self) -> None:
        self._numbers: dict[str, list[float]] = {}
        self._texts: dict[str, list[str]] = {}

    def add(self, name: str, value: object) -> None:
        number = value
        if type(value).__module__ == "torch" and getattr(value, "numel", lambda: 0)() == 1 and value.device.type == "cpu":
            number = value.item()
        if isinstance(number, _NUMBERS) and not isinstance(number, bool):
            span = self._numbers.setdefault(name, [number, number])
            span[0], span[1] = min(span[0], number), max(span[1], number)
            return
        text = shown(value)
        if text is not None:
            texts = self._texts.setdefault(name, [])
            if text not in texts and len(texts) <= _MOST:
                texts.append(text)

    def words(self) -> list[str]:
        """``x = 3 … 17``, one for each name."""
        found = [f"{n} = {shown(a)}" if a == b else f"{n} = {shown(a)} … {shown(b)}" for n, (a, b) in self._numbers.items()]
        for name, texts in self._texts.items():
            found.append(f"{name} = {', '.join(texts[:_MOST])}{', …' if len(texts) > _MOST else ''}")
        return found


def look(node: ast.AST, frame, seen: Seen) -> None:
    """Adds what the names of a condition hold now."""
    done: set[str] = set()
    for child in ast.walk(node):
        if isinstance(child, (ast.Name, ast.Attribute)):
            name = ast.unparse(child)
            value = operand(child, frame)
            if name not in done and value is not Unknown and not inspect.ismodule(value) and not inspect.isroutine(value) and not inspect.isclass(value):
                done.add(name)
                seen.add(name, value)


def _a(value: object) -> str:
    name = type(value).__name__
    name = {"Size": "shape", "Tensor": "tensor"}.get(name, name)
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _never_equal(a: object, b: object) -> bool:
    """Whether values of these two kinds are never equal."""
    text = (str, bytes)
    if isinstance(a, text) and isinstance(b, text):
        return isinstance(a, str) != isinstance(b, str)
    if isinstance(a, text) or isinstance(b, text):
        other = b if isinstance(a, text) else a
        word = a if isinstance(a, text) else b
        if isinstance(other, _NUMBERS):
            return not isinstance(word, str) or word.lower() not in _SENTINELS
        if isinstance(other, enum.Enum):
            return not isinstance(other, type(word))
        kind = type(other)
        return kind.__module__ == "torch" and kind.__name__ in ("Tensor", "dtype", "Size")
    if isinstance(a, list) != isinstance(b, list):
        other = b if isinstance(a, list) else a
        return isinstance(other, tuple)
    return False


def _spelled_otherwise(a: object, b: object) -> bool:
    if not (isinstance(a, str) and isinstance(b, str)) or a == b:
        return False
    x, y = a.strip().lower(), b.strip().lower()
    return x == y and bool(x)


def why_fixed(node: ast.AST, value: object, frame) -> str:
    """Why a condition cannot go the other way, from the kinds of its operands; empty where it can."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        node = node.operand
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or) and value:
        constant = next((v for v in node.values[1:] if isinstance(v, ast.Constant) and v.value), None)
        if constant is not None:
            return f"`{ast.unparse(constant)}` by itself is true; each side of `or` is tested alone"
    if isinstance(node, ast.BoolOp):
        return next((w for w in (why_fixed(v, None, frame) for v in node.values if isinstance(v, ast.Compare)) if w), "")
    if isinstance(value, str) and value.strip().lower() in ("false", "no", "0", "none", "off") and not isinstance(node, ast.Compare):
        return f"the text {value!r} is true, as every text that is not empty"
    if isinstance(node, ast.Attribute) and inspect.isroutine(value):
        return f"`{ast.unparse(node)}` is a method that is not called"
    if isinstance(node, ast.Name) and inspect.isroutine(value):
        return f"`{node.id}` is a function that is not called"
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return ""
    a, b = operand(node.left, frame), operand(node.comparators[0], frame)
    op = node.ops[0]
    if isinstance(op, (ast.Eq, ast.NotEq)):
        if a is Unknown or b is Unknown:
            return ""
        if _never_equal(a, b):
            return f"{_a(a)} is never equal to {_a(b)}"
        if _spelled_otherwise(a, b):
            return f"{a!r} and {b!r} are spelled differently"
    if isinstance(op, (ast.In, ast.NotIn)) and a is not Unknown and isinstance(b, (list, tuple, set, frozenset, dict)) and b:
        if type(a).__name__ == "Tensor" and isinstance(b, (set, frozenset, dict)):
            return f"a tensor is never found in a {type(b).__name__}: take its number with `.item()`"
        some = list(b)[:50] if len(b) <= 50 else [next(iter(b))]
        if all(_never_equal(a, item) for item in some):
            return f"{_a(a)} is looked for among values of the kind `{type(some[0]).__name__}`"
    return ""

