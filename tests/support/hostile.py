"""Messages that somebody built to hurt whoever reads them: each small, together all that a MIME reader converts."""

from __future__ import annotations

import struct
from base64 import b64encode, encodebytes

from tests.support import tnef

HEAD = b"From: mallory@other.test\r\nTo: alice@example.test\r\nSubject: s\r\nMIME-Version: 1.0\r\n"


def part(kind: str, body: bytes, more: str = "") -> bytes:
    return f"Content-Type: {kind}\r\n{more}\r\n".encode() + body


def encoded(kind: str, body: bytes) -> bytes:
    return part(kind, encodebytes(body).replace(b"\n", b"\r\n"), "Content-Transfer-Encoding: base64\r\n")


def multi(kind: str, *parts: bytes) -> bytes:
    inner = b"".join(b"--b\r\n" + one + b"\r\n" for one in parts)
    return f"Content-Type: multipart/{kind}; boundary=b\r\n\r\n".encode() + inner + b"--b--\r\n"


def text(body: bytes = b"text\r\n") -> bytes:
    return part("text/plain", body)


def winmail(data: bytes) -> bytes:
    return HEAD + multi("mixed", text(), encoded("application/ms-tnef; name=winmail.dat", data))


def calendar(*lines: str, method: str = "REQUEST") -> bytes:
    body = "\r\n".join(
        ("BEGIN:VCALENDAR", f"METHOD:{method}", "BEGIN:VEVENT", "UID:1", *lines, "END:VEVENT", "END:VCALENDAR", "")
    ).encode("utf-8", "surrogatepass")
    return HEAD + multi("alternative", text(), part(f"text/calendar; charset=utf-8; method={method}", body))


def properties(*values: bytes) -> bytes:
    return tnef.message(0x00069003, struct.pack("<I", len(values)) + b"".join(values))


def nested_messages(depth: int) -> bytes:
    inner = HEAD + b"\r\nthe end\r\n"
    for _ in range(depth):
        inner = HEAD + part("message/rfc822", inner)
    return inner


def nested_parts(depth: int) -> bytes:
    opened = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(depth))
    return HEAD + opened.encode() + text()


def nested_streams(depth: int) -> bytes:
    """A message in a message in a message, as attachments of TNEF ([MS-OXTNEF] 2.1.3.4)."""
    identifier = bytes.fromhex("0703020000000000C000000000000046")
    inner = tnef.stream(tnef.message(0x00078008, b"IPM.Note\0"))
    for _ in range(depth):
        value = tnef.tag(0x000D, 0x3701) + tnef.one(identifier + inner)
        attached = tnef.attachment(0x00069005, struct.pack("<I", 1) + value)
        inner = tnef.stream(tnef.message(0x00078008, b"IPM.Note\0"), tnef.rendering(), attached)
    return inner


def report(fields: bytes, kind: str = "delivery-status") -> bytes:
    status = part(f"message/{kind}", fields)
    return (
        HEAD
        + b"Content-Type: multipart/report; report-type=%b; boundary=b\r\n\r\n--b\r\n" % kind.encode()
        + (text() + b"\r\n--b\r\n" + status + b"\r\n--b--\r\n")
    )


_ODD_VALUES = (
    tnef.tag(0x0003, 0x0E07) + b"\xff\xff\xff\xff",
    tnef.tag(0x0040, 0x0039) + b"\xff" * 8,
    tnef.tag(0x0040, 0x0E06) + b"\x00" * 7 + b"\x80",
    tnef.tag(0x0014, 0x6740) + b"\xff" * 8,
    tnef.tag(0x0006, 0x6701) + b"\x00" * 7 + b"\x80",
    tnef.tag(0x0005, 0x6702) + struct.pack("<d", float("nan")),
    tnef.tag(0x001F, 0x0037) + tnef.one("a\ud800\0b".encode("utf-16-le", "surrogatepass")),
    tnef.tag(0x001F, 0x1035) + tnef.one("<\udfff\0@x>".encode("utf-16-le", "surrogatepass")),
    tnef.tag(0x001F, 0x001A) + tnef.one("IPM.\ud800\0".encode("utf-16-le", "surrogatepass")),
    tnef.tag(0x0102, 0x0071) + tnef.one(b"\x01" * 3),
    tnef.tag(0x0102, 0x3013) + tnef.one(b"short"),
    tnef.tag(0x101F, 0x67E0) + struct.pack("<I", 1) + tnef.wide("dropped\tforged\tnote\t1"),
    tnef.tag(0x000B, 0x0E1B) + b"\x07\x00\x00\x00",
)

MESSAGES: dict[str, bytes] = {
    "nothing": b"\r\n",
    "no header": b"not a field\r\n\r\nbody\r\n",
    "only a header": HEAD,
    "NUL everywhere": b"Subject: a\0b\r\nFrom: \0@\0\r\nMessage-ID: <\0>\r\nContent-Type: text/\0plain\r\n\r\n\0\r\n",
    "octets without a charset": b"Subject: \xff\xfe\xed\xa0\x80\r\nFrom: \x80\xff <\xff@\xff>\r\n\r\n\xed\xa0\x80\r\n",
    "encoded words": b"Subject: " + b"=?utf-7?B?+2AA-?= =?x?Q?=?= =?utf-16?B?2AA=?=" * 300 + b"\r\n\r\n",
    "a long field": b"Subject: " + b"x" * 200_000 + b"\r\n\r\n",
    "many fields": b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(1500)) + b"\r\n",
    "many addresses": b"To: " + b",".join(b"a%d@x.test" % n for n in range(2000)) + b"\r\n\r\n",
    "groups and comments": b"To: " + b"g:" * 3000 + b"(" * 3000 + b"<" * 3000 + b"\r\n\r\n",
    "dates": b"Date: Mon, 99 Foo 99999 99:99:99 +9999\r\nReply-By: 31 Dec 9999 23:59:60 -2359\r\nExpires: 0\r\n\r\n",
    "numbers": b"X-Priority: 9999999999\r\nX-VoiceMessageDuration: -99999999999\r\nThread-Index: ====\r\n\r\n",
    "a thread index": b"Thread-Index: " + b64encode(b"\xff" * 5000) + b"\r\nContent-Class: urn:\0\r\n\r\n",
    "the organisation": b"X-MS-Exchange-Organization-SCL: -1\r\n" * 2 + b"X-MS-Exchange-Organization-PCL: 8\r\n\r\n",
    "parts in parts": nested_parts(300),
    "many parts": HEAD + multi("mixed", *[text(b"")] * 800),
    "no boundary": HEAD + b"Content-Type: multipart/mixed\r\n\r\n--\r\n--\r\n",
    "related to nothing": HEAD + multi("related", part("text/html", b"<img src='cid:%00'><img src='cid:" + b"a" * 999)),
    "messages in messages": nested_messages(60),
    "an encoded message": HEAD + encoded("message/rfc822", nested_messages(3)),
    "a piece of a message": HEAD + part("message/partial; id=x; number=99999999999; total=0", b"\r\n"),
    "somewhere else": HEAD + part("message/external-body; access-type=local-file; name=/etc/passwd", b"\r\n"),
    "charsets": HEAD + part('text/plain; charset="utf-16\0"', b"\xff\xfe\x00\xd8"),
    "utf-7": HEAD + part("text/html; charset=utf-7", b"+ADw-script+AD4-+2AA-"),
    "iso-2022-jp": HEAD + part("text/plain; charset=iso-2022-jp", b"\x1b$B\xff\x1b(J\x1b$"),
    "names": HEAD + part("application/x; " + "; ".join(f"name*{n}*=%ff%{n}" for n in range(500)), b"x"),
    "deep HTML": HEAD + part("text/html", b"<div><b>" * 5000),
    "deep enriched text": HEAD + part("text/enriched", b"<bold><param>" * 9000),
    "flowed": HEAD + part("text/plain; format=flowed; delsp=yes", b">" * 9000 + b" \r\n" + b"> \r\n" * 3000),
    "uuencode": b"Subject: x\r\n\r\n" + b"begin 644 a\r\n#\xff\r\n" * 400 + b"`\r\nend\r\n",
    "BinHex": HEAD + part("application/mac-binhex40", b"(This file must be converted with BinHex 4.0)\r\n:!!!!"),
    "AppleDouble": HEAD
    + multi("appledouble", encoded("application/applefile", b"\0\x05\x16\x07" + b"\xff" * 60), text()),
    "MacBinary": HEAD + encoded("application/macbinary", b"\0\x3f" + b"\xff" * 126),
    "signed": HEAD + multi("signed; protocol=application/pkcs7-signature; micalg=x", text()),
    "enveloped": HEAD + encoded("application/pkcs7-mime; smime-type=signed-data", b"\x30\x84\xff\xff\xff\xff" * 50),
    "a report": report(
        b"Reporting-MTA: dns; \0\r\n\r\n" + b"Final-Recipient: rfc822; \xff@x\r\nStatus: 9.9.9\r\n\r\n" * 400
    ),
    "a report of nothing": report(b""),
    "a receipt": report(b"Disposition: ;;;/\0\r\nOriginal-Message-ID: <\0>\r\n", "disposition-notification"),
    "a journal": HEAD + b"X-MS-Journal-Report:\r\n" + multi("mixed", text(b"Sender: \0\r\n"), nested_messages(9)),
    "an empty stream": winmail(b""),
    "half a stream": winmail(nested_streams(2)[:90]),
    "streams in streams": winmail(nested_streams(40)),
    "a length of a stream": winmail(tnef.HEADER + b"\x01" + struct.pack("<II", 0x00069003, 0xFFFFFFFF) + b"x"),
    "counts in a stream": winmail(
        tnef.stream(tnef.message(0x00069003, b"\xff" * 4 + tnef.tag(0x101F, 0x1000) + b"\xff" * 40))
    ),
    "odd values in a stream": winmail(tnef.stream(properties(*_ODD_VALUES))),
    "names in a stream": winmail(
        tnef.stream(
            properties(*(tnef.named(0x0003, tnef.UUID(int=n), f"n{n}", 0x8000 + n) + bytes(4) for n in range(500)))
        )
    ),
    "RTF in a stream": winmail(
        tnef.stream(
            properties(
                tnef.tag(0x0102, 0x1009) + tnef.one(struct.pack("<IIII", 20, 0xFFFFFFFF, 0x75465A4C, 0) + b"x" * 40)
            )
        )
    ),
    "no calendar": HEAD + part("text/calendar; method=REQUEST", b"BEGIN:VCALENDAR\r\n" * 150),
    "a calendar without end": calendar("DTSTART:20240101T000000Z", "RRULE:FREQ=SECONDLY"),
    "times that are none": calendar("DTSTART:99999999T999999Z", "DTEND:00000000", "DURATION:P9999999W", "EXDATE:x"),
    "a far end": calendar("DTSTART:99991231T235959Z", "RRULE:FREQ=DAILY;INTERVAL=2147483647;BYDAY=99MO"),
    "a zone": calendar("DTSTART;TZID=" + "x" * 2000 + ":20240101T000000", "RECURRENCE-ID;TZID=/:20240101T000000"),
    "attendees": calendar(
        "DTSTART:20240101T000000Z", *(f"ATTENDEE;CN=\ud800{n};PARTSTAT=?:mailto:a{n}@x.test" for n in range(400))
    ),
    "files in a calendar": calendar("DTSTART:20240101T000000Z", *["ATTACH;ENCODING=BASE64;VALUE=BINARY:AA=="] * 300),
    "an answer": calendar("DTSTART:20240101T000000Z", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:\0", method="REPLY"),
    "components": calendar(*["BEGIN:VALARM"] * 400),
    "a card": HEAD + part("text/vcard", b"BEGIN:VCARD\r\nVERSION:4.0\r\nN:" + b";" * 9000 + b"\r\nEND:VCARD\r\n"),
}
"""By what they are; line ends are CRLF, so that they come back as they were sent."""
