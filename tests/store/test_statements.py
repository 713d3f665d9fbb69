"""Statements are compiled at their first use: here all are, in the words of both kinds of database."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import bindparam, select

import store
from store.engine import Statement
from store.schema import folder


def statements(value: Any) -> Iterator[Statement]:
    if isinstance(value, Statement):
        yield value
    elif isinstance(value, dict):
        yield from statements(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from statements(part)


def test_every_statement_compiles_with_the_parameters_it_declares() -> None:
    found = set()
    for module in pkgutil.walk_packages(store.__path__, "store."):
        if module.name != "store.migrations.env":  # it is Alembic's to run
            found |= set(statements(list(vars(importlib.import_module(module.name)).values())))
    assert len(found) > 200
    for statement in found:
        for text, mark in ((statement.sqlite, "?"), (statement.postgresql, "$")):
            assert all(f"{mark}{number}" in text for number in range(1, len(statement.names) + 1)), statement


@pytest.mark.parametrize("names", [("m",), ("m", "f", "other")])
def test_parameters_that_are_not_as_declared(names: tuple[str, ...]) -> None:
    statement = Statement(
        select(folder.c.name).where(folder.c.mailbox_id == bindparam("m"), folder.c.folder_id == bindparam("f")), *names
    )
    with pytest.raises(ValueError, match="parameter"):
        _ = statement.sqlite
    with pytest.raises(ValueError, match="parameter"):
        _ = statement.postgresql


def test_a_statement_has_nothing_else() -> None:
    with pytest.raises(AttributeError):
        _ = Statement(select(folder.c.name)).oracle
