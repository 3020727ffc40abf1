"""What a condition is for, as far as its text tells. Nothing here judges: the words are in the record, and the rules choose."""

from __future__ import annotations

import ast

#: Names that hold what the user chose before the run.
_OPTIONS = frozenset(
    "args arg opts opt cfg config conf hparams hp flags params settings options namespace environ argv TYPE_CHECKING DEBUG".split()
)
_DEVICE = frozenset(
    "is_available device cuda mps is_cuda device_count is_initialized rank local_rank world_size is_main_process is_bf16_supported get_rank".split()
)
_KIND = frozenset("isinstance issubclass hasattr callable is_tensor is_floating_point".split())
_SHAPE = frozenset("dim ndim ndimension".split())
_FINITE = frozenset("isnan isinf isfinite".split())
_FILES = frozenset("exists isfile isdir is_file is_dir is_available_offline".split())
_LOGGING = frozenset("print info debug warning warn log write add_scalar add_scalars set_postfix set_description display pprint".split())
_ENDS = frozenset("exit _exit abort quit fail".split())
_DRAWS = frozenset("random rand randint uniform choice".split())


def names_in(node: ast.AST) -> set[str]:
    """Every name and attribute in an expression."""
    found = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Name):
            found.add(child.id)
        elif isinstance(child, ast.Attribute):
            found.add(child.attr)
    return found


def is_guard(body: list[ast.stmt]) -> bool:
    """Whether what hangs on a condition only raises, warns or ends the script."""
    last = body[-1] if body else None
    if isinstance(last, (ast.Raise, ast.Assert)):
        return True
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        called = last.value.func
        name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
        if name in _ENDS:
            return True
    return any(isinstance(s, ast.Raise) for s in body)


def is_logging(body: list[ast.stmt]) -> bool:
    """Whether it only prints or logs."""

    def logs(statement: ast.stmt) -> bool:
        if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
            return False
        called = statement.value.func
        return (called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")) in _LOGGING

    return bool(body) and all(map(logs, body))


def is_leaving(body: list[ast.stmt]) -> bool:
    """Whether it only goes on with the next one, or leaves."""
    last = body[-1] if body else None
    return isinstance(last, (ast.Continue, ast.Return, ast.Pass)) and all(
        isinstance(s, (ast.Continue, ast.Return, ast.Pass)) or is_logging([s]) or isinstance(s, ast.AugAssign) for s in body
    )


def _is_option_name(name: str) -> bool:
    return name in _OPTIONS or name.strip("_").lower() in _OPTIONS or (name.isupper() and len(name) > 1)


def _is_option(node: ast.AST, given: frozenset[str], fixed: frozenset[str]) -> bool:
    """Whether an expression reads nothing but what was chosen before the run: arguments of the command line, constants, flags."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Name):
        return _is_option_name(node.id) or node.id in given or node.id in fixed
    if isinstance(node, ast.Attribute):
        root = node
        while isinstance(root, ast.Attribute):
            if _is_option_name(root.attr):
                return True
            root = root.value
        return isinstance(root, ast.Name) and (root.id in ("self", "cls") or _is_option(root, given, fixed))
    if isinstance(node, ast.Subscript):
        return _is_option(node.value, given, fixed)
    if isinstance(node, ast.UnaryOp):
        return _is_option(node.operand, given, fixed)
    if isinstance(node, ast.BoolOp):
        return any(_is_option(v, given, fixed) for v in node.values)
    if isinstance(node, ast.Compare):
        return all(_is_option(v, given, fixed) for v in (node.left, *node.comparators))
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return all(_is_option(v, given, fixed) for v in node.elts)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in ("getattr", "bool", "len", "any", "all") and node.args:
            return all(_is_option(a, given, fixed) for a in node.args)
        return isinstance(node.func, ast.Attribute) and _is_option_name(getattr(node.func.value, "id", getattr(node.func.value, "attr", "")))
    return False


def _is_none_test(node: ast.AST) -> bool:
    return isinstance(node, ast.Compare) and any(
        isinstance(o, (ast.Is, ast.IsNot)) for o in node.ops
    ) and any(isinstance(c, ast.Constant) and c.value in (None, True, False) for c in (node.left, *node.comparators))


def _is_emptiness(node: ast.AST) -> bool:
    """``len(x) > 0`` and the like."""
    if isinstance(node, ast.UnaryOp):
        return _is_emptiness(node.operand)
    if isinstance(node, ast.Compare) and len(node.comparators) == 1:
        left, right = node.left, node.comparators[0]
        counts = isinstance(left, ast.Call) and getattr(left.func, "id", getattr(left.func, "attr", "")) in ("len", "numel", "size")
        counts = counts or (isinstance(left, ast.Subscript) and getattr(left.value, "attr", "") == "shape")
        return counts and isinstance(right, ast.Constant) and right.value in (0, 1, 2)
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "len"


def role_of(node: ast.AST, given: frozenset[str], fixed: frozenset[str]) -> str:
    """What an expression tests for. `given` are flags among the arguments of the function, `fixed` names that are set once, to a constant."""
    if isinstance(node, ast.BoolOp):
        return next((r for r in (role_of(v, given, fixed) for v in node.values) if r), "")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return role_of(node.operand, given, fixed)
    words = names_in(node)
    if words & _KIND or _is_none_test(node) or any(isinstance(n, ast.Call) and getattr(n.func, "id", "") == "type" for n in ast.walk(node)):
        return "kind of value"
    if words & _DEVICE or any(w.endswith("rank") or w.startswith("is_main") for w in words):
        return "device"
    if words & _FINITE:
        return "check"
    if words & _FILES:
        return "file"
    if isinstance(node, ast.Attribute) and node.attr == "training":
        return "mode"
    if any("best" in w.lower() for w in words):
        return "best"
    if any(w in lowered for w in ("patience", "early_stop", "no_improve", "bad_epochs", "stop") for lowered in map(str.lower, words)):
        return "stopping"
    if any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mod) for n in ast.walk(node)):
        return "periodic"
    if _is_emptiness(node):
        return "emptiness"
    if words & _SHAPE:
        return "kind of value"
    if not words & _DRAWS and _is_option(node, given, fixed):
        return "option"
    return ""


def flags_of(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | None) -> frozenset[str]:
    """Arguments that have a constant for a default."""
    if function is None:
        return frozenset()
    a = function.args
    positional = [*a.posonlyargs, *a.args]
    found = {p.arg for p, d in zip(reversed(positional), reversed(a.defaults)) if isinstance(d, ast.Constant)}
    found |= {p.arg for p, d in zip(a.kwonlyargs, a.kw_defaults) if isinstance(d, ast.Constant)}
    return frozenset(found)


def fixed_names(tree: ast.Module) -> frozenset[str]:
    """Names of a file that are set once, at its top, to a constant or to an option."""
    stored: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            stored[node.id] = stored.get(node.id, 0) + 1
    fixed: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            if stored.get(name) == 1 and _is_option(statement.value, frozenset(), frozenset(fixed)):
                fixed.add(name)
    return frozenset(fixed)
