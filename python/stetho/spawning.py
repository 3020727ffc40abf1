"""Processes that a watched script starts anew to train in, as `torch.multiprocessing.spawn` does: each is watched too, and logs beside the others
into the run directory, which the process of the script reports on.

Such a process imports the script once more, as `__mp_main__`, before it calls the function that it is for. In the place of the script it is given
the module `stetho.spawned`, which runs it as `launch` would.
"""

from __future__ import annotations

import functools
import json
import os
import threading

from stetho import ranks, trainings

#: Where a process that was started finds what it is to watch.
VARIABLE = "STETHO_SPAWNED"
_lock = threading.Lock()


def install(session, request: dict) -> None:
    """From here on processes that are for functions of the user's are watched; called once PyTorch is there."""
    from multiprocessing import spawn

    try:
        from multiprocessing import popen_fork
        from multiprocessing.popen_spawn_posix import Popen
    except ImportError:
        return  # another system
    if session.options.folder is None or session.options.is_spawned:
        return
    launch = Popen._launch

    def _launch(self, process):
        if session.is_off or session.experiment is not None or not _is_for(session, process):
            return launch(self, process)
        with _lock:
            told = _told(session, request, process)
            if told is None:
                return launch(self, process)
            prepare = spawn.get_preparation_data

            def prepared(name):
                data = prepare(name)
                if data.pop("init_main_from_path", None) or data.pop("init_main_from_name", None):
                    data["init_main_from_name"] = "stetho.spawned"
                return data

            os.environ[VARIABLE] = json.dumps(told)
            spawn.get_preparation_data = prepared
            try:
                return launch(self, process)
            finally:
                spawn.get_preparation_data = prepare
                del os.environ[VARIABLE]

    session.patches.put(Popen, "_launch", _launch)
    fork = popen_fork.Popen._launch

    def _fork(self, process):
        session.has_forked = session.has_forked or _is_for(session, process)
        return fork(self, process)

    session.patches.put(popen_fork.Popen, "_launch", _fork)


def _is_for(session, process) -> bool:
    """Whether a process runs a function of the user's, rather than a worker of a loader or of a pool."""
    target = getattr(process, "_target", None) or type(process).run
    if getattr(target, "__module__", None) == "torch.multiprocessing.spawn" and process._args:
        target = process._args[0]
    while isinstance(target, functools.partial):
        target = target.func
    target = getattr(target, "__func__", target)  # of a method
    code = getattr(target, "__code__", None) or getattr(getattr(type(target), "__call__", None), "__code__", None)
    return code is not None and session.options.is_own(code.co_filename)


def _told(session, request: dict, process) -> dict | None:
    """What a process is told. Those that run at the same time are ranks of one training; one that is started when all before it are over is
    another training. None where there are too many of these."""
    if session.spawned and not any(one.is_alive() for one in session.spawned if one._popen is not None):
        if session.n_trainings == trainings.MOST_TRAININGS:
            return None
        ranks.forget(_folder(session))
        session.n_trainings += 1
        session.spawned.clear()
    session.spawned.append(process)
    options = session.options
    return {"request": request, "folder": _folder(session), "number": len(session.spawned) - 1, "path": options.script, "roots": options.roots}


def _folder(session) -> str:
    """Where the present training logs."""
    folder = session.options.folder
    return folder if session.n_trainings == 1 else os.path.join(folder, f"training-{session.n_trainings}")


def leave(session) -> None:
    """The process of the script ends: Python waits for those that it has started, before they are reported on."""
    for process in session.spawned:
        if process._popen is not None and not process.daemon:
            process.join()
    if session.spawned:
        ranks.forget(_folder(session))
