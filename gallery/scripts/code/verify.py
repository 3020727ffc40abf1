#!/usr/bin/env python3
"""Checks `expected.toml` by plain means: that the faulty script does what its fault says, and that the fixed one does not, and learns.

Usage: python verify.py [NAME…]

Each script runs to its end under plain Python, its conditions rewritten so that what they gave is kept by line. Files written and
read, exceptions that the script caught, parameters, gradients and optimizers are kept too. Nothing of Stetho judges; the scripts
with a contract import it, and their data sets are looked at here by plain comparisons.
"""
import ast
import os
import random
import sys
import tomllib
import types
import warnings
from multiprocessing import get_context
from pathlib import Path

import numpy
import torch
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_pre_hook

HERE = Path(__file__).resolve().parent
# What the samples of a script with a contract must be.
CONTRACTS = {
    "contract_of_labels": lambda sample: 0 <= sample[1] <= 4,
    "contract_of_boxes": lambda sample: bool(sample["box"][0] < sample["box"][2] and sample["box"][1] < sample["box"][3]),
    "contract_inferred": lambda sample: bool(sample[0].max() <= 1),
}


class Watched(ast.NodeTransformer):
    """Hands the value of every condition to `_seen(line, value)`, and calls `_caught(line)` in every handler."""

    def wrap(self, test):
        line = ast.Constant(test.lineno)
        return ast.copy_location(ast.Call(ast.Name("_seen", ast.Load()), [line, test], []), test)

    def visit_If(self, node):
        self.generic_visit(node)
        node.test = self.wrap(node.test)
        return node

    visit_IfExp = visit_If

    def visit_comprehension(self, node):
        self.generic_visit(node)
        node.ifs = [self.wrap(test) for test in node.ifs]
        return node

    def visit_ExceptHandler(self, node):
        self.generic_visit(node)
        call = ast.Call(ast.Name("_caught", ast.Load()), [ast.Constant(node.lineno)], [])
        node.body.insert(0, ast.copy_location(ast.Expr(call), node))
        return node


def floats(value):
    """All floating tensors in nested containers."""
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from floats(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from floats(part)


class Facts:
    """What a script did."""

    def __init__(self):
        self.losses, self.branches, self.caught, self.saved, self.starts = [], {}, {}, [], []
        self.optimizers, self.modules, self.bad = [], [], set()

    def start(self, script):
        backward, save = torch.Tensor.backward, torch.save

        def watched(loss, *rest, **more):
            self.losses.append(loss.item())
            return backward(loss, *rest, **more)

        def saving(value, *rest, **more):
            self.saved = [t.detach().clone() for t in floats(value) if t.dim() > 1]
            return save(value, *rest, **more)

        torch.Tensor.backward, torch.save = watched, saving
        register_optimizer_step_pre_hook(self.step)
        register_module_forward_pre_hook(self.forward)
        contract = CONTRACTS.get(script.stem.rsplit("_", 1)[0])
        if contract:
            from torch.utils.data._utils import fetch
            original = fetch._MapDatasetFetcher.fetch

            def fetched(fetcher, indices):
                inner = getattr(fetcher.dataset, "__stetho_wrapped__", fetcher.dataset)
                if len(inner) > 800:
                    self.bad.update(i for i in indices if not contract(inner[i]))
                return original(fetcher, indices)

            fetch._MapDatasetFetcher.fetch = fetched

    def forward(self, module, _):
        if not any(module is m for m in self.modules[-20:]) and torch.is_grad_enabled():
            self.modules.append(module)

    def step(self, optimizer, *_):
        if any(optimizer is o for o, _ in self.optimizers):
            return
        own = [p for g in optimizer.param_groups for p in g["params"]]
        same = sum(any(s.shape == p.shape and torch.equal(s, p) for s in self.saved) for p in own if p.dim() > 1)
        self.optimizers.append((optimizer, {id(p) for p in own}))
        if self.saved:
            self.starts.append(same / sum(p.dim() > 1 for p in own))

    def outside(self):
        """Parameters of the modules that were last trained that have gradients but are in no optimizer."""
        own = set().union(*(ids for _, ids in self.optimizers))
        return sum(p.grad is not None and id(p) not in own for m in self.modules for p in m.parameters(recurse=False))


def observe(script):
    facts = Facts()
    facts.start(script)
    tree = ast.fix_missing_locations(Watched().visit(ast.parse(script.read_text())))
    module = types.ModuleType("__main__")

    def seen(line, value):
        facts.branches.setdefault(line, set()).add(bool(value))
        return value

    def caught(line):
        facts.caught[line] = facts.caught.get(line, 0) + 1

    module.__dict__.update(_seen=seen, _caught=caught, __file__=str(script))
    sys.modules["__main__"] = module
    sys.argv, sys.path[0] = [str(script)], str(script.parent)
    exec(compile(tree, str(script), "exec"), module.__dict__)
    n = max(1, len(facts.losses) // 20)
    return {"branches": facts.branches, "caught": facts.caught, "starts": facts.starts, "outside": facts.outside(),
            "bad": sorted(facts.bad), "first": sum(facts.losses[:n]) / n, "last": sum(facts.losses[-2 * n:]) / (2 * n),
            "losses": facts.losses}


def enter(answer, script):
    try:
        os.chdir(script.parent)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        warnings.simplefilter("ignore")
        torch.set_num_threads(1)
        for source in (torch.seed, random.seed, numpy.random.seed):  # a fork would begin with the states of its parent
            source()
        answer.send(observe(script))
    except BaseException as error:
        answer.send({"crash": f"{type(error).__name__}: {error}"})


def child(script):
    """What `observe` says of `script`, in a process of its own (a fork, so that torch is imported once)."""
    receiver, sender = get_context("fork").Pipe(duplex=False)
    process = get_context("fork").Process(target=enter, args=(sender, script))
    process.start()
    sender.close()
    found = receiver.recv() if receiver.poll(600) else {"crash": "took longer than 600 s"}
    process.kill() if process.is_alive() and "crash" in found else process.join()
    return found


def lines_with(path, texts):
    texts = texts if isinstance(texts, list) else [texts]
    lines = path.read_text().split("\n")
    return [n for n, line in enumerate(lines, 1) if any(text in line for text in texts)]


def shows(rule, twin, run, path):
    """Whether the fault is there."""
    if rule == "checkpoint-not-loaded":
        return min(run["starts"]) < 0.5
    if rule == "swallowed-error":
        return bool(run["caught"])
    if rule in ("branch-never-taken", "branch-always-taken"):
        values = [run["branches"].get(n, set()) for n in lines_with(path, twin["line"])]
        return {rule == "branch-always-taken"} in values
    if rule == "unseeded-run":
        return run["losses"] != child(path)["losses"]
    if rule == "contract-violated":
        return run["bad"] == twin["samples"]
    return run["outside"] > 0


def verify(twin):
    """Lines that say what differs from what is expected of `twin`."""
    rule = twin["rule"] if isinstance(twin["rule"], str) else twin["rule"][0]
    faulty, fixed = child(HERE / twin["faulty"]), child(HERE / twin["fixed"])
    problems = [f"{which}: {run['crash']}" for which, run in (("faulty", faulty), ("fixed", fixed)) if "crash" in run]
    if problems:
        return problems
    for which, run in (("faulty", faulty), ("fixed", fixed)):
        print(f"    {which}: loss {run['first']:.3f} to {run['last']:.3f}, starts from a file {run['starts']}, caught {run['caught']}, "
              f"outside {run['outside']}, bad {run['bad']}")
    if not fixed["last"] < twin.get("falls", 0.7) * fixed["first"]:
        problems.append("the fixed one does not learn")
    if not shows(rule, twin, faulty, HERE / twin["faulty"]):
        problems.append("the faulty one does not show its fault")
    if shows(rule, twin, fixed, HERE / twin["fixed"]) or (rule == "contract-violated" and fixed["bad"]):
        problems.append("the fixed one shows the fault")
    return problems


def main():
    twins = tomllib.loads((HERE / "expected.toml").read_text())["twin"]
    wrong = 0
    for twin in twins:
        if sys.argv[1:] and not any(name in twin["faulty"] for name in sys.argv[1:]):
            continue
        print(twin["faulty"], flush=True)
        problems = verify(twin)
        wrong += bool(problems)
        for problem in problems:
            print("    !", problem, flush=True)
    print(f"{wrong} of {len(twins)} twins are not as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
