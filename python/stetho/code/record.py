"""From what was seen of a script to `code.json`: numbers and places, as the rules read them."""

from __future__ import annotations

import os

from stetho.code import branches, counters, handlers
from stetho.code.files import looks_like


def of(recorder, ended: bool, is_whole: bool = True) -> dict:
    """All that is known; of a script that was stopped before its training (not `is_whole`), nothing of which way its conditions went."""
    return {
        "schema": 1, "script": recorder.place(recorder.session.options.script, 1)["path"], "n_steps": recorder.n_steps, "ended": ended,
        "branches": None if recorder.is_compiled or not is_whole else [_branch(recorder, c) for _, _, c in recorder.conditions],
        "swallowed": [_swallowed(recorder, h) for _, _, h in recorder.handlers if h.count],
        "missing_files": [_missing(recorder, m) for m in recorder.files.missing.values()],
        "loads": [_load(recorder, one) for one in recorder.checkpoints.loads],
        "files_read": [_file(recorder, f) for f in recorder.checkpoints.files],
        "randomness": recorder.seeds.record(recorder.session.torch),
        "stale_optimizers": recorder.optimizers.stale,
    }


def _branch(recorder, condition: counters.Condition) -> dict:
    site = condition.site
    taken, not_taken = condition.counts()
    return {
        "place": recorder.place(site.path, site.line), "kind": site.kind, "condition": site.condition, "taken": taken, "not_taken": not_taken,
        "values": condition.seen.words(), "is_guard": site.is_guard, "role": site.role, "why": condition.why, "in_step": site.in_step,
    }


def _swallowed(recorder, handler: handlers.Handler) -> dict:
    kind, message, path, line = handler.first or ("", "", "", 0)
    return {
        "place": recorder.place(handler.path, handler.line), "raised": recorder.place(path, line), "type": kind, "message": message,
        "count": handler.count, "n_tried": handler.tried.count, "kind": handler.kind, "is_broad": handler.is_broad,
        "statement": handler.statement,
    }


def _missing(recorder, missing) -> dict:
    written = [p for real, p in recorder.files.written.items() if looks_like(real) == "checkpoint"]
    return {
        "path": missing.path, "place": recorder.place(*missing.place), "how": missing.how, "count": missing.count,
        "looks_like": looks_like(missing.path), "was_created_later": recorder.files.was_created(missing),
        "is_saved_in_code": _is_saved(recorder, missing), "before_training": missing.before_training, "saved_instead": written[:5],
    }


def _is_saved(recorder, missing) -> bool:
    """Whether the script would write this file, in a longer run."""
    asked = branches.first_arguments(recorder.trees.get(missing.place[0]), missing.place[1])
    name = os.path.basename(missing.path)
    return any(text in asked or constant == name for tree in recorder.trees.values() for text, constant in branches.saved_paths(tree))


def _load(recorder, load) -> dict:
    path = load.file.path if load.file is not None else None
    n_kept = None
    if load.n_kept is not None and load.after:
        n_kept = round(load.facts["n_loaded"] * load.n_kept / len(load.after))
    return {
        "place": recorder.place(*load.place), "model": load.model, "path": path, **load.facts, "n_kept": n_kept,
        "after_load": load.undone or None, "undone_at": recorder.place(*load.undone_at) if load.undone_at else None,
        "before_training": load.before_training, "written_by_run": recorder.files.was_written(path),
    }


def _file(recorder, file) -> dict:
    return {
        "path": file.path, "place": recorder.place(*file.place), "n_parameters": len(file.prints), "fits": file.fits,
        "loaded_into": file.loaded_into, "n_in_use": file.n_in_use, "before_training": file.before_training,
        "written_by_run": recorder.files.was_written(file.path),
    }
