"""The conditions and handlers of the user's files, and the calls that are put into them.

    if x > 0:            →   if __stetho_code__[7](x > 0):
    except KeyError:     →   except KeyError: __stetho_code__[12]()

What a condition tests is evaluated where and as often as before; only its truth passes through us. Constant conditions stay as they are, and so do
functions that something else than Python compiles from their bytecode. The list is a variable of each file, so that functions that are sent to
other processes by value take it along.
"""

from __future__ import annotations

import ast
import copy
import os
from dataclasses import dataclass, field

from stetho.code import handlers, roles

#: The list, by its name in the user's files.
LIST = "__stetho_code__"
_COMPILERS = ("jit", "njit", "vectorize", "guvectorize", "stencil", "kernel", "pure_callback")
#: Functions that are called for each sample or step.
_IN_STEP = frozenset("__getitem__ __iter__ __next__ forward collate_fn collate training_step train_step step".split())


@dataclass
class Site:
    """One condition."""

    node: ast.AST
    kind: str
    path: str
    line: int
    condition: str
    is_guard: bool = False
    role: str = ""
    in_step: bool = False


@dataclass
class Plan:
    """What is to be watched in one file; made before anything else changes the tree."""

    path: str
    conditions: dict[int, Site] = field(default_factory=dict)
    handlers: dict[int, handlers.Handler] = field(default_factory=dict)
    #: Nodes by identity stay alive as long as this.
    tree: ast.Module | None = None


def _is_constant(node: ast.AST) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _is_constant(node.operand)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id == "__debug__")


def _last_name(node: ast.AST) -> str:
    while isinstance(node, ast.Call):
        node = node.func
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


class _Finder(ast.NodeVisitor):
    """Finds them, with what surrounds them."""

    def __init__(self, path: str, tree: ast.Module, reach) -> None:
        self.plan = Plan(path, tree=tree)
        self._reach = reach
        self._functions: list[ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda] = []
        self._in_step = [False]
        self._fixed = roles.fixed_names(tree)
        #: Functions that are handed to a compiler by name.
        self._compiled = {
            a.id for c in ast.walk(tree) if isinstance(c, ast.Call) and _last_name(c.func) in _COMPILERS for a in c.args if isinstance(a, ast.Name)
        }

    def _add(self, test: ast.expr, kind: str, body: list[ast.stmt] = (), orelse: list[ast.stmt] = (), line: int = 0) -> None:
        if _is_constant(test):
            return
        given = roles.flags_of(self._functions[-1]) if self._functions else frozenset()
        role = roles.role_of(test, given, self._fixed)
        if roles.is_logging(body) and (not orelse or roles.is_logging(orelse)):
            role = role or "logging"
        elif roles.is_leaving(body):
            role = role or "leaving"
        text = ast.unparse(test)
        self.plan.conditions[id(test)] = Site(
            copy.deepcopy(test), kind, self.plan.path, line or test.lineno, text if len(text) <= 80 else text[:77] + "…",
            roles.is_guard(list(body)) or roles.is_guard(list(orelse)), role, self._in_step[-1],
        )

    def _is_step(self, body: list[ast.stmt]) -> bool:
        """Whether statements make one training step: they reach ``backward``, and no loop in them does."""
        from stetho.instrument import calls_of

        if self._reach is None:
            return False
        called = set().union(*(calls_of(s) for s in body))
        loops = (n for s in body for n in ast.walk(s) if isinstance(n, (ast.For, ast.While)))
        return (
            self._reach.reaches(called)
            and not self._reach.loops(called)
            and not any(self._reach.reaches(set().union(*(calls_of(s) for s in n.body))) for n in loops)
        )

    def _function(self, node) -> None:
        if any(_last_name(d) in _COMPILERS for d in node.decorator_list) or node.name in self._compiled:
            return
        self._functions.append(node)
        self._in_step.append(node.name in _IN_STEP or self._is_step(node.body))
        self.generic_visit(node)
        self._in_step.pop()
        self._functions.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = _function

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._functions.append(node)
        self.generic_visit(node)
        self._functions.pop()

    def visit_If(self, node: ast.If, kind: str = "if") -> None:
        self._add(node.test, kind, node.body, node.orelse, node.lineno)
        self.visit(node.test)
        for statement in node.body:
            self.visit(statement)
        if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If) and node.orelse[0].col_offset == node.col_offset:
            self.visit_If(node.orelse[0], "elif")
        else:
            for statement in node.orelse:
                self.visit(statement)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._add(node.test, "ternary")
        self.generic_visit(node)

    def _loop(self, node: ast.While | ast.For) -> None:
        if isinstance(node, ast.While):
            self._add(node.test, "while", line=node.lineno)
        self._in_step.append(self._in_step[-1] or self._is_step(node.body))
        self.generic_visit(node)
        self._in_step.pop()

    visit_While = visit_For = _loop

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._add(test, "filter")
        self.generic_visit(node)

    def visit_Try(self, node: ast.Try) -> None:
        function = self._functions[-1] if self._functions else None
        found = handlers.find(node, self.plan.path, getattr(function, "name", ""), self._reach, self._in_step[-1])
        self.plan.handlers.update({id(h.node): h for h in found})
        self.generic_visit(node)


class _Writer(ast.NodeTransformer):
    """Puts the calls in."""

    def __init__(self, plan: Plan, number) -> None:
        self._plan = plan
        self._number = number

    def visit(self, node: ast.AST) -> ast.AST:
        site = self._plan.conditions.get(id(node))
        handler = self._plan.handlers.get(id(node))
        node = self.generic_visit(node)
        if site is not None:
            return _call(self._number(site), [node], node)
        if handler is not None:
            node.body.insert(0, _statement(self._number(handler), node.body[0]))
        if isinstance(node, ast.Try):
            tried = [h for h in (self._plan.handlers.get(id(n)) for n in node.handlers) if h is not None]
            for one in tried[:1]:
                node.body.insert(0, _statement(self._number(one.tried), node.body[0]))
        return node


def _call(number: int, arguments: list[ast.expr], at: ast.AST) -> ast.Call:
    name = ast.Name(LIST, ast.Load())
    entry = ast.Subscript(name, ast.Constant(number), ast.Load())
    call = ast.Call(entry, arguments, [])
    for made in (name, entry, entry.slice, call):
        ast.copy_location(made, at)
    return call


def _statement(number: int, at: ast.stmt) -> ast.Expr:
    return ast.copy_location(ast.Expr(_call(number, [], at)), at)


def plan(tree: ast.Module, path: str, reach) -> Plan:
    """What is to be watched in a file."""
    finder = _Finder(os.path.realpath(path), tree, reach)
    finder.visit(tree)
    return finder.plan


def write(tree: ast.Module, found: Plan, number, key: int) -> ast.Module:
    """The tree with the calls in it. `number` gives the place of a site in the list; `key` is what the file gets its list by."""
    if not found.conditions and not found.handlers:
        return tree
    tree = _Writer(found, number).visit(tree)
    at = 0
    if ast.get_docstring(tree, clean=False) is not None:
        at = 1
    while at < len(tree.body) and isinstance(tree.body[at], ast.ImportFrom) and tree.body[at].module == "__future__":
        at += 1
    text = f"{LIST} = __stetho__.code.list_of({key})"
    first = ast.parse(text).body[0]
    for node in ast.walk(first):
        ast.copy_location(node, tree.body[min(at, len(tree.body) - 1)])
    tree.body.insert(at, first)
    return tree


def first_arguments(tree: ast.Module | None, line: int) -> set[str]:
    """What the calls of a line are given first, and the names that they are made from, as written."""
    found: set[str] = set()
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Call) and node.lineno == line:
            found.update(ast.unparse(a) for a in node.args[:1])
            if isinstance(node.func, ast.Attribute):
                found.add(ast.unparse(node.func.value))
    return found - {"os.path", "torch", "glob", "os"}


def saved_paths(tree: ast.Module) -> list[tuple[str, str]]:
    """The arguments of calls that save something: as written, and the file name where that is a constant."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func).startswith(("save", "dump", "export")):
            for argument in (*node.args, *(k.value for k in node.keywords)):
                last = next((c.value for c in ast.walk(argument) if isinstance(c, ast.Constant) and isinstance(c.value, str)), "")
                found.append((ast.unparse(argument), os.path.basename(last)))
    return found
