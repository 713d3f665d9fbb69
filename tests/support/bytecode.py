"""Fills the folder that PYTHONPYCACHEPREFIX names before the tests begin: `python -m tests.support.bytecode`.

In a fresh clone each of those processes would compile the same 1,700 files for itself, all at the same time. Here each
file is compiled once, on all cores, and what pip compiled when it installed a library is linked to. The form in which
pytest keeps a test is its own affair: the version of pytest is pinned, and a test tells when it changes.
"""

from __future__ import annotations

import os
import py_compile
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.util import cache_from_source
from multiprocessing import get_context
from pathlib import Path

from _pytest.assertion import rewrite

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "conversion", "directory", "gateway", "store", "tests")


def link_libraries(prefix: Path, folders: Iterable[Path]) -> None:
    """Put links to the bytecode of the libraries where it is looked for; one that is stale Python replaces."""
    stamp = prefix / "libraries"
    if stamp.exists() and stamp.stat().st_mtime >= max(folder.stat().st_mtime for folder in folders):
        return
    for folder in folders:
        for path, below, names in os.walk(folder):
            below[:] = [name for name in below if name not in ("site-packages", "test", "tests", "__pycache__")]
            compiled = Path(path, "__pycache__")
            for there in compiled.glob(f"*.{sys.implementation.cache_tag}.pyc"):
                source = f"{there.name.split('.')[0]}.py"
                here = Path(cache_from_source(str(Path(path, source))))
                if source in names and not os.path.lexists(here):
                    here.parent.mkdir(parents=True, exist_ok=True)
                    here.symlink_to(there)
    stamp.touch()


def place(source: Path) -> Path:
    """Say where the bytecode of a source is looked for: pytest keeps that with its assertions apart."""
    usual = Path(cache_from_source(str(source)))
    if source.name.startswith("test_") or source.name == "conftest.py":
        return usual.parent / f"{source.stem}{rewrite.PYC_TAIL}"
    return usual


def missing() -> Iterator[Path]:
    """Give the sources of the project without bytecode. What is there and stale its reader compiles again."""
    for package in PACKAGES:
        for source in (ROOT / package).rglob("*.py"):
            if not place(source).exists():
                yield source


def fill(source: Path) -> None:
    """Compile a source, as pytest does where it would."""
    target = place(source)
    if target.name.endswith(rewrite.PYC_TAIL):
        target.parent.mkdir(parents=True, exist_ok=True)
        digest, code = rewrite._rewrite_test(source, None)  # type: ignore[arg-type]  # the settings may be None
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        with partial.open("wb") as stream:
            rewrite._write_pyc_fp(stream, digest, code)
        partial.replace(target)
    else:
        py_compile.compile(str(source), str(target), doraise=True)


def main() -> None:
    """Fill the folder; nothing when there is none."""
    if sys.pycache_prefix is None:
        return
    prefix = Path(sys.pycache_prefix)
    prefix.mkdir(parents=True, exist_ok=True)
    link_libraries(prefix, {Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")})
    sources = sorted(missing(), key=lambda path: path.stat().st_size, reverse=True)
    if sources:
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as pool:
            for _ in pool.map(fill, sources, chunksize=4):
                pass


if __name__ == "__main__":
    main()
