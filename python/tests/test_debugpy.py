"""`--debugger debugpy`: an editor attaches, as it does by the Debug Adapter Protocol, and sees the user's frame."""

import json
import re
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

pytest.importorskip("debugpy")

SCRIPT = textwrap.dedent("""
    import torch

    torch.manual_seed(0)
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for i in range(20):
        x = torch.rand(8, 3)
        if i == 7:
            x[2, 1] = -1.0
        width = x.log()
        loss = model(width).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("over")
""").lstrip()


class Editor:
    """As much of an editor as is needed to attach, look at variables and go on."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.stream = self.socket.makefile("rb")
        self.number = 0
        self.events: list[dict] = []

    def send(self, command: str, **arguments) -> int:
        self.number += 1
        body = json.dumps({"seq": self.number, "type": "request", "command": command, "arguments": arguments}).encode()
        self.socket.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return self.number

    def receive(self) -> dict:
        length = 0
        while (line := self.stream.readline().strip()):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        assert length, "the debugger has hung up"
        return json.loads(self.stream.read(length))

    def ask(self, command: str, **arguments) -> dict:
        number = self.send(command, **arguments)
        while True:
            message = self.receive()
            if message["type"] == "response" and message["request_seq"] == number:
                assert message["success"], message
                return message.get("body", {})
            self.events.append(message)

    def wait(self, event: str) -> dict:
        while True:
            for at, message in enumerate(self.events):
                if message.get("event") == event:
                    return self.events.pop(at).get("body", {})
            self.events.append(self.receive())


def test_an_editor_stops_in_the_users_frame(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "stetho", "run", "--dir", "run", "--break", "nonfinite", "--debugger", "debugpy", "train.py"]
    told = tmp_path / "stderr"
    # A file, since the adapter of debugpy outlives the script and would keep a pipe open.
    with told.open("w") as errors, subprocess.Popen(command, cwd=tmp_path, stdout=errors, stderr=errors) as process:
        try:
            editor = Editor(_port(told))
            editor.ask("initialize", adapterID="test", clientID="test", pathFormat="path")
            editor.send("attach", justMyCode=True)
            editor.wait("initialized")
            editor.ask("configurationDone")
            stopped = editor.wait("stopped")
            frame = editor.ask("stackTrace", threadId=stopped["threadId"])["stackFrames"][0]
            assert frame["source"]["path"].endswith("train.py")
            assert SCRIPT.splitlines()[frame["line"] - 1].strip() == "width = x.log()"
            assert editor.ask("evaluate", expression="float(x[2, 1])", frameId=frame["id"])["result"] == "-1.0"
            editor.send("continue", threadId=stopped["threadId"])
            assert process.wait(timeout=120) == 1
            editor.socket.close()
        finally:
            process.kill()
    text = told.read_text()
    assert "train.py:10" in text and "DEBUGGER WARNING" not in text


def _port(told: Path) -> int:
    """Where the debugger listens, once it says so."""
    for _ in range(600):
        if found := re.search(r"attach at 127\.0\.0\.1:(\d+)", told.read_text()):
            return int(found[1])
        time.sleep(0.1)
    raise AssertionError(told.read_text())
