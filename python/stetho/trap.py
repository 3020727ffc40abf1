"""What stops a run at the moment it goes wrong, and what is said of it."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections import deque
from dataclasses import dataclass, field

from stetho._core import Spikes

#: Spikes that are looked into in one run.
MOST_SPIKES = 5


@dataclass
class Trip:
    """Why the trap tripped."""

    kind: str  # loss, gradient, parameter, spike
    step: int
    #: The loss at the trap, as a number.
    loss: float | None = None
    #: Which backward pass of the body it was, from 1.
    n_backward: int = 0
    #: The optimizer that was about to step.
    optimizer: object = None
    #: How many optimizer steps the body had made before.
    n_stepped: int = 0
    #: Names of parameters that are not finite, or whose gradients are not.
    parameters: list[str] = field(default_factory=list)
    #: Whether it lies in the past: the weights were bad when the step began.
    is_lost: bool = False
    #: Whether the step is made after all, once it has been looked at.
    goes_on: bool = False
    level: float | None = None
    swing: float | None = None
    #: The gradients as they were, to hold the replay against.
    gradients: list = field(default_factory=list)
    loss_bits: bytes | None = None
    loss_name: str = "loss"
    terms: list[tuple[str, float]] = field(default_factory=list)
    #: The line of the optimizer's step, where the weights were found broken.
    place: object = None
    #: Of a replayed bundle, whose gradients are known by their check sum alone.
    gradient_sum: str | None = None

    @staticmethod
    def of_bundle(meta: dict) -> Trip:
        """The trip that a bundle was saved for."""
        loss = meta.get("loss") or {}
        value = loss.get("value")
        return Trip(
            meta["kind"],
            meta["step"],
            float(value) if value is not None else None,
            meta["n_backward"],
            n_stepped=meta["n_stepped"],
            loss_bits=bytes.fromhex(meta["loss_bits"]) if meta["loss_bits"] else None,
            loss_name=loss.get("name", "loss"),
            gradient_sum=meta.get("gradient_sum"),
            indices=meta.get("indices"),
            is_guarded=bool(meta.get("is_guarded")),
        )

    #: Data-set indices of the batch, of a replayed bundle.
    indices: list[int] | None = None
    #: Whether the user's own code leaves the step because of this loss, before its backward pass, and what it raises.
    is_guarded: bool = False
    error: BaseException | None = None


class Trap:
    """The decisions; `hooks` tells it what happens."""

    def __init__(self, session) -> None:
        self.session = session
        self.trip: Trip | None = None
        self.spikes: dict[int, Spikes] = {}
        self.n_spikes = 0
        self.recent: deque[tuple[int, float]] = deque(maxlen=64)
        self._pass: int | None = None
        self.records: list[dict] = []
        #: What is told if the user's own exception ends the script: it, the record, and whether it is new.
        self._pending: tuple[BaseException, dict, bool] | None = None
        self._told: set[tuple] = set()

    def disarm(self) -> None:
        """The body is over."""
        self.trip = None

    def pass_once(self, trip: Trip) -> None:
        """Lets this step pass: it was looked into."""
        self.trip = None
        self._pass = trip.step

    def spike(self, number: int, loss: float) -> tuple[float, float] | None:
        """Level and swing if this loss of a site is a spike that should be looked into."""
        if self._pass == self.session.step:
            return None
        spikes = self.spikes.get(number)
        if spikes is None:
            spikes = self.spikes[number] = Spikes()
        found = spikes.see(loss)
        if found is None or self.n_spikes >= MOST_SPIKES:
            return None
        self.n_spikes += 1
        return found

    def look_at_parameters(self) -> None:
        """At the end of one of the first steps: whether it left the parameters finite."""
        session = self.session
        body = session.body
        if session.is_off or not body.stepped:
            return
        for optimizer in body.stepped:
            seen = session.gradients.get(optimizer)
            if seen is not None and not seen.parameters_finite():
                from stetho.hooks import trip_of_parameter

                self.trip = trip_of_parameter(session, optimizer, seen)
                return

    def conclude(self, investigation) -> bool:
        """Writes down what was found. Whether the run stops."""
        session, trip = self.session, investigation.trip
        action = "continued" if trip.goes_on else {"stop": "stopped", "skip": "skipped", "debug": "debugger"}[
            session.options.on_trap
        ]
        if action == "skipped" and (session.body is None or trip.is_lost):
            action = "continued"
        if action == "skipped":
            session.n_skipped += 1
        try:
            record = investigation.record()
            record["action"] = action
            if session.n_skipped:
                record["n_skipped"] = session.n_skipped
            record["recent"] = [[step, finite_word(loss)] for step, loss in self.recent]
            self._keep(record, investigation)
        except Exception:
            session.failed("writing down what the trap found")
        return action in ("stopped", "debugger")

    def _keep(self, record: dict, investigation) -> None:
        session = self.session
        folder = session.folder
        is_new = (record["kind"], record.get("op"), str(record.get("source", {}).get("line"))) not in self._told
        self._told.add((record["kind"], record.get("op"), str(record.get("source", {}).get("line"))))
        # A notebook is no script that could be run again.
        is_script = os.path.isfile(session.options.script) and not session.options.is_spawned
        if folder and is_new and is_script and session.replaying is None and session.body is not None and not investigation.trip.is_lost:
            from stetho import bundle

            try:
                record["bundle"] = bundle.save(session, investigation, record)
            except OSError as error:
                session.say(f"the step could not be saved for `stetho replay`: {error.strerror or error}")
            except Exception as error:
                session.say(f"the step could not be saved for `stetho replay`: {type(error).__name__}: {error}")
        if investigation.trip.error is not None:
            self._pending = (investigation.trip.error, record, is_new)
        else:
            self._tell(record, is_new)

    def ends(self, error: BaseException | None) -> None:
        """The script has been left by this. Where it caught its own exception and went on, nothing has happened to it."""
        if self._pending is None:
            return
        raised, record, is_new = self._pending
        self._pending = None
        while error is not None and error is not raised:
            error = error.__context__
        if raised is error:
            self._tell(record, is_new)
        elif "bundle" in record:
            shutil.rmtree(os.path.join(self.session.folder, record["bundle"]), ignore_errors=True)

    def _tell(self, record: dict, is_new: bool) -> None:
        session = self.session
        self.records.append(record)
        if len(self.records) > 1000:
            return
        if session.log is not None:
            try:
                session.log.trap(json.dumps(record))
            except OSError as error:
                session.say(str(error))
        if is_new:
            session.say(headline(record))


def finite_word(value: float):
    """A number for JSON."""
    if value is None:
        return None
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def headline(record: dict) -> str:
    """The find in one line, for the terminal while the run still goes on."""
    source = record.get("source") or {}
    what = {
        "loss": f"the loss is {(record.get('loss') or {}).get('value')}",
        "gradient": "a gradient is not finite",
        "parameter": "a parameter is not finite",
        "spike": f"the loss jumped to {(record.get('loss') or {}).get('value')}",
    }[record["kind"]]
    where = f" by `{record['op']}`" if record.get("op") else ""
    if source.get("path"):
        where += f" at {source['path']}:{source['line']}"
    samples = [str(s.get("index", s["row"])) for s in record.get("samples", [])[:3]]
    who = f", sample {', '.join(samples)}" if samples else ""
    action = {"stopped": "stopped", "skipped": "batch dropped", "debugger": "debugger", "continued": "going on"}[record["action"]]
    return f"step {record['step']}: {what}{where}{who} ({action})"
