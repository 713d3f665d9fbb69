"""A program on a terminal of its own: keys are typed, the screen is read."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from pathlib import Path


class Terminal:
    """One program in one tmux session."""

    def __init__(self, folder: Path, command: str, environment: dict[str, str]) -> None:
        self._socket = folder / "tmux"
        self._done = folder / "exit"
        assignments = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
        line = f"env {assignments} {command}; echo $? > {shlex.quote(str(self._done))}; sleep 2"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-s", "main", *("-x", "110", "-y", "36"), line)

    def _tmux(self, *words: str) -> str:
        return subprocess.run(
            ["tmux", "-S", str(self._socket), *words],
            check=True,
            capture_output=True,
            text=True,
            timeout=20,
            env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm"},
        ).stdout

    def keys(self, *keys: str, pause: float = 0.15) -> None:
        """Press keys by their tmux names, and give the program time to draw."""
        for key in keys:
            self._tmux("send-keys", "-t", "main", key)
            time.sleep(pause)

    def type(self, text: str, pause: float = 0.15) -> None:
        """Type a text as it is."""
        self._tmux("send-keys", "-t", "main", "-l", text)
        time.sleep(pause)

    def screen(self) -> str:
        """What is to be seen now."""
        return self._tmux("capture-pane", "-p", "-t", "main")

    def wait(self, pattern: str, seconds: float = 20) -> str:
        """Wait until the screen shows something."""
        end = time.monotonic() + seconds
        while not re.search(pattern, shown := self.screen()):
            assert time.monotonic() < end, f"{pattern!r} does not appear:\n{shown}"
            time.sleep(0.1)
        return shown

    def ended(self, seconds: float = 10) -> int:
        """Wait for the program's end; its exit code."""
        end = time.monotonic() + seconds
        while not self._done.exists() or not self._done.read_text().strip():
            assert time.monotonic() < end, f"it goes on:\n{self.screen()}"
            time.sleep(0.1)
        return int(self._done.read_text())

    def close(self) -> None:
        """End whatever is left of it."""
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], capture_output=True, check=False, timeout=20)
