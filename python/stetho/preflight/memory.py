"""How much memory and time a step takes as its batch grows; made on request alone."""

from __future__ import annotations

import resource
import sys

from stetho.preflight.attempt import Attempt, Skip

NAME = "memory"
TITLE = "memory by batch size"
SHARE = 0.3
#: Batches are made at most this many times as large as the script's.
MOST_TIMES = 16


def measure(bench):
    """The batch of the step once, twice, four times …, rows repeated, until memory or time is short."""
    torch = bench.torch
    if not bench.can_cut():
        raise Skip("the batch comes to the step in a form whose rows cannot be repeated")
    sizes: list[int] = []
    used: list[int] = []
    seconds: list[float] = []
    stopped = "16 times the batch"
    times = 1
    while times <= MOST_TIMES:
        n = bench.n_rows * times
        if not bench.has_time() or bench.remaining() < 2.0 * (seconds[-1] if seconds else 0.0):
            stopped = "the time allowed"
            break
        if used and _free(torch, bench.device) is not None and 2 * used[-1] > _free(torch, bench.device):
            stopped = "the memory that is free"
            break
        bench.start_over()
        before = _before(torch, bench.device)
        attempt = Attempt(bench, rows=torch.arange(n) % bench.n_rows, until="backward")
        yield attempt
        if attempt.error is not None:
            stopped = f"{type(attempt.error).__name__}: {attempt.error}".splitlines()[0][:160]
            break
        sizes.append(n)
        used.append(max(_peak(torch, bench.device) - before, 0))
        seconds.append(round(attempt.seconds, 4))
        times *= 2
    if not sizes:
        raise Skip(stopped)
    return {"sizes": sizes, "bytes": used, "seconds": seconds, "stopped": stopped}


def _before(torch, device) -> int:
    """Bytes in use; from here on the peak is looked at."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    try:
        # Of Linux: the peak of this process is what it uses now.
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def _peak(torch, device) -> int:
    """The most bytes in use since."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _free(torch, device) -> int | None:
    """Bytes that are free; None where that cannot be told."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return None
