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
