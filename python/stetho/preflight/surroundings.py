"""What is around a step before anything is run: the user's variables, models, optimizers, loaders and the batch."""

from __future__ import annotations

import sys

from stetho import rows
from stetho.preflight.samples import is_state
from stetho.state import RandomStates


def random_states(session):
    """The random states of a run that has kept none yet."""
    return RandomStates(session.torch)


def roots_of(session, frame, values: tuple) -> list:
    """What the user's step can reach: variables of his frames, of his modules, and what the body starts from."""
    roots: list = [v for v in values if v is not session.UNBOUND]
    while frame is not None:
        if session.options.is_own(frame.f_code.co_filename):
            roots.extend(v for n, v in list(frame.f_locals.items()) if not n.startswith("__"))
            roots.append(frame.f_globals)
        frame = frame.f_back
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and session.options.is_own(path):
            roots.append(vars(module))
    return roots


def look_around(bench, frame) -> None:
    """Models, optimizers, loaders and the batch, before anything is run."""
    session, torch = bench.session, bench.torch
    # Experiments run what a compiled model was made of.
    bench.modules = [m for m in bench.modules if "_orig_mod" not in m._modules]
    inner = {id(c) for m in bench.modules for c in m.children()}
    held = {id(p) for o in bench.kept.optimizers for g in o.param_groups for p in g["params"]}
    # Without numbers of its own a module is a mould for those that are called with others.
    outer = [m for m in bench.modules if id(m) not in inner and not _is_mould(m)]
    bench.optimizers = _optimizers(bench.kept.optimizers)
    bench.models = [m for m in outer if any(id(p) in held for p in m.parameters())] or [
        m for m in outer if next(m.parameters(), None) is not None
    ]
    bench.parameters = list({id(p): p for m in outer for p in m.parameters()}.values())
    devices = [p.device for p in bench.parameters if not p.is_meta]
    if devices:
        bench.device = max(devices, key=devices.count)
    names: dict[int, tuple] = {}
    while frame is not None:
        if session.options.is_own(frame.f_code.co_filename):
            for scope in (frame.f_locals, frame.f_globals):
                for name, value in list(scope.items()):
                    if any(value is loader for loader in bench.kept.loaders):
                        names.setdefault(id(value), (name, value))
        frame = frame.f_back
    for loader in bench.kept.loaders:
        names.setdefault(id(loader), ("", loader))
    bench.loaders = list(names.values())
    last = session.batches.last
    if last is not None and last.loader is not None:
        bench.train_loader = last.loader()
    _find_batch(bench, torch)


def _is_mould(module) -> bool:
    parameters = list(module.parameters())
    return bool(parameters) and all(p.is_meta for p in parameters)


def _optimizers(found: list) -> list:
    """Those that hold parameters; of one in the wrapping of a framework the inner one."""
    inner = [(o, getattr(o, "optimizer", None) or getattr(o, "_optimizer", None)) for o in found]
    bare = [o for o, held in inner if not any(held is other for other in found)]
    return [o for o in bare if any(g["params"] for g in o.param_groups)]


def _find_batch(bench, torch) -> None:
    site, body = bench.site, bench.body
    for name, value in zip(site.carried, body.values):
        if value is bench.session.UNBOUND:
            continue
        if name in site.targets or isinstance(value, (torch.Tensor, dict, list, tuple)):
            for inner, tensor in rows.tensors_in(torch, value, name):
                if not tensor.requires_grad:
                    bench.batch[inner] = tensor
    own = {n: t for n, t in bench.batch.items() if n.split("[")[0].split(".")[0] in site.targets}
    bench.n_rows = rows.batch_size(list(own.values())) or rows.batch_size(
        [t for t in bench.batch.values() if not is_state(torch, bench.models, t)]
    )
    if bench.n_listed():
        bench.n_rows = None
