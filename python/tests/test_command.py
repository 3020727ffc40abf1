"""The command in the Python package behaves as the binary does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stetho as package
from stetho import _core

from conftest import call

TABLE = "label,x\n" + "\n".join(f"{i % 2},{i * 7 % 13}" for i in range(200)) + "\n"


def test_help_and_version_go_to_standard_output(stetho):
    result = stetho("--help")
    assert result.returncode == 0 and "explain" in result.stdout and result.stderr == ""
    assert stetho("--version").stdout == f"stetho {package.__version__}\n"


def test_bad_usage_is_status_2_with_nothing_on_standard_output(stetho):
    for args in ([], ["chek"], ["check"], ["check", "a.csv", "--format", "yaml"], ["run"], ["replay"]):
        result = stetho(*args)
        assert (result.returncode, result.stdout) == (2, ""), args
        assert result.stderr, args


def test_a_table_is_checked_and_the_status_tells(stetho, tmp_path: Path):
    (tmp_path / "a.csv").write_text(TABLE)
    result = stetho("check", "a.csv", "--format", "json", "--fail-on", "never")
    report = json.loads(result.stdout)
    assert result.returncode == 0 and report["command"] == "check" and report["subject"]["items"] == 200
    assert report["facts"]["command_line"] == "stetho check a.csv --format json --fail-on never"
    (tmp_path / "b.csv").write_text("label,x\n0,inf\n1,3\n" * 40)
    assert stetho("check", "b.csv", "--select", "non-finite-values").returncode == 1
    missing = stetho("check", "none.csv")
    assert missing.returncode == 2 and missing.stdout == "" and missing.stderr.count("\n") == 1


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path):
    command = [sys.executable, "-m", "stetho", "rules"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    child.stdout.close()
    assert (child.wait(60), child.stderr.read()) == (0, b"")
    child.stderr.close()


def test_colour_is_for_terminals_unless_forced(stetho):
    assert "\x1b" not in stetho("rules").stdout
    assert "\x1b" in stetho("rules", environment={"CLICOLOR_FORCE": "1"}).stdout


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_an_interrupt_ends_the_command_without_a_traceback(tmp_path: Path):
    (tmp_path / "log.csv").write_text("step,loss\n" + "".join(f"{i},{1 / (i + 1)}\n" for i in range(50)))
    command = [sys.executable, "-m", "stetho", "watch", "log.csv", "--follow"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, text=True)
    time.sleep(1.5)
    child.send_signal(signal.SIGINT)
    output, problem = child.communicate(timeout=60)
    assert child.returncode == 0 and "log.csv" in output and "Traceback" not in problem


def test_a_run_is_handed_to_python_as_it_was_asked_for(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text("")
    words = ["run", "--budget", "5%", "--break", "loss > 5", "--break", "nonfinite", "--break", "rule:loss-spike",
             "--on-trap", "skip", "--dir", "log", "--select", "loss-spike", "train.py", "--lr", "3", "--out", "-m", "--", "x"]
    request = json.loads(_core.command(words))
    assert request["command"] == "run" and request["script"] == "train.py"
    assert "module" not in request
    assert request["args"] == ["--lr", "3", "--out", "-m", "--", "x"]
    options = request["options"]
    assert options["budget"] == 0.05 and options["on_trap"] == "skip" and options["debugger"] == "pdb"
    assert options["dir"] == str(tmp_path / "log") and options["folder"] == str(tmp_path)
    assert options["break"] == [
        {"kind": "compare", "signal": "loss", "operator": ">", "value": 5.0},
        {"kind": "nonfinite"}, {"kind": "rule", "rule": "loss-spike"},
    ]
    assert options["report"]["select"] == ["loss-spike"] and options["report"]["out"] is None


def test_modules_and_bundles_are_handed_over(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    request = json.loads(_core.command(["run", "-m", "package.train", "-m", "--help"]))
    assert request["module"] == "package.train" and request["args"] == ["-m", "--help"] and "script" not in request
    Path("bundle").mkdir()
    request = json.loads(_core.command(["replay", "bundle", "--pdb"]))
    assert (request["command"], request["bundle"], request["options"]["pdb"]) == ("replay", "bundle", True)
    assert "args" not in request


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every file name is text")
def test_file_names_that_are_no_text_survive(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"tr\xe4in.py")
    Path(name).write_text("")
    request = json.loads(_core.command(["run", name, name]))
    assert request["script"] == name and request["args"] == [name]


def test_what_is_wrong_is_told_before_anything_runs(stetho, tmp_path: Path):
    (tmp_path / "train.py").write_text("raise SystemExit(77)")
    for args, words in [
        (["none.py"], "there is no script `none.py`"),
        (["--break", "often", "train.py"], "write `nonfinite`, `rule:ID`, or a comparison"),
        (["--break", "rule:loss-spikes", "train.py"], "did you mean `loss-spike`"),
        (["--budget", "200%", "train.py"], "a share lies between 0% and 100%"),
        (["--select", "loss-spikes", "train.py"], "there is no rule `loss-spikes`"),
        (["--select", "duplicate-rows", "train.py"], "no rule is left"),
        (["--out", "no/report.html", "train.py"], "there is no folder `no`"),
    ]:
        result = stetho("run", *args)
        assert (result.returncode, result.stdout) == (2, ""), result
        assert words in result.stderr, result.stderr


def test_the_package_is_imported_without_pytorch(tmp_path: Path):
    code = "import sys, stetho, stetho.__main__; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert call([sys.executable, "-c", code], cwd=tmp_path).returncode == 0


def binary() -> Path | None:
    """The Rust program, if it was built where `cargo xtask test` builds it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).parents[2] / "target"))
    path = target / "debug" / ("stetho.exe" if os.name == "nt" else "stetho")
    return path if path.exists() else None


@pytest.mark.skipif(binary() is None, reason="the Rust program is not built")
def test_the_binary_says_what_is_missing(tmp_path: Path):
    (tmp_path / "train.py").write_text("")
    empty = tmp_path / "empty"
    (empty / "bin").mkdir(parents=True)
    # An interpreter without any package.
    python = empty / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    python.chmod(0o755)
    result = call([str(binary()), "run", "train.py"], cwd=tmp_path, environment={"VIRTUAL_ENV": str(empty)})
    assert result.returncode == 2 and result.stdout == "", result
    assert "has no package `stetho`" in result.stderr and "pip install" in result.stderr
    result = call([str(binary()), "run", "train.py"], cwd=tmp_path, environment={"VIRTUAL_ENV": "", "PATH": ""})
    assert result.returncode == 2 and "no Python was found" in result.stderr
