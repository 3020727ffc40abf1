"""What is raised: a sample that breaks the contract, and a contract that makes no sense."""

from __future__ import annotations

import re

#: How PyTorch tells of an exception of a worker.
_WORKER = re.compile(r"Caught \S+ in (?P<where>[^\n]*?)\.?\n")


class ContractError(ValueError):
    """The contract itself cannot be used; the text says why."""


class ContractViolation(ValueError):
    """A sample breaks the contract.

    From a worker process PyTorch raises it anew with the worker's whole traceback as its text; what is kept of that is the one line that tells.
    """

    def __init__(self, message: str = "") -> None:
        found = _WORKER.match(message)
        if found is not None:
            last = next((line for line in reversed(message.splitlines()) if line.strip()), "")
            message = f"{last.partition(': ')[2] or last} (in {found['where']})"
        super().__init__(message)

