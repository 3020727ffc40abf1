"""The trap: which operation, which line, which sample; in every kind of training loop."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import pytest
from conftest import call

HEAD = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset
torch.manual_seed(0)
N, BAD = 96, 41
x = torch.randn(N, 6)
w = torch.rand(N) + 0.5
w[BAD] = 0.0
y = x.sum(1)
net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 1))
optimizer = torch.optim.Adam(net.parameters(), 1e-3)
loader = DataLoader(TensorDataset(x, w, y), batch_size=16, shuffle=True)
def criterion(output, weight, target):
    size_loss = torch.log(weight).mean()
    fit_loss = F.mse_loss(output.squeeze(1), target)
    return fit_loss, size_loss
"""

#: Loops in the styles of many people; in each sample 41 has the weight 0, of which the logarithm is taken.
STYLES = {
    "plain": """
for xb, wb, yb in loader:
    optimizer.zero_grad()
    fit_loss, size_loss = criterion(net(xb), wb, yb)
    loss = fit_loss + size_loss
    loss.backward()
    optimizer.step()
""",
    "enumerate, in a function, zero_grad at the end": """
def train():
    for i, batch in enumerate(loader):
        out = net(batch[0])
        fit_loss, size_loss = criterion(out, batch[1], batch[2])
        loss = fit_loss + 0.1 * size_loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
for epoch in range(2):
    train()
""",
    "a class with a step": """
class Trainer:
    def __init__(self): self.n = 0
    def step(self, batch):
        self.n += 1
        xb, wb, yb = batch
        optimizer.zero_grad()
        a, b = criterion(net(xb), wb, yb)
        loss = a + b
        loss.backward()
        optimizer.step()
        return loss.item()
    def train(self):
        net.train()
        for batch in loader:
            self.step(batch)
Trainer().train()
""",
    "while with next": """
it = iter(loader)
step = 0
while step < 100:
    try:
        xb, wb, yb = next(it)
    except StopIteration:
        it = iter(loader)
        xb, wb, yb = next(it)
    optimizer.zero_grad()
    a, b = criterion(net(xb), wb, yb)
    loss = a + b
    loss.backward()
    optimizer.step()
    step += 1
""",
    "accumulation": """
for i, (xb, wb, yb) in enumerate(loader):
    a, b = criterion(net(xb), wb, yb)
    loss = (a + b) / 2
    loss.backward()
    if (i + 1) % 2 == 0:
        optimizer.step()
        optimizer.zero_grad()
""",
    "workers and a dictionary": """
class Data(Dataset):
    def __len__(self): return N
    def __getitem__(self, i): return {"x": x[i], "w": w[i], "y": y[i]}
for batch in DataLoader(Data(), 16, shuffle=True, num_workers=2):
    optimizer.zero_grad()
    a, b = criterion(net(batch["x"]), batch["w"], batch["y"])
    (a + b).backward()
    optimizer.step()
""",
    "rows of a permutation, without a loader": """
for epoch in range(2):
    order = torch.randperm(N)
    for i in range(0, N, 16):
        idx = order[i:i + 16]
        optimizer.zero_grad()
        a, b = criterion(net(x[idx]), w[idx], y[idx])
        loss = a + b
        loss.backward()
        optimizer.step()
""",
    "slices, without a loader": """
for i in range(0, N, 16):
    optimizer.zero_grad()
    a, b = criterion(net(x[i:i + 16]), w[i:i + 16], y[i:i + 16])
    loss = a + b
    loss.backward()
    optimizer.step()
""",
    "two optimizers": """
other = nn.Linear(6, 1)
other_optimizer = torch.optim.SGD(other.parameters(), 0.01)
for xb, wb, yb in loader:
    other_optimizer.zero_grad()
    d_loss = F.mse_loss(other(xb).squeeze(1), yb)
    d_loss.backward()
    other_optimizer.step()
    optimizer.zero_grad()
    a, b = criterion(net(xb), wb, yb)
    g_loss = a + b + other(xb).mean() * 0
    g_loss.backward()
    optimizer.step()
""",
    "a loss scaled for half precision": """
scaler = torch.amp.GradScaler("cpu")
for xb, wb, yb in loader:
    optimizer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = net(xb)
    a, b = criterion(out.float(), wb, yb)
    loss = a + b
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
""",
}


def run(stetho, tmp_path: Path, script: str, *options: str, status: int = 1):
    """Runs the script; what the trap wrote down, and what the run said."""
    (tmp_path / "train.py").write_text(script)
    result = stetho("run", "--dir", "run", *options, "train.py")
    assert result.returncode == status, result.stderr + result.stdout
    path = tmp_path / "run" / "traps.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return records, result


@pytest.mark.parametrize("style", STYLES)
def test_operation_line_and_sample_are_named(stetho, tmp_path, style):
    records, result = run(stetho, tmp_path, HEAD + STYLES[style])
    assert len(records) == 1, result.stderr
    record = records[0]
    assert (record["kind"], record["phase"], record["op"], record["cause"]) == ("loss", "forward", "log", "log_of_zero")
    assert record["source"]["text"].strip() == "size_loss = torch.log(weight).mean()"
    assert record["source"]["function"] == "criterion"
    assert [s.get("index") for s in record["samples"]] == [41]
    assert record["replay"]["outcome"] == "exact"
    assert record["action"] == "stopped"
    if "without a loader" not in style:
        assert record["without"] < 100
    assert "step " in result.stderr and "sample 41" in result.stderr


def test_a_gradient_that_breaks_in_the_backward_pass(stetho, tmp_path):
    script = HEAD.replace("torch.log(weight).mean()", "torch.sqrt(weight * output.squeeze(1) ** 2).mean()") + STYLES["plain"]
    records, _ = run(stetho, tmp_path, script)
    (record,) = records
    assert (record["kind"], record["phase"], record["op"], record["cause"]) == ("gradient", "backward", "SqrtBackward0", "sqrt_at_zero")
    assert "torch.sqrt(weight" in record["source"]["text"]
    assert [s["index"] for s in record["samples"]] == [41]
    assert record["replay"]["outcome"] == "exact"
    assert record["parameters"]


def test_where_rows_do_not_tell_the_batch_is_halved(stetho, tmp_path):
    script = HEAD.replace("torch.log(weight).mean()", "torch.log(weight.prod() + 0.0)") + STYLES["plain"]
    records, _ = run(stetho, tmp_path, script)
    (record,) = records
    assert [s["index"] for s in record["samples"]] == [41]
    assert record["found_by"] == "halving"


def test_samples_are_kept_as_the_network_sees_them_with_their_boxes(stetho, tmp_path):
    script = """
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
pictures = torch.rand(48, 3, 20, 24)
boxes = torch.tensor([2.0, 3.0, 12.0, 15.0]).repeat(48, 1)
boxes[17, 2] = boxes[17, 0]
net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 20 * 24, 4))
optimizer = torch.optim.SGD(net.parameters(), 1e-3)
for picture, box in DataLoader(TensorDataset(pictures, boxes), batch_size=8, shuffle=True):
    optimizer.zero_grad()
    loss = (net(picture)[:, 0] - torch.log((box[:, 2] - box[:, 0]) / 20)).abs().mean()
    loss.backward()
    optimizer.step()
"""
    records, _ = run(stetho, tmp_path, script)
    (sample,) = records[0]["samples"]
    assert sample["index"] == 17
    picture = sample["picture"]
    assert (picture["width"], picture["height"], picture["boxes"]) == (24, 20, [[2.0, 3.0, 2.0, 15.0]])
    png = base64.b64decode(picture["png"])
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and png[16:24] == (24).to_bytes(4, "big") + (20).to_bytes(4, "big")
    assert f"data:image/png;base64,{picture['png']}" in next(tmp_path.glob("**/report.html")).read_text()


def test_an_input_that_is_no_number(stetho, tmp_path):
    script = HEAD.replace("w[BAD] = 0.0", "x[BAD, 2] = float('nan')") + STYLES["plain"]
    records, _ = run(stetho, tmp_path, script)
    (record,) = records
    assert (record["phase"], record["cause"]) == ("input", "nan_in_input")
    assert [s["index"] for s in record["samples"]] == [41]
    assert {"rule": "non-finite-values", "index": 41}.items() <= record["explained_by"][0].items()


def test_an_optimizer_that_breaks_the_weights(stetho, tmp_path):
    script = HEAD.replace("w[BAD] = 0.0", "").replace("Adam(net.parameters(), 1e-3)", "Adam(net.parameters(), 1e-3, eps=0.0)")
    script = script.replace("nn.Linear(8, 1))", "nn.Linear(8, 1)); net.register_parameter('unused', nn.Parameter(torch.zeros(2)))")
    loop = STYLES["plain"].replace("loss = fit_loss + size_loss", "loss = fit_loss + 0 * net.unused.sum()")
    records, _ = run(stetho, tmp_path, script + loop)
    (record,) = records
    assert (record["kind"], record["phase"], record["cause"]) == ("parameter", "optimizer", "zero_epsilon")
    assert record["parameters"] == ["unused"]
    assert record["source"]["text"].strip() == "optimizer.step()"


def test_a_batch_can_be_dropped(stetho, tmp_path):
    check = "\nprint(all(bool(torch.isfinite(t).all()) for t in net.state_dict().values()), len(list(net.parameters())))\n"
    # One error was found, which is what the status tells; the script itself went on to its end.
    records, result = run(stetho, tmp_path, HEAD + "for epoch in range(3):" + STYLES["plain"].replace("\n", "\n    ") + check, "--on-trap", "skip")
    assert result.stdout.startswith("True 6")
    assert [r["action"] for r in records] == ["skipped"] * 3
    assert records[-1]["n_skipped"] == 3


def test_a_nan_that_the_step_writes_itself(stetho, tmp_path):
    loop = STYLES["plain"].replace("    optimizer.zero_grad()", "    xb[2, 1] = float('nan')\n    optimizer.zero_grad()")
    records, _ = run(stetho, tmp_path, HEAD.replace("w[BAD] = 0.0", "") + loop)
    (record,) = records
    assert record["source"]["text"].strip() == "xb[2, 1] = float('nan')"
    assert record["samples"] == []  # whichever samples there are, the script writes it


def test_infinities_that_are_meant_do_no_harm(stetho, tmp_path):
    script = HEAD.replace("w[BAD] = 0.0", "") + """
mask = torch.triu(torch.full((6, 6), float("-inf")), 1)
for xb, wb, yb in loader:
    optimizer.zero_grad()
    attention = torch.softmax(xb.unsqueeze(1) * xb.unsqueeze(2) + mask, -1)
    loss = F.mse_loss(net((attention @ xb.unsqueeze(2)).squeeze(2)).squeeze(1), yb)
    loss.backward()
    optimizer.step()
"""
    records, _ = run(stetho, tmp_path, script, status=0)
    assert records == []


def test_a_spike_names_its_sample_and_the_training_goes_on_as_if_nothing_had_been(stetho, tmp_path):
    script = HEAD.replace("w[BAD] = 0.0", "").replace("y = x.sum(1)", "y = x.sum(1)\ny[BAD] = 30000.0") + """
import hashlib
for epoch in range(15):
    for xb, wb, yb in DataLoader(TensorDataset(x, w, y), 8, shuffle=True) if epoch == 14 else DataLoader(TensorDataset(x, w, x.sum(1)), 8, shuffle=True):
        optimizer.zero_grad()
        loss = F.mse_loss(net(xb).squeeze(1), yb)
        loss.backward()
        optimizer.step()
print(hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in net.state_dict().values())).hexdigest())
"""
    (tmp_path / "train.py").write_text(script)
    plain = call([sys.executable, "train.py"], cwd=tmp_path)
    result = stetho("run", "--dir", "run", "--fail-on", "never", "train.py")
    assert result.stdout == plain.stdout
    (record,) = [json.loads(line) for line in (tmp_path / "run" / "traps.jsonl").read_text().splitlines()]
    assert (record["kind"], record["action"], record["cause"]) == ("spike", "continued", "outlier_target")
    assert [s["index"] for s in record["samples"]] == [41]


def test_a_bundle_is_replayed_bit_for_bit_and_holds_no_pickle(stetho, tmp_path):
    records, _ = run(stetho, tmp_path, HEAD + STYLES["a class with a step"])
    bundle = tmp_path / "run" / records[0]["bundle"]
    torch = pytest.importorskip("torch")
    state = torch.load(bundle / "step.pt", weights_only=True)
    assert set(state["models"][0]["state"]) == {
        "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked", "4.weight", "4.bias",
    }
    again = stetho("replay", str(bundle))
    assert again.returncode == 1, again.stderr
    (record,) = [json.loads(line) for line in (bundle / "replay" / "traps.jsonl").read_text().splitlines()]
    same = ("kind", "step", "op", "source", "cause", "loss", "inputs")
    assert {k: record[k] for k in same} == {k: records[0][k] for k in same}
    assert record["replay"]["outcome"] == "exact"
    assert [s["index"] for s in record["samples"]] == [41]


def test_a_bundle_that_is_none_is_told(stetho, tmp_path):
    result = stetho("replay", "nothing")
    assert (result.returncode, result.stderr) == (2, "error: there is no bundle `nothing`\n")
    (tmp_path / "folder").mkdir()
    result = stetho("replay", "folder")
    assert result.returncode == 2
    assert "is no bundle: it holds no `bundle.json`" in result.stderr


def test_the_debugger_opens_before_the_operation_in_the_users_frame(stetho, tmp_path):
    (tmp_path / "train.py").write_text(HEAD + STYLES["plain"])
    result = call(
        [sys.executable, "-m", "stetho", "run", "--dir", "run", "--on-trap", "debug", "train.py"], cwd=tmp_path,
        keys="tensors\np weight.min()\n'size_loss' in dir()\nc\n",
    )
    assert "about to run `log` of train.py" in result.stderr
    assert "-> size_loss = torch.log(weight).mean()" in result.stdout
    assert "weight  f32[16] cpu, 0 … 1." in result.stdout
    assert "f32 cpu = 0" in result.stdout
    assert "False" in result.stdout
    assert result.returncode == 1


@pytest.mark.parametrize(
    ("when", "line"),
    [("step==3", "optimizer.zero_grad()"), ("loss > -100", "loss.backward()"), ("grad_norm > 0", "optimizer.step()")],
)
def test_conditions_open_the_debugger(stetho, tmp_path, when, line):
    (tmp_path / "train.py").write_text(HEAD.replace("w[BAD] = 0.0", "") + STYLES["plain"])
    result = call([sys.executable, "-m", "stetho", "run", "--dir", "run", "--break", when, "train.py"], cwd=tmp_path, keys="p xb\nc\n")
    assert f"-> {line}" in result.stdout, result.stderr
    assert "f32[16, 6] cpu" in result.stdout
    assert result.returncode == 0


def test_a_step_function_can_be_marked(stetho, tmp_path):
    script = "import stetho\n" + HEAD + """
@stetho.step
def train_step(xb, wb, yb):
    optimizer.zero_grad()
    a, b = criterion(net(xb), wb, yb)
    loss = a + b
    loss.backward()
    optimizer.step()
    return loss.item()
if __name__ == "__main__":
    with stetho.attach(net, optimizer, dir="run"):
        for xb, wb, yb in loader:
            train_step(xb, wb, yb)
"""
    (tmp_path / "train.py").write_text(script)
    result = call([sys.executable, "train.py"], cwd=tmp_path)
    assert result.returncode == 1, result.stderr
    (record,) = [json.loads(line) for line in (tmp_path / "run" / "traps.jsonl").read_text().splitlines()]
    assert record["op"] == "log"
    assert [s["index"] for s in record["samples"]] == [41]


def test_where_no_step_is_found_it_is_still_watched_and_said(stetho, tmp_path):
    script = HEAD + """
def batches():
    for b in loader:
        xb, wb, yb = b
        optimizer.zero_grad()
        fit, size = criterion(net(xb), wb, yb)
        (fit + size).backward()
        optimizer.step()
        yield fit
for value in batches():
    pass
"""
    records, result = run(stetho, tmp_path, script)
    (record,) = records
    assert record["kind"] == "loss"
    assert record["replay"]["outcome"] == "none"
    assert "could not be found" in record["replay"]["why"]


def test_a_helper_module_of_the_user(stetho, tmp_path):
    (tmp_path / "losses.py").write_text("import torch\n\ndef size(weight):\n    return torch.log(weight).mean()\n")
    script = "from losses import size\n" + HEAD.replace("torch.log(weight).mean()", "size(weight)") + STYLES["plain"]
    records, _ = run(stetho, tmp_path, script)
    (record,) = records
    assert (record["source"]["path"], record["source"]["line"]) == ("losses.py", 4)
    assert record["source"]["expression"] == "torch.log(weight)"
    assert record["source"]["argument"] == "weight"


def test_an_optimizer_that_asks_a_closure_is_looked_at_after_it(stetho, tmp_path):
    (tmp_path / "train.py").write_text("""
import torch
torch.manual_seed(0)
net = torch.nn.Linear(4, 2)
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
x, w = torch.randn(64, 4), torch.rand(64, 2) + 0.5
w[37, 0] = 0.0
for i in range(0, 64, 16):
    def closure():
        optimizer.zero_grad()
        loss = (net(x[i:i + 16]) * w[i:i + 16]).abs().sqrt().mean()
        loss.backward()
        return loss
    optimizer.step(closure)
""")
    result = stetho("run", "--dir", "run", "train.py")
    assert result.returncode == 1, result.stderr
    [line] = (tmp_path / "run" / "traps.jsonl").read_text().splitlines()
    trap = json.loads(line)
    # At the step itself, not at the next one, whose weights would be lost.
    assert (trap["kind"], trap["step"], trap["op"]) == ("gradient", 2, "SqrtBackward0")
    assert trap["replay"]["outcome"] == "exact"
