"""The preflight: what it measures, and that the training after it is as it would have been."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from conftest import call

#: Runs the script as it is in a child, then with what `stetho preflight` and `run --preflight` ask of Python; without the report.
DRIVER = """
import json, os, runpy, sys
import torch, numpy, torch.utils.data
torch.set_num_threads(1)
if os.fork() == 0:
    sys.stdout = open("plain.txt", "w")
    runpy.run_path("train.py", run_name="__main__")
    sys.stdout.flush()
    os._exit(0)
os.wait()
from stetho import ending, launch
if sys.argv[2] == "no report":
    ending._core = None
    import stetho._core as core
    core.finish = lambda *_: 0
options = {"dir": "run", "preflight": json.loads(sys.argv[1])}
sys.exit(launch.run({"command": "run", "script": "train.py", "args": [], "options": options}))
"""

HEAD = """
import copy, random
import numpy as np
import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0); random.seed(0); np.random.seed(0)
x = torch.randn(96, 6); y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long(); r = x.sum(1, keepdim=True)
net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))
loader = DataLoader(TensorDataset(x, y), 16, shuffle=True)
history = []
"""

TAIL = """
import gc, hashlib
def digest(state):
    found = hashlib.sha256()
    for name, value in sorted(state.items()):
        found.update(repr(name).encode())
        if isinstance(value, torch.Tensor): found.update(value.detach().float().contiguous().numpy().tobytes())
        elif isinstance(value, dict): found.update(digest({repr(k): v for k, v in value.items()}).encode())
        else: found.update(repr(value).encode())
    return found.hexdigest()
for name, thing in sorted(globals().items()):
    if isinstance(thing, (nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler)):
        print(name, digest(thing.state_dict()), getattr(thing, "training", None))
        if isinstance(thing, nn.Module):
            for n, p in thing.named_parameters():
                print(n, p.requires_grad, None if p.grad is None else p.grad.double().sum().item())
print([round(v, 12) for v in history], torch.rand(1).item(), random.random(), np.random.rand())
"""

#: Steps of many kinds; each ends with all its state printed.
STEPS = {
    "dropout, batch norm, Adam, scheduler in the step": """
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=40)
for epoch in range(2):
    total = 0.0
    for i, (xb, yb) in enumerate(loader):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(xb), yb, label_smoothing=0.1)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        total += loss.item()
        history.append(loss.item())
        print(epoch, i, loss.item())
    print(total)
""",
    "mixed precision with a scaler": """
optimizer = torch.optim.SGD(net.parameters(), 1e-2, momentum=0.9, weight_decay=1e-3)
scaler = torch.amp.GradScaler("cpu")
for xb, yb in loader:
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = F.cross_entropy(net(xb), yb)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    history.append(loss.item())
print(scaler.state_dict())
""",
    "two optimizers that play": """
G = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 6))
D = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(), nn.Linear(16, 1))
g_opt = torch.optim.Adam(G.parameters(), 1e-3, betas=(0.5, 0.9)); d_opt = torch.optim.RMSprop(D.parameters(), 1e-3)
for xb, _ in loader:
    real = torch.ones(len(xb), 1)
    d_opt.zero_grad()
    fake = G(torch.randn(len(xb), 4))
    d_loss = F.binary_cross_entropy_with_logits(D(xb), real) + F.binary_cross_entropy_with_logits(D(fake.detach()), real * 0)
    d_loss.backward(); d_opt.step()
    for p in D.parameters(): p.data = p.data.clamp(-0.2, 0.2)
    g_opt.zero_grad()
    g_loss = F.binary_cross_entropy_with_logits(D(fake), real)
    g_loss.backward(); g_opt.step()
    history += [d_loss.item(), g_loss.item()]
""",
    "accumulated gradients, zeroed at the end": """
optimizer = torch.optim.AdamW(net.parameters(), 1e-2)
for i, (xb, yb) in enumerate(loader):
    loss = F.cross_entropy(net(xb), yb) / 2
    loss.backward()
    if (i + 1) % 2 == 0:
        optimizer.step()
        optimizer.zero_grad()
    history.append(loss.item())
""",
    "a compiled model": """
model = torch.compile(net, backend="eager")
optimizer = torch.optim.Adam(model.parameters(), 1e-2)
for xb, yb in loader:
    loss = F.cross_entropy(model(xb), yb)
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    history.append(loss.item())
del model
""",
    "a part that lies on no device": """
class Wrapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.unused, self.inner = nn.Linear(5, 5, device="meta"), net
    def forward(self, x): return self.inner(x)
wrapped = Wrapped()
optimizer = torch.optim.Adam(wrapped.parameters(), 1e-2)
for xb, yb in loader:
    loss = F.cross_entropy(wrapped(xb), yb)
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    history.append(loss.item())
del wrapped
""",
    "a closure": """
net = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.LBFGS(net.parameters(), max_iter=4)
for i in range(0, 96, 32):
    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(net(x[i:i + 32]), r[i:i + 32])
        loss.backward()
        history.append(loss.item())
        return loss
    optimizer.step(closure)
""",
    "next, counters, noise of three kinds, left by break": """
rng = np.random.default_rng(3); own = random.Random(4); generator = torch.Generator().manual_seed(5)
optimizer = torch.optim.SGD(net.parameters(), 1e-2)
it = iter(loader); step = 0; seen = {"n": 0}
while True:
    xb, yb = next(it)
    xb = xb + 0.1 * torch.randn(xb.shape, generator=generator) + float(rng.normal()) + own.random() + np.random.rand()
    loss = F.cross_entropy(net(xb), yb)
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    history.append(loss.item()); step += 1; seen["n"] += len(xb)
    if step == 5: break
print(step, seen, rng.normal(), own.random(), torch.rand(1, generator=generator))
""",
    "a class that counts, with an average of its weights": """
class Trainer:
    n_made = 0
    def __init__(self):
        self.net = net; self.average = copy.deepcopy(net).requires_grad_(False)
        self.optimizer = torch.optim.Adam(net.parameters(), 1e-2); self.n = 0; self.running = torch.zeros(()); self.log = {}
    def step(self, batch):
        xb, yb = batch
        self.net.train()
        loss = F.cross_entropy(self.net(xb), yb)
        self.optimizer.zero_grad(); loss.backward(); self.optimizer.step()
        self.n += 1; self.running += loss.detach(); self.log.setdefault("loss", []).append(loss.item()); Trainer.n_made += 1
        with torch.no_grad():
            for a, p in zip(self.average.parameters(), self.net.parameters()): a.lerp_(p, 0.1)
        return loss.item()
    def train(self):
        for batch in loader: history.append(self.step(batch))
trainer = Trainer(); trainer.train(); average = trainer.average
print(trainer.n, trainer.running, trainer.log, Trainer.n_made)
""",
    "batches drawn at random, the next one at the end of the step": """
def get_batch():
    i = torch.randint(0, 96, (8,))
    return x[i], y[i]
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
a, b = get_batch(); it = 0
while True:
    for group in optimizer.param_groups: group["lr"] = 1e-3 * (it + 1)
    for micro in range(2):
        loss = F.cross_entropy(net(a), b) / 2
        a, b = get_batch()
        loss.backward()
    optimizer.step(); optimizer.zero_grad(set_to_none=True)
    history.append(loss.item()); it += 1
    if it > 5: break
""",
    "a hidden state that is carried, a function that returns": """
rnn = nn.GRU(6, 8, batch_first=True, dropout=0.2, num_layers=2); head = nn.Linear(8, 1)
optimizer = torch.optim.Adam([*rnn.parameters(), *head.parameters()], 1e-2)
hidden = torch.zeros(2, 8, 8)
def step(xb, rb, hidden):
    out, hidden = rnn(xb, hidden.detach())
    loss = F.mse_loss(head(out).squeeze(-1), rb)
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    return loss, hidden
data = x.view(8, 12, 6); targets = r.view(8, 12)
for t in range(0, 12, 4):
    loss, hidden = step(data[:, t:t + 4], targets[:, t:t + 4], hidden)
    history.append(loss.item())
print(hidden.sum().item())
""",
    "workers, layers that are made lazily": """
net = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(3))
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for xb, yb in DataLoader(TensorDataset(x, y), 16, shuffle=True, num_workers=2):
    loss = F.cross_entropy(net(xb), yb)
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    history.append(loss.item())
""",
}


def check(tmp_path: Path, script: str, **options: object):
    """The script without a preflight: what it printed; with one; and the record."""
    (tmp_path / "train.py").write_text(script)
    (tmp_path / "driver.py").write_text(DRIVER)
    asked = json.dumps({"only": False, "budget": 300.0, **options})
    done = call([sys.executable, "driver.py", asked, "no report"], cwd=tmp_path, environment={"OMP_NUM_THREADS": "1"})
    path = tmp_path / "run" / "preflight.json"
    return (tmp_path / "plain.txt").read_text(), done, json.loads(path.read_text()) if path.exists() else None


def outcome(record: dict, name: str):
    """Why an experiment was skipped; None where it was made."""
    return next(e for e in record["experiments"] if e["name"] == name)["skipped"]


@pytest.mark.parametrize("step", STEPS, ids=list(STEPS))
def test_training_after_it_is_bit_for_bit_that_without_it(tmp_path, step):
    plain, done, record = check(tmp_path, HEAD + STEPS[step] + TAIL)
    assert plain, done.stderr
    assert done.stdout == plain
    assert done.returncode == 0, done.stderr
    assert "failed in stetho itself" not in done.stderr
    assert outcome(record, "facts") is None
    assert not [e for e in record["experiments"] if (e["skipped"] or "").startswith("failed")], record["experiments"]
    assert record["raised"] is None and outcome(record, "mixing") != "the step itself fails"


SEVERAL = """
body = nn.Sequential(nn.Linear(6, 16), nn.ReLU()); head = nn.Linear(16, 3)
held = DataLoader(TensorDataset(torch.randn(64, 6), torch.randint(0, 3, (64,))), 16)
optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], 1e-2)
for xb, yb in loader:
    optimizer.zero_grad()
    loss = F.cross_entropy(head(body(INPUT)), yb)
    loss.backward()
    optimizer.step()
    history.append(loss.item())
"""


@pytest.mark.parametrize("given", ["xb", "xb * 0 + torch.arange(len(xb))[:, None]"])
def test_a_body_and_a_head_that_are_models_of_their_own(tmp_path, given):
    step = SEVERAL.replace("held =", "valid_loader =").replace("INPUT", given)
    plain, done, record = check(tmp_path, HEAD + step + TAIL)
    assert done.stdout == plain and done.returncode == 0, done.stderr
    assert outcome(record, "zeroed") is None and outcome(record, "output") is None
    assert (outcome(record, "mini_validation") is None) == (given == "xb")
    assert record["output"]["layer"] == "" and len(record["output"]["bias"]) == 3
    apart = [abs(a - b) for a, b in zip(record["zeroed"]["real"], record["zeroed"]["zero"])]
    assert max(apart) > 0.01


def test_a_model_beside_that_the_loss_does_not_hang_on_is_no_second_one(tmp_path):
    step = LOOP.replace("    loss = ", "    teacher(xb)\n    loss = ")
    script = HEAD + "teacher = nn.Linear(6, 3)\noptimizer = torch.optim.Adam(net.parameters(), 1e-2)\n" + step + TAIL
    plain, done, record = check(tmp_path, script)
    assert done.stdout == plain and done.returncode == 0, done.stderr
    assert record["model"]["name"] == "Sequential" and record["zeroed"]["output_change"] is not None


LOOP = """
for xb, yb in loader:
    optimizer.zero_grad()
    loss = F.cross_entropy(net(xb), yb)
    loss.backward()
    optimizer.step()
    history.append(loss.item())
"""


def test_a_healthy_network_learns_a_few_samples_by_heart(tmp_path):
    start = "optimizer = torch.optim.AdamW(net.parameters(), 1e-2, weight_decay=0.1)"
    _, _, record = check(tmp_path, HEAD + start + LOOP, only=True)
    found = record["overfit"]
    assert found["n_samples"] == 8 and found["floor"] == 0.0 and found["fitted"] == 1.0
    assert found["switched_off"] == ["dropout", "weight decay"]
    assert [c["ended"] for c in found["curves"]] == ["floor"]
    assert found["curves"][0]["losses"][-1] < 0.1 * found["curves"][0]["losses"][0]
    assert record["batch"]["n"] == 16 and record["batch"]["inputs"][0]["shape"] == [16, 6]
    assert record["loss_calls"][0]["place"]["text"] == "loss = F.cross_entropy(net(xb), yb)"
    assert record["model"] == {"name": "Sequential", "n_parameters": 195, "n_modules": 6}
    layers = [(layer["name"], layer["before"], layer["activation"]) for layer in record["layers"]]
    assert layers == [("0", "BatchNorm1d", "relu"), ("4", None, None)]
    assert len(record["range"]["rates"]) == len(record["range"]["losses"]) and record["range"]["used"] == 1e-2


def test_a_network_that_cannot_learn_keeps_its_loss_with_every_optimizer(tmp_path):
    net = """
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
for p in net.parameters(): nn.init.zeros_(p)
net[0].bias.data -= 1
"""
    faulty = LOOP.replace("loss.backward()", "(0 * loss).backward()")
    _, _, record = check(tmp_path, HEAD + net + "optimizer = torch.optim.SGD(net.parameters(), 0.1)" + faulty, only=True)
    found = record["overfit"]
    names = [c["optimizer"] for c in found["curves"]]
    assert names == ["SGD, as the script has it", "Adam at 0.001", "Adam at 0.01", "Adam at 0.0001"]
    assert all(c["losses"][-1] == c["losses"][0] and c["ended"] == "stalled" for c in found["curves"])
    assert found["output_gradient"] == 0.0
    first = record["layers"][0]
    assert first["n_distinct"] == 1 and first["zero_units"] == 1.0 and first["is_zero"]


def test_targets_torn_from_their_inputs_in_the_step_cannot_be_learned(tmp_path):
    order = "    xb = xb[torch.randperm(len(xb))]; yb = yb[torch.randperm(len(yb))]\n    optimizer.zero_grad()"
    torn = LOOP.replace("    optimizer.zero_grad()", order)
    start = "optimizer = torch.optim.Adam(net.parameters(), 1e-2)"
    _, _, record = check(tmp_path, HEAD + start + torn, only=True)
    assert len(record["overfit"]["curves"]) > 1
    assert all(c["losses"][-1] > 0.3 for c in record["overfit"]["curves"])
    order = "    i = torch.randperm(len(xb)); xb, yb = xb[i], yb[i]\n    optimizer.zero_grad()"
    whole = LOOP.replace("    optimizer.zero_grad()", order)
    _, _, record = check(tmp_path, HEAD + start + whole, only=True)
    assert record["overfit"]["curves"][-1]["ended"] == "floor"


def test_a_step_that_fails_is_told_with_its_line_and_the_call_of_the_loss(tmp_path):
    start = "optimizer = torch.optim.SGD(net.parameters(), 0.1); y = y + 5; loader = DataLoader(TensorDataset(x, y), 16)"
    _, done, record = check(tmp_path, HEAD + start + LOOP, only=True)
    assert done.returncode == 0, done.stderr
    assert record["raised"]["type"] == "IndexError" and record["raised"]["place"]["text"] == "loss = F.cross_entropy(net(xb), yb)"
    assert record["loss_calls"][0]["target_max"] > 2 and record["loss_calls"][0]["value"] is None
    assert outcome(record, "overfit") == "the step itself fails"


def test_files_of_the_step_are_written_by_the_training_alone(tmp_path):
    loop = LOOP + """
    torch.save(net.state_dict(), f"weights/{len(history)}.pt")
    import os; os.makedirs(f"made/{len(history)}", exist_ok=True)
    with open("log.txt", "a") as file: file.write(f"{loss.item()}\\n")
"""
    start = "import os; os.makedirs('weights', exist_ok=True)\noptimizer = torch.optim.SGD(net.parameters(), 0.1)"
    _, done, record = check(tmp_path, HEAD + start + loop, only=True)
    assert outcome(record, "overfit") is None
    # What is there is of the run without a preflight.
    assert len((tmp_path / "log.txt").read_text().splitlines()) == 6
    assert len(list((tmp_path / "weights").iterdir())) == len(list((tmp_path / "made").iterdir())) == 6


def test_steps_that_fill_a_buffer_first_are_waited_for(tmp_path):
    wait = "    seen = globals().get('seen', 0) + 1\n    if seen < 3: continue\n    optimizer.zero_grad()"
    loop = LOOP.replace("    optimizer.zero_grad()", wait)
    plain, done, record = check(tmp_path, HEAD + "optimizer = torch.optim.SGD(net.parameters(), 0.1)" + loop + TAIL)
    assert done.stdout == plain
    assert outcome(record, "overfit") is None and record["overfit"]["curves"]


def test_a_script_without_a_step_says_so(tmp_path):
    plain, done, record = check(tmp_path, HEAD + "print(net(x).shape)\n", only=True)
    assert done.stdout == plain
    assert {e["skipped"] for e in record["experiments"]} == {"no training step was found in the script"}


def test_simple_models_and_memory_are_measured_when_asked_for(tmp_path):
    start = "optimizer = torch.optim.Adam(net.parameters(), 1e-2)"
    _, _, record = check(tmp_path, HEAD + start + LOOP, only=True, ladder=True, memory=True)
    ladder = record["ladder"]
    assert len(ladder["network"]) == ladder["steps"]
    assert ladder["mlp"][-1] < ladder["mlp"][0] and ladder["linear"][-1] < ladder["linear"][0]
    assert record["memory"]["sizes"][:2] == [16, 32] and len(record["memory"]["seconds"]) == len(record["memory"]["sizes"])


def test_probabilities_fed_to_cross_entropy_and_a_softmax_over_samples_are_seen(tmp_path):
    start = "optimizer = torch.optim.SGD(net.parameters(), 0.1)"
    _, _, record = check(tmp_path, HEAD + start + LOOP.replace("net(xb), yb", "net(xb).softmax(0), yb"), only=True)
    call_of_loss, softmax = record["loss_calls"][0], record["softmaxes"][0]
    assert call_of_loss["input_from"] == "softmax" and call_of_loss["rows_sum_to_one"] == 0.0
    assert softmax["dim"] == 0 and softmax["class_dim"] == 1 and softmax["sum_error"] > 0.01


def test_facts_that_rules_tell_purpose_from_fault_by(tmp_path):
    """What takes part is told by operation; margins, measuring networks, dropout, first layers and numbers that are none too."""
    script = HEAD + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.spare, self.norm = nn.LSTM(1, 8, batch_first=True), nn.LSTM(2, 2), nn.LayerNorm(8)
        self.hidden, self.classes = nn.Linear(8, 8), nn.Parameter(torch.randn(3, 8))
    def forward(self, x):
        h = self.norm(self.rnn(100.0 * x.unsqueeze(2))[0][:, -1].detach())
        h = F.dropout(F.relu(self.hidden(h)), 0.2)
        return 30.0 * F.normalize(h) @ F.normalize(self.classes).t()
net, eye = Net(), nn.Linear(3, 4)
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
x[5, 2] = float("nan")
for xb, yb in DataLoader(TensorDataset(x, y), 96):
    out = net(torch.nan_to_num(xb))
    loss = F.cross_entropy(out, yb) + F.mse_loss(eye(out), eye(F.one_hot(yb, 3).float()).detach())
    optimizer.zero_grad(); loss.backward(); optimizer.step()
"""
    _, _, record = check(tmp_path, script)
    parameters = {p["name"].removeprefix("Net."): p for p in record["parameters"]}
    assert parameters["rnn.weight_ih_l0"]["is_run"] and parameters["rnn.weight_ih_l0"]["gradient"] is None
    assert parameters["norm.weight"]["is_run"] and parameters["classes"]["is_run"] and not parameters["spare.weight_ih_l0"]["is_run"]
    measured = [p for p in record["parameters"] if p["is_measure"]]
    assert [p["shape"] for p in measured] == [[4, 3], [4]]
    assert all(c["is_of_cosines"] for c in record["loss_calls"])
    layer = next(entry for entry in record["layers"] if entry["name"] == "hidden")
    assert layer["is_dropped"]
    first = record["batch"]["first_layer"]
    assert first["kind"] == "LSTM" and first["in_std"] > 50.0
    assert "rate_rises" not in (record.get("range") or {})


def test_samples_that_are_no_numbers_are_named(tmp_path):
    script = HEAD + "optimizer = torch.optim.Adam(net.parameters(), 1e-2)\nx[[3, 7], 1] = float('nan')\n" + LOOP.replace("in loader", "in [(x, y)]")
    _, _, record = check(tmp_path, script)
    assert record["batch"]["inputs"][0]["non_finite_samples"] == [3, 7] and record["batch"]["inputs"][0]["n_non_finite"] == 2
