"""Trainings in processes that the script starts itself: watched as the script is, one run directory, one report."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

HEAD = textwrap.dedent("""
    import os
    import sys

    import torch
    import torch.distributed as dist
    import torch.multiprocessing as mp
    from torch import nn
    from torch.nn.parallel import DistributedDataParallel as DDP
    from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

    BROKEN = int(sys.argv[1]) if len(sys.argv) > 1 else None


    def rows():
        torch.manual_seed(0)
        x = torch.randn(1024, 8)
        y = (x @ torch.randn(8, 3)).argmax(1)
        if BROKEN is not None:
            x[BROKEN] = 0.0
        return TensorDataset(x, y)


    def fit(model, weight, loader, n_epochs):
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for epoch in range(n_epochs):
            for a, b in loader:
                optimizer.zero_grad()
                size = (weight[0, 0] * a[:, 0]).square().sqrt()
                loss = nn.functional.cross_entropy(model(a), b) + 1e-3 * size.mean()
                loss.backward()
                optimizer.step()


    def net():
        return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
""").lstrip()

RANKS = HEAD + textwrap.dedent("""

    def train(rank, world_size):
        os.environ["MASTER_ADDR"] = "localhost"
        dist.init_process_group("gloo", init_method=f"file://{os.path.abspath('meeting')}", rank=rank, world_size=world_size)
        data = rows()
        inner = net()
        model = DDP(inner)
        fit(model, inner[0].weight, DataLoader(data, 32, sampler=DistributedSampler(data)), 3)
        dist.destroy_process_group()
        os.write(1, f"over {rank}\\n".encode())


    if __name__ == "__main__":
        mp.spawn(train, args=(2,), nprocs=2)
        print("joined")
""")

TRIALS = HEAD + textwrap.dedent("""

    def trial(n_epochs):
        torch.manual_seed(n_epochs)
        model = net()
        fit(model, model[0].weight, DataLoader(rows(), 32, shuffle=True), n_epochs)


    if __name__ == "__main__":
        context = mp.get_context("spawn")
        for n_epochs in (2, 3):
            process = context.Process(target=trial, args=(n_epochs,))
            process.start()
            process.join()
            print("status", process.exitcode)
""")


def run(folder: Path, script: str, *arguments: str) -> tuple[subprocess.CompletedProcess, dict]:
    """The run of a script, and its report."""
    (folder / "train.py").write_text(script)
    command = [sys.executable, "-m", "stetho", "run", "--dir", "run", "--format", "json", "--out", "report.json", "train.py", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    return result, json.loads((folder / "report.json").read_text())


def told(report: dict) -> list[str]:
    return [f["rule"] for f in report["findings"] if f["severity"] in ("error", "warning")]


gloo = pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this PyTorch has no gloo")


@gloo
def test_ranks_that_a_script_starts_are_watched(tmp_path):
    result, report = run(tmp_path, RANKS)
    assert result.returncode == 0, result.stderr
    assert sorted(result.stdout.split("\n")[:3]) == ["joined", "over 0", "over 1"]
    assert told(report) == [] and "no training" not in result.stderr
    assert not list((tmp_path / "run").glob(".rank*"))
    assert [run["last_step"] for run in report["facts"]["runs"]] == [47]


@gloo
def test_the_sample_is_found_in_whichever_process_had_it(tmp_path):
    for row in (5, 6):
        folder = tmp_path / str(row)
        folder.mkdir()
        result, report = run(folder, RANKS, str(row))
        assert told(report) == ["non-finite-gradient"], result.stderr
        (finding,) = [f for f in report["findings"] if f["rule"] == "non-finite-gradient"]
        assert f"sample {row} " in finding["message"] and "train.py:28" in finding["message"], finding["message"]
        assert result.returncode == 1


def test_processes_one_after_the_other_are_trainings_of_their_own(tmp_path):
    result, report = run(tmp_path, TRIALS)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["status", "0", "status", "0"]
    assert told(report) == []
    assert list((tmp_path / "run").glob("events*")) and list((tmp_path / "run" / "training-2").glob("events*"))


def test_a_fault_in_one_of_them_is_told_with_its_sample(tmp_path):
    result, report = run(tmp_path, TRIALS, "77")
    assert told(report)[0] == "non-finite-gradient"
    assert "sample 77 " in report["findings"][0]["message"]
    assert result.stdout.split() == ["status", "1", "status", "1"] and result.returncode == 1


def test_a_class_of_processes_is_watched_too(tmp_path):
    script = HEAD + textwrap.dedent("""

        class Trial(mp.get_context("spawn").Process):
            def __init__(self, n_epochs):
                super().__init__()
                self.n_epochs = n_epochs

            def run(self):
                model = net()
                fit(model, model[0].weight, DataLoader(rows(), 32, shuffle=True), self.n_epochs)


        if __name__ == "__main__":
            trial = Trial(2)
            trial.start()
            trial.join()
    """)
    result, report = run(tmp_path, script, "300")
    assert told(report) == ["non-finite-gradient"] and "sample 300 " in report["findings"][0]["message"], result.stderr


def test_processes_that_are_forked_train_unwatched_which_is_said(tmp_path):
    result, report = run(tmp_path, TRIALS.replace('get_context("spawn")', 'get_context("fork")'))
    assert result.stdout.split() == ["status", "0", "status", "0"]
    assert "processes that the script has forked are not watched" in result.stderr and told(report) == []


def test_preflight_says_that_it_makes_no_experiments_there(tmp_path):
    (tmp_path / "train.py").write_text(TRIALS)
    command = [sys.executable, "-m", "stetho", "preflight", "train.py"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 2 and "trains in processes that it starts" in result.stderr


def test_workers_of_a_loader_are_not_taken_for_trainings(tmp_path):
    script = HEAD + textwrap.dedent("""

        if __name__ == "__main__":
            model = net()
            fit(model, model[0].weight, DataLoader(rows(), 32, shuffle=True, num_workers=2, multiprocessing_context="spawn"), 2)
            print("over")
    """)
    result, report = run(tmp_path, script)
    assert result.stdout.split() == ["over"] and told(report) == []
    assert len(list((tmp_path / "run").glob("events*"))) == 1 and report["facts"]["runs"][0]["last_step"] == 63
