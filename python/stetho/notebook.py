"""In a notebook: ``%load_ext stetho``, then ``%%stetho`` above a cell that trains, or ``%stetho on`` for every cell that does.

From then on cells go through the same transform as a script under `stetho run`: the innermost loop that reaches ``backward`` can be attempted again, and
in a watched cell the trap names operation, line and sample. What was found is shown below the cell.
"""

from __future__ import annotations

import ast
import copy
import html
import json
import os

from stetho import instrument
from stetho.options import Options
from stetho.session import Session, Stopped

_OPTIONS = ("--on-trap", "--budget", "--dir")
#: Cells whose functions are known.
MOST_CELLS = 200
#: By the method that trains: the frameworks whose objects have it.
_TRAINERS = {"fit": frozenset({"lightning", "pytorch_lightning", "keras"}), "train": frozenset({"transformers"})}
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Findings:
    """What a watched cell gave: its findings, as text and as HTML."""

    def __init__(self, folder: str, verdict: dict) -> None:
        #: The run directory; `report.html` in it is the whole report.
        self.folder = folder
        #: As in the JSON report.
        self.findings: list[dict] = verdict.get("findings", [])
        self.outcomes: list[dict] = verdict.get("outcomes", [])

    def __len__(self) -> int:
        return len(self.findings)

    def __repr__(self) -> str:
        n_ran = sum(o.get("outcome") == "ran" for o in self.outcomes)
        if not self.findings:
            return f"stetho: nothing found by {n_ran} rules ({self.folder})"
        return "\n".join(f"{f['severity']}[{f['rule']}]: {f['message']}" for f in self.findings)

    def _repr_html_(self) -> str:
        e = html.escape
        if not self.findings:
            return f"<p>{e(repr(self))}</p>"
        parts = []
        for finding in self.findings:
            remedies = "".join(f"<li>{e(r['action'])}{_code(r)}</li>" for r in finding.get("remedies", []))
            parts.append(
                f"<details{' open' if finding['severity'] == 'error' else ''}><summary><b>{e(finding['severity'])}</b> <code>{e(finding['rule'])}</code> "
                f"{e(finding['message'])}</summary><p>{e(finding.get('why') or '')}</p><ul>{remedies}</ul></details>"
            )
        return "".join(parts) + f"<p><small>{e(os.path.join(self.folder, 'report.html'))}</small></p>"


def _code(remedy: dict) -> str:
    text = remedy.get("code") or remedy.get("command")
    return f"<pre>{html.escape(text)}</pre>" if text else ""


class Notebook:
    """The extension: magics, and the transform of cells."""

    def __init__(self, shell) -> None:
        self._shell = shell
        self.is_on = False
        self._is_watching = False
        #: What the last watched cell gave.
        self.last: Findings | None = None
        self._trees: list[tuple[str, ast.Module]] = []
        self._n_cells = 0
        #: Of all cells: a function that one defines may be called in another.
        self._sites: list[instrument.Site] = []
        self._rest()

    def _rest(self) -> None:
        """Between watched cells, what was made attemptable is attempted once."""
        idle = Session(Options())
        idle.sites = self._sites
        instrument.publish(idle)

    def cell(self, line: str, cell: str):
        """``%%stetho [--on-trap stop|skip] [--budget SHARE] [--dir DIR]``"""
        from stetho import watching

        options = _options(line)
        watch = watching.begin(_script(self._shell), (), **options)
        session, folder = watch.session, watch.folder
        session.sites = self._sites
        instrument.publish(session)
        self._is_watching = True
        result = None
        try:
            result = self._run(cell)
        except Stopped:
            pass
        finally:
            self._is_watching = False
            instrument.unpublish()
            written = os.path.join(folder, "report.json")
            watch.close(out=written)
            self._rest()
            self.last = _read(folder, written)
            self._show(self.last)
        return result

    def _run(self, cell: str):
        """Executes the cell in the notebook's names; the value of its last expression, as IPython shows it."""
        shell = self._shell
        source = shell.transform_cell(cell)
        name = shell.compile.cache(source, shell.execution_count)
        tree = ast.fix_missing_locations(shell.transform_ast(ast.parse(source, name)))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec"), shell.user_ns)
        return None if last is None else eval(compile(ast.Expression(last.value), name, "eval"), shell.user_ns)

    @staticmethod
    def _show(found: Findings) -> None:
        from IPython.display import display

        display(found)

    def line(self, line: str):
        """``%stetho on``: every cell that trains is watched; ``%stetho off``; ``%stetho``: what the last one gave."""
        word = line.strip()
        if word not in ("", "on", "off"):
            raise ValueError(f"`%stetho {word}`: write `%stetho on`, `%stetho off`, or `%stetho` for what was found last")
        if not word:
            return self.last
        self.is_on = word == "on"
        return None

    def of_input(self, lines: list[str]) -> list[str]:
        """A transform of IPython's input: a cell that trains becomes one that is watched."""
        source = "".join(lines)
        if not self.is_on or self._is_watching or "run_cell_magic('stetho'" in source or not self._trains(source):
            return lines
        return [f"get_ipython().run_cell_magic('stetho', '', {source!r})\n"]

    def visit(self, tree: ast.Module) -> ast.Module:
        """A transform of IPython's trees: steps of a cell become attemptable."""
        self._n_cells += 1
        name = os.path.realpath(f"<cell {self._n_cells}>")
        self._trees.append((name, copy.deepcopy(tree)))
        del self._trees[:-MOST_CELLS]
        try:
            return instrument.Transform(name, instrument.Reach(self._trees), self._sites).visit(tree)
        except RecursionError:
            return tree

    def _trains(self, source: str) -> bool:
        """Whether a cell comes to ``backward`` when it runs, through functions of other cells too, or calls a trainer of a framework."""
        try:
            tree = ast.parse(source)
        except SyntaxError:
            return False  # as it is
        reach = instrument.Reach([*self._trees, ("", tree)])
        if any(isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith)) for statement in tree.body for node in _outside(statement)):
            return False  # only IPython itself runs such a cell
        calls = [c for statement in tree.body if not isinstance(statement, _DEFINITIONS) for c in instrument.calls_of(statement)]
        return reach.reaches(set(calls)) or _calls_a_trainer(self._shell, tree)


def _outside(statement):
    """The nodes of a statement that are in no function."""
    if isinstance(statement, _DEFINITIONS):
        return
    yield statement
    for child in ast.iter_child_nodes(statement):
        yield from _outside(child)


def _calls_a_trainer(shell, tree: ast.Module) -> bool:
    """Whether a cell calls ``x.fit(…)`` or ``x.train(…)`` of an `x` of a framework."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)):
            continue
        held = shell.user_ns.get(node.func.value.id)
        frameworks = {c.__module__.partition(".")[0] for c in type(held).__mro__}
        if frameworks & _TRAINERS.get(node.func.attr, frozenset()):
            return True
    return False


def _read(folder: str, path: str) -> Findings:
    """The report that was written; an empty one where it could not be."""
    try:
        with open(path, encoding="utf-8") as file:
            return Findings(os.path.relpath(folder), json.load(file))
    except (OSError, ValueError):
        return Findings(os.path.relpath(folder), {})


def _options(line: str) -> dict:
    words = line.split()
    options: dict = {}
    while words:
        name = words.pop(0)
        if name not in _OPTIONS or not words:
            raise ValueError(f"`%%stetho {line.strip()}`: options are {', '.join(_OPTIONS)}, each with a value")
        options[name[2:].replace("-", "_")] = words.pop(0)
    return options


def _script(shell) -> str:
    """The notebook's file, by which the run directory is called."""
    path = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") or "notebook"
    return os.path.abspath(path)


def load(shell) -> Notebook:
    """Makes the magics known; what ``%load_ext stetho`` calls."""
    notebook = Notebook(shell)
    shell.register_magic_function(notebook.cell, "cell", "stetho")
    shell.register_magic_function(notebook.line, "line", "stetho")
    shell.input_transformers_post.append(notebook.of_input)
    shell.ast_transformers.append(notebook)
    return notebook
