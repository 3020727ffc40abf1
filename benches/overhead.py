"""What `stetho run` costs a training, beside what its rivals cost: trainings by turns, the median step of each.

    python3 benches/overhead.py [--write docs/benchmarks.md] [--python PYTHON] [--rounds N] [--seconds S]

Needs an interpreter with PyTorch and the wheel of this project (`.venv` after `cargo xtask test`).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from pictures import write

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "benches" / "overhead" / "work.py"
START = WORK.with_name("start.py")
NAMES = ("mlp", "mlp, wide", "mlp, deep", "autoencoder", "cnn 28x28", "lstm", "transformer", "resnet-18")
RIVALS = ("anomaly", "hooks", "dispatch")
#: Rounds in which the rivals, which cost so much more, are measured too.
RIVAL_ROUNDS = 2


def steps(python: str, name: str, mode: str, seconds: float) -> list[float]:
    """Seconds of the steps of one training."""
    with tempfile.TemporaryDirectory() as folder:
        command = [python, str(WORK), name, "plain" if mode == "stetho" else mode, str(seconds)]
        if mode == "stetho":
            command = [python, "-m", "stetho", "run", "--fail-on", "never", "--dir", f"{folder}/run", *command[1:]]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(result.stdout.strip().splitlines()[-1])


def start_up(python: str, rounds: int) -> str:
    """What `stetho run` adds to the time until a script's first line, and until PyTorch is imported: the best of each, by turns."""
    best: dict[bool, list[float]] = {}
    for turn in range(2 * rounds):
        is_ours = bool(turn % 2)
        with tempfile.TemporaryDirectory() as folder:
            ours = ["-m", "stetho", "run", "--fail-on", "never", "--dir", f"{folder}/run"] if is_ours else []
            environment = {**os.environ, "BEGAN": repr(time.time())}
            result = subprocess.run([python, *ours, str(START)], cwd=folder, env=environment, capture_output=True, text=True, check=True)
        seconds = json.loads(result.stdout.strip().splitlines()[-1])
        best[is_ours] = [min(pair) for pair in zip(best.get(is_ours, seconds), seconds)]
    first, torch = (1e3 * (a - b) for a, b in zip(best[True], best[False]))
    return (
        f"Start-up: {first:.0f} ms more until the script's first line, {torch:.0f} ms more until PyTorch is imported, which takes "
        f"{best[False][1]:.2f} s (best of {rounds})."
    )


def measure(python: str, rounds: int, seconds: float) -> list[tuple[str, float, dict[str, float]]]:
    """For each training: the plain step, and the ratio of each mode to it, of all pairs of a round the median."""
    rows = []
    for name in NAMES:
        found: dict[str, list[float]] = {mode: [] for mode in ("plain", "stetho", *RIVALS)}
        for turn in range(rounds):
            modes = list(found) if turn < RIVAL_ROUNDS else ["plain", "stetho"]
            for mode in modes[turn % 2:] + modes[: turn % 2]:
                found[mode].append(statistics.median(steps(python, name, mode, seconds)))
        # Rounds are pairs: what slows the machine slows both.
        ratios = {m: statistics.median(a / b for a, b in zip(found[m], found["plain"])) for m in found if m != "plain"}
        rows.append((name, statistics.median(found["plain"]), ratios))
        print(name, f"{rows[-1][1] * 1e3:.2f} ms", {m: round(r, 3) for m, r in ratios.items()}, flush=True)
    return rows


def table(rows: list[tuple[str, float, dict[str, float]]], rounds: int) -> str:
    """The rows as Markdown."""
    lines = ["| training | plain step | `stetho run` | `detect_anomaly` | `isfinite` of every module | `isfinite` of every operation |", "|---|---|---|---|---|---|"]
    for name, plain, ratios in rows:
        lines.append(f"| {name} | {plain * 1e3:.2f} ms | " + " | ".join(f"{ratios[m]:.2f}×" for m in ("stetho", *RIVALS)) + " |")
    ours = [r["stetho"] for _, _, r in rows]
    lines.append("")
    lines.append(f"Median of `stetho run` {statistics.median(ours):.3f}×, worst {max(ours):.3f}×; {rounds} rounds by turns, median step of each.")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--python", default=str(ROOT / ".venv" / "bin" / "python"))
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=1.5)
    options = parser.parse_args()
    text = start_up(options.python, max(options.rounds, 5))
    print(text)
    text = table(measure(options.python, options.rounds, options.seconds), options.rounds) + "\n\n" + text
    print(text)
    if options.write:
        write(options.write, "overhead", text)


if __name__ == "__main__":
    main()
