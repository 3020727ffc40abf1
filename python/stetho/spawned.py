"""The script, in a process that it has started itself: stands for `__mp_main__` there, see `spawning`."""

from stetho import spawning as _spawning


def _told() -> dict:
    import json
    import os

    return json.loads(os.environ.pop(_spawning.VARIABLE))


def _compiled(told: dict):
    """The script, made ready to be watched; as it is where that fails."""
    import os
    import sys
    from multiprocessing import util

    from stetho import ending, launch, ranks
    from stetho.session import Session

    request, path = told["request"], told["path"]
    with open(path, "rb") as file:
        source = file.read()
    try:
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
    except Exception as error:
        print(f"stetho: a process that the script has started is not watched: {type(error).__name__}: {error}", file=sys.stderr)
        return compile(source, path, "exec", dont_inherit=True)
    return compile_source(source, path)


_it = _told()
_code, __file__ = _compiled(_it), _it["path"]
__spec__ = __loader__ = __cached__ = None
__package__ = ""
exec(_code)
