"""Makes the recorded runs and `runs.toml`: `python make.py` for all of them, `python make.py NAME…` for some runs or modules.

It needs what `gallery/requirements.txt` and `gallery/requirements-tests.txt` list, and psutil. Times and memory are those of the machine it runs on.
"""

import json
import multiprocessing
import shutil
import sys
import time
from pathlib import Path

import torch

import beginner
import board
import board_layers
import demanding
import fresh_faulty
import fresh_healthy
import fresh_healthy_deep
import fresh_machinery
import formats
import hub
import keras_like
import lightning
import machines
import mixed
import nano
import plain
import research
import yolo
from kit import RUNS, seed

HERE = Path(__file__).parent.parent
HEAD = """# Runs in the manner of `../runs.toml` that were not made for the rules. Those by people who knew nothing of them were held out
# once and have been looked at since; those whose names begin with `fresh` came after the last change of a rule, and are held out.
# Written by scripts/make.py from what the scripts say: change it there.
"""


def record(one):
    path = HERE / "recorded" / one.log
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    seed(sum(map(ord, one.name)))
    began = time.time()
    child = multiprocessing.get_context("fork").Process(target=one.train, args=(path,))
    child.start()
    child.join()
    if child.exitcode:
        sys.exit(f"{one.name} failed")
    print(f"{one.name}: {time.time() - began:.1f} s", flush=True)


def manifest():
    parts = [HEAD]
    for one in RUNS:
        lines = [f"name = {json.dumps(one.name)}", f"log = {json.dumps(one.log)}", f"about = {json.dumps(one.about)}"]
        lines.append(f"expect = {json.dumps(list(one.expect))}")
        if one.may:
            lines.append(f"may = {json.dumps(list(one.may))}")
        if one.note:
            lines.insert(3, f"# {one.note}")
        held_out = str(one.name.startswith("fresh")).lower()
        parts.append("[[run]]\n" + "\n".join(lines) + f"\nholdout = {held_out}\n")
    (HERE / "runs.toml").write_text("\n".join(parts))


if __name__ == "__main__":
    torch.set_num_threads(1)
    (HERE / "recorded").mkdir(exist_ok=True)
    names = sys.argv[1:]
    for one in RUNS:
        if not names or one.name in names or one.train.__module__ in names:
            record(one)
    manifest()
