"""Scripts that look at their loss themselves and leave by an exception, or by `sys.exit`, before the backward pass where the trap would see it."""

from __future__ import annotations

import math

#: What leaves a body in the ordinary course of things.
_ORDINARY = (StopIteration, StopAsyncIteration)
#: Nodes of a graph that are looked through.
_MOST_NODES = 5000


def trip_of(session, error: BaseException | None):
    """The trip of a step that the user's code leaves by `error` since its loss is not finite; None where that is not so."""
    body = session.body
    is_guard = isinstance(error, (Exception, SystemExit)) and not isinstance(error, _ORDINARY)
    if not is_guard or body is None or body.n_backward or body.stepped or session.trap.trip is not None or session.replaying is not None:
        return None
    found = loss_of(session, error)
    if found is None:
        return None
    from stetho.hooks import terms_of, trip_of_loss

    loss, frame = found
    trip = trip_of_loss(session, "loss", loss, float(loss.detach()))
    if trip.is_lost:
        return None
    trip.n_backward, trip.is_guarded, trip.error = 1, True, error
    trip.loss_name, trip.terms = terms_of(session, frame, loss)
    return trip


def loss_of(session, error: BaseException) -> tuple | None:
    """The number that is not finite among the variables of the frames that an exception came through, which has been computed from all
    others that are not, and the frame that has it."""
    tensor, found = session.torch.Tensor, []
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if session.options.is_own(frame.f_code.co_filename):
            for name, value in list(frame.f_locals.items()):
                if isinstance(value, tensor) and value.grad_fn is not None and value.numel() == 1 and value.is_floating_point():
                    if not math.isfinite(value.item()):
                        found.append((name, value, frame))
        trace = trace.tb_next
    below = [_below(value.grad_fn) for _, value, _ in found]
    ends = [f for f in found if not any(f[1].grad_fn in nodes for nodes in below)]
    named = [f for f in ends if "loss" in f[0].lower()] or ends
    return (named[-1][1], named[-1][2]) if named else None


def _below(node) -> set:
    """What a node of a graph was computed from."""
    seen, waiting = set(), [node]
    while waiting and len(seen) < _MOST_NODES:
        for inner, _ in waiting.pop().next_functions:
            if inner is not None and inner not in seen:
                seen.add(inner)
                waiting.append(inner)
    return seen
