"""Two simple models beside the user's: a linear one and a small network, on the same inputs, against the same loss."""

from __future__ import annotations

import time

from stetho.preflight.attempt import Skip
from stetho.preflight.training import Held

NAME = "ladder"
TITLE = "simple models on the same batches"
SHARE = 0.4
#: Steps of each, the units of the small network, the numbers of an input at most.
N_STEPS = 200
N_HIDDEN = 128
MOST_FEATURES = 200_000
RATE = 1e-3


def measure(bench):
    """The user's step, then the two rungs below it, each with its own time."""
    torch = bench.torch
    if bench.main_call is None:
        raise Skip("the loss is no single call of a loss function of PyTorch")
    inputs = next((t for t in bench.inputs if isinstance(t, torch.Tensor)), None)
    n = bench.n_rows or (inputs.shape[0] if inputs is not None and inputs.dim() else None)
    if inputs is None or not inputs.is_floating_point() or inputs.dim() < 2 or inputs.shape[0] != n:
        raise Skip("the model's input is no tensor of numbers with a row a sample")
    if bench.output is None or bench.output.dim() == 0 or bench.output.shape[0] != n:
        raise Skip("the model's output has no row a sample")
    flat = inputs.detach().flatten(1).float()
    if flat.shape[1] > MOST_FEATURES:
        raise Skip("the inputs are too large for a linear model")
    held = Held(bench)
    share = bench.remaining() / 3.0
    until = time.perf_counter() + share
    made = True
    while made and len(held.losses) < N_STEPS and time.perf_counter() < until:
        made = yield from held.step()
    if held.error is not None or len(held.losses) < 2:
        raise Skip("the step could not be made again")
    width = bench.output[0].numel()
    shape = bench.output.shape
    flat = (flat - flat.mean(0)) / flat.std(0, unbiased=False).clamp_min(1e-6)
    torch.manual_seed(0)
    linear = torch.nn.Linear(flat.shape[1], width)
    small = torch.nn.Sequential(torch.nn.Linear(flat.shape[1], N_HIDDEN), torch.nn.ReLU(), torch.nn.Linear(N_HIDDEN, width))
    curves = [_train(bench, model.to(flat.device), flat, shape, len(held.losses), share) for model in (linear, small)]
    return {"steps": len(held.losses), "network": held.losses, "linear": curves[0], "mlp": curves[1]}


def _train(bench, model, flat, shape, n_steps: int, seconds: float) -> list[float]:
    optimizer = bench.torch.optim.Adam(model.parameters(), RATE)
    until = time.perf_counter() + seconds
    losses: list[float] = []
    while len(losses) < n_steps and time.perf_counter() < until:
        optimizer.zero_grad()
        loss = bench.loss_of(_as_output(bench, model(flat), shape))
        if loss.dim():
            loss = loss.mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def _as_output(bench, made, shape):
    """What a rung made, as the user's model would give it: probabilities where the loss takes these."""
    origin = bench.main_call.origin
    made = made.reshape(shape)
    kind = origin[0] if origin is not None and bench.watched.is_output_of(origin, bench.output) else None
    if kind in ("softmax", "log_softmax"):
        return getattr(made, kind)(origin[2].dim if origin[2].dim is not None else 1)
    return made.sigmoid() if kind == "sigmoid" else made
