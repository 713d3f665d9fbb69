"""The standard library's `email` as an oracle: the leaves of every message, their types, what they decode to.

[RFC2045] 5, 6, [RFC2046] 5. Where it reads a message otherwise there is a reason below, and it holds for every file
that is named with it, or can be seen from the message. Three differences are of its model, not of a message, and are
taken out first: it parses what any message/* holds; it takes a CR alone for the end of a line (some files have no other
line ends); and the last line end of a multipart that is not closed is no part of the body.
"""

from __future__ import annotations

import email
from collections.abc import Iterator
from email.message import Message
from typing import Final

from conversion.mime.parts import Part
from conversion.mime.structure import Structure, scan
from conversion.mime.transfer import decode_transfer
from tests.support.corpora import messages

REASONS: Final[dict[str, set[str]]] = {
    "every boundary line begins a part, also one right behind another": {
        "cpython/msg_37.txt",
        "mikel-mail/spec/fixtures/emails/mime_emails/raw_email4.eml",
        "mime4j/core/src/test/resources/mimetools-testmsgs/2002_06_12_doublebound.msg",
        "mime4j/core/src/test/resources/mimetools-testmsgs/double-bound.msg",
        "stalwart-mail-parser/resources/eml/malformed/000.eml",
    },
    "a closing boundary line right behind another boundary line closes": {
        "mime4j/core/src/test/resources/testmsgs/multipartemptypart.msg",
    },
    "a boundary that is folded or ends with a blank is found": {
        "mime4j/core/src/test/resources/mimetools-testmsgs/multi-badnames.msg",
        "mime4j/core/src/test/resources/mimetools-testmsgs/multi-clen.msg",
        "mime4j/core/src/test/resources/mimetools-testmsgs/multi-digest.msg",
        "mime4j/core/src/test/resources/mimetools-testmsgs/multi-simple.msg",
        "zbateson/tests/_data/emails/m0021.txt",
    },
    "blanks at the end of a boundary do not count, and 7,000 octets are too many": {
        "mime4j/core/src/test/resources/testmsgs/very-long-boundary.msg",
        "mime4j/core/src/test/resources/testmsgs/very-very-long-boundary.msg",
        "mime4j/core/src/test/resources/testmsgs/weird-boundary.msg",
    },
    "a line that begins with the boundary is a boundary line": {
        "mime4j/core/src/test/resources/testmsgs/ending-boundaries.msg",
        "stalwart-mail-parser/resources/eml/malformed/004.eml",
        "stalwart-mail-parser/resources/eml/malformed/005.eml",
    },
    "of equal boundaries the innermost counts": {
        "cpython/msg_15.txt",
        "cpython/msg_39.txt",
        "mimekit/UnitTests/TestData/mbox/simple.mbox.txt",
        "stalwart-mail-parser/resources/eml/malformed/003.eml",
        "stalwart-mail-parser/resources/eml/malformed/013.eml",
    },
    "a Content-Type outside the grammar says what can be understood of it": {
        "cpython/msg_14.txt",
        "mimekit/UnitTests/TestData/mbox/content-length-summary.txt",
        "mimekit/UnitTests/TestData/mbox/jwz-summary.txt",
        "mimekit/UnitTests/TestData/messages/missing-subtype.txt",
        "stalwart-mail-parser/resources/eml/malformed/017.eml",
    },
    "base64 is decoded with a blank behind its name, and as far as it goes": {
        "dsn/sisimai/maildir/bsd/rhost-google-06.eml",
        "mime4j/core/src/test/resources/mimetools-testmsgs/twopart.msg",
    },
}


def leaves_of(message: Message) -> Iterator[Message]:
    """The parts that have no parts, in order."""
    kind = message.get_content_type()
    if not message.is_multipart() or (kind.startswith("message/") and kind != "message/rfc822"):
        yield message
        return
    for part in message.get_payload():
        assert isinstance(part, Message)
        yield from leaves_of(part)


def has_same_body(raw: bytes, theirs: Message, ours: Part, defects: set[str]) -> bool:
    if theirs.get_content_maintype() in ("message", "multipart"):
        return True
    said = theirs.get_payload(decode=True)
    assert isinstance(said, bytes)
    found = decode_transfer(raw[ours.body_start : ours.body_end], ours.encoding)
    return found == said or ("CloseBoundaryNotFoundDefect" in defects and found in (said + b"\n", said + b"\r\n"))


def has_no_difference(raw: bytes, structure: Structure, message: Message) -> bool:
    theirs = list(leaves_of(message))
    ours = [part for part in structure.walk() if not part.children and part.message is None]
    if [part.get_content_type() for part in theirs] != [f"{part.type}/{part.subtype}" for part in ours]:
        return False
    defects = defects_of(message)
    return all(has_same_body(raw, one, other, defects) for one, other in zip(theirs, ours, strict=True))


def defects_of(message: Message) -> set[str]:
    return {type(defect).__name__ for part in message.walk() for defect in part.defects}


def has_line_that_is_no_field(raw: bytes, structure: Structure) -> bool:
    for part in structure.walk():
        header = raw[part.header_start : part.body_start].rstrip(b"\r\n")
        if len(header) > sum(len(line[0]) for line in structure.header(raw, part)):
            return True
    return False


def test_leaves_types_and_bodies() -> None:
    named = set().union(*REASONS.values())
    seen = set()
    for name, octets in messages():
        raw = octets.replace(b"\r", b"\n") if b"\n" not in octets else octets
        structure, message = scan(raw), email.message_from_bytes(raw)
        if has_no_difference(raw, structure, message):
            continue
        seen.add(name.removeprefix("mime/"))
        if name.removeprefix("mime/") not in named:
            # A line that is no field ends a header for the library; for us only an empty line does.
            assert "MissingHeaderBodySeparatorDefect" in defects_of(message), name
            assert has_line_that_is_no_field(raw, structure), name
    assert named <= seen
