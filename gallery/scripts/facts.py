"""What a training script of the gallery really does, measured by plain hooks that share nothing with Stetho.

    python gallery/scripts/facts.py SCRIPT…        one line of facts a script

The expectations in `live/expected.toml` and `healthy/expected.toml` rest on these facts. It is slow (it looks at
every step) and changes nothing in the script. Facts that do not apply are left out.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import io
import math
import os
import runpy
import sys
import time
import warnings
from typing import Any


class Watch:
    """Counts and series of one run."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.backwards = self.steps = self.scheduler_steps = self.clips = self.clips_bind = 0
        self.scheduler_early = self.zeroed = False
        self.stale_steps = 0
        self.eval_steps = self.train_validations = self.validations = 0
        self.depth = 0
        self.last_training_mode: bool | None = None
        self.train_inputs: collections.Counter[bytes] = collections.Counter()
        self.train_rows: set[bytes] = set()
        self.val_rows: list[bytes] = []
        self.wait = 0.0
        self.first_step = self.last_step = 0.0
        self.resident: list[float] = []
        self.ratios: list[float] = []
        self.norms: dict[int, list[float]] = collections.defaultdict(list)
        self.before: dict[int, Any] = {}
        self.initial: dict[int, tuple[Any, Any]] = {}
        self.dead: list[float] = []
        self.flat: list[float] = []
        self.scales: list[float] = []
        self.predicted: collections.Counter[int] = collections.Counter()


def rows_of(tensor: Any) -> list[bytes]:
    """A hash of each row."""
    rows = tensor.detach().reshape(len(tensor), -1).numpy()
    return [hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows]


def has_modes(module: Any) -> bool:
    from torch import nn

    kinds = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._NormBase)
    return any(isinstance(m, kinds) for m in module.modules())


def watch_modules(w: Watch) -> None:
    import torch
    from torch import nn

    call = nn.Module.__call__

    def seen(module: Any, *args: Any, **kwargs: Any) -> Any:
        w.depth += 1
        try:
            out = call(module, *args, **kwargs)
        finally:
            w.depth -= 1
        if isinstance(out, torch.Tensor) and module.training:
            look_at_units(w, module, out)
        if w.depth == 0 and not isinstance(module, nn.modules.loss._Loss):
            look_at_call(w, module, args, kwargs, out)
        return out

    nn.Module.__call__ = seen
    for name in ("relu", "tanh", "sigmoid"):
        wrap_function(w, name)


def wrap_function(w: Watch, name: str) -> None:
    import torch

    for owner in (torch, torch.nn.functional):
        plain = getattr(owner, name)

        def seen(x: Any, *args: Any, plain: Any = plain, **kwargs: Any) -> Any:
            out = plain(x, *args, **kwargs)
            if w.depth and torch.is_grad_enabled():
                activation(w, name, out)
            return out

        setattr(owner, name, seen)


def look_at_units(w: Watch, module: Any, out: Any) -> None:
    from torch import nn

    names = {nn.Tanh: "tanh", nn.Sigmoid: "sigmoid"}
    if type(module) in names:
        activation(w, names[type(module)], out)


def activation(w: Watch, name: str, out: Any) -> None:
    """Shares of units that are zero for the whole batch, and of outputs in the flat part."""
    out = out.detach()
    if name == "relu":
        units = out.transpose(0, 1).flatten(1) if out.dim() > 2 else out.t()
        w.dead.append((units == 0).all(1).float().mean().item())
    else:
        low, high = (-1, 1) if name == "tanh" else (0, 1)
        margin = (high - low) * 0.01
        w.flat.append(((out < low + margin) | (out > high - margin)).float().mean().item())


def look_at_call(w: Watch, module: Any, args: Any, kwargs: Any, out: Any) -> None:
    import torch

    values = [a for a in (*args, *kwargs.values()) if isinstance(a, torch.Tensor) and a.dim() > 1]
    if not values:
        return
    if torch.is_grad_enabled():
        w.train_inputs[hashlib.blake2b(b"".join(rows_of(values[0])), digest_size=8).digest()] += 1
        w.train_rows.update(rows_of(values[0]))
        w.last_training_mode = module.training if has_modes(module) else None
    else:
        w.val_rows += rows_of(values[0])
        w.validations += 1
        w.train_validations += module.training and has_modes(module)
        logits = out[0] if isinstance(out, tuple) else out
        if isinstance(logits, torch.Tensor) and logits.dim() == 2 and logits.shape[1] > 1:
            w.predicted = collections.Counter(logits.argmax(1).tolist())


def watch_steps(w: Watch) -> None:
    import torch
    from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

    backward = torch.Tensor.backward

    def seen(tensor: Any, *args: Any, **kwargs: Any) -> None:
        w.losses.append(float(tensor.detach()))
        w.backwards += 1
        backward(tensor, *args, **kwargs)

    torch.Tensor.backward = seen

    def parameters(optimizer: Any) -> list[Any]:
        return [p for group in optimizer.param_groups for p in group["params"]]

    def before(optimizer: Any, *_: Any) -> None:
        now = time.perf_counter()
        w.first_step = w.first_step or now
        w.last_step = now
        w.stale_steps += w.steps > 0 and not w.zeroed
        w.zeroed = False
        w.eval_steps += w.last_training_mode is False
        for p in parameters(optimizer):
            w.initial.setdefault(id(p), (p, p.detach().clone()))
            w.before[id(p)] = p.detach().clone()
            if p.grad is not None:
                w.norms[id(p)].append(p.grad.norm().item())

    def after(optimizer: Any, *_: Any) -> None:
        w.steps += 1
        ratios = []
        for p in parameters(optimizer):
            if p.dim() > 1:
                old = w.before[id(p)]
                ratios.append(((p.detach() - old).norm() / (old.norm() + 1e-12)).item())
        if ratios:
            w.ratios.append(sorted(ratios)[0])
            w.ratios.append(sorted(ratios)[-1])
        if w.steps % 20 == 0:
            with open("/proc/self/statm") as file:
                w.resident.append(int(file.read().split()[1]) * 4096 / 2**20)

    register_optimizer_step_pre_hook(before)
    register_optimizer_step_post_hook(after)
    zero = torch.optim.Optimizer.zero_grad

    def zeroing(optimizer: Any, *args: Any, **kwargs: Any) -> None:
        w.zeroed = True
        zero(optimizer, *args, **kwargs)

    torch.optim.Optimizer.zero_grad = zeroing


def watch_helpers(w: Watch) -> None:
    import torch
    from torch.optim.lr_scheduler import LRScheduler
    from torch.utils.data import dataloader

    for kind in [LRScheduler, *LRScheduler.__subclasses__()]:
        if "step" not in kind.__dict__:
            continue
        plain = kind.step

        def stepping(scheduler: Any, *args: Any, plain: Any = plain, **kwargs: Any) -> Any:
            initial = getattr(scheduler, "_is_initial", False)
            if not initial:
                w.scheduler_steps += 1
                w.scheduler_early |= w.steps == 0
            return plain(scheduler, *args, **kwargs)

        kind.step = stepping
    following = dataloader._BaseDataLoaderIter.__next__

    def waiting(iterator: Any) -> Any:
        start = time.perf_counter()
        try:
            return following(iterator)
        finally:
            if w.steps:
                w.wait += time.perf_counter() - start

    dataloader._BaseDataLoaderIter.__next__ = waiting
    clip = torch.nn.utils.clip_grad_norm_

    def clipping(parameters: Any, max_norm: float, *args: Any, **kwargs: Any) -> Any:
        norm = clip(parameters, max_norm, *args, **kwargs)
        w.clips += 1
        w.clips_bind += bool(norm > max_norm)
        return norm

    torch.nn.utils.clip_grad_norm_ = clipping
    update = torch.amp.GradScaler.update

    def updating(scaler: Any, *args: Any, **kwargs: Any) -> None:
        update(scaler, *args, **kwargs)
        w.scales.append(scaler.get_scale())

    torch.amp.GradScaler.update = updating


def facts(w: Watch) -> list[str]:
    """The facts in words."""
    out = [f"steps {w.steps}", f"backward {w.backwards}"]
    if w.losses:
        tenth = max(1, len(w.losses) // 10)
        out.append(f"loss {sum(w.losses[:tenth]) / tenth:.4g} → {sum(w.losses[-tenth:]) / tenth:.4g}")
        out.append(f"non-finite losses {sum(not math.isfinite(v) for v in w.losses)}")
    out.append(f"steps without zeroing {w.stale_steps}")
    out.append(f"steps in eval mode {w.eval_steps}")
    out.append(f"validations in train mode {w.train_validations}/{w.validations}")
    n_inputs = sum(w.train_inputs.values())
    if n_inputs:
        out.append(f"repeated inputs {(n_inputs - len(w.train_inputs)) / n_inputs:.2f}")
    if w.val_rows:
        leaked = sum(row in w.train_rows for row in w.val_rows) / len(w.val_rows)
        out.append(f"validation rows seen in training {leaked:.2f}")
    if w.scheduler_steps:
        out.append(f"scheduler steps {w.scheduler_steps} before the first update {w.scheduler_early}")
    if w.clips:
        out.append(f"clip binds {w.clips_bind / w.clips:.2f}")
    if w.scales:
        falls = sum(b < a for a, b in zip(w.scales, w.scales[1:]))
        out.append(f"loss scale {w.scales[0]:g} → {w.scales[-1]:g}, falls {falls}")
    span = w.last_step - w.first_step
    if span > 0 and w.steps > 1:
        out.append(f"waits {w.wait / span:.2f} of time, {1e3 * w.wait / w.steps:.2f} ms a step")
    unchanged = sum(bool((p.detach() == first).all()) for p, first in w.initial.values())
    out.append(f"unchanged parameters {unchanged}/{len(w.initial)}")
    if w.ratios:
        logs = sorted(math.log10(r + 1e-12) for r in w.ratios)
        out.append(f"update ratio 10^{logs[len(logs) // 10]:.1f} … 10^{logs[-1 - len(logs) // 10]:.1f}")
    medians = [sorted(v)[len(v) // 2] for v in w.norms.values() if v]
    if medians:
        ends = f"first {medians[0]:.2g} last {medians[-1]:.2g}"
        out.append(f"gradient norms {min(medians):.2g} … {max(medians):.2g}, {ends}")
    for name, values in (("dead units", w.dead), ("flat outputs", w.flat)):
        if values:
            late = values[len(values) // 2 :]
            out.append(f"{name} {sum(late) / len(late):.2f}")
    if w.resident:
        out.append(f"resident MiB {w.resident[len(w.resident) // 5]:.0f} → {w.resident[-1]:.0f}")
    if w.predicted:
        out.append(f"largest predicted class {max(w.predicted.values()) / sum(w.predicted.values()):.2f}")
    return out


def look(script: str) -> None:
    """Runs one script under the hooks and prints its facts."""
    w = Watch()
    watch_modules(w)
    watch_steps(w)
    watch_helpers(w)
    sys.argv = [script]
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runpy.run_path(script, run_name="__main__")
    print(f"{script}: " + " · ".join(facts(w)) + f" · {time.process_time() - start:.1f} s", flush=True)


def main() -> int:
    """Each script runs in a process of its own; they share what is slow to import."""
    import sklearn.datasets
    import sklearn.model_selection
    import torch

    torch.set_num_threads(1)
    failed = 0
    for script in sys.argv[1:]:
        child = os.fork()
        if child == 0:
            look(script)
            os._exit(0)
        failed |= os.waitpid(child, 0)[1]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
