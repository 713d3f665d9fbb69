"""GlobalObjectId and UID ([MS-OXOCAL] 2.2.1.27, 2.2.1.28; [MS-OXCICAL] 2.1.3.1.1.20.26)."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.errors import ConversionError
from conversion.oxcical.globalobjectid import (
    THIRD_PARTY,
    GlobalObjectId,
    decode_global_object_id,
    global_object_id,
    new_global_object_id,
)

# The specification's example: an instance of March 25, 2008 that was moved.
EXAMPLE = (
    "040000008200E00074C5B7101A82E00807D803195025D461E473C8010000000000000000100000002A5844B3A444F74A9C246C60886F116B"
)
CLEAN = EXAMPLE[:32] + "00000000" + EXAMPLE[40:]


def test_the_specifications_example() -> None:
    found = decode_global_object_id(bytes.fromhex(EXAMPLE))
    assert found.date == dt.date(2008, 3, 25)
    assert found.creation_time == 0x01C873E461D42550
    assert found.data.hex().upper() == "2A5844B3A444F74A9C246C60886F116B"
    assert found.encode().hex().upper() == EXAMPLE
    assert found.clean().encode().hex().upper() == CLEAN
    assert found.clean().date is None


def test_exceptions_have_the_uid_of_the_series() -> None:
    assert global_object_id(EXAMPLE).uid == CLEAN
    assert global_object_id(CLEAN.lower()).uid == CLEAN
    assert global_object_id(CLEAN).on(dt.date(2008, 3, 25)).encode().hex().upper() == EXAMPLE


@pytest.mark.parametrize(
    "uid", ["a@example.test", "20260101T000000Z-7", "ÄÖ 語", "040000008200E00074C5B7101A82E008", "00"]
)
def test_other_uids_are_kept_in_the_data(uid: str) -> None:
    found = global_object_id(uid)
    assert found.data == THIRD_PARTY + uid.encode() + b"\0"
    assert (found.creation_time, found.date) == (0, None)
    assert decode_global_object_id(found.encode()).uid == uid


def test_a_uid_without_the_nul_is_read() -> None:
    # gromox writes none.
    assert GlobalObjectId(THIRD_PARTY + b"a@b").uid == "a@b"


@pytest.mark.parametrize("data", [THIRD_PARTY + b"\xff\0", THIRD_PARTY + b"a\r\nb\0", THIRD_PARTY])
def test_what_is_no_text_is_told_in_hexadecimal(data: bytes) -> None:
    found = GlobalObjectId(data)
    assert found.uid == found.encode().hex().upper()
    assert global_object_id(found.uid) == found


def test_a_length_that_does_not_fit_makes_a_uid_of_others() -> None:
    for uid in (CLEAN + "00", CLEAN[:-2], CLEAN[:-33]):
        assert global_object_id(uid).data == THIRD_PARTY + uid.encode() + b"\0"


def test_what_is_cut_off_is_none() -> None:
    whole = bytes.fromhex(EXAMPLE)
    for length in range(len(whole)):
        with pytest.raises(ConversionError):
            decode_global_object_id(whole[:length])
    assert decode_global_object_id(whole + b"xy").encode() == whole + b"xy"


def test_a_new_one() -> None:
    found = new_global_object_id(0x01C873E461D42550, bytes.fromhex("2A5844B3A444F74A9C246C60886F116B"))
    assert found.encode().hex().upper() == CLEAN


@given(st.binary(max_size=60))
def test_octets_come_back(rest: bytes) -> None:
    octets = bytes.fromhex(EXAMPLE)[:16] + rest
    try:
        found = decode_global_object_id(octets)
    except ConversionError:
        return
    assert found.encode() == octets
    if found.data and not found.rest:
        assert global_object_id(found.uid) in (found.clean(), found)


@given(st.text(st.characters(min_codepoint=33, exclude_categories=("Cs", "Cc")), min_size=1, max_size=80))
def test_uids_come_back(uid: str) -> None:
    assert decode_global_object_id(global_object_id(uid).encode()).uid == uid
