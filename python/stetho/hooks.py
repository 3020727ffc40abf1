"""Where PyTorch is listened to: backward passes, optimizer steps, gradient scalers.

Everything here runs at every step, so it does as little as it can: one check of the loss, one pass over the gradients in Rust.
"""

from __future__ import annotations

import math
import time
import weakref

from stetho import _core, trainings
from stetho.observe import place_of
from stetho.session import FIRST
from stetho.trap import Trip

#: Codes of `_core` for the types of floating point that are read in Rust.
_CODES: dict = {}
#: Share of the time of a step that the look at the parameters may take.
_PARAMETER_SHARE = 0.002
#: Steps after each of which they are looked at, whatever it takes; afterwards at most every so many steps, at least every so many.
EVERY = 32
_SPACING = (8, 100)


class Gradients:
    """The gradients of an optimizer, looked at in one pass."""

    def __init__(self, torch, optimizer) -> None:
        self._torch = torch
        self.parameters = [p for group in optimizer.param_groups for p in group["params"] if not p.is_meta]
        self.n_groups = len(optimizer.param_groups)
        self.n_parameters = sum(len(group["params"]) for group in optimizer.param_groups)
        codes = {p.dtype for p in self.parameters}
        code = _CODES.get(next(iter(codes))) if len(codes) == 1 else None
        on_cpu = all(p.device.type == "cpu" and p.layout == torch.strided for p in self.parameters)
        self._norm = _core.Norm([p.numel() for p in self.parameters], code) if code is not None and on_cpu else None
        #: Steps of the optimizer.
        self.n_steps = 0
        #: The user's line that makes it step.
        self.place = None
        #: Seconds of the last look at the parameters, and when the next is due.
        self.due = 0
        self.cost = 0.0

    def fits(self, optimizer) -> bool:
        """Whether the optimizer still has these parameters."""
        groups = optimizer.param_groups
        return len(groups) == self.n_groups and (
            len(groups[0]["params"]) == self.n_parameters
            if len(groups) == 1
            else sum(len(g["params"]) for g in groups) == self.n_parameters
        )

    def square_sum(self) -> tuple[float, bool]:
        """Sum of the squares of all gradients, and whether every value is finite."""
        found = self._norm.of_gradients(self.parameters) if self._norm is not None else None
        if found is not None:
            return found
        return slow_square_sum(self._torch, [g for p in self.parameters if (g := p.grad) is not None])

    def parameters_finite(self) -> bool:
        """Whether all parameters are."""
        start = time.perf_counter()
        found = self._norm.of_tensors(self.parameters) if self._norm is not None else None
        _, is_finite = found or slow_square_sum(self._torch, self.parameters)
        self.cost = time.perf_counter() - start
        return is_finite


def slow_square_sum(torch, tensors: list) -> tuple[float, bool]:
    """The same with PyTorch's own operations: any device, layout and type."""
    total, is_finite = 0.0, True
    by_place: dict = {}
    with torch.no_grad():
        for t in tensors:
            t = t.detach()
            if t.is_sparse:
                t = t._values()
            if t.is_floating_point() and t.numel():
                by_place.setdefault((t.device, t.dtype), []).append(t)
        for group in by_place.values():
            norms = torch._foreach_norm(group)
            stacked = torch.stack([n.double() for n in norms])
            value = float((stacked * stacked).sum())
            if not math.isfinite(value):
                # The norm of half precision may overflow where no value does.
                is_finite &= all(bool(torch.isfinite(t).all()) for t in group)
            total += value
    return total, is_finite


def install(torch, session) -> None:
    """Hooks PyTorch; called once it has been imported."""
    _CODES.update({torch.float32: 0, torch.float64: 1, torch.float16: 2, torch.bfloat16: 3})
    session.torch = torch
    _hook_backward(torch, session)
    _hook_optimizers(torch, session)
    _hook_scalers(torch, session)


def _hook_backward(torch, session) -> None:
    original = torch.autograd.backward
    tensor_class = torch.Tensor
    isfinite = math.isfinite
    reference = weakref.ref

    def look(tensors) -> object:
        """Checks the loss; gives it as the user has it."""
        body = session.body
        loss = tensors if isinstance(tensors, tensor_class) else (tensors[0] if len(tensors) == 1 else None)
        if body is not None:
            body.n_backward += 1
        if loss is None or loss.numel() != 1:
            return loss
        session.loss = reference(loss)
        scaled, session.scaled = session.scaled, None
        if scaled is not None and scaled[0] is loss:
            loss = scaled[1]
        value = loss.item()
        if not isfinite(value):
            session.trip(trip_of_loss(session, "loss", loss, value))
        elif body is not None:
            body.losses.append(value)
            spike = session.trap.spike((body.number, body.n_backward), value)
            if spike is not None and trainings.goes_on(session, loss):
                trip = trip_of_loss(session, "spike", loss, value)
                trip.level, trip.swing = spike
                trip.goes_on = True
                session.trip(trip)
        if session.debugger is not None:
            session.debugger.look("loss", value, session.user_frame())
        return loss

    def backward(tensors, *args, **kwargs):
        if session.is_off:
            return original(tensors, *args, **kwargs)
        if session.experiment is not None:
            return session.experiment.on_backward(original, tensors, args, kwargs)
        probes = session.probes
        try:
            loss = look(tensors)
            if probes is not None and session.body is None:
                probes.trains_outside()
            if probes is not None and probes.is_sampling:
                probes.before_backward(loss)
        except Exception:
            session.failed("looking at a loss")
        result = original(tensors, *args, **kwargs)
        if probes is not None and probes.is_sampling:
            try:
                probes.after_backward()
            except Exception:
                session.failed("measuring gradients")
        return result

    session.patches.put(torch.autograd, "backward", backward)


def trip_of_loss(session, kind: str, loss, value: float) -> Trip:
    """The trip of a step whose loss is not finite, or a spike."""
    body = session.body
    trip = Trip(kind, session.step, value, body.n_backward if body is not None else 0)
    trip.n_stepped = len(body.stepped) if body is not None else 0
    trip.loss_bits = bits(loss)
    frame = session.user_frame()
    if frame is not None:
        trip.loss_name, trip.terms = terms_of(session, frame, loss)
    if kind == "loss":
        _is_it_lost(session, trip)
    return trip


def _is_it_lost(session, trip: Trip) -> None:
    """Where the weights were not finite before the step, the step is not to blame."""
    bad = bad_parameters(session)
    if bad:
        trip.kind, trip.is_lost, trip.parameters = "parameter", True, bad
        trip.optimizer, seen = next(iter(session.gradients.items()), (None, None))
        trip.place = seen.place if seen is not None else None


def bits(tensor) -> bytes | None:
    """The bytes of a tensor of one number."""
    try:
        return bytes(tensor.detach().cpu().reshape(-1).view(-1).numpy().tobytes())
    except (RuntimeError, TypeError, ImportError):
        return repr(tensor.item()).encode()


def terms_of(session, frame, loss) -> tuple[str, list[tuple[str, float]]]:
    """The name of the variable that is this loss, and the terms that the user adds up to it."""
    body = session.body
    while frame is not None:
        names = frame.f_locals
        name = next((n for n, v in names.items() if v is loss and not n.startswith("__stetho")), None)
        if name is not None:
            break
        frame = frame.f_back
        if frame is not None and not session.options.is_own(frame.f_code.co_filename):
            frame = None
    if frame is None:
        return "loss", []
    wanted: tuple[str, ...] = ()
    if body is not None:
        wanted = body.site.terms.get(name, ())
    if not wanted:
        wanted = session.all_terms(name)
    found: list[tuple[str, float]] = []
    for term in wanted:
        found.extend(_values_of(session, names, term))
    return name, found


def _values_of(session, names: dict, term: str) -> list[tuple[str, float]]:
    tensor = session.torch.Tensor
    if term.startswith("*"):
        held = names.get(term[1:])
        items = held.items() if isinstance(held, dict) else enumerate(held) if isinstance(held, (list, tuple)) else ()
        return [(str(k), _number(v)) for k, v in items if isinstance(v, (tensor, float, int)) and _is_scalar(v)]
    head, _, rest = term.partition("[")
    base, _, attribute = head.partition(".")
    value = names.get(base)
    try:
        if attribute:
            value = getattr(value, attribute)
        if rest:
            key = rest.rstrip("]").strip("'\"")
            value = value[key] if key in value else value[int(key)]
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        return []
    if isinstance(value, tensor) and _is_scalar(value):
        return [(rest.rstrip("]").strip("'\"") if rest else term, _number(value))]
    if isinstance(value, tensor) and value.is_floating_point() and value.numel():
        return [(term, float(value.detach().double().mean()))]
    return []


def _number(value) -> float:
    return float(value.detach()) if hasattr(value, "detach") else float(value)


def _is_scalar(value) -> bool:
    return not hasattr(value, "numel") or value.numel() == 1


def bad_parameters(session) -> list[str]:
    """Names of the parameters that are not finite."""
    torch = session.torch
    bad: dict[int, str] = {}
    for model in session.known_models():
        for name, parameter in model.named_parameters():
            if parameter.is_floating_point() and not bool(torch.isfinite(parameter.detach()).all()):
                bad[id(parameter)] = name
    for seen in session.gradients.values():
        for i, parameter in enumerate(seen.parameters):
            if id(parameter) not in bad and not bool(torch.isfinite(parameter.detach()).all()):
                bad[id(parameter)] = f"parameter {i}"
    return list(bad.values())


def _hook_optimizers(torch, session) -> None:
    from torch.optim import optimizer as module

    def before(optimizer, args, kwargs):
        if session.is_off:
            return None
        closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
        if callable(closure) and type(optimizer).__name__ != "LBFGS":
            # It asks the closure first and steps then: the gradients come out of it.
            def asked():
                result = closure()
                look(optimizer)
                return result

            if "closure" in kwargs:
                return args, {**kwargs, "closure": asked}
            return (args[0], asked, *args[2:]), kwargs
        look(optimizer)
        return None

    def look(optimizer) -> None:
        if session.is_off:
            return
        try:
            before_step(torch, session, optimizer)
        except Exception:
            session.failed("looking at gradients")

    def after(optimizer, args, kwargs):
        if session.is_off:
            return
        if session.experiment is not None:
            session.experiment.on_stepped(optimizer)
            return
        try:
            after_step(session, optimizer)
        except Exception:
            session.failed("looking at parameters")

    session.patches.handles += [module.register_optimizer_step_pre_hook(before), module.register_optimizer_step_post_hook(after)]


def before_step(torch, session, optimizer) -> None:
    """An optimizer is about to step: are its gradients finite?"""
    if session.experiment is not None:
        session.experiment.on_step(optimizer)
        return
    look_at_gradients(torch, session, optimizer)
    if session.debugger is not None:
        frame = session.user_frame()
        session.debugger.look("grad_norm", session.square_sum**0.5, frame)
        session.debugger.look("learning_rate", float(optimizer.param_groups[0]["lr"]), frame)
    body = session.body
    # One that calls a closure changes the weights between its backward passes.
    asks = type(optimizer).__name__ == "LBFGS"
    if body is not None and (asks or body.number in session.several or session.attempted <= FIRST):
        if body.n_backward or asks:
            from stetho.state import Undo

            undo = Undo(torch, optimizer)
            undo.take()
            body.undo.append(undo)
    probes = session.probes
    if probes is not None and probes.is_sampling:
        probes.before_step(optimizer)


def look_at_gradients(torch, session, optimizer) -> None:
    """Trips the trap where a gradient of this optimizer is not finite."""
    seen = session.gradients.get(optimizer)
    if seen is None or not seen.fits(optimizer):
        n_steps = seen.n_steps if seen is not None else 0
        seen = session.gradients[optimizer] = Gradients(torch, optimizer)
        seen.n_steps = n_steps
        seen.place = place_of(session.user_frame(), session.options.is_own)
        session.meet(optimizer)
    square_sum, is_finite = seen.square_sum()
    session.square_sum = square_sum
    if not is_finite:
        session.trip(_trip_of_gradient(session, optimizer, seen))


def after_step(session, optimizer) -> None:
    """It has stepped: are its parameters?"""
    body = session.body
    session.n_optimizer_steps += 1
    if body is None:
        session.step += 1
    else:
        if not body.stepped:
            session.step += 1
        body.stepped.append(optimizer)
    seen = session.gradients.get(optimizer)
    if seen is not None:
        seen.n_steps += 1
        if session.n_optimizer_steps >= seen.due:
            look_at_parameters(session, optimizer, seen)
    probes = session.probes
    if probes is not None:
        probes.after_step(optimizer, session.square_sum)


def look_at_parameters(session, optimizer, seen: Gradients) -> None:
    """Trips the trap where a parameter is not finite; the next look is due when this one has cost little of the time since."""
    if not seen.parameters_finite():
        session.trip(trip_of_parameter(session, optimizer, seen))
    step_time = session.mean_step_time() or seen.cost
    spacing = 1
    if session.n_optimizer_steps > EVERY:
        least, most = _SPACING
        spacing = min(max(int(seen.cost / max(step_time * _PARAMETER_SHARE, 1e-9)) + 1, least), most)
    seen.due = session.n_optimizer_steps + spacing


def _trip_of_gradient(session, optimizer, seen: Gradients) -> Trip:
    torch = session.torch
    body = session.body
    trip = Trip("gradient", session.step, body.losses[-1] if body is not None and body.losses else None)
    trip.optimizer = optimizer
    trip.n_backward = body.n_backward if body is not None else 0
    trip.n_stepped = len(body.stepped) if body is not None else 0
    trip.gradients = [None if p.grad is None else p.grad.detach().clone() for p in seen.parameters]
    for i, parameter in enumerate(seen.parameters):
        g = parameter.grad
        if g is not None and not bool(torch.isfinite(g._values() if g.is_sparse else g).all()):
            trip.parameters.append(session.name_of(parameter) or f"parameter {i}")
    _is_it_lost(session, trip)
    return trip


def trip_of_parameter(session, optimizer, seen: Gradients) -> Trip:
    """The parameters are not finite after a step whose gradients were."""
    torch = session.torch
    body = session.body
    trip = Trip("parameter", max(session.step - 1, 0), body.losses[-1] if body is not None and body.losses else None)
    trip.optimizer = optimizer
    trip.place = seen.place
    # Only the first steps can be taken back.
    trip.is_lost = body is None or len(body.undo) < len(body.stepped)
    for i, parameter in enumerate(seen.parameters):
        if not bool(torch.isfinite(parameter.detach()).all()):
            trip.parameters.append(session.name_of(parameter) or f"parameter {i}")
    return trip


def _hook_scalers(torch, session) -> None:
    try:
        scaler = torch.amp.GradScaler
    except AttributeError:
        scaler = torch.cuda.amp.GradScaler
    scale = scaler.scale

    def scaled(self, outputs):
        result = scale(self, outputs)
        if isinstance(outputs, torch.Tensor):
            session.scaled = (result, outputs)
            session.scaler = self
        return result

    session.patches.put(scaler, "scale", scaled)
