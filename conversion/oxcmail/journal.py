"""Journal reports: a record of who sent what to whom, with the message itself ([MS-XJRNL] 2.2).

    report = read_journal(raw)                          # JournalReport(sender=..., recipients=(...), original=...)
    raw = write_journal(report, domain="example.net")   # from the archive's own sender, for the archive's mailbox

Anybody can write such a message. Only one that came from the own transport is evidence of anything: `read_journal` says
what a message claims, and whoever calls it has to know whom it came from.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from conversion.mime.build import Entity, Leaf, Multipart, Verbatim, choose_encoding, field, mailbox_tokens, text_tokens
from conversion.mime.charset import decode_text
from conversion.mime.dates import format_date
from conversion.mime.headers import normalise_newlines
from conversion.mime.parts import Part
from conversion.mime.structure import scan
from conversion.oxcmail.parts import Source

SENDER_NAME = "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e"
"""The local part of whom every journal report is from ([MS-XJRNL] 2.2)."""
_HEADER = b"x-ms-journal-report"
MAX_RECIPIENTS = 20_000
_MAX_RECORD = 4 << 20
_LINE = re.compile(r"([A-Za-z-]{1,40}):[ \t]?(.*)\Z")
_HISTORY = re.compile(r"\A(.*?)(?:, (Expanded|Forwarded): (.*))?\Z", re.S)


class Role(Enum):
    """In which field of the header a recipient stood."""

    TO = "To"
    CC = "Cc"
    BCC = "Bcc"
    UNKNOWN = "Recipient"
    """It is in the envelope, and in no field that is known."""


@dataclass(frozen=True, slots=True)
class JournalRecipient:
    """A recipient, and how the message came to it."""

    role: Role
    address: str
    expanded: str = ""
    """The list that it is a member of."""
    forwarded: str = ""
    """The recipient that the message was forwarded for."""


@dataclass(frozen=True, slots=True)
class JournalReport:
    """What a journal report says."""

    sender: str
    subject: str
    message_id: str
    recipients: tuple[JournalRecipient, ...]
    original: bytes
    """The message as it was, header and body."""
    on_behalf_of: str = ""
    label: str = ""


def is_journal(raw: bytes) -> bool:
    """Whether a message calls itself a journal report ([MS-XJRNL] 2.2): by a field, whatever its value."""
    structure = scan(raw)
    return any(name.lower() == _HEADER for _, name, _ in structure.header(raw, structure.root))


def read_journal(raw: bytes) -> JournalReport | None:
    """Read a journal report; None for a message that is none, or not whole."""
    structure = scan(raw)
    root = structure.root
    if not any(name.lower() == _HEADER for _, name, _ in structure.header(raw, root)):
        return None
    if (root.type, root.subtype) != ("multipart", "mixed") or len(root.children) < 2:
        return None
    record, enclosed = root.children[:2]
    if (record.type, record.subtype) != ("text", "plain") or (enclosed.type, enclosed.subtype) != ("message", "rfc822"):
        return None
    source = Source(raw, structure)
    text = decode_text(source.decoded(record)[:_MAX_RECORD], record.charset)
    return _record(text, _original(source, enclosed))


def _original(source: Source, part: Part) -> bytes:
    if part.encoding in ("base64", "quoted-printable"):
        return source.decoded(part)
    return source.raw[part.body_start : part.body_end]


def _record(text: str, original: bytes) -> JournalReport | None:
    """Read the lines of the record ([MS-XJRNL] 2.2.1); names that are not known are passed over."""
    said: dict[str, str] = {}
    recipients: list[JournalRecipient] = []
    roles = {role.value.lower(): role for role in Role}
    for line in text.replace("\r\n", "\n").split("\n"):
        match = _LINE.match(line.rstrip())
        if match is None:
            continue
        name, value = match[1].lower(), match[2].strip()
        role = roles.get(name)
        if role is None:
            said.setdefault(name, value)
        elif value and len(recipients) < MAX_RECIPIENTS:
            recipients.append(_recipient(role, value))
    if "sender" not in said:
        return None
    return JournalReport(
        said["sender"],
        said.get("subject", ""),
        said.get("message-id", ""),
        tuple(recipients),
        original,
        said.get("on-behalf-of", ""),
        said.get("label", ""),
    )


def _recipient(role: Role, value: str) -> JournalRecipient:
    match = _HISTORY.match(value)
    assert match is not None  # everything is optional
    address, how, whom = match.groups()
    return JournalRecipient(
        role, address.strip(), whom if how == "Expanded" else "", whom if how == "Forwarded" else ""
    )


def write_journal(
    report: JournalReport, *, domain: str, to: str, now: int, token: str | None = None
) -> Iterator[bytes] | None:
    """Write a journal report for the mailbox `to`, at `now` in Unix seconds ([MS-XJRNL] 2.2).

    None for a message that is itself one: nothing is recorded twice. Bcc is named here and nowhere else. It has to be
    sent with a null reverse-path, so that nobody answers it. `token` as in `write_mime`.
    """
    original = normalise_newlines(report.original)
    if is_journal(original):
        return None
    token = secrets.token_hex(12) if token is None else token
    recipient = mailbox_tokens("", to)
    date = format_date(now) or ""
    system = f"{SENDER_NAME}@{domain}".encode("ascii", "replace")
    text = "".join(f"{line}\r\n" for line in _lines(report)).encode("utf-8", "replace")
    enclosed = Verbatim([field("Content-Type", [b"message/rfc822"]), *_eight_bit(original)], original)
    children: list[Entity] = [
        Leaf([field("Content-Type", [b"text/plain;", b"charset=utf-8"])], text, choose_encoding(text)),
        enclosed,
    ]
    fields = [
        field("From", [b"<" + system + b">"]),
        *([field("To", recipient)] if recipient is not None else []),
        field("Subject", text_tokens(report.subject)),
        field("Date", date.encode("ascii").split(b" ")),
        field("Message-ID", [f"<{token}@journal.report.generator>".encode("ascii", "replace")]),
        b"X-MS-Journal-Report:\r\n",
        field("Auto-Submitted", [b"auto-generated"]),
        field("MIME-Version", [b"1.0"]),
    ]
    return Multipart(fields, "mixed", f"----=_1_{token}", children).write()


def _eight_bit(octets: bytes) -> list[bytes]:
    return [] if octets.isascii() else [field("Content-Transfer-Encoding", [b"8bit"])]


def _lines(report: JournalReport) -> Iterator[str]:
    """Give the lines of the record; a value cannot begin a line of its own."""
    yield f"Sender: {_clean(report.sender)}"
    if report.on_behalf_of and report.on_behalf_of.lower() != report.sender.lower():
        yield f"On-Behalf-Of: {_clean(report.on_behalf_of)}"
    yield f"Subject: {_clean(report.subject)}"
    yield f"Message-Id: {_clean(report.message_id)}"
    if report.label:
        yield f"Label: {_clean(report.label)}"
    for recipient in report.recipients:
        line = f"{recipient.role.value}: {_clean(recipient.address)}"
        if recipient.expanded:
            line += f", Expanded: {_clean(recipient.expanded)}"
        elif recipient.forwarded:
            line += f", Forwarded: {_clean(recipient.forwarded)}"
        yield line


def _clean(text: str) -> str:
    return " ".join(text.split())
