"""In a notebook: cells that train are watched, and what was found is shown below them."""

from __future__ import annotations

import sys

import pytest
from conftest import call

pytest.importorskip("IPython")

SETUP = """
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
shell = InteractiveShell.instance()
def run(cell):
    with capture_output() as captured:
        result = shell.run_cell(cell)
    return result, captured
def shown(captured):
    return [o.data for o in captured.outputs if "text/html" in o.data]
result, _ = run("%load_ext stetho")
assert result.success
run('''
import torch
from torch.utils.data import DataLoader, Dataset
class Data(Dataset):
    def __init__(self, bad): self.bad = bad
    def __len__(self): return 96
    def __getitem__(self, i):
        generator = torch.Generator().manual_seed(i)
        w = torch.rand(2, generator=generator) + 0.5
        if self.bad and i == 77: w[0] = 0.0
        return torch.randn(8, generator=generator), w
def train(bad):
    torch.manual_seed(0)
    net = torch.nn.Linear(8, 2)
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    for epoch in range(2):
        for x, w in DataLoader(Data(bad), 16, shuffle=True):
            loss = ((net(x) - torch.log(w)) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return sum(p.double().sum().item() for p in net.parameters())
''')
plain = run("train(False)")[0].result
"""


def ipython(tmp_path, script: str):
    """Runs cells in a shell of a process of their own."""
    result = call([sys.executable, "-c", SETUP + script], cwd=tmp_path, environment={"OMP_NUM_THREADS": "1"})
    assert result.returncode == 0, result.stderr
    return result


def test_a_watched_cell_trains_as_before_and_its_findings_are_shown(tmp_path):
    ipython(tmp_path, """
result, captured = run("%%stetho --dir healthy\\ntrain(False)")
assert result.success and result.result == plain, result
assert len(shown(captured)) == 1
result, captured = run("%%stetho --dir faulty\\ntrain(True)")
[data] = shown(captured)
assert "<code>non-finite-loss</code>" in data["text/html"] and "sample 77" in data["text/html"], data
assert "torch.log(w)" in data["text/plain"]
assert run("train(False)")[0].result == plain
""")
    assert (tmp_path / "faulty" / "report.json").exists() and (tmp_path / "healthy" / "report.html").exists()


def test_a_loop_in_the_cell_itself_and_names_stay_the_notebooks(tmp_path):
    ipython(tmp_path, """
result, captured = run('''%%stetho
net = torch.nn.Linear(8, 2)
optimizer = torch.optim.SGD(net.parameters(), 1e-2)
for x, w in DataLoader(Data(True), 16):
    loss = ((net(x) - torch.log(w)) ** 2).mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
''')
assert "sample 77" in shown(captured)[0]["text/html"]
assert isinstance(shell.user_ns["net"], torch.nn.Linear) if "torch" in globals() else "net" in shell.user_ns
""")


def test_on_watches_cells_that_train_and_no_others(tmp_path):
    ipython(tmp_path, """
run("%stetho on")
result, captured = run("x = 1\\nx + 1")
assert result.result == 2 and not shown(captured)
result, captured = run("train(True)")
assert "sample 77" in shown(captured)[0]["text/html"] and len(shown(captured)) == 1
run("%stetho off")
result, captured = run("train(False)")
assert result.result == plain and not shown(captured)
assert [f["rule"] for f in run("%stetho")[0].result.findings][:1] == ["non-finite-loss"]
result, captured = run("%%stetho --wrong\\n1")
assert "options are --on-trap, --budget, --dir" in str(result.error_in_exec)
""")


def test_an_error_of_the_cell_is_the_cells(tmp_path):
    ipython(tmp_path, """
result, captured = run("%%stetho\\ntrain(False)\\n1 / 0")
assert isinstance(result.error_in_exec, ZeroDivisionError)
assert run("train(False)")[0].result == plain
""")
