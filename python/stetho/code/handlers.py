"""Errors that the user's code catches and drops: which `except` does so, what was being done, and what was raised."""

from __future__ import annotations

import ast
import os
import sys
from dataclasses import dataclass, field

from stetho.code.roles import is_logging

#: Errors that are a way of saying something, and are meant to be caught.
EXPECTED = frozenset(
    "StopIteration StopAsyncIteration GeneratorExit KeyboardInterrupt SystemExit ImportError ModuleNotFoundError Empty Full FileExistsError "
    "TimeoutError BlockingIOError InterruptedError".split()
)
_BROAD = frozenset({"Exception", "BaseException"})
_LOADING = frozenset(
    "load_state_dict load_checkpoint load_model load_weights from_pretrained restore load_ckpt load_pretrained resume restore_checkpoint load_snapshot".split()
)
_READING = frozenset(
    "open imread read_csv read_json read_image read_table read_parquet read_text read_bytes decode frombuffer load loads loadtxt genfromtxt "
    "fromstring decode_image decode_jpeg load_image parse read unpack reader convert".split()
)
_READERS = ("__getitem__", "__iter__", "__next__", "collate", "load_", "read_", "parse_", "make_dataset", "get_item", "decode")
_STEPPING = frozenset({"backward", "step"})
#: What operations on tensors raise.
_FAILURES = frozenset({"RuntimeError", "ValueError", "IndexError", "AssertionError"})
_ENDS = frozenset("exit _exit abort fail sleep".split())


@dataclass
class Handler:
    """One ``except``."""

    node: ast.ExceptHandler
    path: str
    line: int
    kind: str
    statement: str
    is_broad: bool
    function: str
    #: Counts how often its `try` was entered; the same for all handlers of one.
    tried: Tried = None
    count: int = 0
    #: The first error: type, message, path and line of the user's that raised it.
    first: tuple[str, str, str, int] | None = None


@dataclass
class Tried:
    """A ``try`` that has such handlers."""

    count: int = 0
    handlers: list[Handler] = field(default_factory=list)


def _called(nodes: list[ast.stmt]) -> set[str]:
    found = set()
    for statement in nodes:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                func = node.func
                found.add(func.id if isinstance(func, ast.Name) else getattr(func, "attr", ""))
    return found


def _caught(node: ast.ExceptHandler) -> list[str]:
    """Names of the errors that a handler is for; empty where it is for all."""
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type is not None else []
    return [k.id if isinstance(k, ast.Name) else getattr(k, "attr", "") for k in kinds]


def _torch_loads(nodes: list[ast.stmt]) -> bool:
    for statement in nodes:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("load", "load_file"):
                if getattr(node.func.value, "id", "") in ("torch", "safetensors"):
                    return True
    return False


def _statement(body: list[ast.stmt]) -> str:
    last = body[-1]
    words = {ast.Pass: "pass", ast.Continue: "continue", ast.Return: "return", ast.Break: "break"}
    if is_logging(body):
        return "print"
    return words.get(type(last), "goes on")


def _kind(node: ast.Try, function: str, reach, in_step: bool, is_broad: bool, caught: list[str]) -> str:
    from stetho.instrument import calls_of

    called = _called(node.body)
    steps = bool(called & _STEPPING) or (reach is not None and any(reach.reaches(calls_of(s)) for s in node.body))
    if steps:
        return "stepping"
    if called & _LOADING or any(w in name for name in (*called, function) for w in ("checkpoint", "ckpt", "weights", "load_model", "pretrain")):
        return "loading"
    if function.startswith(_READERS):
        return "reading"
    if _torch_loads(node.body):
        return "loading"
    if called & _READING or any(c.startswith(("read_", "load_", "parse_")) for c in called):
        return "reading"
    return "stepping" if in_step and (is_broad or _FAILURES.intersection(caught)) else "other"


def find(node: ast.Try, path: str, function: str, reach, in_step: bool) -> list[Handler]:
    """The handlers of a `try` that may drop an error that nobody expects."""
    tried = Tried()
    for handler in node.handlers:
        caught = _caught(handler)
        if caught and all(name in EXPECTED for name in caught):
            continue
        if any(isinstance(n, ast.Raise) for s in handler.body for n in ast.walk(s)) or _called(handler.body) & _ENDS:
            continue
        is_broad = not caught or bool(_BROAD.intersection(caught))
        kind = _kind(node, function, reach, in_step, is_broad, caught)
        tried.handlers.append(
            Handler(handler, path, handler.lineno, kind, _statement(handler.body), is_broad, function, tried)
        )
    return tried.handlers


def _is_expected(error: BaseException) -> bool:
    return any(kind.__name__ in EXPECTED or kind.__module__.startswith("stetho") for kind in type(error).__mro__)


def _is_a_word(error: BaseException, handler: Handler, is_own) -> bool:
    """Whether an error is one of the user's own, raised by itself and caught by name: a way to leave a loop, as callbacks have it."""
    module = sys.modules.get(type(error).__module__)
    is_alone = error.__cause__ is None and error.__context__ is None
    return not handler.is_broad and is_alone and is_own(getattr(module, "__file__", None) or "")


def counting(tried: Tried):
    """The function at the head of a `try`."""

    def enter() -> None:
        tried.count += 1

    return enter


def catching(handler: Handler, recorder):
    """The function at the head of a handler."""

    def caught() -> None:
        error = sys.exc_info()[1]
        if error is None or _is_expected(error):
            return
        try:
            if _is_a_word(error, handler, recorder.is_own):
                return
            if recorder.files.was_not_found(error, handler):
                return
            handler.count += 1
            if handler.first is None:
                handler.first = (type(error).__name__, first_line(error), *raised_at(error, recorder.is_own))
        except Exception:
            pass  # of an error that cannot even be shown nothing is recorded

    return caught


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    text = str(error).strip().splitlines()
    return (text[0][:200] if text else "").strip()


def raised_at(error: BaseException, is_own) -> tuple[str, int]:
    """The innermost line of the user's that an error went through."""
    place = ("", 0)
    trace = error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if is_own(path):
            place = (os.path.realpath(path), trace.tb_lineno)
        trace = trace.tb_next
    return place
