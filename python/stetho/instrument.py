"""Which part of a script is one training step, and how that part can be attempted again.

The innermost loop that reaches ``.backward()`` is made attemptable:

    for x, y in loader:          for x, y in loader:
        BODY                         for _ in __stetho__.attempts(site, values):
                                         try:
                                             BODY
                                         except __stetho__.Again:
                                             pass
                                     else:
                                         continue
                                     break

``continue`` in the body ends the attempt, which ends the inner loop, whose ``else`` continues the outer one; ``break`` skips
that ``else``; ``return`` returns. Nothing of the user's is renamed and every node keeps its line and column, so tracebacks, the
debugger and pickled classes are those of the original. Where no loop of the user's reaches the call, the function that does is
attempted as a whole.
"""

from __future__ import annotations

import ast
import builtins
import os
import sys
from dataclasses import dataclass, field

#: Methods whose call makes a loop a training loop.
BACKWARD = "backward"
#: What the transformed code calls us by.
NAME = "__stetho__"
#: Where it keeps the values that the body started from.
VALUES = "__stetho_values__"
#: Why the innermost attempt is at hand.
ATTEMPT = "__stetho_attempt__"

_HERE = os.path.dirname(os.path.realpath(__file__))
_LOOPS = (ast.For, ast.While)
#: Loops that have no body of statements: what they call is attempted instead.
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Site:
    """One attemptable body."""

    path: str
    line: int
    #: What is restored before another attempt: names and ``name.attribute``, read by the body before it sets them.
    carried: tuple[str, ...]
    #: The names that the loop itself sets: the batch, usually.
    targets: tuple[str, ...]
    #: Names that are added up into what ``backward`` is called on, by the name it is called on.
    terms: dict[str, tuple[str, ...]] = field(default_factory=dict)
    function: str = "<module>"
    #: Names that the body reads and does not set.
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Called:
    """A call, as far as its text tells."""

    name: str
    #: ``x.name(…)`` rather than ``name(…)``.
    is_method: bool
    #: Whether ``x`` is ``self``.
    is_own: bool
    #: How many arguments; None where that cannot be seen, or where the function is handed on by name.
    n_arguments: int | None


@dataclass(frozen=True)
class Definition:
    """A function of the user's."""

    name: str
    is_method: bool
    least: int
    most: float
    path: str
    line: int

    def takes(self, call: Called) -> bool:
        """Whether that call may mean this function."""
        if call.name != self.name:
            return False
        if call.n_arguments is None:
            return True
        if call.is_method and self.is_method and not call.is_own and call.name in _MODULE_METHODS:
            return False
        if self.is_method and not call.is_method:
            return False
        return self.least <= call.n_arguments <= self.most


#: Methods of models and optimizers, which a class of the user's may have too.
_MODULE_METHODS = frozenset({"train", "eval", "to", "zero_grad", "update", "apply", "forward"})


def _called(node: ast.Call) -> Called | None:
    n: int | None = len(node.args) + len(node.keywords)
    if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
        n = None
    if isinstance(node.func, ast.Name):
        return Called(node.func.id, False, False, n)
    if isinstance(node.func, ast.Attribute):
        base = node.func.value
        is_own = isinstance(base, ast.Name) and base.id in ("self", "cls")
        return Called(node.func.attr, True, is_own, n)
    return None


def calls_of(node: ast.AST) -> set[Called]:
    """What is called anywhere below `node`, nested functions included; functions handed on by name count as called."""
    found: set[Called] = set()
    for child in ast.walk(node):
        if not isinstance(child, ast.Call):
            continue
        call = _called(child)
        if call is not None:
            found.add(call)
        for argument in (*child.args, *(k.value for k in child.keywords)):
            if isinstance(argument, ast.Name):
                found.add(Called(argument.id, False, False, None))
            elif isinstance(argument, ast.Attribute) and isinstance(argument.value, ast.Name):
                found.add(Called(argument.attr, True, argument.value.id == "self", None))
    return found


def _is_backward(call: Called) -> bool:
    return call.name == BACKWARD and (call.is_method or call.n_arguments is not None)


def _definition(node: ast.FunctionDef, is_method: bool, path: str) -> Definition:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    is_static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
    n_own = 1 if is_method and not is_static and positional else 0
    required = len(positional) - n_own - len(arguments.defaults)
    required += sum(default is None for default in arguments.kw_defaults)
    most: float = len(positional) - n_own + len(arguments.kwonlyargs)
    if arguments.vararg or arguments.kwarg:
        most = float("inf")
    return Definition(node.name, is_method, max(required, 0), most, path, node.lineno)


class Reach:
    """What calls what in the user's own files, by name and number of arguments: enough to see which loops reach ``backward``."""

    def __init__(self, trees: list[tuple[str, ast.Module]]) -> None:
        calls: dict[Definition, set[Called]] = {}
        loops: list[set[Called]] = []
        comprehensions: list[set[Called]] = []
        self._loops_of: dict[Definition, list[set[Called]]] = {}
        for path, tree in trees:
            methods = {
                id(n) for c in ast.walk(tree) if isinstance(c, ast.ClassDef) for n in c.body
                if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))
            }
            for node in ast.walk(tree):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    definition = _definition(node, id(node) in methods, path)
                    calls[definition] = calls_of(node)
                    self._loops_of[definition] = [calls_of(n) for n in ast.walk(node) if isinstance(n, _LOOPS)]
                elif isinstance(node, _LOOPS):
                    loops.append(calls_of(node))
                elif isinstance(node, _COMPREHENSIONS):
                    comprehensions.append(calls_of(node))
        by_name: dict[str, list[Definition]] = {}
        for definition in calls:
            by_name.setdefault(definition.name, []).append(definition)
        self._by_name = by_name
        #: Functions that contain the call themselves or call one that does.
        self.functions = self._closure(
            calls, {d for d, c in calls.items() if d.name != BACKWARD and any(map(_is_backward, c))}
        )
        #: Of these, the ones in which a loop is around it, or that call such a one.
        self.looping: set[Definition] = set()
        looping = {d for d, inner in self._loops_of.items() if any(self.reaches(c) for c in inner)}
        self.looping = self._closure(calls, looping & self.functions)
        #: Functions that a comprehension calls.
        self.comprehended = {d for c in comprehensions for d in self._meant(c)}
        #: Functions that some loop of the user's calls, at any depth.
        looped: set[Definition] = set()
        queue = [d for c in loops for d in self._meant(c)]
        while queue:
            definition = queue.pop()
            if definition not in looped:
                looped.add(definition)
                queue.extend(self._meant(calls[definition]))
        self.looped = looped

    def _meant(self, calls: set[Called]) -> list[Definition]:
        return [d for c in calls for d in self._by_name.get(c.name, ()) if d.takes(c)]

    def _closure(self, calls: dict[Definition, set[Called]], reached: set[Definition]) -> set[Definition]:
        reached = set(reached)
        while True:
            more = {d for d, c in calls.items() if d not in reached and reached.intersection(self._meant(c))}
            if not more:
                return reached
            reached |= more

    def reaches(self, calls: set[Called]) -> bool:
        """Whether one of these calls is, or comes to, ``backward``."""
        return any(map(_is_backward, calls)) or bool(self.functions.intersection(self._meant(calls)))

    def loops(self, calls: set[Called]) -> bool:
        """Whether one of these calls comes to a loop around ``backward``."""
        return bool(self.looping.intersection(self._meant(calls)))

    def is_body(self, path: str, node: ast.FunctionDef) -> bool:
        """Whether a function is a training step that no loop of the user's calls: a framework does."""
        found = [d for d in self._by_name.get(node.name, ()) if (d.path, d.line) == (path, node.lineno)]
        return any(
            d in self.functions and d not in self.looping and (d not in self.looped or d in self.comprehended)
            for d in found
        ) and any(map(_is_backward, calls_of(node)))


class _Uses(ast.NodeVisitor):
    """Names that a body may read before it sets them, and all that it sets."""

    def __init__(self) -> None:
        self.set_for_sure: set[str] = set()
        self.stored: set[str] = set()
        self.read_first: set[str] = set()

    def _read(self, name: str) -> None:
        if name not in self.set_for_sure:
            self.read_first.add(name)

    def _store(self, name: str) -> None:
        self.stored.add(name)
        self.set_for_sure.add(name)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._read(node.id)
        else:
            self._store(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name) and not isinstance(node.ctx, ast.Load):
            self.stored.add(f"{node.value.id}.{node.attr}")
        if isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load):
            self._read(f"{node.value.id}.{node.attr}")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        target = node.target
        if isinstance(target, ast.Name):
            self._read(target.id)
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            self._read(f"{target.value.id}.{target.attr}")
        self.visit(target)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.visit(node.target)

    def _branches(self, *branches: list[ast.stmt]) -> None:
        before = set(self.set_for_sure)
        ends = []
        for branch in branches:
            self.set_for_sure = set(before)
            for statement in branch:
                self.visit(statement)
            ends.append(self.set_for_sure)
        self.set_for_sure = set.intersection(*ends) if ends else before

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self._branches(node.body, node.orelse)

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self._branches(node.body, [])

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        before = set(self.set_for_sure)
        self.visit(node.target)
        for statement in node.body:
            self.visit(statement)
        self.set_for_sure = before
        for statement in node.orelse:
            self.visit(statement)

    def visit_Try(self, node: ast.Try) -> None:
        before = set(self.set_for_sure)
        for statement in node.body:
            self.visit(statement)
        self.set_for_sure = before
        for handler in node.handlers:
            self._branches(handler.body, [])
        for statement in (*node.orelse, *node.finalbody):
            self.visit(statement)

    visit_TryStar = visit_Try

    def _comprehension(self, node: ast.AST) -> None:
        own = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load) and child.id not in own:
                self._read(child.id)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._comprehension(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        local = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        shared = {name for n in ast.walk(node) if isinstance(n, (ast.Global, ast.Nonlocal)) for name in n.names}
        for child in ast.walk(node):
            if isinstance(child, ast.Name):
                if isinstance(child.ctx, ast.Load) and child.id not in local - shared:
                    self._read(child.id)
                elif child.id in shared:
                    self._read(child.id)
                    self.stored.add(child.id)
        self._store(node.name)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._store(node.name)


def _target_names(target: ast.AST | None) -> tuple[str, ...]:
    if target is None:
        return ()
    return tuple(n.id for n in ast.walk(target) if isinstance(n, ast.Name))


def _carried(body: list[ast.stmt], given: tuple[str, ...]) -> tuple[str, ...]:
    """What must be put back before another attempt: what the body sets and may read before it does."""
    uses = _Uses()
    for statement in body:
        uses.visit(statement)
    names = (uses.stored & uses.read_first) | set(given)
    return tuple(sorted(n for n in names if n.split(".")[0] not in ("__stetho__",)))


def _reads(body: list[ast.stmt]) -> tuple[str, ...]:
    names = [n for s in body for n in ast.walk(s) if isinstance(n, ast.Name)]
    stored = {n.id for n in names if not isinstance(n.ctx, ast.Load)}
    return tuple(sorted({n.id for n in names} - stored))


def _summands(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_summands(node.left), *_summands(node.right)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return [*_summands(node.left), *_summands(node.right)]
    return [node]


def _is_call(node: ast.Call, name: str) -> bool:
    call = _called(node)
    return call is not None and call.name == name


def _term_name(node: ast.expr) -> str | None:
    """The variable that a summand is about: ``a`` of ``a``, ``0.5 * a``, ``a / n``, ``weight * a``, ``a.mean()``."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{node.value.id}.{node.attr}" if isinstance(node.value, ast.Name) else None
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        key = node.slice
        return f"{node.value.id}[{key.value!r}]" if isinstance(key, ast.Constant) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
        named = [n for n in (_term_name(node.left), _term_name(node.right)) if n is not None]
        # Of `weight * term` the one that is called a loss, else the last.
        losses = [n for n in named if "loss" in n.lower()]
        return (losses or named or [None])[-1]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
        return _term_name(node.func.value)
    return None


def _terms(body: list[ast.stmt]) -> dict[str, tuple[str, ...]]:
    """For each variable that is a sum of at least two others: these others."""
    sums: dict[str, list[str]] = {}
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if isinstance(node.value, ast.Call) and _is_call(node.value, "sum") and node.value.args:
                    inner = node.value.args[0]
                    if isinstance(inner, ast.Call) and _is_call(inner, "values") and isinstance(inner.func, ast.Attribute) and isinstance(inner.func.value, ast.Name):
                        sums[name] = [f"*{inner.func.value.id}"]
                    elif isinstance(inner, ast.Name):
                        sums[name] = [f"*{inner.id}"]
                    continue
                summands = [_term_name(s) for s in _summands(node.value)]
                known = [s for s in summands if s is not None and s != name]
                if len(summands) > 1 and known:
                    sums[name] = known
            elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and isinstance(node.target, ast.Name):
                term = _term_name(node.value)
                if term is not None:
                    sums.setdefault(node.target.id, []).append(term)
    return {name: tuple(dict.fromkeys(terms)) for name, terms in sums.items()}


def _load(name: str, at: ast.AST) -> ast.expr:
    """The expression that reads ``a`` or ``a.b``."""
    head, _, attribute = name.partition(".")
    node: ast.expr = ast.copy_location(ast.Name(head, ast.Load()), at)
    return ast.copy_location(ast.Attribute(node, attribute, ast.Load()), at) if attribute else node


def _ours(member: str, at: ast.AST) -> ast.expr:
    return ast.copy_location(ast.Attribute(ast.copy_location(ast.Name(NAME, ast.Load()), at), member, ast.Load()), at)


def _located(node: ast.AST, at: ast.AST) -> ast.AST:
    for child in ast.walk(node):
        if not hasattr(child, "lineno") and isinstance(child, (ast.expr, ast.stmt, ast.excepthandler)):
            ast.copy_location(child, at)
    return node


class _Leaving(ast.NodeTransformer):
    """Has ``return`` and ``break`` of a body tell that they are about to leave it. What they leave with is worked out before."""

    def __init__(self, number: int) -> None:
        self._number = number
        #: Whether a ``break`` here is one of the body's own.
        self._is_own = True

    def visit_Return(self, node: ast.Return) -> ast.AST:
        told = ast.Call(_ours("leaves", node), [ast.Constant(self._number), *([node.value] if node.value is not None else [])], [])
        return ast.copy_location(ast.Return(_located(told, node)), node)

    def visit_Break(self, node: ast.Break) -> ast.AST | list[ast.stmt]:
        if not self._is_own:
            return node
        return [_located(ast.Expr(ast.Call(_ours("leaves", node), [ast.Constant(self._number)], [])), node), node]

    def _inner_loop(self, node):
        node.body, own = self.body(node.body, False), self._is_own
        node.orelse = self.body(node.orelse, own)
        return node

    def body(self, body: list[ast.stmt], is_own: bool) -> list[ast.stmt]:
        """These statements, each telling where it leaves the body."""
        outer, self._is_own = self._is_own, is_own
        found: list[ast.stmt] = []
        for statement in body:
            changed = self.visit(statement)
            found.extend(changed if isinstance(changed, list) else [changed])
        self._is_own = outer
        return found

    visit_For = visit_While = visit_AsyncFor = _inner_loop

    def _other(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _other


class Transform(ast.NodeTransformer):
    """Makes the training steps of one file attemptable."""

    def __init__(self, path: str, reach: Reach, sites: list[Site], extra: frozenset[str] = frozenset()) -> None:
        self.path = path
        self.reach = reach
        self.sites = sites
        #: Names that are put back as well, though the body only reads them: those of a bundle.
        self.extra = extra
        self._function = ["<module>"]
        self._in_loop = 0

    # -- what is a body

    def _reaches(self, nodes: list[ast.stmt]) -> bool:
        return any(self.reach.reaches(calls_of(n)) for n in nodes)

    def _is_innermost(self, body: list[ast.stmt]) -> bool:
        """Whether no loop below reaches the call, here or in a function that is called."""
        for statement in body:
            for node in ast.walk(statement):
                if isinstance(node, _LOOPS) and self._reaches(node.body):
                    return False
                if isinstance(node, _COMPREHENSIONS) and self._reaches([node]):
                    return False
        called = set().union(*(calls_of(s) for s in body))
        return any(map(_is_backward, called)) or not self.reach.loops(called)

    @staticmethod
    def _can_repeat(body: list[ast.stmt]) -> bool:
        unfit = (ast.Yield, ast.YieldFrom, ast.Await, ast.AsyncFor, ast.AsyncWith)
        return not any(isinstance(n, unfit) for s in body for n in ast.walk(s))

    # -- visiting

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._function.append(node.name)
        self.generic_visit(node)
        self._function.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        is_body = self.reach.is_body(self.path, node) and self._can_repeat(node.body)
        self._function.append(node.name)
        outer, self._in_loop = self._in_loop, 0
        self.generic_visit(node)
        self._in_loop = outer
        self._function.pop()
        if is_body and not any(isinstance(n, _LOOPS) and self._reaches(n.body) for n in ast.walk(node)):
            arguments = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            docstring = node.body[:1] if ast.get_docstring(node, clean=False) is not None else []
            rest = node.body[len(docstring):]
            if rest:
                given = tuple(a for a in arguments if a not in ("self", "cls"))
                node.body = [*docstring, *self._attempt(rest, rest[0], given, given, False)]
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_For(self, node: ast.For) -> ast.AST:
        return self._loop(node, _target_names(node.target))

    def visit_While(self, node: ast.While) -> ast.AST:
        return self._loop(node, ())

    def _loop(self, node: ast.For | ast.While, targets: tuple[str, ...]) -> ast.AST:
        if self._reaches(node.body) and self._is_innermost(node.body) and self._can_repeat(node.body):
            self._rewrite_next(node)
            body = self._attempt(node.body, node.body[0], targets, targets)
            attempts = body[-1]
            assert isinstance(attempts, ast.For)
            attempts.orelse = [_located(ast.Continue(), node.body[0])]
            node.body = [*body, _located(ast.Break(), node.body[0])]
            return node
        self.generic_visit(node)
        return node

    def _rewrite_next(self, node: ast.AST) -> None:
        """``next(it)`` in a body goes through us, so that another attempt gets the same batch."""
        for child in ast.walk(node):
            if isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id == "next":
                child.func = _ours("next", child.func)

    def _attempt(
        self, body: list[ast.stmt], at: ast.stmt, given: tuple[str, ...], targets: tuple[str, ...], is_loop: bool = True
    ) -> list[ast.stmt]:
        """The body, in a loop over its attempts."""
        carried = _carried(body, given)
        reads = _reads(body)
        if self.extra:
            carried = tuple(sorted({*carried, *(set(reads) & self.extra)}))
        function = ".".join(self._function[1:]) or "<module>"
        site = Site(self.path, at.lineno, carried, targets, _terms(body), function, reads)
        number = len(self.sites)
        body = _Leaving(number).body(body, is_loop)
        self.sites.append(site)
        keep = ast.Assign([ast.Name(VALUES, ast.Store())], ast.Tuple([_load(n, at) for n in carried], ast.Load()))
        lookup = ast.Call(ast.Name("locals", ast.Load()), [], [])
        partly = ast.Assign(
            [ast.Name(VALUES, ast.Store())],
            ast.Call(_ours("partial", at), [ast.Constant(number), lookup], []),
        )
        missing = ast.Tuple([_ours("NameError", at), _ours("AttributeError", at)], ast.Load())
        kept = ast.Try([keep], [ast.ExceptHandler(missing, None, [partly])], [], [])
        restore: list[ast.stmt] = []
        for i, name in enumerate(carried):
            head, _, attribute = name.partition(".")
            store: ast.expr = ast.Name(head, ast.Store())
            if attribute:
                store = ast.Attribute(ast.Name(head, ast.Load()), attribute, ast.Store())
            item = ast.Subscript(ast.Name(ATTEMPT, ast.Load()), ast.Constant(i), ast.Load())
            is_known = ast.Compare(
                ast.Subscript(ast.Name(ATTEMPT, ast.Load()), ast.Constant(i), ast.Load()),
                [ast.IsNot()],
                [_ours("UNBOUND", at)],
            )
            restore.append(ast.If(is_known, [ast.Assign([store], item)], []))
        start: list[ast.stmt] = []
        if restore:
            again = ast.Compare(ast.Name(ATTEMPT, ast.Load()), [ast.IsNot()], [ast.Constant(None)])
            start = [ast.If(again, restore, [])]
        tried = ast.Try(
            [*start, *body], [ast.ExceptHandler(_ours("Again", at), None, [ast.Pass()])], [], []
        )
        loop = ast.For(
            ast.Name(ATTEMPT, ast.Store()),
            ast.Call(_ours("attempts", at), [ast.Constant(number), ast.Name(VALUES, ast.Load())], []),
            [tried],
            [],
        )
        for made in (kept, loop):
            _located(made, at)
        return [kept, loop]


def compile_user(source: bytes | str, path: str, reach: Reach, sites: list[Site], extra: frozenset[str] = frozenset(), recorder=None):
    """The code of a file of the user's, its training steps attemptable, recorded by `recorder`. Raises what ``compile`` raises."""
    tree = ast.parse(source, path)
    try:
        plan = recorder.plan(tree, path, reach) if recorder is not None else None
        changed = Transform(os.path.realpath(path), reach, sites, extra).visit(tree)
        if recorder is not None:
            changed = recorder.write(changed, plan)
        return compile(changed, path, "exec", dont_inherit=True)
    except SyntaxError:
        raise
    except RecursionError:
        return compile(source, path, "exec", dont_inherit=True)


# -- the user's own files


def _is_installed(path: str) -> bool:
    parts = path.split(os.sep)
    return "site-packages" in parts or "dist-packages" in parts


def is_own(path: str, roots: tuple[str, ...]) -> bool:
    """Whether a file is the user's: below a root, and in no folder of installed packages."""
    # Asked of every module that is imported, so links are followed only where it may be the user's.
    if not path.endswith(".py") or _is_installed(path):
        return False
    real = os.path.realpath(path)
    if _is_installed(real):
        return False
    if real.startswith(_HERE + os.sep):
        return False  # a checkout of ours that is run from
    return any(real.startswith(root + os.sep) for root in roots)


def own_trees(script: str, roots: tuple[str, ...], limit: int = 400) -> list[tuple[str, ast.Module]]:
    """The script and every file of the user's that it imports, parsed. What cannot be read or parsed is left out."""
    trees: list[tuple[str, ast.Module]] = []
    seen: set[str] = set()
    queue = [os.path.realpath(script)]
    while queue and len(seen) < limit:
        path = queue.pop()
        if path in seen:
            continue
        seen.add(path)
        try:
            with open(path, "rb") as file:
                tree = ast.parse(file.read(), path)
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        trees.append((path, tree))
        queue.extend(_imported_files(tree, path, roots))
    return trees


def _imported_files(tree: ast.Module, path: str, roots: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for node in ast.walk(tree):
        names: list[tuple[str, str]] = []
        if isinstance(node, ast.Import):
            names = [(root, alias.name) for alias in node.names for root in roots]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            bases = list(roots)
            if node.level:
                base = os.path.dirname(path)
                for _ in range(node.level - 1):
                    base = os.path.dirname(base)
                bases = [base]
            for base in bases:
                names.append((base, module))
                names.extend((base, f"{module}.{a.name}" if module else a.name) for a in node.names)
        for base, name in names:
            stem = os.path.join(base, *name.split(".")) if name else base
            for candidate in (stem + ".py", os.path.join(stem, "__init__.py")):
                if os.path.isfile(candidate):
                    found.append(os.path.realpath(candidate))
    return found


class Loader:
    """Loads a module of the user's through the transform; all else is as the loader it stands for does it."""

    def __init__(self, inner, compile_source) -> None:
        self._inner = inner
        self._compile = compile_source

    def create_module(self, spec):
        return self._inner.create_module(spec)

    def exec_module(self, module) -> None:
        path = self._inner.path
        source = self._inner.get_data(path)
        code = self._compile(source, path)
        exec(code, module.__dict__)

    def __getattr__(self, name: str):
        return getattr(self._inner, name)


class Finder:
    """First on ``sys.meta_path``: the user's modules go through the transform; others are told of when loaded."""

    def __init__(self, roots: tuple[str, ...], compile_source, after: dict[str, object]) -> None:
        self.roots = roots
        self.compile_source = compile_source
        #: What to call once a module of this name has been executed.
        self.after = after
        self._busy: set[str] = set()

    def find_spec(self, name: str, path=None, target=None):
        if name in self._busy:
            return None
        is_waited_for = name in self.after
        if not is_waited_for and name.partition(".")[0] in sys.stdlib_module_names:
            return None
        self._busy.add(name)
        try:
            spec = self._others(name, path, target)
        finally:
            self._busy.discard(name)
        if spec is None or spec.loader is None:
            return spec
        if is_waited_for:
            spec.loader = _Waiting(spec.loader, self.after.pop(name))
        elif spec.origin and type(spec.loader).__name__ == "SourceFileLoader" and is_own(spec.origin, self.roots):
            spec.loader = Loader(spec.loader, self.compile_source)
        return spec

    def _others(self, name, path, target):
        for finder in sys.meta_path:
            if finder is self:
                continue
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find else None
            if spec is not None:
                return spec
        return None


class _Waiting:
    """A loader that tells once its module has been executed."""

    def __init__(self, inner, tell) -> None:
        self._inner = inner
        self._tell = tell

    def create_module(self, spec):
        return self._inner.create_module(spec)

    def exec_module(self, module) -> None:
        self._inner.exec_module(module)
        # The module is as it would be without us.
        module.__loader__ = self._inner
        if module.__spec__ is not None:
            module.__spec__.loader = self._inner
        self._tell(module)

    def __getattr__(self, name: str):
        return getattr(self._inner, name)


def publish(session) -> None:
    """Makes the session known to transformed code."""
    setattr(builtins, NAME, session)


def unpublish() -> None:
    """Makes it unknown again."""
    if hasattr(builtins, NAME):
        delattr(builtins, NAME)


__all__ = ["Finder", "Loader", "Reach", "Site", "Transform", "compile_user", "is_own", "own_trees", "publish"]
