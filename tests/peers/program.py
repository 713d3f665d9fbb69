"""Running a client program, with a reason to skip where it is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def need(*programs: str) -> None:
    """Skip where a program is not installed (.ci/run installs them all)."""
    for program in programs:
        if shutil.which(program) is None and not Path("/usr/sbin", program).exists():
            pytest.skip(f"{program} is not installed")


def run(
    *args: str | Path,
    stdin: str | bytes | None = None,
    env: dict[str, str] | None = None,
    code: int | tuple[int, ...] = 0,
    timeout: float = 60,
) -> str:
    """Run a client to its end and return what it printed, both streams; its exit code must be the expected one."""
    done = subprocess.run(
        [str(a) for a in args],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL if stdin is None else None,
    )
    text = done.stdout.decode("utf-8", "replace")
    wanted = (code,) if isinstance(code, int) else code
    assert done.returncode in wanted, f"exit {done.returncode}: {' '.join(map(str, args))}\n{text}"
    return text
