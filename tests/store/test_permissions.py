"""Folder permissions ([MS-OXCPERM])."""

from __future__ import annotations

from uuid import UUID

import pytest

from store import permissions
from store.engine import Shard
from store.errors import AccessDenied, NotFound
from store.ids import SYSTEM_FLAGS, MessageFlag, SpecialFolder
from store.permissions import ANONYMOUS, DEFAULT, Member, Rights, change, read, rights
from tests.store.conftest import World
from tests.support.storemail import deliver

_INBOX = SpecialFolder.INBOX
_ANN, _BEN, _TEAM, _STAFF = (UUID(int=number).bytes_le for number in (1, 2, 3, 4))


@pytest.fixture
def shard(world: World) -> Shard:
    return world.store.shard(world.mailbox().ref)


def _set(shard: Shard, principal: bytes, bits: int | None) -> None:
    with shard.write() as work:
        change(work, _INBOX, principal, bits)


def _rights(shard: Shard, *principals: bytes) -> Rights:
    with shard.read() as db:
        return rights(db, _INBOX, principals)


def test_bits() -> None:
    """[MS-OXCPERM] 2.2.7."""
    values = {"READ_ANY": 1, "CREATE": 2, "EDIT_OWNED": 8, "DELETE_OWNED": 0x10, "EDIT_ANY": 0x20, "DELETE_ANY": 0x40}
    values |= {"CREATE_SUBFOLDER": 0x80, "FOLDER_OWNER": 0x100, "FOLDER_CONTACT": 0x200, "FOLDER_VISIBLE": 0x400}
    values |= {"FREE_BUSY_SIMPLE": 0x800, "FREE_BUSY_DETAILED": 0x1000}
    assert {right.name: right.value for right in Rights} == values
    assert sum(values.values()) == permissions.ALL


def test_default_and_anonymous_are_always_listed(shard: Shard) -> None:
    """[MS-OXCPERM] 2.2.4, 2.2.5: member 0 is the default user, member -1 the anonymous one."""
    with shard.read() as db:
        assert read(db, _INBOX) == [Member(0, DEFAULT, Rights(0)), Member(-1, ANONYMOUS, Rights(0))]


def test_set_change_and_remove(world: World, shard: Shard) -> None:
    _set(shard, _ANN, Rights.READ_ANY)
    _set(shard, _BEN, Rights.READ_ANY | Rights.CREATE)
    _set(shard, DEFAULT, Rights.FOLDER_VISIBLE)
    _set(shard, _ANN, Rights.CREATE)
    with shard.read() as db:
        default, anonymous, ann, ben = read(db, _INBOX)
    assert (default.rights, anonymous.rights) == (Rights.FOLDER_VISIBLE, 0)
    assert (ann.principal, ann.rights) == (_ANN, Rights.CREATE)
    assert (ben.principal, ben.rights) == (_BEN, Rights.READ_ANY | Rights.CREATE)
    assert 0 < ann.member_id < ben.member_id
    _set(shard, _ANN, None)
    _set(shard, DEFAULT, None)
    with shard.read() as db:
        assert [member.principal for member in read(db, _INBOX)] == [DEFAULT, ANONYMOUS, _BEN]
    assert [hint.folder_id for hint in world.hints] == [0] * 6
    assert [hint.cn for hint in world.hints] == sorted({hint.cn for hint in world.hints})


def test_a_change_is_a_change_of_the_folder(world: World) -> None:
    mailbox = world.mailbox()
    shard = world.store.shard(mailbox.ref)
    before = mailbox.folder(_INBOX)
    _set(shard, _ANN, Rights.READ_ANY)
    after = mailbox.folder(_INBOX)
    assert after.cn > before.cn
    assert after.modseq == before.modseq


def test_whose_rights_count(shard: Shard) -> None:
    """[MS-OXCPERM] 3.2.5.1: own member, else groups together, else the default user; anonymous apart."""
    _set(shard, DEFAULT, Rights.FOLDER_VISIBLE)
    _set(shard, _TEAM, Rights.READ_ANY)
    _set(shard, _STAFF, Rights.CREATE)
    _set(shard, _BEN, Rights(0))
    assert _rights(shard, _ANN) == Rights.FOLDER_VISIBLE
    assert _rights(shard, _ANN, _TEAM) == Rights.READ_ANY
    assert _rights(shard, _ANN, _TEAM, _STAFF) == Rights.READ_ANY | Rights.CREATE
    assert _rights(shard, _BEN, _TEAM, _STAFF) == 0
    assert _rights(shard, ANONYMOUS) == 0
    _set(shard, ANONYMOUS, Rights.FREE_BUSY_SIMPLE)
    assert _rights(shard, ANONYMOUS) == Rights.FREE_BUSY_SIMPLE
    with shard.read() as db:
        assert rights(db, _INBOX, _ANN) == Rights.FOLDER_VISIBLE
        assert rights(db, 12345, _ANN) == 0


def test_implied_rights_are_added_and_unknown_bits_refused(shard: Shard) -> None:
    """[MS-OXCPERM] 2.2.7, MS-OXCPERM_R1093: no other bits."""
    _set(shard, _ANN, Rights.EDIT_ANY | Rights.DELETE_ANY | Rights.FREE_BUSY_DETAILED)
    assert _rights(shard, _ANN) & (Rights.EDIT_OWNED | Rights.DELETE_OWNED | Rights.FREE_BUSY_SIMPLE) == 0x818
    for bits in (0x4, 0x2000, 1 << 31, -1):
        with pytest.raises(ValueError, match="no member rights"):
            _set(shard, _ANN, bits)


def test_require(shard: Shard) -> None:
    _set(shard, _ANN, Rights.READ_ANY)
    with shard.read() as db:
        permissions.require(db, _INBOX, _ANN, Rights.READ_ANY)
        permissions.require(db, _INBOX, None, permissions.ALL)
        with pytest.raises(AccessDenied):
            permissions.require(db, _INBOX, _ANN, Rights.READ_ANY | Rights.CREATE)
        with pytest.raises(AccessDenied):
            permissions.require(db, _INBOX, [_BEN], Rights.READ_ANY)


@pytest.mark.parametrize(
    ("held", "own", "allowed"),
    [
        (Rights.EDIT_ANY, False, True),
        (Rights.EDIT_OWNED, False, False),
        (Rights.EDIT_OWNED, True, True),
        (Rights.READ_ANY, True, False),
    ],
)
def test_own_messages(held: Rights, own: bool, allowed: bool) -> None:
    assert permissions.may(held, Rights.EDIT_ANY, Rights.EDIT_OWNED, own=own) is allowed


def test_a_folder_that_is_not_there(shard: Shard) -> None:
    with shard.write() as work, pytest.raises(NotFound):
        change(work, 12345, _ANN, Rights.READ_ANY)


def test_inheritance_and_deletion(world: World) -> None:
    mailbox = world.mailbox()
    shard = world.store.shard(mailbox.ref)
    _set(shard, DEFAULT, Rights.FOLDER_VISIBLE)
    _set(shard, _ANN, Rights.READ_ANY)
    child = mailbox.create_folder(("INBOX", "below")).id
    with shard.write() as work:
        permissions.forget(work, child)
        permissions.inherit(work, _INBOX, child)
        assert read(work, child) == read(work, _INBOX)
        permissions.forget(work, child)
        assert [member.rights for member in read(work, child)] == [0, 0]


def test_rights_of_all_folders_at_once(world: World) -> None:
    """The same answers as one by one, groups and Default among them."""
    mailbox = world.mailbox()
    shard = world.store.shard(mailbox.ref)
    for folder, principal, bits in (
        (_INBOX, DEFAULT, Rights.FOLDER_VISIBLE),
        (_INBOX, _ANN, Rights.READ_ANY),
        (SpecialFolder.DRAFTS, _TEAM, Rights.FOLDER_VISIBLE),
        (SpecialFolder.ARCHIVE, ANONYMOUS, Rights.FOLDER_VISIBLE),
    ):
        mailbox.set_permission(folder, principal, bits)
    with shard.read() as db:
        for who in ([_ANN], [_BEN, _TEAM], [_BEN], [ANONYMOUS]):
            held = permissions.everywhere(db, who)
            for row in mailbox.folders():
                assert held[row.id] == rights(db, row.id, who)
    assert mailbox.shown_to() == {DEFAULT, _TEAM}


def test_a_guest_changes_the_flags_that_its_rights_allow(world: World) -> None:
    """[RFC4314] 4: the right to delete is for \\Deleted, the right to edit for the rest; the others' flags stay."""
    mailbox = world.mailbox()
    first = deliver(mailbox, _INBOX).uid
    mailbox.set_flags(_INBOX, [first], add=MessageFlag.FLAGGED, add_keywords=["work"])
    guest = world.store.open(mailbox.ref, as_user=(_ANN, _TEAM))

    def flags() -> tuple[int, int]:
        row = mailbox.rows(_INBOX)[0]
        return row.flags & SYSTEM_FLAGS, row.keywords

    mailbox.set_permission(_INBOX, _TEAM, Rights.FOLDER_VISIBLE | Rights.READ_ANY | Rights.DELETE_ANY)
    guest.set_flags(_INBOX, [first], add=MessageFlag.DELETED | MessageFlag.SEEN, replace=True)
    assert flags() == (MessageFlag.FLAGGED | MessageFlag.DELETED, 1)
    guest.set_flags(_INBOX, [first], replace=True)
    assert flags() == (MessageFlag.FLAGGED, 1)
    for refused in ({"add": MessageFlag.SEEN}, {"add_keywords": ["x"]}, {"remove": MessageFlag.FLAGGED}):
        with pytest.raises(AccessDenied):
            guest.set_flags(_INBOX, [first], **refused)  # type: ignore[arg-type]  # one of several parameters
    mailbox.set_flags(_INBOX, [first], add=MessageFlag.DELETED)
    mailbox.set_permission(_INBOX, _TEAM, Rights.FOLDER_VISIBLE | Rights.READ_ANY | Rights.EDIT_ANY)
    guest.set_flags(_INBOX, [first], add=MessageFlag.SEEN, add_keywords=["new"], replace=True)
    assert flags() == (MessageFlag.SEEN | MessageFlag.DELETED, 2)
    guest.set_flags(_INBOX, [first], remove=MessageFlag.DELETED | MessageFlag.SEEN)
    assert flags() == (MessageFlag.DELETED, 2)
    with pytest.raises(AccessDenied):
        guest.set_flags(_INBOX, [first], remove=MessageFlag.DELETED)


def test_copies_lose_the_flags_that_may_not_be_set(world: World) -> None:
    """[RFC4314] 4: COPY and APPEND do not fail for it."""
    mailbox = world.mailbox()
    uid = deliver(mailbox, _INBOX).uid
    mailbox.set_flags(_INBOX, [uid], add=MessageFlag.FLAGGED | MessageFlag.DELETED, add_keywords=["work"])
    guest = world.store.open(mailbox.ref, as_user=_ANN)
    see = Rights.FOLDER_VISIBLE | Rights.CREATE
    mailbox.set_permission(_INBOX, _ANN, see | Rights.READ_ANY)
    for bits, kept in ((see, (0, 0)), (see | Rights.DELETE_ANY, (MessageFlag.DELETED, 0))):
        target = mailbox.create_folder((f"to {int(bits)}",))
        mailbox.set_permission(target.id, _ANN, bits)
        guest.copy(_INBOX, [uid], target.id)
        (row,) = mailbox.rows(target.id)
        assert (row.flags & SYSTEM_FLAGS, row.keywords) == kept
    made = deliver(guest, _INBOX, flags=MessageFlag.SEEN | MessageFlag.DELETED)
    assert made.flags & SYSTEM_FLAGS == 0
    assert world.store.fsck(mailbox.ref) == []
