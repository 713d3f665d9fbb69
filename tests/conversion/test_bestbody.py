"""The best body ([MS-OXBBODY] 2.1)."""

from __future__ import annotations

import pytest

from conversion.bestbody import BodyFormat, best_body, is_exempt
from store.mapi import tags
from store.mapi.types import PropertyKey, Value

PLAIN, RTF, HTML = tags.PidTagBody, tags.PidTagRtfCompressed, tags.PidTagHtml
VALUES: dict[PropertyKey, Value] = {PLAIN: "x", RTF: b"x", HTML: b"x"}


@pytest.mark.parametrize(
    ("there", "in_sync", "best"),
    [
        ((), True, BodyFormat.UNDEFINED),
        ((), False, BodyFormat.UNDEFINED),
        ((PLAIN,), True, BodyFormat.PLAIN),
        ((PLAIN,), None, BodyFormat.PLAIN),
        ((PLAIN, RTF, HTML), True, BodyFormat.RTF),
        ((RTF, HTML), True, BodyFormat.RTF),
        ((PLAIN, RTF, HTML), False, BodyFormat.HTML),
        ((RTF, HTML), False, BodyFormat.HTML),
        ((RTF, HTML), None, BodyFormat.HTML),
        ((PLAIN, RTF), True, BodyFormat.RTF),
        ((PLAIN, RTF), False, BodyFormat.PLAIN),
        ((PLAIN, RTF), None, BodyFormat.PLAIN),
        ((RTF,), True, BodyFormat.RTF),
        ((RTF,), False, BodyFormat.RTF),
        ((PLAIN, HTML), True, BodyFormat.HTML),
        ((HTML,), False, BodyFormat.HTML),
    ],
)
def test_from_what_there_is(there: tuple[PropertyKey, ...], in_sync: bool | None, best: BodyFormat) -> None:
    """[MS-OXBBODY] 2.1, 2.1.3, 2.1.3.1, step 2: by the bodies and PidTagRtfInSync."""
    bag = {key: VALUES[key] for key in there}
    if in_sync is not None:
        bag[tags.PidTagRtfInSync] = in_sync
    assert best_body(bag) is best


@pytest.mark.parametrize("best", [BodyFormat.PLAIN, BodyFormat.RTF, BodyFormat.HTML])
def test_the_native_body_says_it(best: BodyFormat) -> None:
    """[MS-OXBBODY] 2.1.3.1, step 1"""
    assert best_body({**VALUES, tags.PidTagRtfInSync: True, tags.PidTagNativeBody: int(best)}) is best


def test_a_clear_signed_body_is_in_its_attachment() -> None:
    assert best_body({tags.PidTagNativeBody: 4}) is BodyFormat.CLEAR_SIGNED


@pytest.mark.parametrize("native", [0, 2, 3, 17, -1, "x"])
def test_a_native_body_that_is_not_there(native: Value) -> None:
    """What it names is missing, or it names nothing: step 2 tells."""
    assert best_body({PLAIN: "x", tags.PidTagNativeBody: native}) is BodyFormat.PLAIN


def test_bodies_too_big_to_be_returned_are_there() -> None:
    """[MS-OXBBODY] 2.1.3.1: NotEnoughMemory says that there is one."""
    assert best_body({PLAIN: "x"}, {HTML}) is BodyFormat.HTML
    assert best_body({}, {PLAIN}) is BodyFormat.PLAIN


def test_html_as_a_string() -> None:
    assert best_body({tags.PidTagBodyHtml: "<p>"}) is BodyFormat.HTML


@pytest.mark.parametrize(
    ("bag", "exempt"),
    [
        ({tags.PidTagMessageClass: "IPM.Note.SMIME"}, True),
        ({tags.PidTagMessageClass: "IPM.Note.SMIME.MultipartSigned"}, False),
        ({tags.PidTagMessageClass: "IPM.Note"}, False),
        ({tags.PidNameContentClass: "rpmsg.message"}, True),
        ({}, False),
    ],
)
def test_messages_that_it_says_nothing_of(bag: dict[PropertyKey, Value], exempt: bool) -> None:
    """[MS-OXBBODY] 1.5"""
    assert is_exempt(bag) is exempt
