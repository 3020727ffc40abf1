"""A debugger that opens in the user's own frame: where the trap tripped, or when a condition holds."""

from __future__ import annotations

import operator
import pdb
import sys
import threading

from stetho import observe
from stetho.describe import line as describe
from stetho.describe import number

_COMPARISONS = {
    "==": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}


class Condition:
    """One `--break`: ``{"kind": "nonfinite"}``, ``{"kind": "rule", "rule": ID}`` or ``{"kind": "compare", "signal": NAME, "operator": ">",
    "value": 5.0}``; the command line has read and checked it."""

    def __init__(self, wanted: dict) -> None:
        self.kind: str = wanted["kind"]
        self.rule: str | None = wanted.get("rule")
        self.name: str | None = wanted.get("signal")
        self._was_met = False
        if self.kind == "compare":
            self._compare = _COMPARISONS[wanted["operator"]]
            self._limit = float(wanted["value"])
            self.text = f"{self.name} {wanted['operator']} {number(self._limit)}"
        else:
            self.text = self.kind

    def meets(self, name: str, value: float) -> bool:
        """Whether it holds now and did not a moment ago."""
        if name != self.name or value is None:
            return False
        holds = self._compare(value, self._limit)
        is_new, self._was_met = holds and not self._was_met, holds
        return is_new


def _pdb_class():
    """IPython's debugger where it is installed and a terminal is there, else Python's."""
    if sys.stdin is not None and sys.stdin.isatty():
        try:
            from IPython.terminal.debugger import TerminalPdb

            return TerminalPdb
        except ImportError:
            pass
    return pdb.Pdb


def _make_pdb():
    base = _pdb_class()

    class TensorPdb(base):
        """Shows tensors in one line each; ``pp`` shows them whole."""

        def do_p(self, argument):
            try:
                value = self._getval(argument)
            except Exception:
                return
            self.message(describe(value) if _is_tensor(value) else repr(value))

        def default(self, line):
            text = line[1:].strip() if line[:1] == "!" else line
            try:
                value = eval(compile(text, "<stdin>", "eval"), self.curframe.f_globals, self.curframe_locals)
            except SyntaxError:
                return super().default(line)
            except Exception as error:
                self.error(f"{type(error).__name__}: {error}")
                return
            if value is not None:
                self.message(describe(value) if _is_tensor(value) else repr(value))

        def do_tensors(self, argument):
            """tensors: every tensor of this frame, in one line each."""
            for name, value in self.curframe_locals.items():
                if _is_tensor(value) and not name.startswith("__"):
                    self.message(f"{name:>16}  {describe(value)}")

    return TensorPdb(skip=["torch.*", "stetho.*"])


def _is_tensor(value) -> bool:
    return type(value).__module__.startswith("torch") and hasattr(value, "dtype") and hasattr(value, "shape")


def open_at(frame, headline: list[str], which: str = "pdb") -> None:
    """Opens the debugger in `frame`; returns when the user continues. Leaving it ends the script."""
    from stetho.session import Stopped

    for text in headline:
        print(f"stetho: {text}", file=sys.stderr)
    sys.stderr.flush()
    if which == "debugpy":
        _open_debugpy(frame)
        return
    debugger = _make_pdb()
    debugger.reset()
    bottom = frame
    while bottom.f_back is not None:
        bottom = bottom.f_back
    debugger.botframe = bottom
    try:
        debugger.interaction(frame, None)
    except (EOFError, KeyboardInterrupt):
        raise Stopped(1) from None
    if debugger.quitting:
        raise Stopped(1)
    if debugger.stoplineno != -1:
        # `next` and `step` go on from here, line by line in the user's files.
        at = frame
        while at is not None:
            at.f_trace = debugger.trace_dispatch
            at = at.f_back
        sys.settrace(debugger.trace_dispatch)


#: Where editors look for debugpy unless they are told.
PORT = 5678
_is_listening = False


def _open_debugpy(frame) -> None:
    global _is_listening
    try:
        import debugpy
    except ImportError:
        print("stetho: `--debugger debugpy` needs the package debugpy: pip install debugpy", file=sys.stderr)
        open_at(frame, [])
        return
    if not _is_listening:
        try:
            host, port = debugpy.listen(("127.0.0.1", PORT))
        except (OSError, RuntimeError):  # somebody else listens there
            host, port = debugpy.listen(("127.0.0.1", 0))
        _is_listening = True
        print(f"stetho: waiting for an editor to attach at {host}:{port}", file=sys.stderr, flush=True)
    debugpy.wait_for_client()
    import pydevd

    pydevd.settrace(suspend=False, trace_only_current_thread=True, patch_multiprocessing=False)
    try:
        from _pydevd_bundle.pydevd_comm_constants import CMD_SET_BREAK
        from pydevd_tracing import SetTrace

        thread, editor = threading.current_thread(), pydevd.get_global_debugger()
        editor.set_suspend(thread, CMD_SET_BREAK)
        # What the editor asks meanwhile is no line of the script.
        tracing = sys.gettrace()
        SetTrace(None)
        try:
            editor.do_wait_suspend(thread, frame, "line", None)
        finally:
            SetTrace(tracing)
    except (ImportError, AttributeError):
        # Another version of it: it stops at the next line of the frame.
        pydevd.settrace(suspend=True, trace_only_current_thread=True, patch_multiprocessing=False, stop_at_frame=frame)


class Debugger:
    """The conditions of ``--break``, looked at as the run goes on."""

    def __init__(self, session) -> None:
        self.session = session
        self.conditions = [Condition(text) for text in session.options.breaks]
        self.which = session.options.debugger
        self.wants_trap = session.options.on_trap == "debug" or any(c.kind == "nonfinite" for c in self.conditions)
        self._rules = {c.rule: c for c in self.conditions if c.rule}
        self._due: list[str] = []

    def found(self, rule: str, message: str) -> None:
        """A rule has spoken; the debugger opens at the next step if it was asked for."""
        if rule in self._rules:
            self._due.append(f"{rule}: {message}")

    def look(self, name: str, value: float, frame) -> None:
        """Opens the debugger if a condition about `name` has come to hold."""
        met = [c for c in self.conditions if c.meets(name, value)]
        if not met or frame is None:
            return
        open_at(frame, [f"--break {met[0].text}: {name} is {number(float(value))} at step {self.session.step}"], self.which)

    def begin(self, frame) -> None:
        """A step begins."""
        while self._due:
            if frame is not None:
                open_at(frame, [self._due.pop(0)], self.which)
        self.look("step", self.session.step, frame)

    def experiment(self, investigation):
        """The last attempt of a trapped step: it stops before the operation to blame."""
        from stetho import replay

        debugger = self

        class Stopping(replay.Seen):
            def __init__(self) -> None:
                super().__init__(investigation)
                self.has_stopped = False

            def enter(self) -> None:
                super().enter()
                sys.stdout, sys.stderr = self._quiet
                event, node = investigation.event, investigation.node
                if event is not None:
                    self.forward.before = (event.number, self._stop)
                elif node is not None:
                    self.graph.before = (node.number, self._stop)

            def _stop(self) -> None:
                if self.has_stopped:
                    return
                self.has_stopped = True
                frame = sys._getframe(1)
                is_own = self.session.options.is_own
                while frame is not None and not is_own(frame.f_code.co_filename):
                    frame = frame.f_back
                if frame is None:
                    return
                record = investigation.record()
                source = record.get("source", {})
                lines = [f"about to run `{record.get('op')}` of {source.get('path')}:{source.get('line')}: {source.get('text', '').strip()}"]
                lines += [f"  {i['name']}: {i['text']}" for i in record.get("inputs", [])]
                if investigation.samples:
                    lines.append(f"  sample: row {', '.join(map(str, investigation.samples))} of the batch")
                lines.append("  `tensors` lists the tensors of the frame, `c` goes on, `q` ends the script")
                with observe.nothing(self):
                    open_at(frame, lines, debugger.which)

            def on_backward(self, original, tensors, args, kwargs):
                is_unknown = investigation.event is None and investigation.node is None
                if is_unknown and self.n_backward + 1 == self.trip.n_backward:
                    self._stop()  # no operation is known: before the backward pass of the bad loss
                return super().on_backward(original, tensors, args, kwargs)

        return Stopping()
