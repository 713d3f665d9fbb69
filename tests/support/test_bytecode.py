"""Bytecode laid out before the tests start is the one that pytest and Python look for."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from _pytest.assertion import rewrite

from tests.support.bytecode import fill, link_libraries, missing, place


@pytest.fixture(autouse=True)
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    return tmp_path


def test_pytest_finds_a_test_with_its_assertions_rewritten() -> None:
    source = Path(__file__)
    assert source in set(missing())
    fill(source)
    code = rewrite._read_pyc(source, rewrite.get_cache_dir(source) / f"{source.stem}{rewrite.PYC_TAIL}")
    assert code is not None
    assert "@pytest_ar" in code.co_names
    assert source not in set(missing())


def test_python_finds_a_module() -> None:
    source = Path(rewrite.__file__)
    fill(source)
    assert place(source).read_bytes().startswith(importlib.util.MAGIC_NUMBER)


def test_libraries_are_linked_to(prefix: Path) -> None:
    link_libraries(prefix, [Path(pytest.__file__).parent])
    there = Path(importlib.util.cache_from_source(pytest.__file__))
    assert there.is_symlink()
    assert there.resolve().parent.name == "__pycache__"
    before = there.lstat()
    link_libraries(prefix, [Path(pytest.__file__).parent])
    assert there.lstat() == before
