"""What `stetho run` records of the script itself, and what is said of it."""

from __future__ import annotations

import ast
import builtins
import glob
import json
import os
import pathlib
import random
import sys
import types
from pathlib import Path

import pytest
from conftest import call

from stetho.code import Recorder, branches, counters, handlers, values
from stetho.code.files import looks_like

HEAD = """
import os, random, torch
from torch import nn
torch.manual_seed(0)
x = torch.randn(64, 4); y = x.sum(1, keepdim=True)
def make():
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
def train(net, optimizer, epochs=4):
    for epoch in range(epochs):
        for i in range(0, 64, 16):
            loss = nn.functional.mse_loss(net(x[i:i + 16]), y[i:i + 16])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
def adam(net):
    return torch.optim.Adam(net.parameters(), 1e-3)
"""

CODE = ("branch-never-taken", "branch-always-taken", "swallowed-error", "unseeded-run", "checkpoint-not-loaded", "stale-optimizer")


@pytest.fixture
def run(stetho, tmp_path: Path):
    """Runs a script; its record, and what the rules on scripts say: pairs of a rule and the lines that its finding points to."""

    def made(script: str, *options: str, environment: dict | None = None):
        (tmp_path / "train.py").write_text(script)
        result = stetho("run", "--dir", "run", "--format", "json", "--out", "out.json", *options, "train.py", environment=environment)
        assert "failed in stetho" not in result.stderr, result.stderr
        record = json.loads((tmp_path / "run" / "code.json").read_text())
        findings = json.loads((tmp_path / "out.json").read_text())["findings"]
        lines = script.split("\n")

        def places(finding):
            return [lines[p["line"] - 1].strip() for p in finding["places"] if p["kind"] == "source"]

        return result, record, [(f["rule"], places(f), f["message"]) for f in findings if f["rule"] in CODE]

    return made


MEANING = '''
log = []
def told(value, name="x"):
    log.append(name)
    return value
class Truth:
    def __init__(self, value): self.value = value
    def __bool__(self):
        log.append("bool")
        return self.value
def f(n):
    out = []
    if told(n > 3) and told(n < 10, "y"):
        out.append("mid")
    elif (double := n * 2) > 30:
        out.append(double)
    else:
        out.append("low")
    out.append("even" if Truth(n % 2 == 0) else "odd")
    out += [k for k in range(n) if k % 2 if k > 2]
    out.append({k: v for k, v in zip("abc", range(3)) if v if (z := v)})
    i = n
    while i > 2:
        i -= 1
        if i == 4: continue
        if i == 3: break
    else:
        out.append("else")
    if 1 < n < 5 < 9: out.append("chain")
    out.append((lambda q: 1 if q else 2)(n % 3))
    try:
        if n == 7: raise ValueError("seven")
        if n == 8: {}["k"]
    except ValueError as error:
        out.append(str(error))
    except KeyError:
        pass
    def generator():
        for k in range(3):
            if (yield k): out.append("sent")
    iterator = generator()
    next(iterator)
    iterator.send(n % 2)
    return out
result = [f(n) for n in range(20)]
'''


def executed(keeps_counts: bool | None):
    """The variables of `MEANING` after it ran as it is (None), or watched, and its conditions with their counts."""
    tree, entries, found = ast.parse(MEANING), [], []
    recorder = types.SimpleNamespace(is_on=True, is_own=lambda path: True, files=types.SimpleNamespace(was_not_found=lambda error, handler: False))

    def number(site) -> int:
        entries.append(counters.nothing)
        at = len(entries) - 1
        if isinstance(site, handlers.Handler):
            entries[at] = handlers.catching(site, recorder)
        elif isinstance(site, handlers.Tried):
            entries[at] = handlers.counting(site)
        else:
            found.append(counters.Condition(entries, at, site, bool(keeps_counts)))
        return at

    variables: dict = {"__name__": "meaning"}
    if keeps_counts is not None:
        tree = branches.write(tree, branches.plan(tree, "meaning.py", None), number, 0)
        builtins.__stetho__ = types.SimpleNamespace(code=types.SimpleNamespace(list_of=lambda key: entries))
    try:
        exec(compile(tree, "meaning.py", "exec"), variables)
    finally:
        if keeps_counts is not None:
            del builtins.__stetho__
    return variables, {c.site.condition: c.counts() for c in found}


def test_a_watched_script_means_what_it_meant():
    plain, _ = executed(None)
    for keeps_counts in (False, True):
        watched, counts = executed(keeps_counts)
        assert watched["result"] == plain["result"]
        assert watched["log"] == plain["log"], "something is tested in another order, or more than once"
    assert counts["i == 4"] == (15, 122)
    assert counts["k > 2"] == (72, 18)
    assert counts["(z := v)"] == (40, 0)
    assert counts["n == 7"] == (1, 19)


def condition(text: str, **names):
    """Why a condition cannot vary, with these variables."""
    frame = types.SimpleNamespace(f_locals=names, f_globals={})
    node = ast.parse(text, mode="eval").body
    return values.why_fixed(node, eval(text, dict(names)), frame)


def test_kinds_that_never_compare_equal_are_told():
    import enum

    class Mode(enum.Enum):
        TRAIN = "train"

    class Model:
        def is_warm(self):
            return False

    assert condition("label == '1'", label=1) == "an int is never equal to a str"
    assert condition("mode == Mode.TRAIN.value", mode=Mode.TRAIN, Mode=Mode) == "a Mode is never equal to a str"
    assert condition("split == 'Train'", split="train") == "'train' and 'Train' are spelled differently"
    assert condition("model.is_warm", model=Model()) == "`model.is_warm` is a method that is not called"
    assert condition("label == 0 or 1", label=3).startswith("`1` by itself is true")
    assert condition("row['valid']", row={"valid": "False"}).startswith("the text 'False' is true")
    assert condition("k in kept", k=3, kept={"3", "4"}).startswith("an int is looked for among")
    for text, names in (("a == b", {"a": 1, "b": 2.0}), ("size == 'auto'", {"size": 3}), ("a in b", {"a": 1, "b": [2]}), ("a", {"a": "yes"})):
        assert condition(text, **names) == ""


def test_names_of_files_tell_what_they_hold():
    for name in ("last.pt", "ckpt/net.pth", "out/checkpoint_3.bin", "model.safetensors", "checkpoints/*"):
        assert looks_like(name) == "checkpoint", name
    for name in ("train.csv", "cache/train_data.pt", "config.json", "output", "checkpoints", "scaler.pkl"):
        assert looks_like(name) != "checkpoint", name


def test_conditions_that_never_vary_are_told_and_guards_are_not(run):
    _, record, found = run(HEAD + """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--verbose", action="store_true")
args = parser.parse_args()
net = make()
for step in range(40):
    label = step % 3
    if args.verbose:
        print("step", step)
    if net is None:
        raise ValueError("no net")
    if step % 1000 == 999:
        print("far")
    if label == "2":
        label = 0
    loss = nn.functional.mse_loss(net(x), y)
    if not torch.isfinite(loss):
        break
kept = [s for s in range(20) if random.random() < 50]
train(net, adam(net))
""")
    assert [(rule, places) for rule, places, _ in found if rule.startswith("branch")] == [
        ("branch-never-taken", ['if label == "2":']),
        ("branch-always-taken", ["kept = [s for s in range(20) if random.random() < 50]"]),
    ]
    message = next(m for rule, _, m in found if rule == "branch-never-taken")
    assert "0 of 40 times, with label = 0 … 2; an int is never equal to a str" in message
    assert record["ended"] and record["n_steps"] == 16


def test_weights_and_output_are_those_of_plain_python(run, tmp_path):
    script = HEAD + """
net = make(); best = 1e9
for step in range(30):
    loss = nn.functional.mse_loss(net(x), y)
    if loss < best:
        best = loss.item()
    print(step, "low" if best < 1 else "high", [k for k in range(5) if k > step])
train(net, adam(net))
print([p.sum().item() for p in net.parameters()], random.Random(0).random(), torch.rand(1).item(), os.path.exists("nothing.pt"))
"""
    result, _, _ = run(script)
    plain = call([sys.executable, "train.py"], cwd=tmp_path)
    assert plain.returncode == 0, plain.stderr
    assert result.stdout == plain.stdout


@pytest.mark.parametrize("workers", [0, 2])
def test_errors_that_a_data_set_drops_are_told_in_workers_too(run, workers):
    _, record, found = run(HEAD + f"""
names = {{i: float(i) for i in range(64) if i % 8}}
class Set(torch.utils.data.Dataset):
    def __len__(self): return 64
    def __getitem__(self, i):
        try:
            return x[i], torch.tensor([names[i]])
        except Exception:
            return x[1], torch.tensor([1.0])
net = make()
optimizer = adam(net)
for a, b in torch.utils.data.DataLoader(Set(), 16, num_workers={workers}):
    loss = nn.functional.mse_loss(net(a), b)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""")
    swallowed = record["swallowed"][0]
    assert (swallowed["count"], swallowed["n_tried"], swallowed["type"], swallowed["kind"]) == (8, 64, "KeyError", "reading")
    rule, places, message = next(f for f in found if f[0] == "swallowed-error")
    assert places == ["except Exception:", "return x[i], torch.tensor([names[i]])"]
    assert "8 errors dropped in 64 attempts (12.5 %)" in message
    assert not list(glob.glob("run/.code-workers*"))


def test_expected_errors_are_not_told(run):
    _, _, found = run(HEAD + """
try:
    import there_is_no_such_package
except ImportError:
    there_is_no_such_package = None
rows = []
for text in ["a"] + ["1.5"] * 200:
    try:
        rows.append(float(text))
    except ValueError:
        continue
iterator = iter([1])
while True:
    try:
        next(iterator)
    except StopIteration:
        break
net = make(); train(net, adam(net))
""")
    assert not found


def test_checkpoints_that_were_not_loaded_are_told(run):
    _, _, found = run(HEAD + """
torch.save({"module." + k: v for k, v in make().state_dict().items()}, "net.pt")
net = make()
net.load_state_dict(torch.load("net.pt"), strict=False)
train(net, adam(net))
torch.save(make().state_dict(), "good.pt")
net = make()
net.load_state_dict(torch.load("good.pt"))
net.apply(lambda m: m.reset_parameters() if hasattr(m, "reset_parameters") else None)
train(net, adam(net))
state = torch.load("good.pt")
net = make()
train(net, adam(net))
""")
    assert {tuple(places) for rule, places, _ in found if rule == "checkpoint-not-loaded"} == {
        ('net.load_state_dict(torch.load("net.pt"), strict=False)',),
        ('net.load_state_dict(torch.load("good.pt"))', 'net.apply(lambda m: m.reset_parameters() if hasattr(m, "reset_parameters") else None)'),
        ('state = torch.load("good.pt")',),
    }


def test_a_run_is_judged_again_from_its_folder(run, stetho, tmp_path):
    run(HEAD + "net = make(); optimizer = adam(net); net = make(); train(net, optimizer)")
    again = stetho("watch", "run", "--select", "stale-optimizer", "--format", "json")
    assert [f["rule"] for f in json.loads(again.stdout)["findings"]] == ["stale-optimizer"], again.stderr
    (tmp_path / "run" / "code.json").write_text("{")
    again = stetho("watch", "run", "--format", "json")
    assert any("code.json: not read" in note for note in json.loads(again.stdout)["facts"]["skipped_files"]), again.stdout


def test_a_checkpoint_that_is_not_there_is_told_unless_the_run_writes_it(run):
    script = HEAD + """
net = make()
if os.path.exists("last.pth"):
    net.load_state_dict(torch.load("last.pth"))
train(net, adam(net))
torch.save(net.state_dict(), "last.NAME")
"""
    _, _, found = run(script.replace("NAME", "pt"))
    assert [(rule, places) for rule, places, _ in found] == [("checkpoint-not-loaded", ['if os.path.exists("last.pth"):'])]
    assert "this run wrote `last.pt` instead" in found[0][2]
    _, _, found = run(script.replace("NAME", "pth"))
    assert not found


def test_loads_as_they_should_be_are_quiet(run):
    _, record, found = run(HEAD + """
import copy
torch.save({"model": make().state_dict(), "epoch": 3}, "net.pt")
teacher = make(); teacher.load_state_dict(torch.load("net.pt")["model"])
net = make()
train(net, adam(net))
best = copy.deepcopy(net.state_dict())
net.load_state_dict(best)
body = nn.Sequential(*make()[:2], nn.Linear(8, 1))
kept = {k: v for k, v in torch.load("net.pt")["model"].items() if not k.startswith("2")}
body.load_state_dict(kept, strict=False)
train(body, adam(body))
""")
    assert not found
    assert [(one["n_loaded"], one["n_parameters"]) for one in record["loads"]] == [(4, 4), (4, 4), (2, 4)]


def test_an_optimizer_of_a_model_that_is_gone_is_told(run):
    _, _, found = run(HEAD + """
net = make()
optimizer = adam(net)
net = make()
train(net, optimizer)
""")
    made = ["return torch.optim.Adam(net.parameters(), 1e-3)", "return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))"]
    assert [(rule, places) for rule, places, _ in found] == [("stale-optimizer", made)]


def test_sources_without_a_seed_are_told(run):
    _, record, found = run(HEAD + "random.random(); net = make(); train(net, adam(net))")
    assert [rule for rule, _, _ in found] == ["unseeded-run"]
    state = {s["source"]: (s["used"], s["seeded"]) for s in record["randomness"]}
    assert state["torch"] == (True, True) and state["python random"] == (True, False)


def test_the_annotated_source_is_printed(stetho, tmp_path):
    (tmp_path / "train.py").write_text(HEAD + "net = make()\nfor k in range(6):\n    if k > 3: pass\ntrain(net, adam(net))\n")
    result = stetho("run", "--dir", "run", "--branches", "train.py")
    assert "2/4" in next(line for line in result.stderr.split("\n") if "if k > 3: pass" in line)


def test_a_compiled_script_is_left_alone(run):
    result, record, _ = run(HEAD + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = make()
    def forward(self, x):
        if x.shape[0] > 3:
            x = x * 2
        return self.inner(x)
net = Net()
train(torch.compile(net, backend="eager", fullgraph=True), adam(net))
print("done")
""")
    assert result.stdout == "done\n"
    assert record["branches"] is None


def test_functions_that_are_sent_by_value_take_what_they_need_along(run):
    pytest.importorskip("cloudpickle")
    result, _, _ = run(HEAD + """
import subprocess, sys
import cloudpickle
def halved(k):
    try:
        if k > 3:
            raise ValueError(k)
        return [j for j in range(k) if j]
    except ValueError:
        return "large"
sent = cloudpickle.dumps(halved)
code = "import pickle, sys; f = pickle.load(sys.stdin.buffer); print(f(2), f(9))"
print(subprocess.run([sys.executable, "-c", code], input=sent, capture_output=True).stdout.decode())
net = make(); train(net, adam(net))
""")
    assert result.stdout == "[1] large\n\n"


def test_all_that_was_hooked_is_put_back(tmp_path):
    import torch

    owners = [(os.path, "exists"), (pathlib.Path, "exists"), (glob, "glob"), (random, "seed"), (torch, "load"), (torch, "compile"),
              (torch.nn.Module, "load_state_dict"), (torch.nn.Module, "__init__"), (torch.optim.Optimizer, "__init__")]
    before = [getattr(owner, name) for owner, name in owners]
    options = types.SimpleNamespace(folder=str(tmp_path), script="train.py", is_own=lambda path: False)
    recorder = Recorder(types.SimpleNamespace(options=options, torch=torch, experiment=None, say=print, known_models=list))
    recorder.torch_is_here(torch)
    assert all(getattr(owner, name) is not b for (owner, name), b in zip(owners, before))
    recorder.finish(ended=True)
    assert [getattr(owner, name) for owner, name in owners] == before
    assert json.loads((tmp_path / "code.json").read_text())["schema"] == 1
