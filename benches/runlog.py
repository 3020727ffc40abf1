#!/usr/bin/env python3
"""Reading and writing run logs: against TensorBoard's `EventAccumulator`, and against reading the bytes and checking their sums.

Usage: python3 benches/runlog.py [--scalars 1000000] [--write docs/benchmarks.md]

Makes its own virtual environment and logs under target/bench, builds the release example `measure` of `stetho-runlog`, and prints a
table of ratios. Each measurement is a process of its own; the best of the repetitions counts. Peak memory is the process's largest
resident set.
"""
import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import tables
from pictures import write
from tables import ROOT, WORK, run

PYTHON = WORK / "venv-runlog" / "bin" / "python"
PEERS = ["tensorboard==2.21.0"]

ACCUMULATE = """
import sys, time
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
start = time.perf_counter()
log = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
log.Reload()
n = sum(len(log.Scalars(tag)) for tag in log.Tags()["scalars"])
print(time.perf_counter() - start)
assert n == int(sys.argv[2]), n
"""


def set_up(scalars):
    if not PYTHON.exists():
        run([sys.executable, "-m", "venv", PYTHON.parent.parent])
    run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS])
    run(["cargo", "build", "--release", "--quiet", "--package", "stetho-runlog", "--example", "measure"], cwd=ROOT)
    for n in (scalars, 10 * scalars):
        if not log(n).exists():
            run([example(), "write", log(n), n], stdout=subprocess.DEVNULL)


def example():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return (ROOT / target / "release" / "examples" / "measure").resolve()


def log(scalars):
    return WORK / f"log-{scalars}"


def measure(command, repeat=5):
    """The best of the seconds that a command prints (its first word), its other words, and its peak memory in MiB."""
    best, rest, peak = float("inf"), [], 0.0
    for _ in range(repeat):
        process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        words = process.stdout.read().split()
        _, status, usage = os.wait4(process.pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            sys.exit(f"failed: {' '.join(str(c) for c in command)}")
        if float(words[0]) < best:
            best, rest = float(words[0]), words[1:]
        peak = max(peak, usage.ru_maxrss / 1024)
    return best, rest, peak


def layers():
    folder = WORK / "log-layers"
    shutil.rmtree(folder, ignore_errors=True)
    seconds, (size,), _ = measure([example(), "layers", folder, 300], repeat=3)
    shutil.rmtree(folder)
    return seconds, float(size)


def table(scalars):
    path = log(scalars)
    megabytes = sum(file.stat().st_size for file in path.iterdir()) / 1e6
    check, _, _ = measure([example(), "check", path])
    read, _, _ = measure([example(), "read", path])
    record, _, peak = measure([example(), "record", path])
    ten, _, ten_peak = measure([example(), "record", log(10 * scalars)], repeat=1)
    peer, _, peer_peak = measure([PYTHON, "-c", ACCUMULATE, path, scalars], repeat=1)
    seconds, size = layers()
    lines = [
        "| what | seconds | million scalars/s | peak MiB | ratio |",
        "|---|---|---|---|---|",
        f"| the bytes read and their sums checked ({megabytes:.0f} MB) | {check:.3f} | {scalars / check / 1e6:.1f} | | 1 |",
        f"| every point handed over | {read:.3f} | {scalars / read / 1e6:.1f} | | {read / check:.2f}× that time |",
        f"| every point in the record that rules judge | {record:.3f} | {scalars / record / 1e6:.1f} | {peak:.0f} | {record / check:.2f}× that time |",
        f"| the same, ten times the scalars | {ten:.3f} | {10 * scalars / ten / 1e6:.1f} | {ten_peak:.0f} | memory × {ten_peak / peak:.2f} |",
        f"| TensorBoard's `EventAccumulator` | {peer:.1f} | {scalars / peer / 1e6:.3f} | {peer_peak:.0f} | Stetho is {peer / record:.0f}× as fast |",
        f"| 1,000 layers × 8 signals written, a step | {seconds:.6f} | | | {size / 1000:.1f} kB |",
    ]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scalars", type=int, default=1_000_000)
    parser.add_argument("--write", type=Path, help="replace the table in this Markdown file")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    tables.PEERS = PEERS
    set_up(options.scalars)
    text = f"{options.scalars:,} scalars of 8 series, {tables.machine()}\n\n{table(options.scalars)}"
    print(text)
    if options.write:
        write(options.write, "runlog", text)


if __name__ == "__main__":
    main()
