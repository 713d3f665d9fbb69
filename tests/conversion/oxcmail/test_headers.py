"""The table of headers ([MS-OXCMAIL] 2.2.3.2)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.oxcmail import headers
from conversion.oxcmail.headers import BY_NAME, TABLE


def test_each_header_has_one_row() -> None:
    assert len(BY_NAME) == len(TABLE)


def test_each_property_is_written_by_one_header() -> None:
    """A writer turns a property into one field; the other spellings are only read."""
    written = Counter(rule.property for rule in TABLE if rule.written)
    assert set(written.values()) == {1}
    assert {rule.property for rule in TABLE} == set(written)


def test_what_only_a_trusted_peer_may_set_is_marked() -> None:
    """[MS-OXCMAIL] 2.2.3.2.28"""
    for name, rule in BY_NAME.items():
        assert rule.trusted == name.startswith(headers.RESERVED_PREFIXES)


@pytest.mark.parametrize(
    ("header", "value", "result"),
    [
        (b"content-id", b" <a@b> ", "a@b"),
        (b"x-voicemessageduration", b" 12 s", 12),
        (b"x-voicemessageduration", b"99999999999", None),
        (b"x-microsoft-classified", b" TRUE ", True),
        (b"x-microsoft-classified", b"odd", None),
        (b"x-ms-exchange-organization-senderidresult", b"SoftFail", 4),
        (b"x-ms-exchange-organization-scl", b"-1", -1),
        (b"date", b"odd", None),
        (b"subject-none", b"", None),
    ],
)
def test_readers(header: bytes, value: bytes, result: object) -> None:
    rule = BY_NAME.get(header)
    assert (rule.read(value) if rule else None) == result


@given(st.binary(max_size=60))
def test_readers_take_anything(value: bytes) -> None:
    for rule in TABLE:
        rule.read(value)


def test_long_values_are_cut() -> None:
    """A header of a megabyte must not become a property of a megabyte."""
    for rule in TABLE:
        result = rule.read(b"x" * 1_000_000)
        assert not isinstance(result, str) or len(result) <= headers.MAX_REFERENCES
