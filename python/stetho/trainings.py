"""Several trainings in one script, one after the other: the trials of a search, the folds of a cross-validation, a teacher and then its
student. Each is a run of its own, in a folder of its own below the run directory."""

from __future__ import annotations

import gc
import os
import time

#: Steps without which there is no training to be done with, and trainings that get logs of their own.
LEAST_STEPS, MOST_TRAININGS = 20, 64
#: How many times as long as a long search there is none.
SPACING = 50.0


def leaves(loss) -> set[int]:
    """Identities of the parameters that a loss comes from, as far as its graph is still there."""
    from stetho.probes import graph

    return {id(n.node.variable) for n in graph.walk(loss) if hasattr(n.node, "variable")} if loss is not None else set()


def goes_on(session, loss) -> bool:
    """Whether a loss is that of parameters that were stepped before. The first loss of another model is no jump of the one before it; levels
    are learned anew then."""
    known = {id(p) for seen in session.gradients.values() for p in seen.parameters}
    reached = leaves(loss)
    if not reached or reached & known:
        return True
    session.trap.spikes.clear()
    return False


def is_another(session, optimizer) -> bool:
    """Whether an optimizer that steps for the first time trains a model that none before it did. One that goes on from a state that was
    loaded into it goes on with the training that wrote it."""
    if optimizer.state:
        return False
    known = {id(p) for model in session.models for p in model.parameters()}
    return bool(known) and not any(id(p) in known for group in optimizer.param_groups for p in group["params"])


def is_alone(session, optimizer) -> bool:
    """Whether all optimizers before it are gone, so that what they trained is done with."""

    def others() -> bool:
        return any(o is not optimizer for o in list(session.gradients))

    if others() and session.collecting.may():
        with session.collecting:
            gc.collect()
    return not others()


def is_training(session) -> bool:
    """Whether what was logged so far was a training, rather than a few steps of many small ones, as those of the clients in federated
    learning."""
    if session.step < LEAST_STEPS:
        return False
    if session.n_trainings == MOST_TRAININGS:
        session.say(f"there are {MOST_TRAININGS} trainings: those that follow share the log of the last one")
        session.n_trainings += 1
    return session.n_trainings < MOST_TRAININGS


class Seldom:
    """Something that takes long, done so seldom that it takes a fiftieth of the time at most."""

    def __init__(self) -> None:
        self._cost = 0.0
        self._ended = float("-inf")

    def may(self) -> bool:
        """Whether it is time."""
        return time.perf_counter() - self._ended >= SPACING * self._cost

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *_) -> None:
        self._ended = time.perf_counter()
        self._cost = self._ended - self._began


def begin(session) -> None:
    """From here on all goes to the log of another training."""
    probes = session.probes
    if probes is not None:
        probes.close()
    session.n_trainings += 1
    session.step = 0
    # The first steps of each can be taken back; this one has begun.
    session.attempted = 1
    session.several.clear()
    session.trap.spikes.clear()
    session.trap.recent.clear()
    if session.log is not None:
        from stetho import _core

        session.log.flush()
        folder = os.path.join(session.options.folder, f"training-{session.n_trainings}")
        session.log = _core.RunLog(folder)
        session.folder = folder
    if probes is not None:
        probes.start_over(session.log)
