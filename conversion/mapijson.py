"""Message objects as JSON: to look at, to edit by hand, to compare; nothing is lost on the way there and back.

    {
      "properties": {
        "PidTagSubject": "Hello",
        "PidTagClientSubmitTime": "2026-11-21T10:00:00Z",
        "PidTagSearchKey": {"base64": "AQID"},
        "PidLidReminderSet": true,
        "0x6001001F": "a tag without a name",
        "{9b5093e0-5734-4a7f-b88f-b4d0220b5ada} name 0x001F": "a property named by a string",
        "{9b5093e0-5734-4a7f-b88f-b4d0220b5ada} 0x8503 0x0003": 1
      },
      "recipients": [{"type": "to", "properties": {...}}],
      "attachments": [{"properties": {...}, "data": {"base64": "..."}}, {"properties": {...}, "message": {...}}]
    }

Properties have the names of [MS-OXPROPS]; a time is [RFC3339] with up to seven decimals, as FILETIMEs are that fine.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from conversion.attachmentdata import read_attachment_data
from conversion.errors import ConversionError
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow, RecipientType
from store.mapi.types import (
    MULTIPLE_FLAG,
    PropertyBag,
    PropertyKey,
    PropertyName,
    PropertyTag,
    PropertyType,
    ScalarValue,
    Value,
)

MAX_DEPTH = 30
"""Messages within messages."""

_KNOWN: dict[str, PropertyKey] = {
    name: value for name, value in vars(tags).items() if isinstance(value, (PropertyTag, PropertyName))
}
_NAMES: dict[PropertyKey, str] = {}
for _name, _key in _KNOWN.items():
    _NAMES.setdefault(_key, _name)
_NUMBER = re.compile(r"0x([0-9A-Fa-f]{8})\Z")
_NAMED = re.compile(r"\{([0-9A-Fa-f-]{36})\} (.+) 0x([0-9A-Fa-f]{4})\Z", re.DOTALL)
_LID = re.compile(r"0x([0-9A-Fa-f]{1,8})\Z")
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?Z\Z")
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_SECOND = 10_000_000
_INTEGERS: dict[int, int] = {
    PropertyType.INTEGER16: 16, PropertyType.INTEGER32: 32, PropertyType.INTEGER64: 64, PropertyType.CURRENCY: 64,
    PropertyType.ERROR_CODE: 32,
}  # fmt: skip


def write_json(content: MessageContent, *, raw: bytes = b"", receipt: Receipt | None = None) -> str:
    """Write a message as JSON; `raw` is the MIME of which attachments may be slices."""
    return json.dumps(_message(content, raw, receipt or Receipt()), ensure_ascii=False, indent=2) + "\n"


def _message(content: MessageContent, raw: bytes, receipt: Receipt) -> dict[str, Any]:
    return {
        "properties": _bag(content.properties),
        "recipients": [
            {"type": row.type.name.lower(), "properties": _bag(row.properties)} for row in content.recipients
        ],
        "attachments": [
            {"properties": _bag(one.properties), **_data(one, raw, receipt.within(f"attachment {number}"))}
            for number, one in enumerate(content.attachments)
        ],
    }


def _data(attachment: AttachmentContent, raw: bytes, receipt: Receipt) -> dict[str, Any]:
    data = attachment.data
    if isinstance(data, MessageContent):
        return {"message": _message(data, raw, receipt)}
    octets = read_attachment_data(raw, attachment)
    if octets is None and data is not None:
        receipt.dropped("data", "it is a slice of a message that is not at hand")
    return {} if octets is None else {"data": _octets(octets)}


def _bag(bag: PropertyBag) -> dict[str, Any]:
    return {spell(key): _value(_type(key), value) for key, value in bag.items()}


def spell(key: PropertyKey) -> str:
    """Name a property: as [MS-OXPROPS] does, or by its number, or by its set and name."""
    known = _NAMES.get(key)
    if known is not None:
        return known
    if isinstance(key, PropertyTag):
        return f"0x{int(key):08X}"
    name = key.key if isinstance(key.key, str) else f"0x{key.key:04X}"
    return f"{{{key.set}}} {name} 0x{key.type:04X}"


def _type(key: PropertyKey) -> int:
    return key.type


def _value(kind: int, value: Value) -> Any:
    if isinstance(value, tuple):
        return [_scalar(kind & ~MULTIPLE_FLAG, one) for one in value]
    return _scalar(kind, value)


def _scalar(kind: int, value: ScalarValue) -> Any:
    if isinstance(value, bytes):
        return _octets(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return repr(value)
    if kind == PropertyType.TIME and isinstance(value, int):
        return _time(value)
    return value


def _octets(data: bytes) -> dict[str, str]:
    return {"base64": b64encode(data).decode("ascii")}


def _time(filetime: int) -> str | int:
    """Write a FILETIME; as a number where no calendar has it."""
    seconds, rest = divmod(filetime, _SECOND)
    try:
        text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    except OverflowError:
        return filetime
    if len(text) != 19:
        return filetime
    return text + (f".{rest:07d}".rstrip("0") if rest else "") + "Z"


# ------------------------------------------------------------------------------------------------------- reading


def read_json(text: str | bytes) -> MessageContent:
    """Read a message. Raises ConversionError, which says where the text is no message."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConversionError(f"this is no JSON: {error}") from None
    return _read_message(value, "", 0)


def _read_message(value: Any, place: str, depth: int) -> MessageContent:
    if depth >= MAX_DEPTH:
        raise ConversionError(f"{place}: messages are more than {MAX_DEPTH} deep in one another")
    entry = _object(value, place, {"properties", "recipients", "attachments"})
    return MessageContent(
        _read_bag(entry.get("properties", {}), f"{place}properties"),
        tuple(
            _read_recipient(row, f"{place}recipients[{number}].")
            for number, row in enumerate(_list(entry.get("recipients", []), f"{place}recipients"))
        ),
        tuple(
            _read_attachment(one, f"{place}attachments[{number}].", depth)
            for number, one in enumerate(_list(entry.get("attachments", []), f"{place}attachments"))
        ),
    )


def _read_recipient(value: Any, place: str) -> RecipientRow:
    row = _object(value, place, {"type", "properties"})
    kind = row.get("type", "to")
    try:
        return RecipientRow(
            RecipientType[str(kind).upper()], _read_bag(row.get("properties", {}), f"{place}properties")
        )
    except KeyError:
        names = ", ".join(one.name.lower() for one in RecipientType)
        raise ConversionError(f"{place}type: {kind!r} is none of {names}") from None


def _read_attachment(value: Any, place: str, depth: int) -> AttachmentContent:
    one = _object(value, place, {"properties", "data", "message"})
    properties = _read_bag(one.get("properties", {}), f"{place}properties")
    if "message" in one:
        return AttachmentContent(properties, _read_message(one["message"], f"{place}message.", depth + 1))
    if "data" in one:
        return AttachmentContent(properties, _read_octets(one["data"], f"{place}data"))
    return AttachmentContent(properties)


def _read_bag(value: Any, place: str) -> dict[PropertyKey, Value]:
    found: dict[PropertyKey, Value] = {}
    for name, one in _object(value, place, None).items():
        key = read_key(name)
        if key is None:
            raise ConversionError(f"{place}: {name!r} names no property")
        kind = _type(key)
        if kind & MULTIPLE_FLAG:
            values = _list(one, f"{place}.{name}")
            found[key] = tuple([_read_scalar(kind & ~MULTIPLE_FLAG, each, f"{place}.{name}") for each in values])
        else:
            found[key] = _read_scalar(kind, one, f"{place}.{name}")
    return found


def read_key(name: str) -> PropertyKey | None:
    """Find the property that a name spells; None where there is none."""
    known = _KNOWN.get(name)
    if known is not None:
        return known
    if match := _NUMBER.match(name):
        return PropertyTag(int(match[1], 16))
    if match := _NAMED.match(name):
        try:
            set_id = UUID(match[1])
        except ValueError:
            return None
        lid = _LID.match(match[2])
        return PropertyName(set_id, int(lid[1], 16) if lid else match[2], int(match[3], 16))
    return None


def _read_scalar(kind: int, value: Any, place: str) -> ScalarValue:
    if kind == PropertyType.BOOLEAN and isinstance(value, bool):
        return value
    if kind in _INTEGERS and isinstance(value, int) and not isinstance(value, bool):
        if -(1 << (_INTEGERS[kind] - 1)) <= value < 1 << _INTEGERS[kind]:
            return value
        raise ConversionError(f"{place}: {value} does not fit into {_INTEGERS[kind]} bits")
    if kind in (PropertyType.STRING, PropertyType.STRING8) and isinstance(value, str):
        return value
    if kind == PropertyType.BINARY or isinstance(value, dict):
        return _read_octets(value, place)
    if kind == PropertyType.TIME:
        return _read_time(value, place)
    try:
        if kind == PropertyType.GUID and isinstance(value, str):
            return UUID(value)
        if kind in (PropertyType.FLOATING32, PropertyType.FLOATING64, PropertyType.FLOATING_TIME):
            return float(value)
    except (TypeError, ValueError):
        pass
    raise ConversionError(f"{place}: {str(value)[:60]!r} is no value of the type 0x{kind:04X}")


def _read_time(value: Any, place: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _TIME.match(value) if isinstance(value, str) else None
    try:
        if match is not None:
            when = datetime.strptime(match[1] + "+0000", "%Y-%m-%dT%H:%M:%S%z")
            return (when - _EPOCH) // timedelta(seconds=1) * _SECOND + int((match[2] or "").ljust(7, "0"))
    except ValueError:
        pass
    raise ConversionError(f"{place}: {str(value)[:60]!r} is no time such as 2026-11-21T10:00:00Z")


def _read_octets(value: Any, place: str) -> bytes:
    if isinstance(value, dict) and set(value) == {"base64"} and isinstance(value["base64"], str):
        try:
            return b64decode(value["base64"], validate=True)
        except ValueError:
            pass
    raise ConversionError(f'{place}: octets are written as {{"base64": "..."}}')


def _object(value: Any, place: str, names: set[str] | None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConversionError(f"{place or 'the text'}: an object in braces is expected")
    others = set(value) - names if names is not None else set()
    if others:
        raise ConversionError(f"{place}{min(others)}: this is not known here")
    return value


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise ConversionError(f"{place}: a list in brackets is expected")
    return value
