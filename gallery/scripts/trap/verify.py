#!/usr/bin/env python3
"""Checks `expected.toml` by plain means: that the faulty script goes wrong there, by that operation, with those samples.

Usage: python verify.py [NAME…]

Each script runs under plain Python with a dispatch mode that keeps, for every step, the operations that gave a non-finite value
from finite ones; backward nodes have hooks. Then the faulty script runs once more with the samples replaced by their neighbours:
it must stay finite. The fixed script must have finite losses, gradients and parameters in every step that the optimizer takes.
This is slow and exact; nothing of Stetho is used.
"""
import os
import runpy
import sys
import tomllib
import traceback
import warnings
from contextlib import nullcontext, suppress
from multiprocessing import get_context
from pathlib import Path

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data._utils import fetch

HERE = Path(__file__).resolve().parent


def tensors(value):
    """All tensors in nested tuples, lists and dictionaries."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors(part)
    elif isinstance(value, dict):
        yield from tensors(list(value.values()))


def non_finite(value, nan_only=False):
    return any(t.is_floating_point() and (t.isnan() if nan_only else ~t.isfinite()).any().item() for t in tensors(value))


class Wrong(BaseException):
    """Ends a script once it has been seen to go wrong."""


def place(folder, stack):
    """The innermost line of the script's own folder in `stack`."""
    own = [f for f in stack if f.filename.startswith(str(folder)) and "verify.py" not in f.filename]
    return [str(Path(own[-1].filename).relative_to(folder)), own[-1].lineno] if own else [None, 0]


def observe(script, args, without, trace):
    """Runs `script` to its end or to the first wrong step; says what was non-finite and, if `trace`, which operation made it."""
    folder, seen = script.parent, {"first": None, "batch": None, "losses": [], "steps": 0}
    producers = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
            inputs = (arguments, keywords or {})
            bad, nan = non_finite(inputs), non_finite(inputs, True)  # before: the operation may write into them
            result = function(*arguments, **(keywords or {}))
            name = function.__name__
            if "empty" in name:
                return result
            if non_finite(result) and (not bad or non_finite(result, True) and not nan):
                producers.append([name.split(".")[0], *place(folder, traceback.extract_stack())])
            elif bad and not producers:
                producers.append(["input", *place(folder, traceback.extract_stack())])
            return result

    def watch_nodes(loss):
        todo, known = [loss.grad_fn], set()
        while todo:
            node = todo.pop()
            if node is None or node in known:
                continue
            known.add(node)
            stack = "".join(node.metadata.get("traceback_", []))

            def hook(grad_inputs, grad_outputs, node=node, stack=stack):
                if non_finite(grad_inputs) and not non_finite(grad_outputs):
                    own = [line for line in stack.split("\n") if str(folder) in line and "verify.py" not in line]
                    name, line = (own[-1].split('"')[1], int(own[-1].split("line ")[1].split(",")[0])) if own else ("", 0)
                    producers.append([node.name(), name.replace(str(folder) + "/", ""), line])

            node.register_hook(hook)
            todo.extend(parent for parent, _ in node.next_functions)

    def wrong(phase):
        if seen["first"] is None:
            seen["first"] = {"phase": phase, "step": seen["steps"], "producers": producers[:12], "batch": seen["batch"]}
            raise Wrong

    backward = torch.Tensor.backward

    def watched_backward(loss, *rest, **more):
        scale = loss.detach().float().item()
        seen["losses"].append(scale)
        if non_finite(loss.detach()):
            wrong("forward")
        if trace:
            watch_nodes(loss)
        return backward(loss, *rest, **more)

    def before(optimizer, *_):
        gradients = [p.grad for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
        if non_finite(gradients):
            wrong("backward")
        producers.clear()

    def after(optimizer, *_):
        if non_finite([p.detach() for g in optimizer.param_groups for p in g["params"]]):
            wrong("optimizer")
        seen["steps"] += 1
        producers.clear()

    def fetched(self, indices, original=fetch._MapDatasetFetcher.fetch):
        seen["batch"] = list(indices)
        return original(self, [(i + 1) % len(self.dataset) if i in without else i for i in indices])

    fetch._MapDatasetFetcher.fetch = fetched
    torch.Tensor.backward = watched_backward
    register_optimizer_step_pre_hook(before)
    register_optimizer_step_post_hook(after)
    torch.autograd.set_detect_anomaly(trace, check_nan=False)
    sys.argv, sys.path[0] = [str(script), *args], str(folder)
    with suppress(Wrong), Watch() if trace else nullcontext():
        runpy.run_path(str(script), run_name="__main__")
    largest = max(range(len(seen["losses"])), key=lambda k: abs(seen["losses"][k]), default=0)
    return {**seen, "losses": [len(seen["losses"]), largest, *seen["losses"][largest:largest + 1]]}


def enter(answer, script, args, without, trace):
    """The process of one run: quiet, in the script's folder."""
    try:
        os.chdir(script.parent)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        warnings.simplefilter("ignore")
        torch.set_num_threads(1)
        answer.send(observe(script, args, without, trace))
    except BaseException as error:
        answer.send({"error": f"{type(error).__name__}: {error}", "first": None})


def child(script, args, without=(), trace=False):
    """What `observe` says of `script`, in a process of its own (a fork, so that torch is imported once)."""
    receiver, sender = get_context("fork").Pipe(duplex=False)
    process = get_context("fork").Process(target=enter, args=(sender, script, args, without, trace))
    process.start()
    sender.close()
    found = receiver.recv() if receiver.poll(600) else {"error": "took longer than 600 s", "first": None}
    process.kill() if process.is_alive() and "error" in found else process.join()
    return found


def words(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def plain(op):
    """`log` for `aten.log_.default`, `sqrt` for `SqrtBackward0`: names that can be compared."""
    return op.lower().split("backward")[0].replace("_", "").removeprefix("aten.")


def verify(twin):
    """Lines that say what differs from what is expected of `twin`."""
    faulty = HERE / twin["faulty"]
    args = twin.get("args", [])
    found, fixed = child(faulty, args, trace=twin["rule"] != "loss-spike"), child(HERE / twin["fixed"], args)
    problems = [f"{which}: {run['error']}" for which, run in (("faulty", found), ("fixed", fixed)) if "error" in run]
    if problems:
        return problems
    if fixed["first"]:
        problems.append(f"the fixed one goes wrong: {fixed['first']}")
    if twin["rule"] == "loss-spike":
        n, step, loss = found["losses"]
        print(f"    largest loss {loss} at {step} of {n}; fixed {fixed['losses']}")
        return problems + ([f"the largest loss is at {step}"] if step != twin.get("step", step) else [])
    first = found["first"]
    if not first:
        return [*problems, "the faulty one stays finite"]
    print(f"    {first['phase']} step {first['step']}: {first['producers'][:4]} batch {first['batch']}")
    if first["phase"] not in words(twin["phase"]) and "input" not in words(twin["phase"]):
        problems.append(f"phase {first['phase']}, not {twin['phase']}")
    if twin.get("step", first["step"]) != first["step"]:
        problems.append(f"step {first['step']}, not {twin['step']}")
    wanted_lines = {n for text in words(twin.get("line")) for n in lines_with(faulty.parent / twin.get("file", faulty.name), text)}
    fits = [op for op, path, line in first["producers"]
            if line in wanted_lines and (not twin.get("op") or plain(op) in map(plain, words(twin["op"])))]
    if not fits and "input" not in words(twin["phase"]):
        problems.append(f"no such producer among {first['producers']}")
    if twin.get("samples"):
        again = child(faulty, args, twin["samples"])
        if again.get("first") or "error" in again:
            problems.append(f"without the samples it still goes wrong: {again}")
        if first["batch"] and not set(twin["samples"]) <= set(first["batch"]):
            problems.append(f"the samples are not in the batch {first['batch']}")
    return problems


def lines_with(path, text):
    lines = path.read_text().split("\n")
    return [n for n, line in enumerate(lines, 1) if text in line]


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
