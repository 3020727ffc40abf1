"""What rules say of recorded preflights: each has a measure first, and that measure is beyond its limit."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")

HEAD = """
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0)
x = torch.randn(96, 6); y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long(); r = x.sum(1, keepdim=True)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y, r), 16)
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
"""
LOOP = """
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
for xb, yb, rb in loader:
    optimizer.zero_grad()
    loss = LOSS
    loss.backward()
    optimizer.step()
"""
LOSS = "F.cross_entropy(net(xb), yb)"

#: Faulty steps: what is done before the loop, the loss, and the rule that must speak.
FAULTY = {
    "double-softmax": ("net.append(nn.Softmax(1))", LOSS),
    "loss-broadcast": ("net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))", "F.mse_loss(net(xb).squeeze(1), rb)"),
    "target-range": ("y += 1", LOSS),
    "non-finite-input": ("x[3, 2] = float('nan')", LOSS),
    "input-scale": ("x.mul_(200.0)", LOSS),
    "symmetric-init": ("for p in net.parameters(): nn.init.constant_(p, 0.1)", LOSS),
    "no-gradient": ("", "F.cross_entropy(net[2](net[:2](xb).detach()), yb)"),
    "dead-at-init": ("nn.init.constant_(net[0].bias, -50.0)", LOSS),
    "loss-at-init": ("net[2].weight.data.mul_(200.0)", LOSS),
    "not-in-optimizer": ("body = nn.Linear(6, 6)\nextra = body", "F.cross_entropy(net(body(xb)), yb)"),
    "frozen-parameters": ("net[0].requires_grad_(False)", LOSS),
}


def is_beyond(measure: dict) -> bool:
    """Whether a measure is not on the side of its limit where it should be."""
    (kind, limit), value = next(iter(measure["limit"].items())), float(measure["value"])
    return not (value <= float(limit) if kind == "at_most" else value >= float(limit))


@pytest.mark.parametrize("rule", FAULTY)
def test_a_finding_is_proved_by_its_first_measure(stetho, tmp_path, rule):
    before, loss = FAULTY[rule]
    (tmp_path / "train.py").write_text(HEAD + before + LOOP.replace("LOSS", loss))
    asked = ("--format", "json", "--out", "report.json", "--dir", "run", "--time", "20s")
    done = stetho("preflight", *asked, "train.py", environment={"OMP_NUM_THREADS": "1"})
    report = json.loads((tmp_path / "report.json").read_text())
    assert rule in {f["rule"] for f in report["findings"]}, done.stderr
    for finding in report["findings"]:
        measures = [e for e in finding["evidence"] if e["kind"] == "measure"]
        assert measures and is_beyond(measures[0]), finding


#: Faults that the optimizer hides, found by what operations do: model, loss, and the words that name it.
HIDDEN = {
    "softmax-axis": (
        "net = nn.Sequential(nn.Unflatten(1, (1, 2, 3)), nn.Conv2d(1, 4, 1)); m = torch.randint(0, 4, (96, 6))",
        "F.cross_entropy(net(xb).view(-1, 4), m[:len(xb)].reshape(-1))", "seen as",
    ),
    "target-range": ("net = nn.Sequential(nn.Linear(6, 6), nn.Sigmoid())", "((net(xb) - 3 * xb) ** 2).mean()", "out of its reach"),
    "dead-at-init": (
        "class Both(nn.Module):\n    def forward(self, v):\n        v = torch.relu(v)\n        return torch.cat([v, torch.relu(-v)], 1)\n"
        "net = nn.Sequential(nn.Linear(6, 8), Both(), nn.Linear(16, 3))", LOSS, "for every input",
    ),
}


@pytest.mark.parametrize("rule", HIDDEN)
def test_what_learning_by_heart_does_not_show_is_seen(stetho, tmp_path, rule):
    before, loss, words = HIDDEN[rule]
    (tmp_path / "train.py").write_text(HEAD + before + LOOP.replace("LOSS", loss))
    done = stetho("preflight", "--format", "json", "--out", "report.json", "--dir", "run", "--time", "20s", "train.py")
    found = [f for f in json.loads((tmp_path / "report.json").read_text())["findings"] if f["rule"] == rule]
    assert found and words in found[0]["message"], done.stderr


HEALTHY = {
    "symmetry is broken by what comes after": ("nn.init.constant_(net[0].weight, 0.1)", LOSS),
    "noise on the labels of a critic": (
        "net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))",
        "F.binary_cross_entropy_with_logits(net(xb), (yb[:, None] > 0).float() * 0.3 + 0.8 * torch.rand(len(xb), 1))",
    ),
    "scaled cosines with a margin": (
        "w = nn.Parameter(torch.randn(3, 16))\n"
        "class Margin(nn.Module):\n    def __init__(self):\n        super().__init__(); self.body = nn.Linear(6, 16); self.w = w\n"
        "    def forward(self, v, t):\n        c = F.normalize(self.body(v)) @ F.normalize(self.w).t()\n"
        "        return 64 * (c - 0.5 * F.one_hot(t, 3))\nnet = Margin()",
        "F.cross_entropy(net(xb, yb), yb)",
    ),
    "a network that measures predictions and targets": (
        "eye = nn.Linear(3, 8)", "(eye(net(xb)) - eye(F.one_hot(yb, 3).float())).square().mean()",
    ),
    "an LSTM given scaled numbers": (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__(); self.r = nn.LSTM(1, 16, batch_first=True); self.o = nn.Linear(16, 3)\n"
        "    def forward(self, v): return self.o(self.r(v.unsqueeze(2))[0][:, -1])\nnet = Net()", LOSS,
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_what_is_meant_is_no_alarm(stetho, tmp_path, name):
    before, loss = HEALTHY[name]
    (tmp_path / "train.py").write_text(HEAD + before + LOOP.replace("LOSS", loss))
    stetho("preflight", "--format", "json", "--out", "report.json", "--dir", "run", "--time", "20s", "train.py")
    found = json.loads((tmp_path / "report.json").read_text())["findings"]
    kinds = {"symmetric-init", "target-range", "loss-at-init", "not-in-optimizer", "input-scale", "no-gradient"}
    assert not [f for f in found if f["rule"] in kinds and f["severity"] != "info"], found
