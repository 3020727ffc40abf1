#!/usr/bin/env python3
"""`stetho check` against pandas `describe` and whylogs on one table, in one run.

Usage: python3 benches/tables.py [--rows 5000000] [--write docs/benchmarks.md]

Makes its own virtual environment and data under target/bench, builds the release binary, and prints a table of ratios.
Each measurement is a process of its own; the best of the repetitions counts. Peak memory is the process's largest resident set.
"""
import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "bench"
PYTHON = WORK / "venv" / "bin" / "python"
PEERS = ["pandas==2.3.3", "pyarrow==21.0.0", "numpy==2.2.6", "whylogs==1.6.4"]
COLUMNS = 20

MAKE = """
import sys, numpy as np, pyarrow as pa, pyarrow.parquet as pq, pyarrow.csv as csv
n, stem = int(sys.argv[1]), sys.argv[2]
rng = np.random.default_rng(0)
columns = {f"measure_{i}": rng.normal(i, 1 + i, n) for i in range(8)}
for i, high in enumerate([100, 1_000, 100_000, 10**9]):
    columns[f"count_{i}"] = rng.integers(0, high, n)
columns["flag"] = rng.random(n) < 0.3
for i, k in enumerate([5, 20, 50]):
    columns[f"category_{i}"] = np.array([f"cat_{j}" for j in range(k)])[rng.integers(0, k, n)]
columns["user"] = np.char.add("user_", rng.integers(0, 10**6, n).astype(str))
columns["shop"] = np.char.add("s", rng.integers(0, 10_000, n).astype(str))
gaps = rng.normal(size=n)
gaps[rng.random(n) < 0.04] = np.nan
columns["gaps"] = pa.array(gaps, from_pandas=True)
columns["label"] = np.array(["no", "yes"])[(rng.random(n) < 0.2).astype(int)]
table = pa.table(columns)
pq.write_table(table, stem + ".parquet")
csv.write_csv(table, stem + ".csv")
"""

DESCRIBE = """
import sys, time, pandas as pd
frame = pd.read_parquet(sys.argv[1])
start = time.perf_counter()
frame.describe(include="all")
print(time.perf_counter() - start)
"""

WHYLOGS = """
import sys, time, pandas as pd, whylogs as why
frame = pd.read_parquet(sys.argv[1])
start = time.perf_counter()
why.log(frame).profile().view().to_pandas()
print(time.perf_counter() - start)
"""


def run(command, **options):
    return subprocess.run([str(c) for c in command], check=True, text=True, **options)


def set_up(rows):
    if not PYTHON.exists():
        run([sys.executable, "-m", "venv", PYTHON.parent.parent])
    run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS])
    run(["cargo", "build", "--release", "--quiet", "--package", "stetho"], cwd=ROOT)
    for n in (rows, 2 * rows):
        if not (WORK / f"table-{n}.csv").exists():
            run([PYTHON, "-c", MAKE, n, WORK / f"table-{n}"])


def stetho():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return (ROOT / target / "release" / "stetho").resolve()


def measure(command, timed_inside=False, repeat=3):
    """Best wall seconds of a command (or the seconds it prints itself), and its peak memory in MiB."""
    best, peak = float("inf"), 0.0
    for _ in range(repeat):
        start = time.perf_counter()
        process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        if os.waitstatus_to_exitcode(status) not in (0, 1):
            sys.exit(f"failed: {' '.join(str(c) for c in command)}")
        best = min(best, float(output) if timed_inside else wall)
        peak = max(peak, usage.ru_maxrss / 1024)
    return best, peak


def check(path, **options):
    return measure([stetho(), "check", path, "--target", "label", "--format", "json", "--fail-on", "never"], **options)


def table(rows):
    cells = rows * COLUMNS
    stem = WORK / f"table-{rows}"
    megabytes = stem.with_suffix(".csv").stat().st_size / 1e6
    ours, ours_peak = check(stem.with_suffix(".parquet"))
    ours_csv, csv_peak = check(stem.with_suffix(".csv"))
    doubled, doubled_peak = check(WORK / f"table-{2 * rows}.parquet", repeat=1)
    pandas, pandas_peak = measure([PYTHON, "-c", DESCRIBE, stem.with_suffix(".parquet")], timed_inside=True)
    whylogs, whylogs_peak = measure([PYTHON, "-c", WHYLOGS, stem.with_suffix(".parquet")], timed_inside=True, repeat=1)
    small = WORK / "small.csv"
    with stem.with_suffix(".csv").open() as source, small.open("w") as out:
        out.writelines(line for _, line in zip(range(1001), source))
    start_up, _ = check(small, repeat=10)
    lines = [
        "| what | seconds | million cells/s | peak MiB | ratio |",
        "|---|---|---|---|---|",
        f"| `stetho check`, Parquet: reading and the full audit | {ours:.2f} | {cells / ours / 1e6:.1f} | {ours_peak:.0f} | 1 |",
        f"| pandas `describe(include=\"all\")`, reading not counted | {pandas:.2f} | {cells / pandas / 1e6:.1f} | {pandas_peak:.0f} | Stetho is {pandas / ours:.2f}× as fast |",
        f"| whylogs `log`, reading not counted | {whylogs:.2f} | {cells / whylogs / 1e6:.1f} | {whylogs_peak:.0f} | Stetho is {whylogs / ours:.1f}× as fast |",
        f"| `stetho check`, CSV of {megabytes:.0f} MB | {ours_csv:.2f} | {cells / ours_csv / 1e6:.1f} | {csv_peak:.0f} | {megabytes / ours_csv:.0f} MB/s |",
        f"| `stetho check`, Parquet, twice the rows | {doubled:.2f} | {2 * cells / doubled / 1e6:.1f} | {doubled_peak:.0f} | memory × {doubled_peak / ours_peak:.2f} |",
        f"| `stetho check`, CSV of 1,000 rows | {start_up:.3f} | | | |",
    ]
    return "\n".join(lines)


def machine():
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}, {', '.join(PEERS)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--write", type=Path, help="replace the table in this Markdown file")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    set_up(options.rows)
    text = f"{options.rows:,} rows × {COLUMNS} columns, {machine()}\n\n{table(options.rows)}"
    print(text)
    if options.write:
        begin, end = "<!-- tables: begin -->", "<!-- tables: end -->"
        page = options.write.read_text()
        head, rest = page.split(begin)
        options.write.write_text(f"{head}{begin}\n{text}\n{end}{rest.split(end)[1]}")


if __name__ == "__main__":
    main()
