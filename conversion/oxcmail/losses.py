"""Telling the receipt what of a header has no place in the properties ([MS-OXCMAIL] 2.2.3.1, 2.2.3.2).

The reader calls these where something was cut or passed over, and only there: ordinary mail does not come by here.
"""

from __future__ import annotations

from collections.abc import Iterable

from conversion.mime.addresses import parse_addresses
from conversion.mime.parts import DEFAULT_LIMITS, Structure
from conversion.mime.words import decode_unstructured
from conversion.oxcmail.addressing import MAX_RECIPIENTS
from conversion.oxcmail.headers import MAX_REFERENCES, MAX_TEXT, HeaderRule, read_bracketed, read_text, read_verbatim
from conversion.oxcmail.threads import MAX_SUBJECT
from conversion.receipt import Receipt
from store.mapi.types import Value

LONG = MAX_TEXT
"""Octets up to which the value of a field is never cut."""
_MOST_DECODED = 65_536


def _named(field: bytes) -> str:
    return field[:80].decode("ascii", "replace").title()


def note_more(receipt: Receipt, field: bytes, values: list[bytes]) -> None:
    """Note further fields of a name of which the first counts, unless they say the same."""
    more = sum(value.strip() != values[0].strip() for value in values[1:])
    if more:
        receipt.dropped(_named(field), f"{more} more of this name: the first counts")


def note_rule(receipt: Receipt, rule: HeaderRule, value: bytes, result: Value | None) -> None:
    """Note a field that gave nothing, or whose value was cut."""
    if result is None:
        if value.strip():
            receipt.dropped(rule.header, "it cannot be read")
    elif isinstance(result, str) and (
        (rule.read is read_text and len(decode_unstructured(value[:_MOST_DECODED])) > len(result))
        or (rule.read is read_verbatim and len(value) > MAX_REFERENCES)
        or (rule.read is read_bracketed and len(value) > MAX_TEXT)
    ):
        receipt.altered(rule.header, f"it was cut after {len(result)} characters")


def note_again(receipt: Receipt, rule: HeaderRule, value: bytes, kept: Value | None) -> None:
    """Note a second field for a property, unless it says the same."""
    found = rule.read(value)
    if found is not None and found != kept:
        receipt.dropped(rule.header, "one more of this name: the first counts")


def note_subject(receipt: Receipt, value: bytes | None) -> None:
    """Note a subject that is too long for its property."""
    size = len(decode_unstructured((value or b"")[:_MOST_DECODED]))
    if size > MAX_SUBJECT:
        receipt.altered("Subject", f"it was cut: {MAX_SUBJECT} of {size} characters are kept")


def note_recipients(receipt: Receipt, fields: Iterable[list[bytes]]) -> None:
    """Note recipients beyond those that a message can have."""
    count = 0
    for values in fields:
        count += sum(not entry.group for entry in parse_addresses(b", ".join(values)))
    if count > MAX_RECIPIENTS:
        receipt.dropped("recipients", f"those beyond {MAX_RECIPIENTS}")


def note_fields(receipt: Receipt) -> None:
    """Note a header of more fields than are read."""
    receipt.dropped("header", f"fields beyond {DEFAULT_LIMITS.header_fields}")


def note_header(receipt: Receipt, kept: int) -> None:
    """Note a header that does not fit its property."""
    receipt.altered("header", f"the text of all of it was cut after {kept} octets")


def note_parts(receipt: Receipt, structure: Structure) -> None:
    """Note parts beyond those that are looked for."""
    if len(structure.walk()) >= DEFAULT_LIMITS.parts:
        receipt.dropped("parts", f"those beyond {DEFAULT_LIMITS.parts}")
