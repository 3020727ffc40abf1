"""A range test of the step size: the rate grows geometrically from step to step on a batch that is held."""

from __future__ import annotations

from stetho.preflight.attempt import Skip
from stetho.preflight.training import Held

NAME = "range"
TITLE = "range of step sizes"
SHARE = 0.2
#: Steps, the rates at both ends, and how far above its start a loss ends the test.
N_STEPS = 60
LOWEST, HIGHEST = 1e-7, 10.0
BLOWN = 4.0
#: Fewer losses than this make no curve.
LEAST = 20


def measure(bench):
    """The user's optimizer with rates from `LOWEST` to `HIGHEST`; the weights go on from step to step."""
    stepping = list({id(o): o for o in bench.watched.stepped}.values())
    if len(stepping) > 1 and bench.n_backward > 1:
        raise Skip("the step trains several models against losses of their own")
    optimizers = stepping or bench.optimizers
    if not optimizers:
        raise Skip("no optimizer was found")
    optimizer = optimizers[0]
    if type(optimizer).__name__ == "LBFGS":
        raise Skip("LBFGS looks for its step size itself")
    # Those of frameworks hand out copies of their groups.
    if optimizer.param_groups[0] is not optimizer.param_groups[0]:
        raise Skip("the step size of the optimizer cannot be set from outside")
    if len({float(g["lr"]) for g in optimizer.param_groups if "lr" in g}) != 1:
        raise Skip("groups of parameters have step sizes of their own")
    rate = _rate_used(optimizer)
    held = Held(bench, None, is_plain=False)
    # Few steps have to do where the time is short.
    n = max(LEAST, min(N_STEPS, int(bench.remaining() / max(bench.step_seconds, 1e-4))))
    rates: list[float] = []
    for i in range(n):
        held.set_rate = LOWEST * (HIGHEST / LOWEST) ** (i / (n - 1))
        made = yield from held.step()
        if held.error is not None:
            break
        rates.append(held.set_rate)
        if not made or held.losses[-1] > held.losses[0] + (BLOWN - 1.0) * abs(held.losses[0]) or not bench.has_time():
            break
    if len(rates) < LEAST:
        raise Skip("the time allowed was too short for a curve" if held.error is None else "the step could not be made again")
    # The last one may be no number: that is where the rate was too large.
    return {"rates": rates, "losses": held.losses[: len(rates)], "used": rate, "optimizer": type(optimizer).__name__}


def _rate_used(optimizer) -> float:
    """The step size that the script means to train with: that of the schedule's plateau where it begins lower."""
    group = optimizer.param_groups[0]
    known = [group.get("lr"), group.get("initial_lr"), group.get("max_lr")]
    return max(float(value) for value in known if value is not None)
