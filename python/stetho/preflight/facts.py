"""What the step is made of: model, parameters, batch, calls of losses and softmaxes, layers; seen in one attempt of it."""

from __future__ import annotations

from stetho.preflight import batch, layers, losses, trees
from stetho.preflight.attempt import Attempt
from stetho.preflight.quiet import Forbidden
from stetho.preflight.record import place
from stetho.preflight.watched import Watched

NAME = "facts"
TITLE = "the step as it is"
SHARE = 0.5
#: Parameters that are written down.
MOST_PARAMETERS = 1500


def measure(bench):
    """One attempt of the step, seen."""
    watched = Watched(bench)
    yield watched
    bench.fill(watched)
    yield from _try_index(bench)
    yield from _try_random(bench)
    bench.start_over()
    found: dict = {
        "model": _model(bench),
        "parameters": _parameters(bench, watched),
        "batch": {**batch.facts(bench), "first_layer": layers.first(bench, watched)},
        "loss_calls": losses.loss_calls(bench, watched),
        "softmaxes": losses.softmaxes(watched),
        "raised": _raised(bench, watched),
        "init": {"loss": bench.loss},
    }
    found.update(layers.facts(bench, watched))
    return found


def _try_index(bench):
    """Whether an index of the loop may count on while the batch is held: with the next one the model gets the same."""
    counts = [v for n, v in zip(bench.site.carried, bench.body.values) if n in bench.site.targets and type(v) is int]
    if not counts or bench.model is None or bench.watched.error is not None:
        return
    same: list[bool] = []

    def look(args, kwargs):
        if not same:
            before = [t for _, t in trees.leaves(bench.torch, (bench.inputs, bench.keywords))]
            now = [t for _, t in trees.leaves(bench.torch, (args, kwargs))]
            same.append(len(before) == len(now) and all(a.shape == b.shape and bool((a == b).all()) for a, b in zip(before, now)))
        return args, kwargs

    bench.start_over()
    bench.index_advances, bench.n_made = True, 1
    attempt = Attempt(bench, inputs=look, until="backward", goes_on=True)
    yield attempt
    bench.index_advances = bool(same and same[0] and attempt.error is None and attempt.losses)


def _try_random(bench):
    """Whether random numbers that the step draws before it calls the model only put the samples into another order."""
    if bench.model is None or bench.watched.error is not None or not bench.watched.draws_first:
        return
    found: list[bool] = []

    def look(args, kwargs):
        if not found:
            before = [t for _, t in trees.leaves(bench.torch, (bench.inputs, bench.keywords))]
            now = [t for _, t in trees.leaves(bench.torch, (args, kwargs))]
            found.append(len(before) == len(now) and all(_is_reordered(bench.torch, a, b) for a, b in zip(before, now)))
        return args, kwargs

    bench.start_over()
    bench.random_advances, bench.n_made = True, 1
    bench.torch.rand(17)
    attempt = Attempt(bench, inputs=look, until="backward", goes_on=True)
    yield attempt
    bench.random_advances = bool(found and found[0] and attempt.error is None)


def _is_reordered(torch, a, b) -> bool:
    """Whether the rows are the same ones."""
    if a.shape != b.shape or a.dim() == 0 or bool((a == b).all()):
        return False
    weights = torch.linspace(1.0, 2.0, a[0].numel(), dtype=torch.float64)
    first, second = ((t.detach().cpu().double().reshape(len(t), -1) * weights).sum(1).sort()[0] for t in (a, b))
    return bool(torch.allclose(first, second, rtol=1e-9, atol=1e-12))


def _model(bench) -> dict:
    models = [bench.model] if bench.model is not None else bench.models
    return {
        "name": " and ".join(dict.fromkeys(type(m).__name__ for m in models)),
        "n_parameters": sum(p.numel() for p in {id(p): p for m in models for p in m.parameters()}.values()),
        "n_modules": sum(sum(1 for _ in m.modules()) for m in models),
    }


def names_of(bench) -> dict[int, str]:
    """The name of each parameter of the models, by identity."""
    names: dict[int, str] = {}
    models = bench.models or ([bench.model] if bench.model is not None else [])
    for model in models:
        prefix = f"{type(model).__name__}." if len(models) > 1 else ""
        for name, parameter in model.named_parameters():
            names.setdefault(id(parameter), prefix + name.replace("_orig_mod.", ""))
    return names


def _parameters(bench, watched) -> list[dict]:
    held = {id(p) for o in bench.optimizers for g in o.param_groups for p in g["params"]}
    names = names_of(bench)
    strays = _strays(bench, watched, names)
    measures = _measures(watched, held)
    stepped = {id(p) for o in watched.stepped for g in o.param_groups for p in g["params"]}
    called = {id(p) for c in watched.calls for p in c.module.parameters()}
    found = []
    for parameter in bench.parameters[:MOST_PARAMETERS]:
        name = strays.get(id(parameter)) or names.get(id(parameter))
        if stepped and id(parameter) in held and id(parameter) not in stepped:
            continue  # what another step trains, as the generator of a GAN whose critic goes first
        if name is None or (called and id(parameter) not in called and id(parameter) not in strays):
            continue
        gradient = watched.gradients.get(id(parameter))
        found.append({
            "name": name,
            "shape": list(parameter.shape),
            "trainable": bool(parameter.requires_grad),
            "in_optimizer": id(parameter) in held,
            "gradient": gradient,
            **_spread(parameter),
            "is_run": id(parameter) in watched.taken - watched.changed,
            "is_measure": id(parameter) in measures,
            "reads_zero_because": _why_zero(bench, watched, parameter) if gradient == 0.0 else None,
        })
    return found


def _measures(watched, held: set) -> set:
    """Parameters of models that measure how alike predictions and targets are: no optimizer holds any of them, and they are called
    both with what gets a gradient and with what does not. By identity."""
    kinds: dict[int, tuple] = {}
    for call in watched.calls:
        _, found = kinds.setdefault(id(call.module), (call.module, set()))
        found.add(any(t.requires_grad for _, t in trees.leaves(watched.bench.torch, (call.args, call.kwargs))))
    models = [m for m, found in kinds.values() if len(found) == 2]
    return {id(p) for m in models if not any(id(p) in held for p in m.parameters()) for p in m.parameters()}


def _spread(parameter) -> dict:
    """Norm and spread of its numbers; what lies on the device `meta` has none."""
    if parameter.is_meta:
        return {"norm": None, "std": None}
    values = parameter.detach().float()
    return {"norm": float(values.norm()), "std": float(values.std(correction=0))}


def _strays(bench, watched, names: dict[int, str]) -> dict[int, str]:
    """Parameters that get gradients and belong to no model: of layers in a plain list, which PyTorch does not see, and of a loss with
    parameters of its own. One in evaluation mode only hands gradients on. By identity, each with a name."""
    found: dict[int, str] = {}

    def take(module, prefix: str) -> None:
        for name, parameter in module.named_parameters():
            if id(parameter) not in names and id(parameter) in watched.gradients and module.training:
                found.setdefault(id(parameter), prefix + name)

    for model in bench.models:
        for path, part in model.named_modules():
            for attribute, held in list(vars(part).items()):
                items = held.items() if isinstance(held, dict) else enumerate(held) if isinstance(held, (list, tuple)) else ()
                if attribute.startswith("_"):
                    continue
                for key, module in items:
                    if isinstance(module, bench.torch.nn.Module):
                        take(module, f"{path}{'.' if path else ''}{attribute}[{key!r}].")
    for module in bench.modules:
        take(module, f"{type(module).__name__}.")
    return found


def _why_zero(bench, watched, parameter) -> str | None:
    """Why a gradient of zero is what mathematics gives at this point, where that is known."""
    names = names_of(bench)
    for module in bench.modules:
        own = dict(module.named_parameters(recurse=False))
        if any(p is parameter for p in own.values()):
            # A product of two factors of which one starts at 0, as in a low-rank adapter.
            others = [p for n, p in own.items() if p is not parameter and "bias" not in n]
            zero = next((p for p in others if not bool(p.detach().any())), None)
            if zero is not None and watched.gradients.get(id(zero)):
                return f"`{names.get(id(zero), 'its other factor')}` beside it starts at 0"
    return layers.is_followed_by_zero(bench, watched, parameter) or _gate(bench, watched, names)


def _gate(bench, watched, names: dict[int, str]) -> str | None:
    """A gate of few numbers that starts at 0 and gets a gradient: what is behind it gets none yet."""
    for parameter in bench.parameters:
        name = names.get(id(parameter), "")
        last = name.rpartition(".")[2].lower()
        is_gate = any(word in last for word in ("gamma", "alpha", "gate", "scale", "rezero", "resweight"))
        if is_gate and watched.gradients.get(id(parameter)) and not bool(parameter.detach().any()):
            return f"`{name}` starts at 0"
    return None


def _raised(bench, watched) -> dict | None:
    error = watched.error
    if error is None or isinstance(error, Forbidden):
        return None
    trace, found = error.__traceback__, None
    while trace is not None:
        if bench.session.options.is_own(trace.tb_frame.f_code.co_filename):
            from stetho.observe import Place

            found = Place(trace.tb_frame.f_code.co_filename, trace.tb_lineno, trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    return {"type": type(error).__name__, "message": str(error).strip()[:500], "place": place(found)}
