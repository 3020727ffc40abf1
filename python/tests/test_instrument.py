"""Transformed code does what the original does, once and when it is attempted again."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

import pytest

from stetho import instrument

STAND_IN = """
class Loss:
    def __init__(self, value): self.value = value
    def backward(self): log.append(("backward", self.value))
log = []
"""

LOOPS = {
    "plain": """
for x in range(5):
    log.append(x)
    Loss(x).backward()
""",
    "continue, break and else": """
for x in range(9):
    if x % 2:
        continue
    if x == 6:
        break
    Loss(x).backward()
else:
    log.append("else")
for x in range(3):
    Loss(x).backward()
else:
    log.append("else again")
""",
    "a break in an inner loop": """
for x in range(4):
    for y in range(4):
        if y == x:
            break
    else:
        log.append("inner else")
    Loss((x, y)).backward()
""",
    "a function that returns in the middle": """
def train(n):
    total = 0
    for x in range(n):
        total += x
        Loss(total).backward()
        if total > 5:
            return total
    return -1
log.append(train(10))
log.append(train(2))
""",
    "while with next": """
it = iter(range(4))
step = 0
while step < 10:
    try:
        x = next(it)
    except StopIteration:
        break
    step += 1
    Loss((step, x)).backward()
log.append(next(it, "end"))
""",
    "a helper that a loop calls": """
def one(x, scale=1):
    Loss(x * scale).backward()
    return x
for x in range(3):
    log.append(one(x, scale=2))
""",
    "exceptions that the user handles": """
for x in range(4):
    try:
        if x == 2:
            raise ValueError(x)
        Loss(x).backward()
    except ValueError as error:
        log.append(str(error))
    finally:
        log.append("finally")
""",
    "a method with state of its own": """
class Trainer:
    def __init__(self): self.n = 0
    def fit(self, xs):
        for x in xs:
            self.n += 1
            Loss((self.n, x)).backward()
        return self.n
    def train(self): pass
log.append(Trainer().fit(range(3)))
""",
    "names that are not set yet": """
def run():
    for x in range(3):
        if x == 0:
            best = x
        best = max(best, x)
        Loss(best).backward()
    return best
log.append(run())
""",
    "the global statement": """
count = 0
def run():
    global count
    for x in range(3):
        count += 1
        Loss(count).backward()
run()
log.append(count)
""",
    "a closure": """
def run():
    seen = []
    for x in range(3):
        def closure():
            loss = Loss(x)
            loss.backward()
            return loss
        seen.append(closure().value)
    return seen
log.append(run())
""",
    "a comprehension over the batch": """
for x in range(3):
    xs = [x + y for y in range(2)]
    Loss(sum(xs)).backward()
""",
}


class Once:
    """Stands for a session that never trips."""

    UNBOUND = object()
    NameError, AttributeError = NameError, AttributeError
    Again = KeyError

    def __init__(self) -> None:
        self.sites: list[instrument.Site] = []
        self.n_attempts = 0

    def attempts(self, number, values):
        assert len(values) == len(self.sites[number].carried)
        self.n_attempts += 1
        yield None

    def partial(self, number, names):
        values = []
        for name in self.sites[number].carried:
            head, _, attribute = name.partition(".")
            value = names.get(head, self.UNBOUND)
            values.append(getattr(value, attribute, self.UNBOUND) if attribute else value)
        return tuple(values)

    def next(self, iterator, *default):
        return next(iterator, *default)

    def leaves(self, number, result=None):
        assert number < len(self.sites)
        return result


def compiled(text: str, session) -> object:
    source = STAND_IN + text
    reach = instrument.Reach([("user.py", ast.parse(source))])
    return instrument.compile_user(source, "user.py", reach, session.sites)


@pytest.mark.parametrize("name", LOOPS)
def test_what_is_transformed_does_the_same(name, monkeypatch):
    session = Once()
    monkeypatch.setattr(builtins, instrument.NAME, session, raising=False)
    plain: dict = {"__name__": "plain"}
    exec(compile(STAND_IN + LOOPS[name], "user.py", "exec"), plain)
    changed: dict = {"__name__": "changed"}
    exec(compiled(LOOPS[name], session), changed)
    assert changed["log"] == plain["log"]
    assert session.sites, "nothing was found to attempt"
    assert session.n_attempts > 0


def test_another_attempt_starts_from_the_same_values(monkeypatch):
    class Twice(Once):
        def attempts(self, number, values):
            self.n_attempts += 1
            yield None
            yield values

    session = Twice()
    monkeypatch.setattr(builtins, instrument.NAME, session, raising=False)
    scope: dict = {}
    exec(
        compiled(
            """
class Meter: pass
meter = Meter()
meter.seen = 0
def run():
    total = 0
    for x in (1, 2, 3):
        x = x * 10
        total += x
        meter.seen += 1
        Loss((x, total)).backward()
    return total
result = run()
""",
            session,
        ),
        scope,
    )
    assert scope["result"] == 60
    assert scope["meter"].seen == 3
    assert scope["log"] == [("backward", pair) for pair in ((10, 10), (10, 10), (20, 30), (20, 30), (30, 60), (30, 60))]


def test_lines_and_tracebacks_stay(monkeypatch):
    session = Once()
    monkeypatch.setattr(builtins, instrument.NAME, session, raising=False)
    text = "for x in range(3):\n    y = x\n    Loss(1 / (y - 1)).backward()\n"
    code = compiled(text, session)
    with pytest.raises(ZeroDivisionError) as caught:
        exec(code, {})
    frames = [(f.path.name if isinstance(f.path, Path) else f.path, f.lineno + 1) for f in caught.traceback]
    assert frames[-1][1] == (STAND_IN + text).splitlines().index("    Loss(1 / (y - 1)).backward()") + 1


def test_terms_are_the_variables_that_are_added():
    session = Once()
    compiled(
        """
for x in range(3):
    loss = cls_loss + 0.5 * box_loss + beta * kl.mean()
    loss.backward()
for x in range(3):
    total = sum(losses.values())
    total.backward()
for x in range(3):
    loss = out["a"] + out["b"]
    loss += penalty
    loss.backward()
""",
        session,
    )
    assert [s.terms for s in session.sites] == [
        {"loss": ("cls_loss", "box_loss", "kl")},
        {"total": ("*losses",)},
        {"loss": ("out['a']", "out['b']", "penalty")},
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        # The innermost loop that reaches it, through functions too; `model.train()` is not the user's `train`.
        ("def train(model):\n    for x in range(2):\n        model.train()\n        Loss(x).backward()\nfor e in range(2):\n    train(1)\n", [3]),
        ("class T:\n    def step(self, b):\n        Loss(b).backward()\n        opt.step()\n    def fit(self):\n        for b in range(3):\n            self.step(b)\n", [7]),
        # A framework calls it: the function is the body.
        ("def process(engine, batch):\n    'doc'\n    Loss(batch).backward()\nEngine(process)\n", [3]),
        # Nothing that trains.
        ("for x in range(3):\n    print(x)\n", []),
        # Not to be repeated.
        ("def steps():\n    for x in range(3):\n        Loss(x).backward()\n        yield x\n", []),
    ],
)
def test_what_is_a_training_step(text, lines):
    sites: list[instrument.Site] = []
    reach = instrument.Reach([("user.py", ast.parse(text))])
    real = __import__("os").path.realpath("user.py")
    reach = instrument.Reach([(real, ast.parse(text))])
    instrument.compile_user(text, "user.py", reach, sites)
    assert [s.line for s in sites] == lines
