"""Named properties: one number for well-known names everywhere, others per mailbox ([MS-OXCPRPT] 2.2.12)."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

import pytest
from sqlalchemy import bindparam, update

from store import namedprops
from store.engine import Shard, Statement
from store.errors import TooLarge
from store.mapi.tags import (
    PS_INTERNET_HEADERS,
    PS_MAPI,
    WELL_KNOWN_NAMES,
    PidLidFlagRequest,
    PidNameContentClass,
    PidNameKeywords,
    PidTagSubject,
    PSETID_Common,
    internet_header,
)
from store.mapi.types import PropertyName, PropertyTag, PropertyType
from store.schema import mailbox
from tests.store.conftest import World

_FILL = Statement(update(mailbox).values(next_propid=bindparam("n")), "n")
_OWN = UUID("0b9f4b3e-6c1f-4a7e-9a75-2f3f1c9d0001")


@pytest.fixture
def shard(world: World) -> Shard:
    return world.store.shard(world.mailbox().ref)


def test_the_registry_never_changes() -> None:
    """Bags on disk hold these numbers: names may be appended, none moved, dropped or inserted."""
    first = WELL_KNOWN_NAMES[:393]
    spelled = "\n".join(f"{name.set} {name.key!r} {int(name.type):#06x}" for name in first)
    assert sha256(spelled.encode()).hexdigest() == "87eb215cbf3f96163ce48d6e1ae5294c4090c9ec9f3d822686e1368e0e3ab77f"
    assert len(WELL_KNOWN_NAMES) <= namedprops.FIRST_DYNAMIC - namedprops.FIRST_WELL_KNOWN


def test_well_known_numbers() -> None:
    numbers = [namedprops.well_known(name) for name in WELL_KNOWN_NAMES]
    assert numbers == list(range(0x8000, 0x8000 + len(WELL_KNOWN_NAMES)))


def test_a_name_of_the_tagged_set_is_its_own_number() -> None:
    """[MS-OXCPRPT] 2.2.12.1: PS_MAPI maps to the identifier itself."""
    assert namedprops.well_known(PropertyName(PS_MAPI, 0x0037, PropertyType.STRING)) == 0x0037
    assert namedprops.well_known(PropertyName(PS_MAPI, 0x8000, PropertyType.STRING)) is None


def test_dynamic_numbers_start_at_0x9000_and_stay(shard: Shard) -> None:
    names = [PropertyName(_OWN, "one", PropertyType.STRING), PropertyName(_OWN, 2, PropertyType.INTEGER32)]
    with shard.write() as work:
        assert namedprops.register(work, names) == {names[0]: 0x9000, names[1]: 0x9001}
    with shard.write() as work:
        assert namedprops.register(work, reversed(names)) == {names[0]: 0x9000, names[1]: 0x9001}
        third = PropertyName(_OWN, "One", PropertyType.STRING)
        assert namedprops.register(work, [third]) == {third: 0x9002}
    with shard.read() as db:
        assert namedprops.find(db, [*names, PropertyName(_OWN, "none", PropertyType.STRING)]) == {
            names[0]: 0x9000,
            names[1]: 0x9001,
        }
        assert namedprops.name_of(db, 0x9001) == (_OWN, 2)
        assert namedprops.name_of(db, 0x9003) is None
        assert namedprops.name_of(db, 0x8FFF) is None


def test_a_number_stands_for_a_name_whatever_the_type(shard: Shard) -> None:
    with shard.write() as work:
        found = namedprops.register(
            work, [PropertyName(_OWN, "x", PropertyType.STRING), PropertyName(_OWN, "x", PropertyType.BINARY)]
        )
    assert set(found.values()) == {0x9000}


def test_header_names_ignore_case(shard: Shard) -> None:
    upper = PropertyName(PS_INTERNET_HEADERS, "X-Own-Header", PropertyType.STRING)
    with shard.write() as work:
        assert namedprops.register(work, [upper])[upper] == 0x9000
        assert namedprops.find(work, [internet_header("x-own-HEADER")]) == {internet_header("x-own-header"): 0x9000}
    known = namedprops.well_known(PropertyName(PS_INTERNET_HEADERS, "CONTENT-CLASS", PropertyType.STRING))
    assert known == namedprops.well_known(PidNameContentClass)


def test_a_bag_there_and_back(shard: Shard) -> None:
    own = PropertyName(_OWN, "straße", PropertyType.INTEGER32)
    bag = {PidTagSubject: "s", PidLidFlagRequest: "f", PidNameKeywords: ("a", "b"), own: 5}
    with shard.write() as work:
        numbered = namedprops.number(work, bag)
        assert all(isinstance(key, PropertyTag) for key in numbered)
        assert {tag & 0xFFFF for tag in numbered} == {0x1F, 0x101F, 3}
        assert namedprops.name(work, numbered) == bag
    plain = {PidTagSubject: "s"}
    with shard.write() as work:
        assert namedprops.number(work, plain) is plain


@pytest.mark.parametrize(
    "name",
    [
        PropertyName(_OWN, "", PropertyType.STRING),
        PropertyName(_OWN, "x" * 128, PropertyType.STRING),
        PropertyName(_OWN, "x\0", PropertyType.STRING),
        PropertyName(_OWN, 1 << 32, PropertyType.STRING),
        PropertyName(PS_MAPI, 0x9000, PropertyType.STRING),
    ],
)
def test_names_that_cannot_be(shard: Shard, name: PropertyName) -> None:
    with shard.write() as work:
        with pytest.raises(TooLarge):
            namedprops.register(work, [name])
        assert namedprops.number(work, {name: "x", PidTagSubject: "s"}) == {PidTagSubject: "s"}


def test_a_full_registry_drops_new_names_and_keeps_old_ones(shard: Shard) -> None:
    old = PropertyName(PSETID_Common, 0x7000, PropertyType.STRING)
    new = PropertyName(PSETID_Common, 0x7001, PropertyType.STRING)
    with shard.write() as work:
        namedprops.register(work, [old])
        work.run(_FILL, (namedprops.LAST_DYNAMIC + 1,))
    with shard.write() as work:
        assert namedprops.number(work, {old: "x", new: "y"}) == {0x9000001F: "x"}
