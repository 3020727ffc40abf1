"""The registry of runs, and the logs they write, in the formats that training loops write."""

import csv
import gzip
import io
import json
import random
import shutil
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import torch
from torch.utils.tensorboard import SummaryWriter

RECORDED = Path(__file__).parent.parent / "recorded"
COMPRESS_ABOVE = 40_000  # bytes
RUNS = {}


@dataclass
class Run:
    """A training that can be made again: `make` takes the log; `expect` is empty for a healthy run."""

    name: str
    about: str
    kind: str
    make: callable
    expect: list
    may: dict
    holdout: bool

    def record(self, folder=RECORDED):
        seed = zlib.crc32(self.name.encode())
        random.seed(seed)
        numpy.random.seed(seed)
        torch.manual_seed(seed)
        log = KINDS[self.kind]()
        self.make(log)
        for old in folder.iterdir():
            if old.name.split(".")[0] == self.name:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        return log.save(folder, self.name)


def run(kind, expect=(), may=None, holdout=False):
    """Registers a function as the run of its name; its docstring says what the run is."""

    def register(function):
        name = function.__name__.replace("_", "-")
        if name in RUNS:
            raise ValueError(f"two runs are called {name}")
        expected = [expect] if isinstance(expect, str) else list(expect)
        about = " ".join(function.__doc__.split())
        RUNS[name] = Run(name, about, kind, function, expected, may or {}, holdout)
        return function

    return register


def rounded(value):
    """The number as it is written: six significant digits."""
    if isinstance(value, torch.Tensor):
        value = value.item()
    if isinstance(value, float | numpy.floating):
        return float(f"{float(value):.6g}")
    return value


def store(path, text):
    data = text.encode()
    if len(data) > COMPRESS_ABOVE and path.suffix in (".csv", ".jsonl", ".log"):
        path = path.with_name(path.name + ".gz")
        data = gzip.compress(data, 9, mtime=0)
    path.write_bytes(data)
    return path


@dataclass
class Rows:
    """What a call logs is one row: `log(step=3, loss=0.2)`; names that are no identifiers are given as a dict."""

    rows: list = field(default_factory=list)

    def __call__(self, values=None, **more):
        self.rows.append({key: rounded(value) for key, value in {**(values or {}), **more}.items()})

    def columns(self):
        return list(dict.fromkeys(key for row in self.rows for key in row))


class Csv(Rows):
    """One column a name, empty where a row lacks it."""

    def save(self, folder, name):
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return store(folder / f"{name}.csv", text.getvalue())


class Yolo(Rows):
    """A CSV whose names and numbers are padded to one width."""

    def save(self, folder, name):
        lines = [self.columns()] + [[row[key] for key in self.columns()] for row in self.rows]
        return store(folder / f"{name}.csv", "".join(",".join(f"{cell:>23}" for cell in line) + "\n" for line in lines))


class Jsonl(Rows):
    def save(self, folder, name):
        return store(folder / f"{name}.jsonl", "".join(json.dumps(row) + "\n" for row in self.rows))


class TrainerState(Rows):
    """The state file of the transformers trainer: the rows are its `log_history`."""

    def save(self, folder, name):
        last = self.rows[-1]
        state = {
            "best_metric": None, "best_model_checkpoint": None, "epoch": last["epoch"], "global_step": last["step"],
            "is_hyper_param_search": False, "is_local_process_zero": True, "is_world_process_zero": True,
            "log_history": self.rows, "logging_steps": self.rows[0]["step"], "max_steps": last["step"],
            "num_train_epochs": round(last["epoch"]), "trial_name": None, "trial_params": None,
        }  # fmt: skip
        (folder / name).mkdir(exist_ok=True)
        path = folder / name / "trainer_state.json"
        path.write_text(json.dumps(state, indent=2) + "\n")
        return path.parent


class Text:
    """What a loop prints, line by line."""

    def __init__(self):
        self.lines = []

    def __call__(self, line):
        self.lines.append(line + "\n")

    def save(self, folder, name):
        return store(folder / f"{name}.log", "".join(self.lines))


class Events:
    """A TensorBoard folder: `log(step, {"Loss/train": 0.3})`."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.writer = SummaryWriter(self.folder)

    def __call__(self, step, values):
        for tag, value in values.items():
            self.writer.add_scalar(tag, value, step)

    def save(self, folder, name):
        self.writer.close()
        target = folder / name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        [written] = Path(self.folder).iterdir()
        shutil.move(written, target / "events.out.tfevents.1700000000.host.1.0")  # without the name of this machine
        shutil.rmtree(self.folder)
        return target


KINDS = {"csv": Csv, "yolo": Yolo, "jsonl": Jsonl, "trainer": TrainerState, "text": Text, "events": Events}
