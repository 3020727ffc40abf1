"""Trainings of several processes, started by `torchrun`: one run directory, one report, samples of whichever rank had them."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this PyTorch has no gloo")

SCRIPT = textwrap.dedent("""
    import os
    import sys

    import torch
    import torch.distributed as dist
    from torch import nn
    from torch.nn.parallel import DistributedDataParallel
    from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


    def main(sharded, broken):
        dist.init_process_group("gloo")
        torch.manual_seed(0)
        x = torch.randn(1024, 8)
        y = (x @ torch.randn(8, 3)).argmax(1)
        for row in broken:
            x[int(row)] = 0.0
        data = TensorDataset(x, y)
        model = DistributedDataParallel(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3)))
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        sampler = DistributedSampler(data) if sharded == "sharded" else None
        loader = DataLoader(data, 32, shuffle=sampler is None, sampler=sampler)
        for epoch in range(3):
            if sampler is not None:
                sampler.set_epoch(epoch)
            for a, b in loader:
                optimizer.zero_grad()
                size = (model.module[0].weight[0, 0] * a[:, 0]).square().sqrt()
                loss = nn.functional.cross_entropy(model(a), b) + 1e-3 * size.mean()
                loss.backward()
                optimizer.step()
        os.write(1, f"over {dist.get_rank()}\\n".encode())  # whole, beside what the other rank writes
        dist.destroy_process_group()


    main(sys.argv[1], sys.argv[2:])
""").lstrip()


def launch(folder: Path, *arguments: str) -> tuple[subprocess.CompletedProcess, dict]:
    """The run of two ranks, and its report."""
    (folder / "train.py").write_text(SCRIPT)
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        "-m", "stetho", "run", "--format", "json", "--out", "report.json", "train.py", *arguments,
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    return result, json.loads((folder / "report.json").read_text())


def rules(report: dict) -> list[str]:
    return [f["rule"] for f in report["findings"] if f["severity"] in ("error", "warning")]


def test_ranks_share_a_directory_and_are_quiet_where_the_data_is_divided(tmp_path):
    result, report = launch(tmp_path, "sharded")
    assert result.returncode == 0, result.stderr
    assert sorted(line for line in result.stdout.splitlines() if line.startswith("over")) == ["over 0", "over 1"]
    (folder,) = (tmp_path / "runs").iterdir()
    assert len(list(folder.glob("events.out.tfevents.*"))) == 2 and not list(folder.glob(".rank*"))
    assert rules(report) == []


def test_ranks_that_draw_the_same_batches_are_told(tmp_path):
    result, report = launch(tmp_path, "whole")
    assert rules(report) == ["rank-duplicate-data"]
    assert "over 1" in result.stdout.splitlines()  # the status of the first rank did not end the other


def test_the_sample_is_found_by_the_rank_that_drew_it(tmp_path):
    whose = set()
    for row in ("5", "6", "7", "8"):
        folder = tmp_path / row
        folder.mkdir()
        result, report = launch(folder, "sharded", row)
        assert rules(report) == ["non-finite-gradient"], result.stderr
        (finding,) = [f for f in report["findings"] if f["rule"] == "non-finite-gradient"]
        assert f"sample {row} " in finding["message"] and "train.py" in finding["message"]
        whose |= {"rank-1" in bundle.name for bundle in folder.glob("runs/*/bundles/*") if (bundle / "step.pt").exists()}
        if len(whose) == 2:
            return
    raise AssertionError(f"all samples were drawn by the same rank: {whose}")
