"""Folder permissions ([MS-OXCPERM])."""

from __future__ import annotations

from uuid import UUID

import pytest

from store import permissions
from store.engine import Shard
from store.errors import AccessDenied, NotFound
from store.ids import SpecialFolder
from store.permissions import ANONYMOUS, DEFAULT, Member, Rights, change, read, rights
from tests.store.conftest import World

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
    """[MS-OXCPERM] 2.2.4: member 0 is the default user, member -1 the anonymous one."""
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
