#!/usr/bin/env python3
"""Checks `expected.toml` by plain means: that the faulty script does what its fault says, and that the fixed one does not, and learns.

Usage: python verify.py [NAME…]

Each script runs to its end under plain Python. What it calls is kept: losses with their arguments, softmaxes, the first and the last
call of the outermost module, parameters with their gradients and optimizers. Each rule has a check below that is
true of the faulty script and false of the fixed one. Nothing of Stetho is used.
"""
import math
import os
import runpy
import sys
import tomllib
import warnings
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode

HERE = Path(__file__).resolve().parent
LOSSES = ("cross_entropy", "nll_loss", "mse_loss", "smooth_l1_loss", "l1_loss", "binary_cross_entropy_with_logits",
          "binary_cross_entropy")


def first_tensor(value):
    """The first tensor in tuples, lists and dictionaries; None if there is none."""
    if isinstance(value, torch.Tensor):
        return value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return next((t for t in map(first_tensor, parts) if t is not None), None)


class Watch(TorchFunctionMode):
    """Keeps what a script does. Calls are kept of the first three steps, losses and norms of all."""

    def __init__(self):
        super().__init__()
        self.losses, self.calls, self.leaves, self.modules, self.starts = [], [], [], {}, {}
        self.gradients, self.optimizers, self.top, self.eval_inputs, self.train_inputs = {}, {}, None, [], []
        self.depth = self.steps = 0
        self.last = None
        self.error = ""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        name = getattr(function, "__name__", "").strip("_")
        tensors = [a.detach().clone() for a in args[:2] if isinstance(a, torch.Tensor)]
        if name in LOSSES or name in ("softmax", "log_softmax", "relu", "sub", "rsub") and self.steps < 3:
            out = result.detach().clone() if isinstance(result, torch.Tensor) else None
            call = (name, tensors, out, self.steps, torch.is_grad_enabled())
            self.last = call if name in LOSSES and torch.is_grad_enabled() else self.last
            if self.steps < 3:
                self.calls.append(call)
        return result

    def start(self):
        """Sets the hooks."""
        backward = torch.Tensor.backward

        def watched(loss, *rest, **more):
            with torch._C.DisableTorchFunction():
                self.losses.append(loss.item())
                return backward(loss, *rest, **more)

        torch.Tensor.backward = watched
        register_module_forward_pre_hook(self.before)
        register_module_forward_hook(self.after)
        register_optimizer_step_pre_hook(self.step)

    def before(self, module, inputs):
        self.modules.setdefault(module, None)
        for part in module.modules():
            for p in part.parameters(recurse=False):
                self.starts.setdefault(p, p.detach().clone())
        is_loss = type(module).__module__.startswith("torch.nn.modules.loss")
        if self.depth == 0 and not is_loss and first_tensor(inputs) is not None:
            if self.top is None and torch.is_grad_enabled():
                self.top = (module, inputs)
            kept = self.train_inputs if torch.is_grad_enabled() else self.eval_inputs
            if len(kept) < 6 and self.top is not None and type(module) is type(self.top[0]):
                kept.append(first_tensor(inputs).detach().clone())
        self.depth += 1

    def after(self, module, inputs, output):
        self.depth -= 1
        if self.steps == 0 and not list(module.children()) and isinstance(output, torch.Tensor) and torch.is_grad_enabled():
            self.leaves.append((module, first_tensor(inputs), output.detach().clone()))

    def step(self, optimizer, *_):
        for group in optimizer.param_groups:
            for p in group["params"]:
                self.optimizers[p] = group["lr"]
        if self.steps < 3:
            for module in list(self.modules):
                for part in module.modules():
                    for p in part.parameters(recurse=False):
                        norm = 0.0 if p.grad is None else p.grad.norm().item()
                        self.gradients[p] = max(norm, self.gradients.get(p, 0.0))
        self.steps += 1

    def named(self, *names):
        return [c for c in self.calls if c[0] in names]

    def forward(self, x):
        """Output of the outermost module for an input, in evaluation mode where that is what is asked."""
        module, inputs = self.top
        with torch.no_grad():
            return first_tensor(module(x, *inputs[1:]))

    def x(self):
        return first_tensor(self.top[1])

    def trainable(self):
        return [p for module in self.modules for p in module.parameters() if p.requires_grad]


def changed(a, b):
    """Which entries of the first axis differ by more than rounding."""
    return ((a - b).abs() > 1e-5 * (1 + a.abs())).flatten(1).any(1)


def other_input(x):
    """The same tokens or numbers, each sample replaced by its neighbour's, and disturbed."""
    return x.roll(1, 0) if not x.is_floating_point() else x.roll(1, 0) + torch.randn_like(x)


def ignores_input(w):
    """The output of each sample is the same for another sample: words count as their place in the text only."""
    w.top[0].eval()
    x = w.x() if w.x().is_floating_point() else w.x()[:, :5]
    if not x.any():
        return True
    return not changed(w.forward(x), w.forward(other_input(x))).any()


def batch_mixing(w):
    """The first sample's input moves the output of others, in evaluation mode."""
    w.top[0].eval()
    x = w.x().clone()
    before = w.forward(x)
    x[0] = other_input(x)[0]
    return bool(changed(before, w.forward(x))[1:].any())


def causal_leak(w):
    """The last token moves the output at places before it."""
    w.top[0].eval()
    x = w.x().clone()
    if w.losses and len(w.top[1]) > 1:
        w.top = (w.top[0], w.top[1][:1])
    before = w.forward(x)
    x[:, -1] = (x[:, -1] + 1) % (x.max() + 1)
    after = w.forward(x)
    axis = next(a for a in range(1, 3) if before.shape[a] == x.shape[1])
    return bool(changed(before.movedim(axis, 0), after.movedim(axis, 0))[:-1].any())


def base(call):
    """What a constant prediction loses, and what was lost."""
    name, (inputs, target), value, *_ = call
    if name == "cross_entropy":
        return math.log(inputs.shape[1]), value.item()
    if name.startswith("binary"):
        return math.log(2), value.item()
    return target.float().var(unbiased=False).item(), value.item()


def loss_at_init(w):
    guess, value = base(next(c for c in w.calls if c[0] in LOSSES))
    return value > 3 * guess or value < guess / 3


def no_gradient(w):
    return any(w.gradients.get(p, 0.0) == 0 for p in w.trainable())


def not_in_optimizer(w):
    return any(w.gradients.get(p, 0.0) > 0 and p not in w.optimizers for p in w.trainable())


def double_softmax(w):
    calls = [*w.named("binary_cross_entropy_with_logits"), w.last]  # scores may lie between 0 and 1 by chance at first
    binary = [z for name, (z, _), *_ in calls if name == "binary_cross_entropy_with_logits"]
    sums = [z.sum(1) if (z >= 0).all() else z.exp().sum(1) for _, (z, _), *_ in w.named("cross_entropy")]
    return bool(binary) and all(0 <= z.min() and z.max() <= 1 for z in binary) or any((s - 1).abs().max() < 1e-3 for s in sums)


def softmax_axis(w):
    return any((out.sum(1) - 1).abs().max() > 1e-3 for _, _, out, *_ in w.named("softmax") if out.dim() > 1)


def loss_broadcast(w):
    pairs = [[t.shape for t in call[1]] for call in w.named(*LOSSES[2:5], "sub", "rsub") if len(call[1]) == 2 and call[4]]
    return any({len(a), len(b)} == {1, 2} and min(a[-1], b[-1]) == 1 and max(a[0], b[0]) > 1 for a, b in pairs)


def target_range(w):
    for name, (z, t), *_ in w.named("cross_entropy", "binary_cross_entropy_with_logits"):
        if name == "cross_entropy" and not t.is_floating_point() and (t.min() < 0 or t.max() >= z.shape[1]):
            return True
        if name.startswith("binary") and (t.min() < 0 or t.max() > 1):
            return True
    return "out of bounds" in w.error


def input_scale(w):
    x = w.x().float()
    return bool(x.abs().max() > 50 or x.mean().abs() > 2 * x.std() or not x.any())


def symmetric_init(w):
    starts = [s for p, s in w.starts.items() if s.dim() == 2 and p.requires_grad]
    return any((s == s[0, 0]).all() for s in starts)


def init_scale(w):
    stds = [out.std().item() for m, _, out in w.leaves if isinstance(m, (nn.Linear, nn.Conv2d, nn.Embedding))]
    return max(stds) > 10 * stds[0] or stds[-1] < stds[0] / 10


def dead_at_init(w):
    shares = [(out.flatten(1) == 0).all(0).float().mean().item() for _, _, out, step, _ in w.named("relu") if step == 0]
    return any(share >= 0.5 for share in shares)


def gradient_check(w):
    """The slope along a random direction of the parameters, by autograd and by differences in float64."""
    module, inputs = w.top
    module = module.double().eval()
    x = w.x().double() if w.x().is_floating_point() else w.x()
    params = [p for p in module.parameters() if p.requires_grad]
    loss = lambda: module(x).pow(2).mean()  # noqa: E731
    gradients = torch.autograd.grad(loss(), params)
    directions = [torch.randn_like(p) for p in params]
    slope, h, sides = sum((g * d).sum() for g, d in zip(gradients, directions)), 1e-6, []
    for sign in (1, -2):
        for p, d in zip(params, directions):
            p.data.add_(d, alpha=sign * h)
        sides.append(loss().item())
    return abs((sides[0] - sides[1]) / (2 * h) - slope.item()) > 1e-3 * abs(slope.item())


def normalisation_mismatch(w):
    a, b = torch.cat(w.train_inputs).flatten(), torch.cat(w.eval_inputs).flatten()
    return bool((a.mean() - b.mean()).abs() > 0.3 * a.std() or not 0.7 < b.std() / a.std() < 1.4)


def hidden_size_assumption(w):
    try:
        return w.forward(w.x()[:7]) is None
    except RuntimeError:
        return True


def small_batch_norm(w):
    return any(isinstance(m, nn.modules.batchnorm._BatchNorm) and x.shape[0] < 8 for m, x, _ in w.leaves)


def output_bias_prior(w):
    """A constant prediction at the shares of the classes loses less than half of the first loss."""
    name, (z, t), value, *_ = next(c for c in w.calls if c[0] in LOSSES)
    shares = t.float().mean() if name.startswith("binary") else torch.bincount(t).float() / len(t)
    shares = torch.stack([shares, 1 - shares]) if name.startswith("binary") else shares
    return value.item() > 2 * torch.special.entr(shares).sum().item()


def bias_before_norm(w):
    """A bias that has next to no gradient beside its weight, as a batch norm takes it out."""
    for m, _, _ in w.leaves:
        if isinstance(m, (nn.Linear, nn.Conv2d)) and m.bias is not None:
            if w.gradients[m.bias] < 1e-5 * w.gradients[m.weight]:
                return True
    return False


def tail(losses):
    """Mean of the last tenth."""
    n = max(1, len(losses) // 10)
    return sum(losses[-n:]) / n


def learns(w, share):
    n = max(1, len(w.losses) // 50)
    return tail(w.losses) < share * sum(w.losses[:n]) / n


CHECKS = {name.replace("_", "-"): check for name, check in list(globals().items()) if name in {
    "ignores_input", "batch_mixing", "causal_leak", "loss_at_init", "no_gradient", "not_in_optimizer", "double_softmax",
    "softmax_axis", "loss_broadcast", "target_range", "input_scale", "symmetric_init", "init_scale", "dead_at_init",
    "gradient_check", "normalisation_mismatch", "hidden_size_assumption", "small_batch_norm", "output_bias_prior",
    "bias_before_norm"}}
BY_LOSS = ("cannot-overfit-batch", "learning-rate-range")  # rules without a check of their own: the two curves are compared


def observe(script, rule, share):
    """Facts about one script."""
    watch = Watch()
    watch.start()
    sys.argv, sys.path[0] = [str(script)], str(script.parent)
    try:
        with watch:
            runpy.run_path(str(script), run_name="__main__")
    except IndexError as error:
        watch.error = str(error)
    says = CHECKS[rule](watch) if rule in CHECKS else None
    return {"first": watch.losses[0] if watch.losses else None, "last": tail(watch.losses) if watch.losses else None,
            "steps": len(watch.losses), "learns": bool(watch.losses) and learns(watch, share), "says": says, "error": watch.error}


def enter(answer, script, rule, share):
    """The process of one run: quiet, in the script's folder."""
    try:
        os.chdir(script.parent)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        warnings.simplefilter("ignore")
        torch.set_num_threads(1)
        answer.send(observe(script, rule, share))
    except BaseException as error:
        import traceback
        answer.send({"crash": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()[-600:]})


def child(script, rule, share):
    """What `observe` says of `script`, in a process of its own (a fork, so that torch is imported once)."""
    receiver, sender = get_context("fork").Pipe(duplex=False)
    process = get_context("fork").Process(target=enter, args=(sender, script, rule, share))
    process.start()
    sender.close()
    found = receiver.recv() if receiver.poll(600) else {"crash": "took longer than 600 s"}
    process.kill() if process.is_alive() and "crash" in found else process.join()
    return found


def verify(twin):
    """Lines that say what differs from what is expected of `twin`."""
    rule = twin["rule"] if isinstance(twin["rule"], str) else twin["rule"][0]
    share = twin.get("falls", 0.7)
    faulty, fixed = child(HERE / twin["faulty"], rule, share), child(HERE / twin["fixed"], rule, share)
    problems = [f"{which}: {run['crash']}\n{run.get('trace', '')}" for which, run in (("faulty", faulty), ("fixed", fixed))
                if "crash" in run]
    if problems:
        return problems
    print(f"    {rule}: faulty {faulty}\n    fixed {fixed}")
    if fixed["error"] or not fixed["learns"]:
        problems.append("the fixed one does not learn")
    if rule in BY_LOSS and not faulty["last"] > 1.5 * fixed["last"]:
        problems.append("the loss of the faulty one is not 1.5 times that of the fixed one at the end")
    if rule not in BY_LOSS and not faulty["says"]:
        problems.append("the faulty one does not show its fault")
    if fixed["says"]:
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
