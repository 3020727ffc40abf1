"""Makes the recorded runs and their list: make.py [NAME…]

Trains the named runs, or all, writes their logs into recorded/ and the list of all recorded runs into runs.toml. Needs
torch, scikit-learn, tensorboard and psutil. The same seeds on another machine or version give similar, not equal, logs."""

import fnmatch
import gzip
import importlib
import multiprocessing
import re
import sys
import time

import torch
from record import RECORDED, RUNS

TOPICS = [path.stem for path in sorted(RECORDED.parent.glob("scripts/*_*.py"))]
HEADER = """\
# Recorded training runs: what each log shows, and which rules must speak. Written by scripts/make.py from what the
# scripts say: change it there. `expect` lists the rules that must speak, the one that names the cause first; a run that
# expects none is healthy: no rule may raise an error or a warning. `may` lists what an expert would accept as well.
# Runs with `holdout` are not looked at while thresholds are chosen.
"""
NO_VALIDATION = "no-validation"
VALIDATION = re.compile(rb"(?<![a-z])(val|valid|validation|test|eval|held)(?![a-z])")


def listed(run):
    """The entry of a run in the list, or nothing while it is not recorded."""
    logs = [path for path in RECORDED.iterdir() if path.name.split(".")[0] == run.name]
    if not logs:
        return ""
    [log] = logs
    lines = [f'name = "{run.name}"', f'log = "{log.name}"', f'about = "{run.about}"']
    lines.append(f"expect = [{', '.join(quoted(rule) for rule in run.expect)}]")
    may = dict(run.may)
    if NO_VALIDATION not in run.expect and not validates(log):
        may[NO_VALIDATION] = "nothing held out is logged"
    if may:
        lines += ["may = [", *(f"  {quoted(rule)}, # {why}" for rule, why in may.items()), "]"]
    lines.append(f"holdout = {'true' if run.holdout else 'false'}")
    return "\n[[run]]\n" + "\n".join(lines) + "\n"


def quoted(text):
    return f'"{text}"'


def validates(log):
    """Whether the log has a name of something held out."""
    files = [log] if log.is_file() else list(log.iterdir())
    data = b"".join(path.read_bytes() for path in files)
    if log.suffix == ".gz":
        data = gzip.decompress(data)
    return VALIDATION.search(data.lower()) is not None


def main(patterns):
    torch.set_num_threads(1)
    for topic in TOPICS:
        importlib.import_module(topic)
    chosen = [name for name in RUNS if any(fnmatch.fnmatch(name, p) for p in patterns or ["*"])]
    context = multiprocessing.get_context("fork")  # a process for each run: memory starts anew
    for name in chosen:
        start = time.monotonic()
        with context.Pool(1) as worker:
            path = worker.apply(RUNS[name].record)
        size = sum(file.stat().st_size for file in ([path] if path.is_file() else path.iterdir()))
        print(f"{name}: {path.name}, {size / 1000:.1f} kB in {time.monotonic() - start:.1f} s", flush=True)
    (RECORDED.parent / "runs.toml").write_text(HEADER + "".join(listed(run) for run in RUNS.values()))


if __name__ == "__main__":
    main(sys.argv[1:])
