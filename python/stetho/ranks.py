"""Several processes that train one model together, as `torchrun` and `accelerate launch` start them: they share a run directory, and one of them
reports. Those that a script starts itself (`spawning`) are reported on by the process of the script."""

from __future__ import annotations

import os
import sys
import time

#: Seconds that the rank which reports waits for the others to end, and these for its report, without which a launcher would end it.
PATIENCE, OTHERS_PATIENCE = 60.0, 180.0


#: The number of a process that a watched script has started.
_spawned: int | None = None


def is_spawned(number: int) -> None:
    """This process was started by a watched script, as the one of this number."""
    global _spawned
    _spawned = number


def number() -> int | None:
    """Which of several ranks this process is; None where it is alone."""
    if _spawned is not None:
        return _spawned if _spawned or _is_in_group() else None
    try:
        return int(os.environ["RANK"]) if int(os.environ["WORLD_SIZE"]) > 1 else None
    except (KeyError, ValueError):
        return None


def _is_in_group() -> bool:
    group = sys.modules.get("torch.distributed")
    return group is not None and group.is_available() and group.is_initialized()


def is_first_here() -> bool:
    """Whether this process reports for the ranks of this machine. One that is alone does."""
    if _spawned is not None:
        return _spawned == 0
    return number() is None or os.environ.get("LOCAL_RANK", os.environ["RANK"]) == "0"


def began() -> float:
    """When the run began: the same for all ranks of a machine, which have one parent."""
    if number() is not None:
        try:
            with open(f"/proc/{os.getppid()}/stat", encoding="ascii", errors="replace") as file:
                ticks = int(file.read().rpartition(")")[2].split()[19])
            with open("/proc/stat", encoding="ascii") as file:
                boot = next(float(line.split()[1]) for line in file if line.startswith("btime "))
            return boot + ticks / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, IndexError, StopIteration):
            pass  # no Linux: the ranks may get directories of their own
    return time.time()


def say_over(folder: str) -> None:
    """This rank's log is complete."""
    try:
        with open(_mark(folder, number() or 0), "w", encoding="ascii"):
            pass
    except OSError:
        pass  # the first rank does not wait for ever


def wait(folder: str) -> None:
    """Waits for the others of this machine to be over: the first rank for all, so that what they logged is judged too, and is not the one whose
    status makes a launcher end them; any other for the first one."""
    rank, n = number(), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if rank is None or n < 2:
        return
    first = rank - int(os.environ.get("LOCAL_RANK", rank))
    others = [_mark(folder, first + i) for i in range(1, n)] if is_first_here() else [_mark(folder, first)]
    _wait_for(others, PATIENCE if is_first_here() else OTHERS_PATIENCE)
    if is_first_here():
        _remove(others)


def wait_for_all(folder: str, n: int) -> None:
    """Waits until all of `n` ranks that a script has started have looked into what stops each of them: the first that is gone has the others
    ended."""
    say_over(folder)
    _wait_for([_mark(folder, i) for i in range(n)], PATIENCE)


def forget(folder: str) -> None:
    """Takes away the marks of all ranks that are gone."""
    if os.path.isdir(folder):
        _remove([os.path.join(folder, name) for name in os.listdir(folder) if name.startswith(".rank-")])


def _wait_for(marks: list[str], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not all(map(os.path.exists, marks)) and time.monotonic() < end:
        time.sleep(0.05)


def _remove(marks: list[str]) -> None:
    for mark in filter(os.path.exists, marks):
        os.remove(mark)


def clear(folder: str) -> None:
    """Takes away the mark of an earlier run."""
    _remove([_mark(folder, number() or 0)])


def alone(models: list):
    """Has each rank work by itself: an experiment of one rank must not wait for the others, which make other ones. Gives what undoes it."""
    flags = ("require_backward_grad_sync", "require_forward_param_sync")
    found = [(m, f, getattr(m, f)) for model in models for m in model.modules() for f in flags if hasattr(m, f)]
    for module, flag, _ in found:
        setattr(module, flag, False)

    def undo() -> None:
        for module, flag, value in found:
            setattr(module, flag, value)

    return undo


def _mark(folder: str, rank: int) -> str:
    return os.path.join(folder, f".rank-{rank}-is-over")
