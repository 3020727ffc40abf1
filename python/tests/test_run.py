"""Under `stetho run` a script does what it does under `python`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from conftest import call

TRAIN = """
import torch
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.2), torch.nn.Linear(8, 1))
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
x = torch.randn(64, 4); y = x.sum(1, keepdim=True)
"""

LOOP = """
for epoch in range(6):
    for i in range(0, 64, 16):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x[i:i + 16]), y[i:i + 16])
        loss.backward()
        optimizer.step()
"""

SUM = """
import hashlib
print(hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in net.state_dict().values())).hexdigest(), loss.item())
print(torch.rand(1).item())
"""


def both(stetho, tmp_path: Path, script: str, *args: str, files: dict[str, str] | None = None):
    """What the script does under `python`, and under `stetho run`."""
    for name, text in {"train.py": script, **(files or {})}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    plain = call([sys.executable, "train.py", *args], cwd=tmp_path)
    watched = stetho("run", "--dir", "run", "train.py", *args)
    return plain, watched


def test_weights_are_bit_for_bit_those_of_plain_python(stetho, tmp_path):
    plain, watched = both(stetho, tmp_path, TRAIN + LOOP + SUM)
    assert plain.returncode == 0, plain.stderr
    assert watched.stdout == plain.stdout
    assert watched.returncode == 0, watched.stderr
    assert list((tmp_path / "run").glob("events.out.tfevents.*"))
    assert (tmp_path / "run" / "report.html").exists()
    assert not (tmp_path / "run" / "traps.jsonl").exists()


def test_main_arguments_paths_and_modules_are_those_of_the_script(stetho, tmp_path):
    script = """
import os, pickle, sys
import helper
from package.inner import VALUE
class Thing:
    pass
print(__name__, os.path.basename(__file__), sys.argv, os.path.basename(sys.path[0]), __spec__)
print(pickle.loads(pickle.dumps(Thing())).__class__.__module__, sys.modules["__main__"].Thing is Thing)
print(open("data.txt").read(), helper.twice(VALUE), Thing.__qualname__, "__stetho__" in globals())
"""
    files = {
        "data.txt": "here",
        "helper.py": "def twice(x):\n    return 2 * x\n",
        "package/__init__.py": "",
        "package/inner.py": "from . import __name__ as name\nVALUE = len(name)\n",
    }
    plain, watched = both(stetho, tmp_path, script, "--lr", "0.1", "-x", files=files)
    assert plain.returncode == 0, plain.stderr
    assert watched.stdout == plain.stdout
    assert "did not import PyTorch" in watched.stderr


@pytest.mark.parametrize(
    ("ending", "status"),
    [("sys.exit(3)", 3), ("sys.exit()", 0), ("sys.exit('a word')", 1), ("raise ValueError('mine')", 1), ("os._exit(5)", 5), ("1 +", 1)],
)
def test_exit_status_and_errors_are_the_scripts(stetho, tmp_path, ending, status):
    plain, watched = both(stetho, tmp_path, f"import os, sys\nprint('begun', flush=True)\ndef inner():\n    {ending}\ninner()\n")
    assert plain.returncode == status
    assert watched.returncode == status
    assert watched.stdout == plain.stdout
    # The traceback is the script's own, without a frame of ours.
    errors = "".join(line for line in watched.stderr.splitlines(True) if not line.startswith("stetho"))
    assert errors.strip() == plain.stderr.strip()


def test_an_error_in_the_step_shows_the_users_lines_alone(stetho, tmp_path):
    loop = LOOP.replace("loss.backward()", "loss.backward(); wrong = net(x[:, :2])")
    plain, watched = both(stetho, tmp_path, TRAIN + loop)
    assert plain.returncode == watched.returncode == 1
    assert "stetho/" not in watched.stderr.replace("stetho run", "")
    assert plain.stderr.strip().splitlines()[-1] in watched.stderr
    for line in plain.stderr.splitlines():
        if "train.py" in line:
            assert line in watched.stderr


def test_workers_by_fork_and_by_spawn_work(stetho, tmp_path):
    script = """
import torch
from torch.utils.data import DataLoader, Dataset
class Data(Dataset):
    def __len__(self): return 32
    def __getitem__(self, i): return torch.full((4,), float(i)), torch.tensor([float(i)])
if __name__ == "__main__":
    torch.manual_seed(0)
    net = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), 1e-5)
    for context in ("fork", "spawn"):
        for x, y in DataLoader(Data(), 8, shuffle=True, num_workers=2, multiprocessing_context=context):
            optimizer.zero_grad()
            loss = ((net(x) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
        print(context, loss.item())
"""
    plain, watched = both(stetho, tmp_path, script)
    assert plain.returncode == 0, plain.stderr
    assert watched.stdout == plain.stdout
    assert watched.returncode == 0, watched.stderr


def test_a_script_that_is_not_there_is_told_in_one_line(stetho):
    result = stetho("run", "nothing.py")
    assert result.returncode == 2
    assert result.stderr.splitlines() == ["error: there is no script `nothing.py`"]


def test_a_module_runs_as_with_python_m(stetho, tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "train.py").write_text("from . import __name__ as parent\nimport sys\nprint(parent, __name__, sys.argv[1:])\n")
    plain = call([sys.executable, "-m", "package.train", "a"], cwd=tmp_path)
    watched = stetho("run", "--dir", "run", "-m", "package.train", "a")
    assert plain.returncode == 0, plain.stderr
    assert watched.stdout == plain.stdout


def test_interrupting_ends_as_python_does(stetho, tmp_path):
    script = TRAIN + LOOP.replace("range(6)", "range(3)") + "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time; time.sleep(5)\n"
    plain, watched = both(stetho, tmp_path, script)
    assert plain.returncode == watched.returncode == -2
    assert "KeyboardInterrupt" in watched.stderr


def test_what_breaks_in_stetho_does_not_stop_the_training(stetho, tmp_path):
    # A model that answers to nothing it is asked about: our looks at it fail, its training does not.
    script = TRAIN + """
class Odd(torch.nn.Module):
    def __init__(self): super().__init__(); self.inner = net
    def forward(self, x): return self.inner(x)
    def named_modules(self, *a, **k): raise RuntimeError("no names")
    def buffers(self, *a, **k): raise RuntimeError("no buffers")
odd = Odd(); inner, net = net, odd
""" + LOOP + "net = inner\n" + SUM
    plain, watched = both(stetho, tmp_path, script)
    assert plain.returncode == 0, plain.stderr
    assert watched.stdout == plain.stdout
    assert sum("failed in stetho itself" in line for line in watched.stderr.splitlines()) <= 1


def test_a_json_report_is_written_where_asked(stetho, tmp_path):
    (tmp_path / "train.py").write_text(TRAIN + LOOP)
    result = stetho("run", "--dir", "run", "--out", "report.json", "train.py")
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["command"] == "run"
    assert any(o["rule"] == "non-finite-loss" and o["outcome"] == "ran" for o in report["outcomes"])


def test_trainings_one_after_the_other_are_runs_of_their_own(stetho, tmp_path):
    fold = """
import torch
from torch.utils.data import DataLoader, Subset, TensorDataset
torch.manual_seed(0)
x = torch.randn(96, 4)
data = TensorDataset(x, x.sum(1, keepdim=True))
for fold in range(3):
    held = list(range(fold, 96, 3))
    rest = [i for i in range(96) if i % 3 != fold]
    net = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for epoch in range(10):
        for a, b in DataLoader(Subset(data, rest), batch_size=16, shuffle=True):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(net(a), b)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            for a, b in DataLoader(Subset(data, held), batch_size=32):
                val_loss = torch.nn.functional.mse_loss(net(a), b)
"""
    (tmp_path / "folds.py").write_text(fold)
    result = stetho("run", "--dir", "run", "--format", "json", "folds.py")
    report = json.loads(result.stdout)
    names = [run["name"] for run in report["facts"]["runs"]]
    assert [Path(name).name for name in names] == ["run", "training-2", "training-3"], names
    # What a fold is validated with was trained on by those before it, which is no leak; nor is its first loss a jump.
    assert report["findings"] == [], [f["message"] for f in report["findings"]]


def test_networks_that_are_trained_against_each_other_are_one_training(stetho, tmp_path):
    (tmp_path / "gan.py").write_text("""
import torch
torch.manual_seed(0)
g, d = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
opt_d = torch.optim.Adam(d.parameters(), 1e-3)
opt_g = torch.optim.Adam(g.parameters(), 1e-3)
for step in range(40):
    real, noise = torch.randn(16, 2), torch.randn(16, 2)
    opt_d.zero_grad()
    loss_d = torch.nn.functional.softplus(-d(real)).mean() + torch.nn.functional.softplus(d(g(noise).detach())).mean()
    loss_d.backward()
    opt_d.step()
    opt_g.zero_grad()
    loss_g = torch.nn.functional.softplus(-d(g(noise))).mean()
    loss_g.backward()
    opt_g.step()
""")
    stetho("run", "--dir", "run", "gan.py")
    assert not list((tmp_path / "run").glob("training-*"))


def test_loaders_that_are_made_for_one_pass_are_known(stetho, tmp_path):
    (tmp_path / "passes.py").write_text("""
import torch
from torch.utils.data import DataLoader, TensorDataset, random_split
torch.manual_seed(0)
x = torch.randn(96, 4)
train, val = random_split(TensorDataset(x, x.sum(1, keepdim=True)), [72, 24])
net = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(net.parameters(), 0.05)
for epoch in range(8):
    for a, b in DataLoader(train, batch_size=12, shuffle=True):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(net(a), b).backward()
        optimizer.step()
    with torch.no_grad():
        a, b = next(iter(DataLoader(val, batch_size=24)))
        torch.nn.functional.mse_loss(net(a), b)
""")
    result = stetho("run", "--dir", "run", "--format", "json", "passes.py")
    outcomes = {o["rule"]: o["outcome"] for o in json.loads(result.stdout)["outcomes"]}
    assert {outcomes[rule] for rule in ("repeated-batches", "not-shuffled", "validation-leak")} == {"ran"}


def test_a_second_run_in_the_same_directory_is_judged_for_itself(stetho, tmp_path):
    again = "net = torch.nn.Linear(4, 1); del optimizer; optimizer = torch.optim.Adam(net.parameters(), 1e-2); y[5] = float('nan')" + LOOP
    (tmp_path / "train.py").write_text(TRAIN + LOOP)
    (tmp_path / "bad.py").write_text(TRAIN + LOOP + again)
    assert stetho("run", "--dir", "run", "--on-trap", "skip", "bad.py").returncode == 1
    assert (tmp_path / "run" / "training-2" / "traps.jsonl").exists()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    (tmp_path / "run" / "events.out.tfevents.1.mine.0").write_bytes(b"another writer's")
    watched = stetho("run", "--dir", "run", "train.py")
    assert watched.returncode == 0, watched.stderr
    left = {p.name for p in (tmp_path / "run").iterdir()}
    assert {"notes.txt", "events.out.tfevents.1.mine.0"} <= left
    assert "training-2" not in left
    assert len(list((tmp_path / "run").glob("events.out.tfevents.*"))) == 2
