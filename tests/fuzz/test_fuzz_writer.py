"""Message objects of any kind: the MIME writer never raises, and what it writes is a message ([MS-OXCMAIL] 2.1)."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable

import pytest

from conversion.mime.rendition import render
from conversion.oxcmail.headers import TABLE
from conversion.oxcmail.reader import read_mime
from conversion.oxcmail.writeaddresses import is_meeting_or_task
from conversion.oxcmail.writer import Audience, write_mime
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice, RecipientRow, RecipientType
from store.mapi.types import PropertyKey, PropertyName, PropertyTag, PropertyType, Value
from tests.fuzz import test_fuzz_mime
from tests.fuzz.damage import ENDLESS, try_damaged

KEYS: list[PropertyKey] = [
    *(value for name, value in vars(tags).items() if name.startswith("PidTag") and isinstance(value, PropertyTag)),
    *(rule.property for rule in TABLE),
]
CLASSES = (
    *("IPM.Note", "IPM.Note.SMIME", "IPM.Note.SMIME.MultipartSigned", "REPORT.IPM.Note.NDR", "IPM.Appointment"),
    *("IPM.Schedule.Meeting.Request", "IPM.Task", "IPM.Note.Custom.x", "IPM.OLE.CLASS.{00061055-0}", "\r\n", ""),
    "IPM.Contact",
)
TYPES = ("text/plain", "image/png", "multipart/mixed", "message/rfc822", "a/b\r\nX: y", "application/ms-tnef")
# We fold with blanks; the Content-Type of what is signed stays as it came, which may be with tabs ([RFC5322] 2.2.3).
_FOLDED = re.compile(rb"\A(?:[!-9;-~]+:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)*\r\n")


class Dice:
    """Makes Message objects out of octets: the same of the same."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.random = random.Random(data)

    def octets(self) -> bytes:
        at = self.random.randrange(len(self.data) + 1)
        return self.data[at : at + self.random.choice((0, 1, 5, 40, 400, 2000))]

    def text(self) -> str:
        return self.random.choice((self._utf8, self._latin, self._utf16))()

    def _utf8(self) -> str:
        return self.octets().decode("utf-8", "replace")

    def _latin(self) -> str:
        return self.octets().decode("latin-1")

    def _utf16(self) -> str:
        return self.octets().decode("utf-16-le", "surrogatepass") if len(self.data) < 2 else self._latin() + "\ud800\0"

    def value(self, key: PropertyKey) -> Value:
        dice = self.random
        makers: dict[int, Callable[[], Value]] = {
            PropertyType.STRING: self.text,
            PropertyType.BINARY: self.octets,
            PropertyType.BOOLEAN: lambda: dice.random() < 0.5,
            PropertyType.INTEGER32: lambda: dice.choice((0, 1, 2, 3, 4, 5, 6, 7, -1, 65001, 1252, 1 << 31, 0x10000001)),
            PropertyType.TIME: lambda: dice.choice((0, -1, 1 << 62, 116444736000000000, dice.getrandbits(57))),
            PropertyType.MULTIPLE_STRING: lambda: (self.text(), self.text()),
        }
        kind = key.type if dice.random() < 0.95 else dice.choice(list(makers))
        return makers.get(kind, self.octets)()

    def bag(self, size: int) -> dict[PropertyKey, Value]:
        found = {key: self.value(key) for key in self.random.choices(KEYS, k=size)}
        if self.random.random() < 0.3:
            name = PropertyName(tags.PS_INTERNET_HEADERS, self.text()[:40], PropertyType.STRING)
            found[name] = self.text()
        return found

    def attachment(self, depth: int) -> AttachmentContent:
        dice = self.random
        bag = self.bag(4)
        bag[tags.PidTagAttachMethod] = dice.choice((0, 1, 1, 2, 5, 6, 7, 9))
        bag[tags.PidTagAttachMimeTag] = dice.choice((*TYPES, self.text()))
        bag[tags.PidTagAttachLongFilename] = self.text()
        bag[tags.PidTagAttachEncoding] = bytes.fromhex("2A864886F714030B01") if dice.random() < 0.2 else b""
        if depth < 3 and dice.random() < 0.2:
            return AttachmentContent(bag, self.message(depth + 1))
        return AttachmentContent(bag, dice.choice((None, self.octets(), MimeSlice(3, 50, "base64"))))

    def message(self, depth: int = 0) -> MessageContent:
        dice = self.random
        bag = self.bag(dice.choice((0, 5, 20)))
        bag[tags.PidTagMessageClass] = dice.choice(CLASSES)
        rows = [RecipientRow(dice.choice(list(RecipientType)), self.bag(4)) for _ in range(dice.randrange(4))]
        items = [self.attachment(depth) for _ in range(dice.randrange(4))]
        return MessageContent(bag, tuple(rows), tuple(items))


def check_written(content: MessageContent, raw: bytes) -> None:
    """Whatever is written is one message with one header, of lines that may be sent."""
    for audience in Audience:
        receipt = Receipt()
        made = b"".join(write_mime(content, receipt=receipt, audience=audience, raw=raw, token="t" * 16))
        assert made.count(b"\r\n") == made.count(b"\n") == made.count(b"\r")
        assert b"\0" not in made
        # What is signed stays as it came; the receipt says where that is beyond the limit.
        assert len(max(made.split(b"\r\n"), key=len)) <= 998 or any("it is signed" in str(note) for note in receipt)
        assert _FOLDED.match(made)
        header = made.partition(b"\r\n\r\n")[0].lower()
        assert b"\nx-ms-exchange-organization" not in b"\n" + header
        assert audience is Audience.OWNER or b"\nbcc:" not in header or is_meeting_or_task(content.properties)
        read_mime(render(made))


def check(data: bytes) -> object:
    """A message that is read and written again, and an object made of the octets."""
    check_written(read_mime(render(data)), data)
    check_written(Dice(data).message(), data)
    return None


def test_any_object() -> None:
    try_damaged(check, test_fuzz_mime.SEEDS, 80, seconds=5)


@pytest.mark.fuzz
@pytest.mark.timeout(0)
def test_any_object_for_long() -> None:
    seconds = float(os.environ.get("OXGATE_FUZZ_SECONDS", "300"))
    try_damaged(check, test_fuzz_mime.SEEDS, ENDLESS, seconds=seconds)
