"""Spam, phishing, postmarks, and what strangers cannot say ([MS-OXCSPAM], [MS-OXPHISH], [MS-OXPSVAL])."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.rendition import render
from conversion.oxcmail.phishing import is_marked, mailbox_stamp, mark
from conversion.oxcmail.postmark import agrees, read_postmark
from conversion.oxcmail.reader import read_mime
from conversion.oxcmail.writer import Audience
from store.mapi import tags
from tests.support.mime_writing import note, written

SOLUTIONS = "BjHi CbbP CsE4 DoWO EhAv FJE7 FMx3 FOJO FjsQ HDPJ IFAE IRyJ I5E3 I+BV KBb7 L+gd"
IDENTIFIER = "{d04b23f4-b443-453a-abc6-3d08b5a9a334}"


def encoded(text: str) -> str:
    return b64encode(text.encode("utf-16-le")).decode()


def puzzle(**changes: str) -> str:
    pieces = {
        "solutions": SOLUTIONS,
        "count": "1",
        "recipients": encoded("user1@example.com"),
        "algorithm": "Sosha1_v1",
        "difficulty": "7",
        "identifier": IDENTIFIER,
        "sender": encoded("sender@contoso.com"),
        "date": "Tue, 01 Jan 2008 08:00:00 GMT",
        "subject": encoded("Hello"),
    }
    return ";".join({**pieces, **changes}.values())


def test_a_postmark() -> None:
    """[MS-OXPSVAL] 2.2, 2.2.2, 3.1: the example, with one recipient, and whether it is of this message."""
    found = read_postmark(puzzle())
    assert found is not None
    assert found.solutions[0] == "BjHi"
    assert (found.algorithm, found.difficulty, found.subject) == ("sosha1_v1", 7, "Hello")
    said: Any = {
        "identifier": IDENTIFIER.upper(), "recipients": frozenset(("User1@example.com",)),
        "sender": "sender@contoso.com", "subject": "Hello",
    }  # fmt: skip
    assert agrees(found, **said)
    for key, other in (
        ("identifier", "{0}"), ("recipients", frozenset(("a@x",))), ("sender", "a@x"), ("subject", "Bye"),
    ):  # fmt: skip
        assert not agrees(found, **{**said, key: other})


@pytest.mark.parametrize(
    "changes",
    [
        {"solutions": "BjHi"}, {"solutions": SOLUTIONS.replace("BjHi", "?")}, {"count": "2"}, {"count": "x"},
        {"difficulty": "9999"}, {"recipients": "?"}, {"sender": "AA=="}, {"identifier": "{x}"}, {"subject": "AA==;x"},
    ],
)  # fmt: skip
def test_what_is_no_postmark(changes: dict[str, str]) -> None:
    """[MS-OXPSVAL] 2.2.1"""
    assert read_postmark(puzzle(**changes)) is None


@given(st.text(max_size=200))
def test_any_postmark(text: str) -> None:
    read_postmark(text)
    read_postmark(puzzle(subject=text))


def test_no_postmark_is_made() -> None:
    """Nothing that this server writes claims work that nobody did."""
    assert b"x-cr-" not in written(note()).lower()


def test_phishing_stamps() -> None:
    """[MS-OXPHISH] 2.2.1.1, 3.1.5: a mark counts if it has the mailbox's number, and until the user enables it."""
    values = [b""] * 5 + [(0x12345678).to_bytes(4, "little")]
    stamp = mailbox_stamp(values)
    assert stamp == 0x02345678
    assert mailbox_stamp(values[:5]) is None
    assert mailbox_stamp([*values[:5], b"xx"]) is None
    assert is_marked({tags.PidNamePhishingStamp: mark(stamp)}, stamp)
    assert not is_marked({tags.PidNamePhishingStamp: mark(stamp, enabled=True)}, stamp)
    assert not is_marked({tags.PidNamePhishingStamp: mark(1)}, stamp)
    assert not is_marked({}, stamp)
    assert not is_marked({tags.PidNamePhishingStamp: mark(stamp)}, None)
    # [MS-OXPHISH] 4.2.2
    other = mailbox_stamp([b""] * 5 + [(0xAE241D99).to_bytes(4, "little")])
    assert not is_marked({tags.PidNamePhishingStamp: 0x0EAE2103}, other)


FORGED = (
    b"From: a@x\r\nX-MS-Exchange-Organization-SCL: -1\r\nX-MS-Exchange-Organization-PCL: 2\r\n"
    b"X-MS-Exchange-Organization-PRD: x.example\r\nX-MS-Exchange-Forest-Language: en\r\n"
    b"X-MS-Exchange-CrossTenant-Id: 1\r\nX-MS-Exchange-Organization-AuthAs: Internal\r\nX-Kept: 1\r\n\r\ntext\r\n"
)
SCL, PCL = tags.PidTagContentFilterSpamConfidenceLevel, tags.PidTagContentFilterPhishingConfidenceLevel


def test_confidence_levels() -> None:
    """[MS-OXCSPAM] 2.2.1.3, [MS-OXPHISH] 2.2.1: what the organisation says, from itself alone."""
    got = read_mime(render(FORGED), trusted=True).properties
    assert (got[SCL], got[PCL], got[tags.PidTagPurportedSenderDomain]) == (-1, 2, "x.example")
    got = read_mime(render(FORGED)).properties
    assert not {SCL, PCL, tags.PidTagPurportedSenderDomain} & got.keys()


def test_what_strangers_say_of_the_organisation_is_stripped() -> None:
    """[MS-OXCMAIL] 2.2.3.2.28: it is in no property, not even in the header as it came, and goes to nobody."""
    content = read_mime(render(FORGED))
    header = str(content.properties[tags.PidTagTransportMessageHeaders])
    assert "X-Kept: 1" in header
    assert "X-MS-Exchange" not in header
    for audience in Audience:
        assert b"x-ms-exchange-" not in written(content, audience=audience, raw=FORGED).lower()
    own = note({SCL: 5, PCL: 5})
    assert b"x-ms-exchange-" not in written(own).lower()
