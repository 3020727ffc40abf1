"""The contract at work: one sample is looked at where it is made."""

from __future__ import annotations

import atexit
import csv
import json
import os
import sys

from stetho import writing
from stetho.contracts import checks
from stetho.contracts.declare import Contract
from stetho.contracts.ledger import Ledger
from stetho.contracts.violation import ContractViolation

#: Samples that may stand in for one that is left out, before it is said that none fits.
MOST_TRIED = 100
#: Violations that are listed in a record.
MOST_LISTED = 100
#: Every guard of this process, in the order in which they were made.
_all: list[Guard] = []


class Guard:
    """A contract, and what was counted of it. It goes to the workers within the data set."""

    def __init__(self, contract: Contract, name: str, ledger: Ledger | None = None) -> None:
        self.contract = contract
        self.name = name
        self._checker = checks.compiled(contract)
        self._ledger = ledger or Ledger(len(self._checker.rules))
        self._pid = os.getpid()
        if ledger is None:
            if not _all:
                # After the first ledger, so that it runs before that is removed.
                atexit.register(close)
            _all.append(self)

    def __reduce__(self):
        return Guard, (self.contract, self.name, self._ledger)

    def look(self, sample, index) -> bool:
        """Whether a sample keeps the contract. Raises `ContractViolation` where it does not and the policy is `raise`. `index` is that
        of the sample, or a function that gives it."""
        ledger = self._ledger
        ledger.add(0)
        found = self._checker.look(sample)
        if not found:
            return True
        index = index() if callable(index) else index
        policy = self.contract.policy
        for broken in found:
            ledger.keep(broken.rule, index, broken.field, broken.value, policy == "skip")
        first = found[0]
        message = self._message(first, index)
        if len(found) > 1:
            message += f"; and {len(found) - 1} more"
        if policy == "raise":
            raise ContractViolation(message)
        if ledger.is_first(first.rule):
            what = "left out" if policy == "skip" else "let through"
            _say(f"{message} ({what}; told once, counted from here on)")
        return policy != "skip"

    def _message(self, broken: checks.Broken, index) -> str:
        field, rule = self._checker.rules[broken.rule]
        where = f"sample {index} of `{self.name}`: `{broken.field}` "
        return f"{where}is {broken.value}; the contract says {rule}" if rule != "present" else f"{where}is {broken.value}"

    def n_violations(self) -> int:
        """Violations so far, in all processes."""
        return sum(self._ledger.counts()[1:])

    def n_samples(self) -> int:
        """Samples looked at so far, in all processes."""
        return self._ledger.counts()[0]

    def violations(self) -> list[dict]:
        """One entry a sample, field and rule: `index`, `field`, `rule`, `value`, `quarantined`."""
        rules = self._checker.rules
        return [
            {"index": index, "field": field, "rule": rules[rule][1], "value": value, "quarantined": out}
            for rule, index, field, value, _, out in self._ledger.lines()
        ]

    def record(self) -> dict:
        """What `code.json` says of it."""
        counts = self._ledger.counts()
        rules = self._checker.rules
        listed = [
            {"field": field, "rule": rules[rule][1], "value": value, "index": index, "count": 1, "quarantined": out}
            for rule, index, field, value, _, out in self._ledger.lines()
        ]
        return {
            "name": self.name,
            "n_samples": counts[0],
            "policy": self.contract.policy,
            "rules": [f"{field}: {rule}" for field, rule in rules],
            "violations": listed[:MOST_LISTED],
            "n_violations": sum(counts[1:]),
        }

    def write_quarantine(self, path: str | None = None) -> str | None:
        """Writes the samples that broke the contract as CSV; the path, or None where none did or none is asked for."""
        path = path or self.contract.quarantine
        found = self.violations()
        if path is None or not found or os.getpid() != self._pid:
            return None
        with writing.whole(path, newline="") as file:
            table = csv.writer(file)
            table.writerow(["index", "field", "rule", "value"])
            table.writerows([v["index"], v["field"], v["rule"], v["value"]] for v in found)
        return path


def guards() -> list[Guard]:
    """Every guard of this process."""
    return list(_all)


def records() -> list[dict]:
    """What `code.json` says of the contracts of this process; those that saw no sample are left out."""
    found = [guard.record() for guard in _all]
    return [record for record in found if record["n_samples"]]


def tell(folder: str | None) -> None:
    """At the end of a run: the lists of samples, and what `code.json` of its folder says of contracts, beside what else it says."""
    close()
    told = records()
    if folder is None or not told:
        return
    path = os.path.join(folder, "code.json")
    try:
        record: dict = {"schema": 1}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                record = json.load(file)
        record["contracts"] = told
        with writing.whole(path) as file:
            json.dump(record, file)
    except (OSError, ValueError) as error:
        _say(f"what the contracts found could not be written down: {error}")


def close() -> None:
    """Writes the lists of samples; at the end of the process this happens by itself."""
    for guard in _all:
        try:
            guard.write_quarantine()
        except OSError as error:
            _say(f"the quarantine list could not be written: {error}")


def _say(text: str) -> None:
    """One line on standard error, which workers have too."""
    try:
        print(f"stetho: {text}", file=sys.stderr, flush=True)
    except (AttributeError, OSError, ValueError):
        pass
