"""The script, in a process that it has started itself: stands for `__mp_main__` there, see `spawning`."""

from stetho import spawning as _spawning


def _watched():
    """What the process is told, made ready to run the script."""
    import json
    import os
    import sys
    from multiprocessing import util

    from stetho import ending, launch, ranks
    from stetho.session import Session

    told = json.loads(os.environ.pop(_spawning.VARIABLE))
    request, path = told["request"], told["path"]
    ranks.is_spawned(told["number"])
    options = launch.options_of(request, path)
    options.folder, options.roots = told["folder"], tuple(told["roots"])
    # Nobody sits at its keyboard, and a step of it cannot be run without the others.
    options.breaks, options.preflight, options.is_spawned = [], None, True
    if options.on_trap == "debug":
        options.on_trap = "stop"
    os.makedirs(options.folder, exist_ok=True)
    ranks.clear(options.folder)
    session = Session(options, launch.log_in(options.folder))
    compile_source = launch.prepare(session, path, request)
    util.Finalize(None, lambda: ending.leave(session, sys.exc_info()[1]), exitpriority=1000)
    with open(path, "rb") as file:
        return compile_source(file.read(), path), path


_code, __file__ = _watched()
__spec__ = __loader__ = __cached__ = None
__package__ = ""
exec(_code)
