"""MessageFlag.REPEATED: the mark of a placement that came into the Inbox when its content was there already."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest

from store.ids import MessageFlag, SpecialFolder
from store.mailbox import Mailbox
from tests.store.conftest import World
from tests.support.storemail import deliver

INBOX = SpecialFolder.INBOX
REPEATED = int(MessageFlag.REPEATED)


def marked(mailbox: Mailbox, folder_id: int = INBOX) -> list[int]:
    return [row.uid for row in mailbox.rows(folder_id) if row.flags & REPEATED]


def test_only_the_inbox_marks(world: World) -> None:
    mailbox = world.mailbox()
    for _ in range(2):
        deliver(mailbox, INBOX)
    other = mailbox.create_folder(("Elsewhere",)).id
    assert mailbox.copy(INBOX, [1, 2], INBOX).destination == [3, 4]
    assert marked(mailbox) == [3, 4]
    mailbox.copy(INBOX, [1, 3], other)
    mailbox.copy(INBOX, [3], other)
    assert marked(mailbox, other) == []
    mailbox.remove_messages(INBOX, [1, 2, 3])
    assert mailbox.move(other, [1, 2, 3], INBOX).destination == [5, 6, 7]
    assert marked(mailbox) == [4, 6, 7], "the first of three of a content is the one that has it alone"


def test_clients_cannot_change_it(world: World) -> None:
    mailbox = world.mailbox()
    deliver(mailbox, INBOX)
    mailbox.copy(INBOX, [1], INBOX)
    mailbox.set_flags(INBOX, [1, 2], add=REPEATED | MessageFlag.SEEN, replace=True)
    assert marked(mailbox) == [2]
    mailbox.set_flags(INBOX, [1, 2], remove=REPEATED | MessageFlag.SEEN)
    assert marked(mailbox) == [2]
    assert mailbox.index(INBOX).flagged(REPEATED) == [2]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_mailboxes_of_before_are_marked(
    make_world: Callable[..., World], request: pytest.FixtureRequest, kind: str
) -> None:
    """Schema 5: in the Inbox all but the first of a content, elsewhere none; nothing else of the rows changes."""
    url = request.getfixturevalue("postgres_database") if kind == "postgresql" else None
    world = make_world(url)
    mailbox = world.mailbox()
    for _ in range(2):
        deliver(mailbox, INBOX)
    mailbox.copy(INBOX, [1, 2], INBOX)
    elsewhere = mailbox.create_folder(("Elsewhere",)).id
    mailbox.copy(INBOX, [2, 4], elsewhere)
    second = world.mailbox()
    deliver(second, INBOX)
    before = mailbox.rows(INBOX)
    ref = mailbox.ref
    world.store.close()
    unmark = f"UPDATE message SET flags = flags & {~REPEATED}"
    if url is not None:
        with psycopg.connect(url) as server:
            server.execute(unmark.encode())
            server.execute("UPDATE alembic_version SET version_num = '0004'")
    else:
        for path in world.settings.root.glob("mbx/??/*.sqlite"):
            with closing(sqlite3.connect(path)) as file:
                file.execute(unmark)
                file.execute("UPDATE mailbox SET schema_ver = 4")
                file.commit()
    other = world.other_process()
    again = other.open(ref)
    assert again.rows(INBOX) == before
    assert marked(again) == [3, 4]
    assert marked(again, elsewhere) == []
    assert marked(other.open(second.ref)) == []
    other.close()
