"""Folders that many tests begin with: made once a process, copied for each test.

A directory with a few users in it takes some fifty milliseconds to make and two to copy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


@cache
def _made(fill: Callable[..., Any], words: tuple[object, ...]) -> tuple[dict[str, tuple[int, bytes]], Any]:
    """The mode and the octets of each file that `fill` makes, by its path in the folder; and what it returns."""
    with TemporaryDirectory(prefix="oxgate-prepared-") as name:
        folder = Path(name)
        returned = fill(folder, *words)
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        made = {str(path.relative_to(folder)): (path.stat().st_mode & 0o777, path.read_bytes()) for path in paths}
        return made, returned


def lay_out(folder: Path, fill: Callable[..., Any], *words: object) -> Any:
    """Put into a folder the files that `fill(folder, *words)` makes in an empty one; give what it returned.

    `fill` is called once a process for the same words: it is a function of a module, leaves nothing open, and writes
    nothing that names the folder. Every copy holds the same identifiers: it is for what one test has to itself.
    """
    files, returned = _made(fill, words)
    for name, (mode, octets) in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=mode)
        path.write_bytes(octets)
    return returned
