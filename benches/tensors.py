#!/usr/bin/env python3
"""Measuring tensors: against a plain read of the same bytes, and against the PyTorch calls that would do it.

Usage: python3 benches/tensors.py [--python PYTHON] [--write docs/benchmarks.md]

Makes its own virtual environment under target/bench with PyTorch and this package, unless it is given an interpreter that has both; builds
the release example `read` of `stetho-python`; prints tables of ratios. The best of many repetitions counts.
"""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import tables
from pictures import write
from tables import ROOT, WORK, run

PYTHON = WORK / "venv-tensors" / "bin" / "python"
PEERS = ["torch==2.15.0"]
DTYPES = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}
MEGABYTES = 256

AGAINST_TORCH = """
import json, sys, time, torch
from stetho import _core
codes = {torch.float32: 0, torch.float64: 1, torch.float16: 2, torch.bfloat16: 3}

def best(work, seconds=1.5):
    least, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < seconds:
        before = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - before)
    return least

def by_torch(t):
    low, high = torch.aminmax(t)
    torch.var_mean(t, correction=0)
    torch.linalg.vector_norm(t, 1), torch.linalg.vector_norm(t, 2)
    torch.count_nonzero(t)
    t.isnan().sum(), t.isinf().sum()
    wide = t if t.dtype in (torch.float32, torch.float64) else t.float()
    torch.histc(wide, 64, float(low), float(high))

def ours(t):
    _core.statistics(t.data_ptr(), codes[t.dtype], tuple(t.shape), t.stride(), True)

rows = []
for name in ["float32", "float64", "float16", "bfloat16"]:
    for shape in [(64, 1000), (32, 64, 56, 56)]:
        for permuted in [False, True]:
            t = torch.randn(shape).to(getattr(torch, name))
            if permuted:
                t = t.transpose(0, -1)
            rows.append([name, list(shape), permuted, best(lambda: by_torch(t)), best(lambda: ours(t))])

def per_call(work, n=20000):
    return best(lambda: [work() for _ in range(n)], 1.0) / n

small = [torch.randn(n) for n in (640, 64, 4096, 64, 640, 10)]
norm = _core.Norm([t.numel() for t in small], 0)
pointers = [t.data_ptr() for t in small]
snapshot = _core.Snapshot(pointers, [t.nbytes for t in small])
calls = {
    "`Norm.of_tensors` of six tensors, 5,514 numbers": per_call(lambda: norm.of_tensors(small)),
    "`torch._foreach_norm` of the same": per_call(lambda: torch._foreach_norm(small), 2000),
    "`Snapshot.take` of the same": per_call(snapshot.take),
}
import tempfile
with tempfile.TemporaryDirectory() as folder:
    log = _core.RunLog(folder)
    values = {"train/loss": 0.5, "train/a_loss": 0.2, "train/b_loss": 0.3, "learning_rate": 1e-3, "grad_norm": 1.0, "step_time": 0.01}
    n, start = 20000, time.perf_counter()
    for step in range(n):
        log.log(step, values)
    calls["`RunLog.log` of six numbers, with all judging"] = (time.perf_counter() - start) / n
print(json.dumps([rows, calls]))
"""

IMPORT = "import time; start = time.perf_counter(); import stetho; print(time.perf_counter() - start)"


def set_up(python):
    if python == PYTHON:
        if not PYTHON.exists():
            run([sys.executable, "-m", "venv", PYTHON.parent.parent])
        run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS, ROOT])
    run(["cargo", "build", "--release", "--quiet", "--package", "stetho-python", "--example", "read"], cwd=ROOT)


def example():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return (ROOT / target / "release" / "examples" / "read").resolve()


def against_reading():
    lines = [
        "| numbers | plain read GB/s | statistics | with histogram | sum of squares |",
        "|---|---|---|---|---|",
    ]
    for name, size in DTYPES.items():
        n = MEGABYTES * 2**20 // size
        output = subprocess.run([example(), name, str(n)], check=True, capture_output=True, text=True).stdout
        read, plain, spread, squares = (float(word) for word in output.split())
        shares = " | ".join(f"{read / seconds:.0%} of that speed" for seconds in (plain, spread, squares))
        lines.append(f"| {name} | {n * size / read / 1e9:.1f} | {shares} |")
    return "\n".join(lines)


def against_torch(python):
    output = subprocess.run([str(python), "-c", AGAINST_TORCH], check=True, stdout=subprocess.PIPE, text=True).stdout
    rows, calls = json.loads(output)
    lines = ["| tensor | PyTorch ms | Stetho ms | ratio |", "|---|---|---|---|"]
    for name, shape, permuted, theirs, ours in rows:
        shown = " × ".join(str(n) for n in shape) + (", transposed" if permuted else "")
        lines.append(f"| {name}, {shown} | {theirs * 1e3:.3f} | {ours * 1e3:.3f} | {theirs / ours:.1f}× as fast |")
    lines += ["", "| call | µs |", "|---|---|"]
    lines += [f"| {what} | {seconds * 1e6:.2f} |" for what, seconds in calls.items()]
    imports = [subprocess.run([str(python), "-c", IMPORT], check=True, capture_output=True, text=True).stdout for _ in range(9)]
    lines.append(f"| `import stetho` | {min(float(text) for text in imports) * 1e6:,.0f} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", type=Path, default=PYTHON, help="an interpreter with PyTorch and this package")
    parser.add_argument("--write", type=Path, help="replace the tables in this Markdown file")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    tables.PEERS = PEERS
    set_up(options.python)
    text = f"Tensors of {MEGABYTES} MiB, {tables.machine()}\n\n{against_reading()}\n\n{against_torch(options.python)}"
    print(text)
    if options.write:
        write(options.write, "tensors", text)


if __name__ == "__main__":
    main()
