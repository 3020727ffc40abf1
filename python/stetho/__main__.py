"""The `stetho` command: `stetho ARGS`, or `python -m stetho ARGS`."""

import signal
import sys

from . import _core


def main() -> int:
    """Carries out the command of `sys.argv`; returns its exit status."""
    # Until Python has something to do, Ctrl-C ends the program or is caught by Rust, as in the binary.
    interrupt = signal.signal(signal.SIGINT, signal.SIG_DFL)
    answer = _core.command(sys.argv[1:])
    if isinstance(answer, int):
        return answer
    signal.signal(signal.SIGINT, interrupt)
    import json

    from . import launch

    request = json.loads(answer)
    return launch.replay(request) if request["command"] == "replay" else launch.run(request)


if __name__ == "__main__":
    sys.exit(main())
