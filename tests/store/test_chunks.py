"""Reader.chunks: a long answer in parts, of which only one is in memory at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import Integer, bindparam, select, text

from store.engine import Reader, Shard, Statement
from store.ids import SpecialFolder
from store.schema import message
from tests.store.conftest import World
from tests.support.storemail import fill

INBOX = SpecialFolder.INBOX

_UIDS = Statement(
    select(message.c.uid)
    .where(message.c.mailbox_id == bindparam("m"), message.c.folder_id == bindparam("f"))
    .order_by(message.c.uid),
    "m",
    "f",
)
_WAYS: dict[str, Callable[[Shard], AbstractContextManager[Reader]]] = {
    "read": lambda shard: shard.read(),
    "committed": lambda shard: shard.committed(),
    "snapshot": lambda shard: shard.snapshot(),
    "aside": lambda shard: shard.aside(),
    "write": lambda shard: shard.write(),
}


@pytest.mark.parametrize("way", _WAYS)
def test_rows_come_in_parts(world: World, way: str) -> None:
    """Whatever the reader sees; other statements, and another such answer, may come in between."""
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 7)
    key = (mailbox.ref.id, int(INBOX))
    with _WAYS[way](mailbox._shard) as db:
        assert list(db.chunks(_UIDS, (key[0], 4711), 3)) == []
        assert [len(rows) for rows in db.chunks(_UIDS, key, 7)] == [7]
        found = []
        for rows in db.chunks(_UIDS, key, 3):
            assert db.all(_UIDS, key) == [row for inner in db.chunks(_UIDS, key, 2) for row in inner]
            found.append([uid for (uid,) in rows])
        assert found == [[1, 2, 3], [4, 5, 6], [7]]
    assert len(mailbox.rows(INBOX)) == 7


def test_an_answer_that_nobody_wants_to_the_end(world: World) -> None:
    """What broke off leaves the connection as it was."""
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 7)

    def first(way: Callable[[Shard], AbstractContextManager[Reader]]) -> None:
        with way(mailbox._shard) as db:
            for rows in db.chunks(_UIDS, (db.mailbox_id, int(INBOX)), 3):
                raise LookupError(rows)

    for way in _WAYS.values():
        with pytest.raises(LookupError):
            first(way)
        assert len(mailbox.rows(INBOX)) == 7


def test_the_server_makes_a_part_when_it_is_asked_for(make_world: Callable[..., World], postgres_database: str) -> None:
    mailbox = make_world(postgres_database).mailbox()
    count = Statement(text("SELECT nextval('made') FROM generate_series(1, 1000)"))
    made = Statement(text("SELECT last_value FROM made").columns(last_value=Integer))
    with mailbox._shard.write() as work:
        work.run(Statement(text("CREATE SEQUENCE made")))
        parts = work.chunks(count, (), 10)
        assert next(parts) == [(number,) for number in range(1, 11)]
        assert work.one(made) == (10,)
        assert sum(map(len, parts)) == 990
