"""Scripts that look at their loss themselves, and leave before the backward pass."""

import json
import textwrap

import pytest

SCRIPT = textwrap.dedent("""
    import math
    import sys

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset


    def losses_of(output, target):
        return {"class": nn.functional.cross_entropy(output, (target > 0).long()), "size": (output[:, 0] - target.log()).square().mean()}


    def train_one_epoch(model, optimizer, loader):
        for x, y in loader:
            parts = losses_of(model(x), y)
            losses = sum(parts.values())
            loss_value = losses.item()
            if not math.isfinite(loss_value):
                print(f"Loss is {loss_value}, stopping training")
                GUARD
            optimizer.zero_grad()
            losses.backward()
            optimizer.step()


    torch.manual_seed(0)
    x = torch.randn(256, 8)
    y = x.abs().sum(1)
    y[77] = 0.0
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    loader = DataLoader(TensorDataset(x, y), 32, shuffle=True)
    AROUND
    print("over")
""").lstrip()
PLAIN = "for epoch in range(2):\n    train_one_epoch(model, optimizer, loader)"
CAUGHT = "try:\n    train_one_epoch(model, optimizer, loader)\nexcept ArithmeticError:\n    print('given up')"


def _run(stetho, folder, guard: str, around: str = PLAIN):
    (folder / "train.py").write_text(SCRIPT.replace("GUARD", guard).replace("AROUND", around))
    result = stetho("run", "--dir", "run", "--format", "json", "--out", "out.json", "train.py")
    return result, json.loads((folder / "out.json").read_text())["findings"]


@pytest.mark.parametrize("guard, status", [("sys.exit(3)", 3), ("raise ArithmeticError('no number')", 1), ("assert math.isfinite(loss_value)", 1)])
def test_a_script_that_stops_itself_is_told_why(stetho, tmp_path, guard, status):
    result, findings = _run(stetho, tmp_path, guard)
    assert result.returncode == status and result.stdout == "Loss is inf, stopping training\n"
    (finding,) = [f for f in findings if f["severity"] == "error"]
    assert finding["rule"] == "non-finite-loss"
    assert "the log of 0" in finding["message"] and "sample 77 " in finding["message"] and "train.py:10" in finding["message"]
    if "raise" in guard:
        trace = result.stderr[: result.stderr.index("ArithmeticError: no number")]
        assert trace.count("in train_one_epoch") == 1 and guard in trace and "stetho" not in trace
    (bundle,) = (tmp_path / "run" / "bundles").iterdir()
    again = stetho("replay", str(bundle), "--format", "json", "--out", "again.json")
    assert again.returncode == 1, again.stderr
    replayed = [f for f in json.loads((tmp_path / "again.json").read_text())["findings"] if f["severity"] == "error"]
    assert [f["rule"] for f in replayed] == ["non-finite-loss"] and "sample 77" in replayed[0]["message"]


def test_what_a_script_catches_itself_is_its_own_affair(stetho, tmp_path):
    result, findings = _run(stetho, tmp_path, "raise ArithmeticError('no number')", CAUGHT)
    assert result.stdout == "Loss is inf, stopping training\ngiven up\nover\n" and result.returncode == 0
    assert not [f for f in findings if f["rule"].startswith("non-finite")]
    assert not list((tmp_path / "run").glob("bundles/*"))


def test_a_batch_that_a_script_passes_over_is_its_own_affair(stetho, tmp_path):
    result, findings = _run(stetho, tmp_path, "continue")
    assert result.stdout.endswith("over\n") and result.returncode == 0
    assert not [f for f in findings if f["severity"] in ("error", "warning")]
