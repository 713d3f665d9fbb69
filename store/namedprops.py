"""Named properties: the numbers that stand for names in a bag ([MS-OXCPRPT] 2.2.12, [MS-OXCDATA] 2.6.1).

Names that oxgate knows have the same number in every mailbox, 0x8000 plus their place in `WELL_KNOWN_NAMES`, so a bag
can be copied between mailboxes untouched. Other names get a number from 0x9000 on in the mailbox that first meets them;
it is never taken back. The names of PS_INTERNET_HEADERS are header field names and ignore case. A number stands for a
name whatever the type, so the type comes from the tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import bindparam, select, update

from store.engine import Reader, Statement, Work, insert_statement
from store.errors import TooLarge
from store.mapi.tags import PS_INTERNET_HEADERS, PS_MAPI, WELL_KNOWN_NAMES
from store.mapi.types import PropertyBag, PropertyKey, PropertyName, PropertyTag, Value
from store.schema import mailbox, named_prop

FIRST_WELL_KNOWN = 0x8000
FIRST_DYNAMIC = 0x9000
LAST_DYNAMIC = 0xEFFF
MAX_NAME = 127
"""UTF-16 code units of a name: its size in octets with the terminator is one octet ([MS-OXCDATA] 2.6.1)."""

_NO_LID = -1


class NameKey(NamedTuple):
    """A name without a type, in the spelling by which names are compared."""

    set: UUID
    key: int | str


def name_key(full: PropertyName) -> NameKey:
    """Give the spelling by which a name is compared."""
    key = full.key
    if isinstance(key, str) and full.set == PS_INTERNET_HEADERS:
        key = key.lower()
    return NameKey(full.set, key)


_NUMBERS: dict[NameKey, int] = {
    name_key(name): number for number, name in enumerate(WELL_KNOWN_NAMES, FIRST_WELL_KNOWN)
}
_NAMES: dict[int, NameKey] = {
    number: NameKey(name.set, name.key) for number, name in enumerate(WELL_KNOWN_NAMES, FIRST_WELL_KNOWN)
}

_FIND = Statement(
    select(named_prop.c.propid).where(
        named_prop.c.mailbox_id == bindparam("m"),
        named_prop.c.guid == bindparam("guid_"),
        named_prop.c.lid == bindparam("lid_"),
        named_prop.c.name == bindparam("name_"),
    ),
    "m",
    "guid_",
    "lid_",
    "name_",
)
_NAME = Statement(
    select(named_prop.c.guid, named_prop.c.lid, named_prop.c.name).where(
        named_prop.c.mailbox_id == bindparam("m"), named_prop.c.propid == bindparam("p")
    ),
    "m",
    "p",
)
_ALLOCATE = Statement(
    update(mailbox)
    .where(mailbox.c.mailbox_id == bindparam("m"), mailbox.c.next_propid <= LAST_DYNAMIC)
    .values(next_propid=mailbox.c.next_propid + 1)
    .returning(mailbox.c.next_propid - 1),
    "m",
)
_ADD = insert_statement(named_prop, "mailbox_id", "propid", "guid", "lid", "name")


def well_known(name: PropertyName) -> int | None:
    """Give the number that a name has in every mailbox, None if it has none."""
    key = name_key(name)
    if key.set == PS_MAPI and isinstance(key.key, int):
        # A tagged property under another name ([MS-OXCPRPT] 2.2.12.1).
        return key.key if 0 < key.key < FIRST_WELL_KNOWN else None
    return _NUMBERS.get(key)


def find(db: Reader, names: Iterable[PropertyName]) -> dict[PropertyName, int]:
    """Give the numbers of those names that have one in this mailbox."""
    found = {}
    for name in names:
        number = well_known(name)
        if number is None and fits(name_key(name)):
            row = db.one(_FIND, (db.mailbox_id, *_columns(name_key(name))))
            number = None if row is None else row[0]
        if number is not None:
            found[name] = number
    return found


def register(work: Work, names: Iterable[PropertyName]) -> dict[PropertyName, int]:
    """Give the numbers of names, new ones where needed. TooLarge when the mailbox has no more or a name is too long."""
    wanted = list(dict.fromkeys(names))
    found = find(work, wanted)
    for name in wanted:
        if name not in found:
            found[name] = _add(work, name_key(name))
    return found


def _add(work: Work, key: NameKey) -> int:
    # Two names that differ in type alone, or in case, are one: the second meets the row of the first.
    if not fits(key):
        raise TooLarge(f"a property name of more than {MAX_NAME} characters, or none")
    row = work.one(_FIND, (work.mailbox_id, *_columns(key)))
    if row is not None:
        return cast(int, row[0])
    row = work.one(_ALLOCATE, (work.mailbox_id,))
    if row is None:
        raise TooLarge("the mailbox has no more numbers for named properties")
    work.run(_ADD, (work.mailbox_id, row[0], *_columns(key)))
    return cast(int, row[0])


def fits(key: NameKey) -> bool:
    """Tell whether a name can be registered at all."""
    if isinstance(key.key, int):
        return 0 <= key.key <= 0xFFFFFFFF and key.set != PS_MAPI
    text = key.key
    return 0 < len(text.encode("utf-16-le", "surrogatepass")) // 2 <= MAX_NAME and "\0" not in text


def _columns(key: NameKey) -> tuple[bytes, int, str]:
    if isinstance(key.key, int):
        return key.set.bytes_le, key.key, ""
    # A lone surrogate fits into no database text.
    return key.set.bytes_le, _NO_LID, key.key.encode("utf-8", "replace").decode()


def name_of(db: Reader, number: int) -> NameKey | None:
    """Give the name that a number from 0x8000 on stands for in this mailbox; None if nothing does."""
    if number < FIRST_DYNAMIC:
        return _NAMES.get(number)
    row = db.one(_NAME, (db.mailbox_id, number))
    if row is None:
        return None
    guid, lid, name = row
    return NameKey(UUID(bytes_le=bytes(guid)), name if lid == _NO_LID else lid)


# -------------------------------------------------------------------------------------------------- whole bags


def number(work: Work, bag: PropertyBag) -> Mapping[int, Value]:
    """Give a bag whose names have become numeric tags, registering new ones; the same bag if it has no names.

    A name that cannot have a number (too long, or the mailbox has no more) is dropped with its value: mail is never
    refused for what its sender called a property.
    """
    names = [key for key in bag if isinstance(key, PropertyName)]
    if not names:
        return cast("Mapping[int, Value]", bag)
    numbered = {key: value for key, value in bag.items() if isinstance(key, PropertyTag)}
    for name in names:
        identifier = well_known(name)
        if identifier is None:
            try:
                identifier = register(work, (name,))[name]
            except TooLarge:
                continue
        numbered[PropertyTag.of(identifier, name.type)] = bag[name]
    return cast("Mapping[int, Value]", numbered)


def name(db: Reader, bag: Mapping[PropertyTag, Value]) -> dict[PropertyKey, Value]:
    """Give a bag whose tags from 0x8000 on have become names; one that stands for nothing stays a tag."""
    named: dict[PropertyKey, Value] = {}
    for tag, value in bag.items():
        known = name_of(db, tag.id) if tag.id >= FIRST_WELL_KNOWN else None
        named[tag if known is None else PropertyName(known.set, known.key, tag.type)] = value
    return named
