"""The user's models: found by looking, since nobody hands them to us."""

from __future__ import annotations

import gc
import sys

from stetho import trainings


def _roots(modules: list) -> list:
    """Of these modules the ones that are not part of another."""
    inner = {id(child) for m in modules for child in m.modules() if child is not m}
    return [m for m in modules if id(m) not in inner]


def _candidates(session) -> dict[int, object]:
    """Modules among the variables of the user's frames, by identity."""
    torch = session.torch
    module_class = torch.nn.Module
    found: dict[int, object] = {}

    def look(value, depth: int = 0) -> None:
        if isinstance(value, module_class):
            found.setdefault(id(value), value)
        elif depth < 2 and isinstance(value, (list, tuple)) and len(value) <= 64:
            for item in value:
                look(item, depth + 1)
        elif depth < 2 and isinstance(value, dict) and len(value) <= 256:
            for item in list(value.values()):
                look(item, depth + 1)
        elif depth < 1 and hasattr(value, "__dict__") and type(value).__module__ not in ("builtins",):
            if not isinstance(value, (type, torch.Tensor)) and not hasattr(value, "__path__"):
                for item in list(vars(value).values()):
                    look(item, depth + 1)

    frame = sys._getframe(1)
    while frame is not None:
        if session.options.is_own(frame.f_code.co_filename):
            for scope in (frame.f_locals, frame.f_globals):
                for name, value in list(scope.items()):
                    if not name.startswith("__"):
                        look(value)
        frame = frame.f_back
    return found


def in_sight(session) -> list:
    """Every model among the user's variables, before it is known which of them is trained."""
    return _unique(_roots(list(_candidates(session).values())))


def find(session) -> list:
    """Models that hold parameters of an optimizer: first among the variables in sight, then among all that live."""
    wanted = {id(p) for seen in session.gradients.values() for p in seen.parameters}
    if not wanted:
        return []
    module_class = session.torch.nn.Module
    candidates = _candidates(session)

    def holding() -> list:
        return [m for m in candidates.values() if any(id(p) in wanted for p in m.parameters())]

    found = holding()
    covered = {id(p) for m in found for p in m.parameters()}
    if wanted - covered and session.searching.may():
        with session.searching:
            for value in gc.get_objects():
                try:
                    # Not `isinstance`, which asks objects that answer with warnings.
                    if issubclass(type(value), module_class):
                        candidates.setdefault(id(value), value)
                except ReferenceError:
                    continue
            found = holding()
    if found:
        reached = trainings.leaves(session.loss() if session.loss is not None else None)
        found += [m for m in _candidates(session).values() if m not in found and _is_learning(m, reached)]
    return _unique(_roots(found))


def _is_learning(module, reached: set[int]) -> bool:
    """Whether a module that no optimizer holds looks as if it were meant to learn: in training mode, with gradients by the newest loss, of
    which `reached` are the parameters. (One that only hands gradients on, as a perceptual loss does, is in evaluation mode or asks for none.)"""
    return module.training and any(id(p) in reached for p in module.parameters())


def _unique(modules: list) -> list:
    """Without copies that hold the same parameters, such as a wrapper and what it wraps."""
    kept: list = []
    seen: set[int] = set()
    for module in sorted(modules, key=lambda m: -sum(1 for _ in m.parameters())):
        own = {id(p) for p in module.parameters()}
        if own - seen:
            kept.append(module)
            seen |= own
    return kept


def name_all(session, found: list) -> dict[int, str]:
    """The user's name for each model by its identity: that of a variable, or else of its class; no name twice."""
    from stetho.probes.draws import name_of

    names: dict[int, str] = {}
    for model in found:
        name = first = name_of(session, model) or type(model).__name__
        n = 1
        while name in names.values():
            n += 1
            name = f"{first}_{n}"
        names[id(model)] = name
    return names
