"""STORE: flags, keywords, UNCHANGEDSINCE, and how far a change reaches ([RFC3501] 6.4.6, [RFC7162] 3.1.3)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, select

from store.changes import FlagUpdate
from store.engine import Statement
from store.errors import TooLarge
from store.ids import SYSTEM_FLAGS, MessageFlag, SpecialFolder
from store.mailbox import Mailbox
from store.schema import message
from tests.store.conftest import World
from tests.support.examples import examples
from tests.support.storemail import deliver, fill

INBOX = SpecialFolder.INBOX
SEEN, FLAGGED, DELETED = MessageFlag.SEEN, MessageFlag.FLAGGED, MessageFlag.DELETED


def flags(mailbox: Mailbox) -> dict[int, int]:
    return {row.uid: row.flags & SYSTEM_FLAGS for row in mailbox.rows(INBOX)}


def words(mailbox: Mailbox, bits: int) -> set[str]:
    return {name for bit, name in mailbox.keyword_names().items() if bits >> bit & 1}


def test_add_remove_replace(mailbox: Mailbox) -> None:
    """[RFC3501] 6.4.6: +FLAGS, -FLAGS and FLAGS."""
    uids = fill(mailbox, INBOX, 3)
    mailbox.set_flags(INBOX, uids[:2], add=SEEN | FLAGGED)
    assert flags(mailbox) == {1: SEEN | FLAGGED, 2: SEEN | FLAGGED, 3: 0}
    mailbox.set_flags(INBOX, uids, remove=SEEN)
    assert flags(mailbox) == {1: FLAGGED, 2: FLAGGED, 3: 0}
    mailbox.set_flags(INBOX, uids, add=DELETED, replace=True)
    assert flags(mailbox) == {1: DELETED, 2: DELETED, 3: DELETED}


def test_the_rows_are_current(mailbox: Mailbox) -> None:
    uids = fill(mailbox, INBOX, 4)
    mailbox.set_flags(INBOX, [2], add=SEEN)
    update = mailbox.set_flags(INBOX, [*uids, 99], add=SEEN)
    assert update.modified == []
    assert update.rows == mailbox.rows(INBOX)


def test_only_real_changes_take_a_change_number(world: World) -> None:
    mailbox = world.mailbox()
    uids = fill(mailbox, INBOX, 3)
    mailbox.set_flags(INBOX, [2], add=FLAGGED)
    before = {row.uid: row.modseq for row in mailbox.rows(INBOX)}
    mailbox.set_flags(INBOX, uids, add=FLAGGED)
    after = {row.uid: row.modseq for row in mailbox.rows(INBOX)}
    assert after[2] == before[2]
    assert after[1] > max(before.values())
    assert after[1] < after[3] == mailbox.folder(INBOX).modseq
    world.hints.clear()
    mailbox.set_flags(INBOX, uids, add=FLAGGED)
    assert mailbox.folder(INBOX).modseq == after[3]
    assert world.hints == [], "nothing changed, so nobody is told"


def test_counters_follow(mailbox: Mailbox) -> None:
    uids = fill(mailbox, INBOX, 5)
    mailbox.set_flags(INBOX, uids[:3], add=SEEN)
    mailbox.set_flags(INBOX, uids[1:4], add=SEEN | DELETED)
    folder = mailbox.folder(INBOX)
    assert (folder.unread, folder.deleted) == (1, 3)
    mailbox.set_flags(INBOX, uids, replace=True)
    folder = mailbox.folder(INBOX)
    assert (folder.unread, folder.deleted) == (5, 0)


def test_system_flags_only(mailbox: Mailbox) -> None:
    uids = fill(mailbox, INBOX, 1)
    mailbox.set_flags(INBOX, uids, add=MessageFlag.ASSOCIATED | MessageFlag.SUBMITTED)
    assert mailbox.rows(INBOX)[0].flags == 0


def test_unchangedsince(mailbox: Mailbox) -> None:
    """[RFC7162] 3.1.3: a message changed since is left alone and reported; the others are changed."""
    uids = fill(mailbox, INBOX, 4)
    mark = mailbox.folder(INBOX).modseq
    mailbox.set_flags(INBOX, [2, 4], add=FLAGGED)
    update = mailbox.set_flags(INBOX, uids, add=DELETED, unchanged_since=mark)
    assert update.modified == [2, 4]
    assert [row.uid for row in update.rows] == [1, 3]
    assert flags(mailbox) == {1: DELETED, 2: FLAGGED, 3: DELETED, 4: FLAGGED}
    assert mailbox.set_flags(INBOX, uids, add=SEEN, unchanged_since=0).modified == uids


def test_keywords(mailbox: Mailbox) -> None:
    """[RFC3501] 2.3.2: keywords are named by clients, compared without case; the first spelling stays."""
    uids = fill(mailbox, INBOX, 2)
    mailbox.set_flags(INBOX, uids, add_keywords=["Work", "$Forwarded"])
    mailbox.set_flags(INBOX, [1], remove_keywords=["WORK", "unknown"])
    rows = mailbox.rows(INBOX)
    assert words(mailbox, rows[0].keywords) == {"$Forwarded"}
    assert words(mailbox, rows[1].keywords) == {"Work", "$Forwarded"}
    mailbox.set_flags(INBOX, uids, add_keywords=["work", "new"], replace=True)
    assert {words(mailbox, row.keywords) == {"Work", "new"} for row in mailbox.rows(INBOX)} == {True}
    assert sorted(mailbox.keyword_names().values()) == ["$Forwarded", "Work", "new"]


def test_sixty_three_keywords(mailbox: Mailbox) -> None:
    uids = fill(mailbox, INBOX, 1)
    mailbox.set_flags(INBOX, uids, add_keywords=[f"k{number}" for number in range(63)])
    assert len(words(mailbox, mailbox.rows(INBOX)[0].keywords)) == 63
    with pytest.raises(TooLarge):
        mailbox.set_flags(INBOX, uids, add_keywords=["one too many"])
    mailbox.set_flags(INBOX, uids, remove_keywords=[f"k{number}" for number in range(62)])
    assert words(mailbox, mailbox.rows(INBOX)[0].keywords) == {"k62"}


def test_a_keyword_has_255_octets_at_most(mailbox: Mailbox) -> None:
    uids = fill(mailbox, INBOX, 1)
    mailbox.set_flags(INBOX, uids, add_keywords=["k" * 255])
    with pytest.raises(TooLarge):
        mailbox.set_flags(INBOX, uids, add_keywords=["ä" * 128])
    assert len(mailbox.keyword_names()) == 1


def test_the_numbers_set_aside_are_one_run(mailbox: Mailbox) -> None:
    """Those of the messages that change, whatever lies between their UIDs, and of no other change."""
    uids = fill(mailbox, INBOX, 6)
    mailbox.set_flags(INBOX, [3], add=SEEN)
    standing = mailbox.standing(INBOX)[0]
    update = mailbox.set_flags(INBOX, [1, 3, 5], add=SEEN)
    assert update.taken[0] == standing + 1
    assert update.taken[-1] == mailbox.standing(INBOX)[0]
    assert [modseq in update.taken for modseq in update.modseqs] == [True, False, True]
    assert mailbox.set_flags(INBOX, uids, add=FLAGGED).taken[0] == update.taken[-1] + 1
    assert not mailbox.set_flags(INBOX, uids, add=FLAGGED).taken


def test_uids_far_apart(mailbox: Mailbox) -> None:
    """Each changed message has its own change number also when the UIDs lie far apart."""
    fill(mailbox, INBOX, 2)
    with mailbox._shard.write() as work:
        far = f"UPDATE folder SET uidnext = 50000 WHERE folder_id = 5 AND mailbox_id = {work.mailbox_id}"
        work.connection.execute(far)  # type: ignore[attr-defined]  # no part of the store skips UIDs
    uids = [1, 2, *fill(mailbox, INBOX, 2)]
    assert uids[2] == 50_000
    update = mailbox.set_flags(INBOX, uids, add=FLAGGED)
    numbers = [row.modseq for row in update.rows]
    assert len(set(numbers)) == 4
    assert max(numbers) == mailbox.folder(INBOX).modseq
    assert update.rows == mailbox.rows(INBOX)
    following = deliver(mailbox, INBOX)
    assert following.modseq > max(numbers)


def _cns(mailbox: Mailbox, uid: int) -> tuple[int, int, int]:
    statement = Statement(
        select(message.c.modseq, message.c.cn, message.c.read_cn).where(
            message.c.mailbox_id == bindparam("m"), message.c.folder_id == INBOX.value, message.c.uid == bindparam("u")
        ),
        "m",
        "u",
    )
    with mailbox._shard.read() as db:
        row = db.one(statement, (db.mailbox_id, uid))
    assert row is not None
    return row[0], row[1], row[2]


@pytest.mark.parametrize(
    ("change", "moves"),
    [
        ({"add": SEEN}, "read_cn"),
        ({"add": DELETED}, "modseq"),
        ({"add": FLAGGED}, "cn"),
        ({"add": MessageFlag.ANSWERED}, "cn"),
        ({"add_keywords": ["x"]}, "cn"),
    ],
)
def test_how_far_a_change_reaches(mailbox: Mailbox, change: dict[str, object], moves: str) -> None:
    """MS-OXCFXICS_R2083: reading moves the read change number alone; \\Deleted is IMAP's own; others are a version."""
    deliver(mailbox, INBOX)
    modseq, cn, read_cn = _cns(mailbox, 1)
    mailbox.set_flags(INBOX, [1], **change)  # type: ignore[arg-type]
    after = _cns(mailbox, 1)
    assert after[0] > modseq
    assert (after[1] == after[0]) == (moves == "cn")
    assert (after[2] == after[0]) == (moves == "read_cn")
    if moves != "cn":
        assert after[1] == cn
    if moves != "read_cn":
        assert after[2] == read_cn


_SOME_FLAGS = st.sets(st.sampled_from([SEEN, FLAGGED, DELETED, MessageFlag.ANSWERED]), max_size=3).map(
    lambda chosen: sum(int(flag) for flag in chosen)
)


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    given_flags=st.lists(_SOME_FLAGS, min_size=3, max_size=3),
    add=_SOME_FLAGS,
    remove=_SOME_FLAGS,
    word=st.sampled_from(["", "+", "-"]),
    replace=st.booleans(),
    chosen=st.sampled_from([[1, 2, 3], [1, 3]]),
)
def test_any_change_reaches_as_far_in_each_row(
    world: World, given_flags: list[int], add: int, remove: int, word: str, replace: bool, chosen: list[int]
) -> None:
    """Whatever one statement changes of many messages: of each only those numbers move that its own change moves."""
    mailbox = world.mailbox()
    uids = fill(mailbox, INBOX, 3)
    for uid, bits in zip(uids, given_flags, strict=True):
        mailbox.set_flags(INBOX, [uid], add=bits, add_keywords=["k"] if uid == 2 else ())
    before = {row.uid: (row, _cns(mailbox, row.uid)) for row in mailbox.rows(INBOX)}
    mailbox.set_flags(
        INBOX,
        chosen,
        add=add,
        remove=0 if replace else remove,
        replace=replace,
        add_keywords=["k"] if word == "+" else (),
        remove_keywords=["k"] if word == "-" else (),
    )
    for row in mailbox.rows(INBOX):
        old, (modseq, cn, read_cn) = before[row.uid]
        now = _cns(mailbox, row.uid)
        flips = (row.flags ^ old.flags) & SYSTEM_FLAGS
        synced = flips & ~(SEEN | DELETED) != 0 or row.keywords != old.keywords
        assert (now[0] > modseq) == (flips != 0 or synced)
        assert now[1] == (now[0] if synced else cn)
        assert now[2] == (now[0] if flips & SEEN else read_cn)


STEP = st.tuples(
    st.sets(st.integers(1, 8), min_size=1),
    st.sampled_from([0, SEEN, FLAGGED, DELETED, SEEN | DELETED]),
    st.sampled_from([0, SEEN, FLAGGED, SEEN | FLAGGED]),
    st.booleans(),
)


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(STEP, max_size=6))
def test_any_sequence_agrees_with_a_plain_model(world: World, steps: Iterable[tuple[set[int], int, int, bool]]) -> None:
    mailbox = world.mailbox()
    model = dict.fromkeys(fill(mailbox, INBOX, 8), 0)
    for uids, add, remove, replace in steps:
        before = dict(model)
        for uid in uids:
            model[uid] = add if replace else model[uid] & ~remove | add
        modseq = mailbox.folder(INBOX).modseq
        mailbox.set_flags(INBOX, sorted(uids), add=add, remove=remove, replace=replace)
        assert flags(mailbox) == model
        changed = {row.uid for row in mailbox.rows(INBOX) if row.modseq > modseq}
        assert changed == {uid for uid in model if model[uid] != before[uid]}
    folder = mailbox.folder(INBOX)
    assert folder.unread == sum(1 for bits in model.values() if not bits & SEEN)
    assert folder.deleted == sum(1 for bits in model.values() if bits & DELETED)


_STEP = st.tuples(
    st.sets(st.integers(1, 60)), st.sampled_from((SEEN, FLAGGED, DELETED)), st.booleans(), st.sampled_from(("", "own"))
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=examples(15))
@given(steps=st.lists(st.lists(_STEP, min_size=1, max_size=3), max_size=4), rare=st.booleans())
def test_the_index_takes_over_changes_of_many(
    world: World, steps: list[list[tuple[set[int], int, bool, str]]], rare: bool
) -> None:
    """What STORE writes into the index is what the rows say, alone, in a group, and beside other changes."""
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 60)
    if rare:
        mailbox.remove_messages(INBOX, [7, 30])

    def change(uids: set[int], flag: int, adding: bool, word: str) -> None:
        chosen = sorted(uids)
        if adding:
            mailbox.set_flags(INBOX, chosen, add=flag, add_keywords=[word] if word else ())
        else:
            mailbox.set_flags(INBOX, chosen, remove=flag)
            deliver(mailbox, INBOX)

    mailbox.index(INBOX)
    for operations in steps:
        world.store.group(mailbox.ref, [lambda each=each: change(*each) for each in operations])  # type: ignore[misc] # mypy cannot infer a default
        index = mailbox.index(INBOX)
        assert [index.at(place) for place in range(len(index))] == mailbox.rows(INBOX)
        assert index.modseq == mailbox.folder(INBOX).modseq


def test_a_change_of_many_leaves_nothing_to_read(mailbox: Mailbox) -> None:
    uids = fill(mailbox, INBOX, 40)
    index = mailbox.index(INBOX)
    mailbox.set_flags(INBOX, uids, add=SEEN)
    assert index.modseq == mailbox.folder(INBOX).modseq
    assert set(index.flags) == {row.flags for row in mailbox.rows(INBOX)}


@pytest.mark.parametrize("warm", [False, True], ids=["from the rows", "from the index"])
def test_many_at_once_come_out_as_the_rows_say(world: World, warm: bool) -> None:
    """Whether the folder is in memory or not, and whatever the same unit of work has done before."""
    mailbox = world.mailbox()
    uids = fill(mailbox, INBOX, 60)
    mailbox.set_flags(INBOX, uids[::3], add=FLAGGED, add_keywords=["one"])
    mailbox.remove_messages(INBOX, [7, 8])
    if warm:
        mailbox.index(INBOX)

    def change(**options: object) -> FlagUpdate:
        update = mailbox.set_flags(INBOX, range(1, 70), **options)  # type: ignore[arg-type]  # of several types
        assert update.rows == mailbox.rows(INBOX, [row.uid for row in update.rows])
        return update

    assert len(change(add=FLAGGED).rows) == 58
    assert change(add=SEEN, unchanged_since=mailbox.rows(INBOX, [5])[0].modseq).modified != []
    first, second, third = world.store.group(
        mailbox.ref,
        [
            lambda: change(add=DELETED),
            lambda: deliver(mailbox, INBOX).uid,
            lambda: change(remove=SEEN, add_keywords=["two"]),
        ],
    )
    assert second == 61
    assert [len(update.rows) for update in (first, third) if isinstance(update, FlagUpdate)] == [58, 59]
    index = mailbox.index(INBOX)
    assert [index.at(place) for place in range(len(index))] == mailbox.rows(INBOX)
    assert world.store.fsck(mailbox.ref) == []
