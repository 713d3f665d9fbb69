"""directory.query to SQL over `value_index`."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Boolean, ColumnElement, and_, cast, false, not_, null, or_, select, true

from directory import query
from directory.indexing import ANR, MAX_INDEXED
from directory.query import Query, attribute_key, value_key
from directory.schema import principal, value_index

LAST = "\U0010ffff"
"""Sorts after every character that a value may hold next."""
MAX_NODES = 1000
MAX_DEPTH = 50


def condition(tree: Query, recognised: Callable[[str], bool]) -> ColumnElement[bool]:
    """Turn a query into a condition over `principal`; Undefined becomes NULL, as in SQL ([RFC4511] 4.5.1.7).

    Raises:
        ValueError: more than MAX_NODES parts, or nested deeper than MAX_DEPTH.
    """
    return _Compiler(recognised).compile(tree, 0)


class _Compiler:
    def __init__(self, recognised: Callable[[str], bool]) -> None:
        self.recognised = recognised
        self.nodes = 0

    def compile(self, tree: Query, depth: int) -> ColumnElement[bool]:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise ValueError(f"a query has at most {MAX_NODES} parts and {MAX_DEPTH} levels")
        match tree:
            case query.And(parts):
                return and_(true(), *(self.compile(part, depth + 1) for part in parts))
            case query.Or(parts):
                return or_(false(), *(self.compile(part, depth + 1) for part in parts))
            case query.Not(part):
                return not_(self.compile(part, depth + 1))
        key = attribute_key(tree.attribute)
        if key != ANR and not self.recognised(key):
            return cast(null(), Boolean)
        test = _test(tree)
        if test is None:
            return false()
        ids = select(value_index.c.principal_id).where(value_index.c.attribute == key, test)
        return principal.c.id.in_(ids)


def _test(
    tree: query.Present | query.Equal | query.Prefix | query.Substring | query.AtLeast | query.AtMost,
) -> ColumnElement[bool] | None:
    """Give the condition on a value, or None where no stored value can meet it."""
    column = value_index.c.value
    match tree:
        case query.Present():
            return true()
        case query.Substring(_, initial, middle, final):
            keys = [value_key(initial), *map(value_key, middle), value_key(final)]
            if not all(map(_storable, keys)):
                return None
            like = column.like("%".join(map(_like, keys)), escape="\\")
            return and_(_prefix(keys[0]), like) if keys[0] else like
    key = value_key(tree.value)[:MAX_INDEXED]
    if not _storable(key):
        return None
    match tree:
        case query.Equal():
            return column == key
        case query.Prefix():
            return _prefix(key) if key else true()
        case query.AtLeast():
            return column >= key
    return column <= key


def _prefix(key: str) -> ColumnElement[bool]:
    return and_(value_index.c.value >= key, value_index.c.value < key + LAST)


def _like(key: str) -> str:
    return key.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _storable(key: str) -> bool:
    return "\0" not in key and not any("\ud800" <= char <= "\udfff" for char in key)
