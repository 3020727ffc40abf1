"""What is said when the script has ended."""

from __future__ import annotations

import json
import sys

from stetho import ranks, spawning


def finish(session, request: dict, status: int) -> int:
    """Closes the run log and shows the report, if this is the rank to do so; the exit status: the script's own where it is not 0."""
    from stetho import _core

    spawning.leave(session)
    session.trap.ends(session.left_by)
    preflight = session.options.preflight
    if preflight is not None and (session.preflight is not None or session.torch is None):
        from stetho.preflight import Preflight

        (session.preflight or Preflight(preflight)).conclude(session)
    if preflight is not None and preflight.get("only"):
        pass  # the checklist says what could be tried
    elif session.spawned:
        pass  # those that it has started trained
    elif session.torch is None:
        session.say("the script did not import PyTorch: there was nothing to watch")
    elif session.n_optimizer_steps == 0 and session.has_forked:
        session.say("the processes that the script has forked are not watched; those of the start method `spawn` are")
    elif session.n_optimizer_steps == 0 and not session.trap.records:
        session.say("no optimizer stepped: this is no training, or one that does without `torch.optim`")
    elif not session.sites and not session.trap.records:
        session.say("no training step was found in the script: the run was watched, but no step could have been run again")
    _close(session)
    if session.code is not None:
        session.code.finish(ended=status == 0, is_whole=not (preflight or {}).get("only"), is_written=not session.spawned)
    if "stetho.contracts" in sys.modules:
        sys.modules["stetho.contracts"].guards.tell(session.options.folder)
    asked = request.get("options", {}).get("report", {})
    is_empty = session.torch is None and not asked.get("out") and not asked.get("format")
    if session.log is None or is_empty:
        return status
    try:
        session.log.flush()
        session.log = None
        kinds = {record["kind"] for record in session.trap.records if record["action"] == "stopped"}
        if not ranks.is_first_here():
            ranks.say_over(session.options.folder)
            # Gradients are shared: the first rank stops for them too. What has stopped this one alone it tells itself.
            if not kinds:
                return status
            if kinds == {"gradient"}:
                ranks.wait(session.options.folder)
                return status
        elif status == 0 or kinds == {"gradient"}:
            ranks.wait(session.options.folder)
        found = _core.finish(session.options.folder, json.dumps(request))
        if kinds == {"gradient"} and ranks.number() is not None:
            ranks.say_over(session.options.folder)
    except (OSError, RuntimeError) as error:
        print(f"stetho: the report could not be made: {error}", file=sys.stderr)
        return status
    return status or found


def leave(session, error: BaseException | None) -> None:
    """Closes the run log of a process that a watched script has started, which reports on it."""
    session.trap.ends(error)
    _close(session)
    if session.code is not None and ranks.is_first_here():
        session.code.finish(ended=error is None)
    if "stetho.contracts" in sys.modules:
        sys.modules["stetho.contracts"].guards.tell(session.options.folder)
    if session.log is not None:
        try:
            session.log.flush()
        except OSError as error:
            session.say(str(error))
        session.log = None
    group = getattr(session.torch, "distributed", None)
    if {r["kind"] for r in session.trap.records if r["action"] == "stopped"} == {"gradient"} and group is not None:
        # The gradients are those of all: each stops, and one of them has the sample.
        if group.is_available() and group.is_initialized():
            ranks.wait_for_all(session.options.folder, group.get_world_size())


def _close(session) -> None:
    if session.probes is not None:
        try:
            session.probes.close()
        except Exception:
            session.failed("closing the run log")
