"""Folder permissions ([MS-OXCPERM])."""

from __future__ import annotations

from uuid import UUID

import pytest

from store import permissions
from store.errors import AccessDenied, NotFound
from store.ids import MailboxKind, MailboxRef, SpecialFolder
from store.permissions import ANONYMOUS, DEFAULT, Member, Rights, change, read, rights
from store.store import Store
from tests.store.conftest import World

_REF = MailboxRef(9, UUID(int=9))
_INBOX = SpecialFolder.INBOX
_ANN, _BEN, _TEAM, _STAFF = (UUID(int=number).bytes_le for number in (1, 2, 3, 4))


@pytest.fixture
def store(world: World) -> Store:
    world.store.create(_REF, MailboxKind.PRIVATE)
    return world.store


def _set(store: Store, principal: bytes, bits: int | None) -> None:
    with store.shard(_REF).write() as work:
        change(work, _INBOX, principal, bits)


def _rights(store: Store, *principals: bytes) -> Rights:
    with store.shard(_REF).read() as db:
        return rights(db, _INBOX, principals)


def test_bits() -> None:
    """[MS-OXCPERM] 2.2.7."""
    values = {"READ_ANY": 1, "CREATE": 2, "EDIT_OWNED": 8, "DELETE_OWNED": 0x10, "EDIT_ANY": 0x20, "DELETE_ANY": 0x40}
    values |= {"CREATE_SUBFOLDER": 0x80, "FOLDER_OWNER": 0x100, "FOLDER_CONTACT": 0x200, "FOLDER_VISIBLE": 0x400}
    values |= {"FREE_BUSY_SIMPLE": 0x800, "FREE_BUSY_DETAILED": 0x1000}
    assert {right.name: right.value for right in Rights} == values
    assert sum(values.values()) == permissions.ALL


def test_default_and_anonymous_are_always_listed(store: Store) -> None:
    """[MS-OXCPERM] 2.2.4: member 0 is the default user, member -1 the anonymous one."""
    with store.shard(_REF).read() as db:
        assert read(db, _INBOX) == [Member(0, DEFAULT, Rights(0)), Member(-1, ANONYMOUS, Rights(0))]


def test_set_change_and_remove(world: World, store: Store) -> None:
    _set(store, _ANN, Rights.READ_ANY)
    _set(store, _BEN, Rights.READ_ANY | Rights.CREATE)
    _set(store, DEFAULT, Rights.FOLDER_VISIBLE)
    _set(store, _ANN, Rights.CREATE)
    with store.shard(_REF).read() as db:
        default, anonymous, ann, ben = read(db, _INBOX)
    assert (default.rights, anonymous.rights) == (Rights.FOLDER_VISIBLE, 0)
    assert (ann.principal, ann.rights) == (_ANN, Rights.CREATE)
    assert (ben.principal, ben.rights) == (_BEN, Rights.READ_ANY | Rights.CREATE)
    assert 0 < ann.member_id < ben.member_id
    _set(store, _ANN, None)
    _set(store, DEFAULT, None)
    with store.shard(_REF).read() as db:
        assert [member.principal for member in read(db, _INBOX)] == [DEFAULT, ANONYMOUS, _BEN]
    assert [hint.folder_id for hint in world.hints] == [0] * 6
    assert [hint.cn for hint in world.hints] == sorted({hint.cn for hint in world.hints})


def test_a_change_is_a_change_of_the_folder(store: Store) -> None:
    mailbox = store.open(_REF)
    before = mailbox.folder(_INBOX)
    _set(store, _ANN, Rights.READ_ANY)
    after = mailbox.folder(_INBOX)
    assert after.cn > before.cn
    assert after.modseq == before.modseq


def test_whose_rights_count(store: Store) -> None:
    """[MS-OXCPERM] 3.2.5.1: own member, else groups together, else the default user; anonymous apart."""
    _set(store, DEFAULT, Rights.FOLDER_VISIBLE)
    _set(store, _TEAM, Rights.READ_ANY)
    _set(store, _STAFF, Rights.CREATE)
    _set(store, _BEN, Rights(0))
    assert _rights(store, _ANN) == Rights.FOLDER_VISIBLE
    assert _rights(store, _ANN, _TEAM) == Rights.READ_ANY
    assert _rights(store, _ANN, _TEAM, _STAFF) == Rights.READ_ANY | Rights.CREATE
    assert _rights(store, _BEN, _TEAM, _STAFF) == 0
    assert _rights(store, ANONYMOUS) == 0
    _set(store, ANONYMOUS, Rights.FREE_BUSY_SIMPLE)
    assert _rights(store, ANONYMOUS) == Rights.FREE_BUSY_SIMPLE
    with store.shard(_REF).read() as db:
        assert rights(db, _INBOX, _ANN) == Rights.FOLDER_VISIBLE
        assert rights(db, 12345, _ANN) == 0


def test_implied_rights_are_added_and_unknown_bits_refused(store: Store) -> None:
    """[MS-OXCPERM] 2.2.7, MS-OXCPERM_R1093: no other bits."""
    _set(store, _ANN, Rights.EDIT_ANY | Rights.DELETE_ANY | Rights.FREE_BUSY_DETAILED)
    assert _rights(store, _ANN) & (Rights.EDIT_OWNED | Rights.DELETE_OWNED | Rights.FREE_BUSY_SIMPLE) == 0x818
    for bits in (0x4, 0x2000, 1 << 31, -1):
        with pytest.raises(ValueError, match="no member rights"):
            _set(store, _ANN, bits)


def test_require(store: Store) -> None:
    _set(store, _ANN, Rights.READ_ANY)
    with store.shard(_REF).read() as db:
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


def test_a_folder_that_is_not_there(store: Store) -> None:
    with store.shard(_REF).write() as work, pytest.raises(NotFound):
        change(work, 12345, _ANN, Rights.READ_ANY)


def test_inheritance_and_deletion(store: Store) -> None:
    _set(store, DEFAULT, Rights.FOLDER_VISIBLE)
    _set(store, _ANN, Rights.READ_ANY)
    child = store.open(_REF).create_folder(("INBOX", "below")).id
    with store.shard(_REF).write() as work:
        permissions.forget(work, child)
        permissions.inherit(work, _INBOX, child)
        assert read(work, child) == read(work, _INBOX)
        permissions.forget(work, child)
        assert [member.rights for member in read(work, child)] == [0, 0]
