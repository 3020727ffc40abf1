"""What the tests share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def stetho(tmp_path: Path) -> Run:
    """Runs `python -m stetho` with arguments, in a folder of the test's own, away from terminals and from the tester's settings."""

    def run(*args: str, **options: object) -> subprocess.CompletedProcess:
        return call([sys.executable, "-m", "stetho", *args], cwd=tmp_path, **options)

    return run


def _interruptible() -> None:
    """What is started in the background ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def call(command: Sequence[str], *, environment: dict[str, str] | None = None, keys: str = "", **options: object):
    """Runs a command; its output as text. `environment` is added to that of the tests, less what colours output;
    `keys` are typed."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE")}
    return subprocess.run(
        command, input=keys, preexec_fn=_interruptible, capture_output=True, text=True, timeout=600,
        env=inherited | (environment or {}), **options,
    )
