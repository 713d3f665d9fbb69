"""Every store error has a reply."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.imap.errors import STORE_REPLIES, Reply, reply_for
from store.errors import NotFound, StoreError


def leaves(kind: type[StoreError]) -> Iterator[type[StoreError]]:
    below = kind.__subclasses__()
    if not below:
        yield kind
    for each in below:
        yield from leaves(each)


def test_every_leaf_has_a_row() -> None:
    """docs/architecture.md, part 6: one table, every leaf of the tree in it; codes of [RFC5530] 3."""
    missing = [leaf for leaf in leaves(StoreError) if leaf not in STORE_REPLIES and leaf.__module__ == "store.errors"]
    assert missing == []
    assert all(reply.status == b"NO" and reply.code for reply in STORE_REPLIES.values())


def test_a_subclass_takes_its_base() -> None:
    class Special(NotFound):
        pass

    assert reply_for(Special("x")) is STORE_REPLIES[NotFound]
    assert reply_for(StoreError("x")).code == b"SERVERBUG"


def test_reply_lines() -> None:
    """[RFC3501] 7.1."""
    assert Reply(b"OK", b"done.").line(b"a1") == b"a1 OK done.\r\n"
    assert Reply(b"NO", b"full.", b"OVERQUOTA").line(b"a1") == b"a1 NO [OVERQUOTA] full.\r\n"
