#!/usr/bin/env python3
"""Runs scripts under `stetho run` or `stetho preflight` and compares what it says with their `expected.toml`.

Usage: python gallery/scripts/judge.py [FOLDER…] [--only NAME,…] [--jobs 2] [--keep DIR] [--all]

A folder holds `expected.toml`: `[[twin]]` entries with a faulty and a fixed script, `[[healthy]]` entries with one script, and
`[limits]`, the shares below which the exit status is 1. The package `stetho` must be installed for the Python that runs this.
What each key means stands at the head of `trap/expected.toml`. `--command` takes the place of what the entries say.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
TIMEOUT = 600  # seconds a script may take


@dataclass
class Twin:
    """One entry of `expected.toml`. A healthy script is a twin without a faulty half."""

    folder: Path
    fixed: str
    faulty: str | None = None
    rule: list[str] = field(default_factory=list)  # any of them is right
    command: str = "run"  # or "preflight"
    args: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    may: list[str] = field(default_factory=list)  # alarms that are right in both scripts
    also: list[str] = field(default_factory=list)  # symptoms of the fault, beside it in the faulty script
    about: str = ""
    falls: float = 0.7  # for `verify.py`: the share of its first loss below which the fixed script ends
    phase: list[str] = field(default_factory=list)
    op: list[str] = field(default_factory=list)
    file: str | None = None
    line: list[str] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)
    step: int | None = None

    @property
    def name(self) -> str:
        return f"{self.folder.name}/{self.faulty or self.fixed}"

    def lines(self) -> list[tuple[str, int]]:
        """File and 1-based line of the places that are right."""
        path = (self.folder / self.faulty).parent / (self.file or Path(self.faulty).name)
        wanted = [(path, text) for text in self.line]
        return [(path.name, n) for path, text in wanted for n, line in enumerate(path.read_text().split("\n"), 1) if text in line]


@dataclass
class Report:
    """What one run said. `error` is why there is no report."""

    findings: list[dict] = field(default_factory=list)
    traps: list[dict] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0

    def alarms(self, may: list[str]) -> list[str]:
        """Errors and warnings that are not in `may`."""
        loud = [f for f in self.findings if f["severity"] in ("error", "warning") and f["rule"] not in may]
        return [f"{f['severity']} {f['rule']}: {f['message']}" for f in loud]

    def places(self, rules: list[str], kind: str) -> list[dict]:
        """Places of this kind in the findings of `rules`."""
        return [p for f in self.findings if f["rule"] in rules for p in f.get("places", []) if p["kind"] == kind]


@dataclass
class Verdict:
    """What is right about the report of a faulty script; None where nothing is expected."""

    twin: Twin
    faulty: Report | None
    fixed: Report
    found: bool | None = None
    first: bool | None = None
    phase: bool | None = None
    op: bool | None = None
    line: bool | None = None
    sample: bool | None = None
    step: bool | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def quiet(self) -> bool:
        return not self.fixed.error and not self.fixed.alarms(self.twin.may)

    @property
    def place(self) -> bool | None:
        said = [right for right in (self.phase, self.op, self.line) if right is not None]
        return all(said) if said else None


def many(value: object) -> list:
    return value if isinstance(value, list) else [value]


def read(folder: Path) -> tuple[list[Twin], dict[str, float]]:
    """The twins and the limits of a folder."""
    text = tomllib.loads((folder / "expected.toml").read_text())
    twins = []
    for entry in text.get("twin", []) + [{"fixed": h.pop("script"), **h} for h in text.get("healthy", [])]:
        lists = {key: many(entry[key]) for key in ("rule", "phase", "op", "line") if key in entry}
        twins.append(Twin(folder, **{**entry, **lists}))
    return twins, text.get("limits", {})


def run(twin: Twin, script: str, keep: Path) -> Report:
    """Runs one script in its own folder; the report, the log and what was printed stay below `keep`."""
    path, out = twin.folder / script, keep / twin.folder.name / twin.command / script.replace("/", "-").removesuffix(".py")
    out.mkdir(parents=True, exist_ok=True)
    report = out / "report.json"
    report.unlink(missing_ok=True)
    (out / "run" / "traps.jsonl").unlink(missing_ok=True)
    command = [sys.executable, "-m", "stetho", twin.command, "--format", "json", "--out", str(report), "--dir", str(out / "run")]
    command += [*twin.options, path.name, *twin.args]
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    begin = time.monotonic()
    try:
        with open(out / "printed.txt", "w") as printed:
            status = subprocess.run(command, cwd=path.parent, env=environment, timeout=TIMEOUT, stdin=subprocess.DEVNULL,
                                    stdout=printed, stderr=subprocess.STDOUT).returncode
    except subprocess.TimeoutExpired:
        return Report(error=f"not done after {TIMEOUT} s", seconds=TIMEOUT)
    seconds = time.monotonic() - begin
    if not report.exists():
        last = (out / "printed.txt").read_text().strip().split("\n")[-1]
        return Report(error=f"no report, status {status}: {last}", seconds=seconds)
    traps = out / "run" / "traps.jsonl"
    told = [json.loads(line) for line in traps.read_text().splitlines()] if traps.exists() else []
    return Report(json.loads(report.read_text())["findings"], told, "", seconds)


def plain(op: str) -> str:
    """A name of an operation that can be compared: `log` for `aten.log_.default`."""
    return op.lower().removeprefix("aten").lstrip(".:").split(".")[0].strip("_")


def judge(twin: Twin, faulty: Report | None, fixed: Report) -> Verdict:
    """Compares the two reports with what is expected."""
    verdict = Verdict(twin, faulty, fixed)
    if fixed.error:
        verdict.problems.append(f"{twin.fixed}: {fixed.error}")
    verdict.problems += [f"{twin.fixed}: alarm: {alarm}" for alarm in fixed.alarms(twin.may)]
    if faulty is None:
        return verdict
    quiet = [f["rule"] for f in fixed.findings if f["rule"] in twin.rule and f["severity"] == "info"]
    verdict.problems += [f"{twin.fixed}: {rule} is said of it too" for rule in quiet]
    if faulty.error:
        verdict.problems.append(f"{twin.faulty}: {faulty.error}")
    loud = [f["rule"] for f in faulty.findings if f["severity"] in ("error", "warning")]
    verdict.found = any(f["rule"] in twin.rule for f in faulty.findings)
    verdict.first = verdict.found and (not loud or loud[0] in twin.rule)
    expected = " or ".join(twin.rule)
    if not verdict.found:
        verdict.problems.append(f"{expected} is not found, but: {', '.join(loud) or 'nothing'}")
    elif not verdict.first:
        verdict.problems.append(f"{expected} is not first: {', '.join(loud)}")
    others = faulty.alarms([*twin.rule, *twin.may, *twin.also])
    if verdict.found and others:
        verdict.problems.append("beside it: " + "; ".join(others))
    judge_places(verdict, faulty)
    return verdict


def judge_places(verdict: Verdict, faulty: Report) -> None:
    """Operation, line, samples and step of the finding."""
    twin, rule = verdict.twin, verdict.twin.rule

    def compare(name: str, said: object, wanted: object, right: bool) -> bool:
        if not right:
            verdict.problems.append(f"{name}: says {said}, expected {wanted}")
        return right

    if twin.phase:
        said = [trap.get("phase") for trap in faulty.traps]
        verdict.phase = compare("phase", said, twin.phase, any(phase in twin.phase for phase in said))
    if twin.op:
        said = [p["name"] for p in faulty.places(rule, "op")]
        verdict.op = compare("op", said, twin.op, any(plain(op) in map(plain, twin.op) for op in said))
    if twin.line:
        wanted = twin.lines()
        said = [(Path(p["path"]).name, p["line"]) for p in faulty.places(rule, "source")]
        verdict.line = compare("line", said, wanted, any(place in wanted for place in said))
    if twin.samples or twin.ranks:
        samples = faulty.places(rule, "sample")
        said = sorted({p["index"] for p in samples if p.get("index") is not None})
        rows = sorted({s["row"] for trap in faulty.traps for s in trap.get("samples", []) if "row" in s})
        right = said == sorted(twin.samples) if twin.samples else rows == sorted(twin.ranks)
        verdict.sample = compare("samples", said if twin.samples else f"rows {rows}", twin.samples or twin.ranks, right)
    if twin.step is not None:
        said = [p["first"] for p in faulty.places(rule, "steps")]
        verdict.step = compare("step", said, twin.step, twin.step in said)


def word(right: bool | None) -> str:
    return "-" if right is None else "yes" if right else "NO"


def table(verdicts: list[Verdict]) -> str:
    columns = ("found", "first", "phase", "op", "line", "sample", "step", "quiet")
    rows = [f"{'script':44} {'rule':22} " + " ".join(f"{name:>6}" for name in columns) + f" {'s':>6}"]
    for v in verdicts:
        seconds = v.fixed.seconds + (v.faulty.seconds if v.faulty else 0)
        cells = " ".join(f"{word(getattr(v, name)):>6}" for name in columns)
        rows.append(f"{v.twin.name:44} {'/'.join(v.twin.rule):22.22} {cells} {seconds:6.1f}")
    return "\n".join(rows)


def shares(verdicts: list[Verdict], limits: dict[str, float]) -> tuple[list[str], bool]:
    """One line a measure with its limit, and whether all limits are kept."""
    lines, kept = [], True
    for name, meaning in MEASURES.items():
        said = [right for v in verdicts if (right := getattr(v, name)) is not None]
        if not said:
            continue
        share, limit = sum(said) / len(said), limits.get(name, 0.0)
        kept &= share >= limit
        missed = "" if share >= limit else "   MISSED"
        lines.append(f"{meaning}: {sum(said)} of {len(said)} ({100 * share:.1f} %, at least {100 * limit:.0f} %){missed}")
    return lines, kept


MEASURES = {
    "found": "the rule is found",
    "first": "it is the first error or warning",
    "phase": "the phase is right",
    "op": "the operation is right",
    "line": "the line is right",
    "place": "phase, operation and line are right",
    "sample": "the samples are right",
    "step": "the step is right",
    "quiet": "fixed and healthy scripts without an alarm",
}


def main() -> int:
    parser = argparse.ArgumentParser(description="compares what `stetho` says of scripts with what is expected")
    parser.add_argument("folders", nargs="*", type=Path, help="default: all beside this program")
    parser.add_argument("--only", default="", help="parts of names, with commas between them")
    parser.add_argument("--command", choices=["run", "preflight"], help="default: what the entries say, else run")
    parser.add_argument("--jobs", type=int, default=2, help="scripts that run at once")
    parser.add_argument("--keep", type=Path, help="where reports and logs stay (default: a folder that is removed)")
    parser.add_argument("--all", action="store_true", help="also what was said where all is right")
    options = parser.parse_args()
    folders = options.folders or sorted(path.parent for path in HERE.glob("*/expected.toml"))
    with tempfile.TemporaryDirectory() as scratch:
        keep = (options.keep or Path(scratch)).resolve()
        kept = [judge_folder(folder.resolve(), options, keep) for folder in folders]
    return 0 if all(kept) else 1


def judge_folder(folder: Path, options: argparse.Namespace, keep: Path) -> bool:
    """Prints the story of one folder; returns whether its limits are kept."""
    twins, limits = read(folder)
    names = [name for name in options.only.split(",") if name]
    twins = [t for t in twins if not names or any(name in t.name for name in names)]
    twins = [replace(t, command=options.command or t.command) for t in twins]
    # A script that is listed for each command is run once where one command is asked for.
    twins = list({(t.faulty, t.fixed, t.command): t for t in twins}.values())
    if not twins:
        return True
    with ThreadPoolExecutor(options.jobs) as pool:
        pairs = [(t, pool.submit(run, t, t.faulty, keep) if t.faulty else None, pool.submit(run, t, t.fixed, keep)) for t in twins]
        verdicts = []
        for twin, faulty, fixed in pairs:
            verdicts.append(judge(twin, faulty.result() if faulty else None, fixed.result()))
            print_story(verdicts[-1], options.all or bool(names))
    lines, kept = shares(verdicts, limits)
    print(f"\n{table(verdicts)}\n\n{folder.name}:\n  " + "\n  ".join(lines), flush=True)
    return kept


def print_story(verdict: Verdict, whole: bool) -> None:
    """What is not as expected of one twin, and with `whole` what was found."""
    if not verdict.problems and not whole:
        return
    print(verdict.twin.name)
    for problem in verdict.problems:
        print("  !", problem)
    for finding in verdict.faulty.findings if verdict.faulty and (whole or verdict.problems) else []:
        print(f"    {finding['severity']} {finding['rule']}: {finding['message']}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
