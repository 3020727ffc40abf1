"""What scripts do again and again, or beside the training: nothing of theirs is kept alive, copied wrongly or slowed down."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from conftest import call

torch = pytest.importorskip("torch")

HEAD = """
import copy, gc, io, pickle, threading, time, weakref
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset
torch.manual_seed(0)
x = torch.randn(64, 4)
y = x.sum(1, keepdim=True)
def make():
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 1))
    return net, torch.optim.SGD(net.parameters(), 0.01)
net, optimizer = make()
def step(a, b, net=net, optimizer=optimizer):
    optimizer.zero_grad()
    loss = F.mse_loss(net(a), b)
    loss.backward()
    optimizer.step()
    return loss
"""


def run(stetho, folder: Path, script: str, *options: str):
    """A script under `stetho run`, which it must come to the end of; its output."""
    (folder / "train.py").write_text(HEAD + script)
    result = stetho("run", "--dir", "run", "--fail-on", "never", *options, "train.py", environment={"STETHO_DEBUG": "1"})
    assert "failed in stetho itself" not in result.stderr, result.stderr
    assert result.returncode == 0, result.stderr
    return result


def test_a_watched_model_is_copied_saved_and_averaged_as_any_other(stetho, tmp_path):
    run(stetho, tmp_path, """
for i in range(5):
    for a, b in DataLoader(TensorDataset(x, y), 16):
        step(a, b)
    best = copy.deepcopy(net)
    average = torch.optim.swa_utils.AveragedModel(net)
torch.save(net, "net.pt")
net.eval(); best.eval()
with torch.no_grad():
    print(torch.equal(best(x), net(x)), torch.equal(average.module.eval()(x), net(x)), b"stetho" in pickle.dumps(net))
""")
    saved = call([sys.executable, "-c", (
        "import torch; net = torch.load('net.pt', weights_only=False); import sys; print(net(torch.zeros(2, 4)).shape, 'stetho' in sys.modules)"
    )], cwd=tmp_path)
    assert saved.stdout.strip() == "torch.Size([2, 1]) False", saved.stderr


def test_data_sets_made_anew_are_not_kept_alive(stetho, tmp_path):
    result = run(stetho, tmp_path, """
alive = []
for epoch in range(8):
    data = TensorDataset(x + epoch, y)
    held = TensorDataset(x - epoch, y)
    alive += [weakref.ref(data), weakref.ref(held)]
    for a, b in DataLoader(data, 16, shuffle=True):
        step(a, b)
    with torch.no_grad():
        for a, b in DataLoader(held, 32):
            F.mse_loss(net(a), b)
del data, held
gc.collect()
print(sum(ref() is not None for ref in alive))
""")
    # The last batch that was drawn is at hand still.
    assert int(result.stdout.split()[-1]) <= 2, result.stdout


def test_data_sets_that_grow_are_counted_on(stetho, tmp_path):
    run(stetho, tmp_path, """
class Memory(Dataset):
    def __init__(self): self.held = [(v, w) for v, w in zip(x[:16], y[:16])]
    def __len__(self): return len(self.held)
    def __getitem__(self, i): return self.held[i]
memory, labelled = Memory(), Subset(TensorDataset(x, y), list(range(8)))
for epoch in range(6):
    for data in (memory, labelled):
        for a, b in DataLoader(data, 4, shuffle=True):
            step(a, b)
    memory.held += [(v, w) for v, w in zip(x[:8], y[:8])]
    labelled.indices.extend(range(8 * (epoch + 1), 8 * (epoch + 2)))
""")


def test_loads_in_a_loop_are_counted_and_not_kept(stetho, tmp_path):
    run(stetho, tmp_path, """
target, _ = make()
for i in range(200):
    step(x[:16], y[:16])
    target.load_state_dict(net.state_dict())
""")
    assert len(json.loads((tmp_path / "run" / "code.json").read_text())["loads"]) <= 3


def test_trainings_of_a_few_steps_share_a_log(stetho, tmp_path):
    run(stetho, tmp_path, """
for client in range(30):
    mine, opt = make()
    for a, b in DataLoader(TensorDataset(x, y), 32):
        opt.zero_grad()
        F.mse_loss(mine(a), b).backward()
        opt.step()
    del mine, opt
""")
    # A log for each 20 steps or so, not one for each client.
    assert len(list((tmp_path / "run").glob("training-*"))) < 6


def test_optimizers_made_at_every_step_cost_little(stetho, tmp_path):
    script = """
ballast = [[i] for i in range(300_000)]
began = time.perf_counter()
for i in range(150):
    inner, opt = make()
    opt.zero_grad()
    F.mse_loss(inner(x), y).backward()
    opt.step()
    step(x, y)
collected = [g["collections"] for g in gc.get_stats()][2]
print(collected)
"""
    plain = call([sys.executable, "-c", HEAD + script], cwd=tmp_path)
    watched = run(stetho, tmp_path, script)
    # A whole collection for every new optimizer would be 150 more.
    assert int(watched.stdout.split()[-1]) < int(plain.stdout.split()[-1]) + 75


def test_losses_go_by_the_loader_that_gave_them(stetho, tmp_path):
    run(stetho, tmp_path, """
def score(data):
    test_loader = val_loader = None
    if data is far:
        test_loader = DataLoader(data, 32)
    else:
        val_loader = DataLoader(data, 32)
    with torch.no_grad():
        for a, b in test_loader or val_loader:
            F.mse_loss(net(a), b)
near, far = TensorDataset(x, y), TensorDataset(x, y + 100.0)
for epoch in range(4):
    for a, b in DataLoader(TensorDataset(x, y), 8, shuffle=True):
        step(a, b)
    score(near)
    score(far)
""", "--format", "json", "--out", "report.json")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = EventAccumulator(str(tmp_path / "run"))
    log.Reload()
    assert max(event.value for event in log.Scalars("val/loss")) < 100.0
    assert min(event.value for event in log.Scalars("test/loss")) > 1000.0


def test_batches_out_of_order_name_no_sample(stetho, tmp_path):
    (tmp_path / "train.py").write_text(HEAD + """
class Slow(Dataset):
    def __len__(self): return 64
    def __getitem__(self, i):
        if i < 8: time.sleep(0.2)
        return x[i], (y[i] if i != 10 else y[i] * float("nan"))
if __name__ == "__main__":
    for a, b in DataLoader(Slow(), 8, num_workers=2, in_order=False):
        step(a, b)
""")
    stetho("run", "--dir", "run", "train.py")
    (record,) = [json.loads(line) for line in (tmp_path / "run" / "traps.jsonl").read_text().splitlines()]
    assert [sample.get("index") for sample in record["samples"]] == [None]


def test_attach_leaves_pytorch_as_it_was(tmp_path):
    result = call([sys.executable, "-c", HEAD + """
import stetho
before = (torch.autograd.backward, nn.Module.eval, torch.optim.Optimizer.zero_grad, F.mse_loss)
gone = []
for i in range(4):
    mine, opt = make()
    with stetho.attach(mine, opt, dir=f"run{i}") as watch:
        for a, b in DataLoader(TensorDataset(x, y), 16):
            opt.zero_grad()
            F.mse_loss(mine(a), b).backward()
            opt.step()
    gone += [weakref.ref(watch.session), weakref.ref(mine)]
    print(len(mine._forward_pre_hooks))
    del watch, mine, opt
gc.collect()
after = (torch.autograd.backward, nn.Module.eval, torch.optim.Optimizer.zero_grad, F.mse_loss)
print(all(a is b for a, b in zip(before, after)), sum(ref() is not None for ref in gone))
"""], cwd=tmp_path)
    assert result.stdout.split() == ["0"] * 4 + ["True", "0"], result.stdout + result.stderr


def test_threads_go_on_during_a_preflight(stetho, tmp_path):
    result = run(stetho, tmp_path, """
stop = threading.Event()
def note():
    n = 0
    while not stop.is_set():
        with open("notes.txt", "a") as file: file.write(f"{n}\\n")
        n += 1
        time.sleep(0.005)
    print(n)
thread = threading.Thread(target=note)
thread.start()
for a, b in DataLoader(TensorDataset(x, y), 16):
    step(a, b)
stop.set()
thread.join()
""", "--preflight", "--time", "20s")
    written = (tmp_path / "notes.txt").read_text().split()
    assert written == [str(i) for i in range(int(result.stdout.split()[-1]))] and len(written) > 20


def test_a_preflight_puts_back_order_iterators_and_what_is_near(stetho, tmp_path):
    script = """
from collections import OrderedDict
ballast = [[[i]] for i in range(120_000)]
recent, rows, seen = OrderedDict((i, i) for i in range(8)), iter(range(1000)), {"inner": {"n": 0}}
drawn = []
for i in range(0, 64, 8):
    recent.move_to_end(next(iter(recent)))
    for row in rows:
        break
    seen["inner"]["n"] += 1
    drawn.append((next(iter(recent)), row, seen["inner"]["n"]))
    step(x[i:i + 8], y[i:i + 8])
print(drawn)
"""
    plain = call([sys.executable, "-c", HEAD + script], cwd=tmp_path)
    assert run(stetho, tmp_path, script, "--preflight", "--time", "10s").stdout == plain.stdout


def test_what_cannot_be_muted_leaves_the_streams_alone(stetho, tmp_path):
    result = run(stetho, tmp_path, """
import sys, types
odd = types.ModuleType("wandb")
odd.__getattr__ = lambda name: (lambda *a, **k: None)
sys.modules["wandb"] = odd
for i in range(0, 64, 8):
    step(x[i:i + 8], y[i:i + 8])
    print("step", i)
open("written.txt", "w").write("here")
""", "--preflight", "--time", "10s")
    assert result.stdout.split() == [word for i in range(0, 64, 8) for word in ("step", str(i))]
    assert (tmp_path / "written.txt").read_text() == "here"
