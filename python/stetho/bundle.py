"""A trapped step on disk: enough to run it again, bit for bit.

``bundles/step-N/step.pt`` holds tensors and plain values only, so that it loads with ``weights_only=True``; ``bundle.json`` says what it is.
The classes are not in it: `stetho replay` runs the user's script up to its first step, puts the state of the bundle in, and makes the
step.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys

from stetho import ranks, writing

#: Format of a bundle.
VERSION = 1
#: Values larger than this are left out, unless they are part of the batch.
MOST_BYTES = 1 << 28


class BundleError(Exception):
    """A bundle that cannot be used; the text says why and what to do."""


def plain(torch, value, depth: int = 0):
    """The value if it is made of tensors and plain values alone, else None with False."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value, True
    if isinstance(value, torch.nn.Parameter) or depth > 6:
        return None, False
    if isinstance(value, torch.Tensor):
        if value.numel() * value.element_size() > MOST_BYTES:
            return None, False
        return value.detach().cpu().clone(), True
    if type(value) in (list, tuple):
        if len(value) > 100_000:
            return None, False
        items = [plain(torch, v, depth + 1) for v in value]
        return (type(value)(i for i, _ in items), True) if all(ok for _, ok in items) else (None, False)
    if type(value) is dict:
        items = {k: plain(torch, v, depth + 1) for k, v in value.items()}
        if all(isinstance(k, (str, int)) for k in items) and all(ok for _, ok in items.values()):
            return {k: v for k, (v, _) in items.items()}, True
    return None, False


def save(session, investigation, record: dict) -> str:
    """Writes the bundle of this step; its path below the run directory."""
    torch, body = session.torch, session.body
    rank = ranks.number()
    name = os.path.join("bundles", f"step-{record['step']}" + (f"-rank-{rank}" if rank else ""))
    folder = os.path.join(session.folder, name)
    os.makedirs(folder, exist_ok=True)
    values, missing = _values_of_step(session)
    batches = [plain(torch, b) for b in body.batches]
    state = {
        "version": VERSION,
        "values": values,
        "batches": [b for b, ok in batches] if all(ok for _, ok in batches) else None,
        "models": [
            {"class": type(m).__name__, "training": [x.training for x in m.modules()], "state": _state_dict(torch, m)}
            for m in session.models
        ],
        "optimizers": [
            {"class": type(o).__name__, "state": _optimizer_state(torch, o)} for o in list(session.gradients)
        ],
        "random": session.random.saved(),
    }
    if session.scaler is not None:
        state["scaler"] = {k: v for k, v in session.scaler.state_dict().items()}
    path = os.path.join(folder, "step.pt")
    with writing.whole(path, "wb") as file:
        torch.save(state, file)
    trip = investigation.trip
    with open(session.options.script, "rb") as file:
        source = file.read()
    meta = {
        "version": VERSION,
        "script": session.options.script,
        "arguments": sys.argv[1:],
        "directory": os.getcwd(),
        "source": hashlib.sha256(source).hexdigest(),
        "site": {"path": body.site.path, "line": body.site.line},
        "step": trip.step,
        "kind": trip.kind,
        "loss": record.get("loss"),
        "loss_bits": trip.loss_bits.hex() if trip.loss_bits else None,
        "gradient_sum": gradient_sum(trip.gradients) if trip.gradients else None,
        "n_backward": trip.n_backward, "is_guarded": trip.is_guarded,
        "n_stepped": trip.n_stepped,
        "indices": _indices(investigation),
        "missing": missing,
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "threads": torch.get_num_threads()},
    }
    with open(os.path.join(folder, "bundle.json"), "w", encoding="utf-8") as file:
        json.dump(meta, file, indent=1)
    return name


def _values_of_step(session) -> tuple[dict, list[str]]:
    """What the step started from and reads, as far as it is plain; names of what the body carries and is not."""
    torch, body, frame = session.torch, session.body, session.frame
    values: dict = {}
    missing: list[str] = []
    for carried, value in zip(body.site.carried, body.values):
        if value is session.UNBOUND:
            continue
        kept, is_plain = plain(torch, value)
        if is_plain:
            values[carried] = kept
        else:
            missing.append(carried)
    for read in body.site.reads if frame is not None else ():
        if read in values or read in body.site.carried:
            continue
        value = frame.f_locals.get(read, frame.f_globals.get(read))
        is_constant = isinstance(value, torch.Tensor) and not value.requires_grad
        if isinstance(value, (bool, int, float, str)) or is_constant:
            kept, is_plain = plain(torch, value)
            if is_plain:
                values[read] = kept
    return values, missing


def gradient_sum(gradients: list) -> str:
    """A check sum of gradients, NaN included."""
    digest = hashlib.sha256()
    for g in gradients:
        if g is None:
            digest.update(b"-")
            continue
        g = g.to_dense() if g.is_sparse else g
        digest.update(str(tuple(g.shape)).encode())
        digest.update(bytes(g.detach().cpu().double().contiguous().nan_to_num(nan=1.5e300).numpy().tobytes()))
    return digest.hexdigest()


def _state_dict(torch, model) -> dict:
    """Parameters and buffers, those included that are not saved usually."""
    state = {n: p.detach().cpu().clone() for n, p in model.named_parameters()}
    state.update({n: b.detach().cpu().clone() for n, b in model.named_buffers()})
    return state


def _optimizer_state(torch, optimizer) -> dict:
    state = optimizer.state_dict()
    kept, _ = plain(torch, {"groups": [
        {k: v for k, v in g.items() if plain(torch, v)[1]} for g in state["param_groups"]
    ]})
    kept = kept or {"groups": []}
    kept["state"] = {
        i: {k: plain(torch, v)[0] for k, v in s.items() if plain(torch, v)[1]} for i, s in state["state"].items() if isinstance(s, dict)
    }
    return kept


def _indices(investigation) -> list[int] | None:
    """Places of the batch's rows in the whole data set."""
    from stetho.data import as_indices, base_index

    batch = investigation.loader_batch()
    indices = as_indices(batch.indices) if batch is not None else None
    return None if indices is None else [base_index(batch.dataset, i)[1] for i in indices]


def read(path: str) -> tuple[dict, str]:
    """What a bundle says of itself, and where its state lies. Raises `BundleError`."""
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    about = os.path.join(folder, "bundle.json")
    try:
        with open(about, encoding="utf-8") as file:
            meta = json.load(file)
    except FileNotFoundError:
        raise BundleError(f"`{path}` is no bundle: it holds no `bundle.json`; bundles lie in RUN/bundles/step-N") from None
    except (OSError, ValueError) as error:
        raise BundleError(f"cannot read `{about}`: {error}") from None
    if meta.get("version") != VERSION:
        raise BundleError(f"`{path}` is of version {meta.get('version')}, this program reads version {VERSION}")
    if not os.path.isfile(os.path.join(folder, "step.pt")):
        raise BundleError(f"`{path}` is damaged: it holds no `step.pt`")
    return meta, folder


def load(torch, folder: str) -> dict:
    """The state of a bundle. Raises `BundleError`."""
    try:
        return torch.load(os.path.join(folder, "step.pt"), weights_only=True, map_location="cpu")
    except Exception as error:
        raise BundleError(f"`{folder}` is damaged: {str(error).splitlines()[0][:200]}") from None


def put_in(session, state: dict) -> list[str]:
    """Puts the state of a bundle into the models and optimizers that the script has made; what did not fit."""
    import gc

    torch = session.torch
    unfit: list[str] = []
    live = [o for o in gc.get_objects() if issubclass(type(o), torch.nn.Module)]
    taken: set[int] = set()
    session.models = []
    for saved in state["models"]:
        model = next((m for m in live if id(m) not in taken and _matches(m, saved)), None)
        if model is None:
            unfit.append(f"the model `{saved['class']}`")
            continue
        taken.add(id(model))
        session.models.append(model)
        with torch.no_grad():
            for name, value in (*model.named_parameters(), *model.named_buffers()):
                value.data.copy_(saved["state"][name])
        for module, training in zip(model.modules(), saved["training"]):
            module.training = training
    optimizers = [o for o in gc.get_objects() if issubclass(type(o), torch.optim.Optimizer)] + list(session.optimizers())
    for saved in state["optimizers"]:
        found = None
        for optimizer in optimizers:
            groups = optimizer.state_dict()["param_groups"]
            wanted = saved["state"]["groups"]
            if type(optimizer).__name__ == saved["class"] and [g["params"] for g in groups] == [g.get("params") for g in wanted]:
                found = optimizer
                break
        if found is None:
            unfit.append(f"the optimizer `{saved['class']}`")
            continue
        optimizers.remove(found)
        full = found.state_dict()
        for group, wanted in zip(full["param_groups"], saved["state"]["groups"]):
            group.update(wanted)
        full["state"] = saved["state"]["state"]
        found.load_state_dict(full)
        session.known_optimizer(found)
    return unfit


def _matches(model, saved: dict) -> bool:
    if type(model).__name__ != saved["class"]:
        return False
    own = {n: t for n, t in (*model.named_parameters(), *model.named_buffers())}
    return own.keys() == saved["state"].keys() and all(own[n].shape == t.shape for n, t in saved["state"].items())
