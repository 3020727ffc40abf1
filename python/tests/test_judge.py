"""The judge of the gallery's scripts: right answers count, wrong ones are told."""

import sys
from pathlib import Path

import pytest

GALLERY = Path(__file__).resolve().parents[2] / "gallery/scripts"
sys.path.insert(0, str(GALLERY))
import judge  # noqa: E402  (it is a script, not a package)


def twin(folder: Path, **keys) -> judge.Twin:
    (folder / "bad.py").write_text("x = 0\ny = log(x)\n")
    return judge.Twin(folder, "good.py", "bad.py", ["non-finite-loss"], op=["log"], line=["log(x)"], samples=[7], **keys)


def report(op: str = "log", line: int = 2, index: int = 7) -> judge.Report:
    places = [{"kind": "op", "name": op}, {"kind": "source", "path": "bad.py", "line": line}, {"kind": "sample", "index": index}]
    return judge.Report([{"rule": "non-finite-loss", "severity": "error", "message": "…", "places": places}])


def test_a_right_answer_has_no_problems(tmp_path):
    verdict = judge.judge(twin(tmp_path), report("aten.log_.default"), judge.Report())
    assert (verdict.found, verdict.first, verdict.place, verdict.sample, verdict.quiet) == (True,) * 5
    assert verdict.problems == []


@pytest.mark.parametrize(("wrong", "what"), [({"op": "log1p"}, "op"), ({"line": 1}, "line"), ({"index": 8}, "sample")])
def test_each_wrong_part_is_told(tmp_path, wrong, what):
    verdict = judge.judge(twin(tmp_path), report(**wrong), judge.Report())
    assert getattr(verdict, what) is False
    assert any(problem.startswith(what) for problem in verdict.problems)


def test_alarms_on_the_fixed_twin_count_unless_they_may(tmp_path):
    alarm = judge.Report([{"rule": "loss-spike", "severity": "warning", "message": "…", "places": []}])
    assert not judge.judge(twin(tmp_path), report(), alarm).quiet
    assert judge.judge(twin(tmp_path, may=["loss-spike"]), report(), alarm).quiet


def test_a_missed_limit_is_a_failure(tmp_path):
    verdicts = [judge.judge(twin(tmp_path), report(), judge.Report()), judge.judge(twin(tmp_path), judge.Report(), judge.Report())]
    assert not judge.shares(verdicts, {"found": 0.95})[1]
    assert judge.shares(verdicts, {"found": 0.5})[1]


def test_every_entry_of_the_gallery_names_what_is_there():
    for folder in (path.parent for path in GALLERY.glob("*/expected.toml")):
        for entry in judge.read(folder)[0]:
            assert (folder / entry.fixed).is_file(), entry.name
            assert entry.faulty is None or (folder / entry.faulty).is_file(), entry.name
            assert entry.faulty is None or not entry.line or entry.lines(), f"{entry.name}: no line has {entry.line}"
