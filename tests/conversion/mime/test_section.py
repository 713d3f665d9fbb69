"""Sections of a message ([RFC3501] 6.4.5)."""

from __future__ import annotations

import pytest

from conversion.mime.structure import pack, scan, section, unpack

# The message of the example in [RFC3501] 6.4.5, with a body that says which part it is.
RAW = (
    (
        """Subject: whole
Content-Type: multipart/mixed; boundary="x"

--x
Content-Type: text/plain

1
--x
Content-Type: application/octet-stream

2
--x
Content-Type: message/rfc822

Subject: three
Content-Type: multipart/mixed; boundary="3.x"

--3.x
Content-Type: text/plain

3.1
--3.x
Content-Type: application/octet-stream

3.2
--3.x--

--x
Content-Type: multipart/mixed; boundary="4.x"

--4.x
Content-Type: image/gif

4.1
--4.x
Content-Type: message/rfc822

Subject: four-two

4.2.1
--4.x--

--x--
"""
    )
    .replace("\n", "\r\n")
    .encode()
)


def get(numbers: tuple[int, ...], what: str = "", raw: bytes = RAW) -> bytes | None:
    structure = unpack(pack(scan(raw)))
    found = section(structure, numbers, what)  # type: ignore[arg-type]  # a word of SectionText
    return None if found is None else raw[found[0] : found[1]]


@pytest.mark.parametrize(
    ("numbers", "text"),
    [((1,), b"1"), ((2,), b"2"), ((3, 1), b"3.1"), ((3, 2), b"3.2"), ((4, 1), b"4.1"), ((4, 2, 1), b"4.2.1")],
)
def test_a_part_by_its_numbers(numbers: tuple[int, ...], text: bytes) -> None:
    """[RFC3501] 6.4.5: numbers go into multiparts, and through message/rfc822 into the message's parts."""
    assert get(numbers) == text


def test_the_whole_message() -> None:
    assert get(()) == RAW
    head = RAW.index(b"\r\n\r\n") + 4
    assert get((), "HEADER") == RAW[:head]
    assert get((), "TEXT") == RAW[head:]
    assert get((), "MIME") is None


def test_header_and_text_of_an_enclosed_message() -> None:
    """[RFC3501] 6.4.5: n.HEADER and n.TEXT speak of the [RFC2822] message in a message/rfc822 part."""
    assert get((3,), "HEADER") == b'Subject: three\r\nContent-Type: multipart/mixed; boundary="3.x"\r\n\r\n'
    text = get((3,), "TEXT")
    assert text is not None
    assert text.startswith(b"--3.x\r\n")
    assert get((3,)) == (get((3,), "HEADER") or b"") + text
    assert get((4, 2), "HEADER") == b"Subject: four-two\r\n\r\n"
    assert get((4, 2), "TEXT") == b"4.2.1"
    assert get((1,), "HEADER") is None
    assert get((4,), "TEXT") is None
    assert get((4, 2, 1), "HEADER") is None


def test_the_mime_header_of_a_part() -> None:
    assert get((1,), "MIME") == b"Content-Type: text/plain\r\n\r\n"
    assert get((3,), "MIME") == b"Content-Type: message/rfc822\r\n\r\n"
    assert get((4, 2), "MIME") == b"Content-Type: message/rfc822\r\n\r\n"


@pytest.mark.parametrize("numbers", [(0,), (5,), (1, 1), (2, 1), (3, 3), (3, 1, 1), (4, 2, 2), (4, 3), (2**40,)])
def test_what_is_not_there(numbers: tuple[int, ...]) -> None:
    assert get(numbers) is None
    assert get(numbers, "MIME") is None


def test_part_1_of_a_message_that_is_no_multipart() -> None:
    """[RFC3501] 6.4.5: every message has at least one part number; part 1 is the body."""
    raw = b"Subject: x\r\nContent-Type: text/plain\r\n\r\nbody"
    assert get((1,), raw=raw) == b"body"
    assert get((1,), "MIME", raw=raw) == b"Subject: x\r\nContent-Type: text/plain\r\n\r\n"
    assert get((2,), raw=raw) is None
    assert get((1, 1), raw=raw) is None
    assert get((1,), "HEADER", raw=raw) is None


def test_a_message_that_is_itself_an_enclosed_message() -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody"
    assert get((1,), raw=raw) == b"Subject: in\r\n\r\nbody"
    assert get((1,), "HEADER", raw=raw) == b"Subject: in\r\n\r\n"
    assert get((1,), "TEXT", raw=raw) == b"body"
    assert get((1, 1), raw=raw) == b"body"
    assert get((1, 1), "TEXT", raw=raw) is None
    assert get((1, 2), raw=raw) is None


def test_an_empty_multipart_has_no_part_1() -> None:
    assert get((1,), raw=b"Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing") is None
