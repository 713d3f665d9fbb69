"""The fields of reports: groups, addresses, actions, status codes ([RFC3464] 2, [RFC8098] 3, [MS-OXCMAIL] 2.2.3.7).

    for group in field_groups(body): ...            # [{"reporting-mta": "dns; mx.example"}, {"final-recipient": ...}]
    status = read_status("5.7.54 (refused)")        # Status(5, 7, 54); .code is 570, .text "5.7.54"
    diagnosis(status)                               # (46, 0): PidTagNonDeliveryReportDiagCode and its reason

Many programs write these fields nearly right. What can be understood is: folds, comments, blank lines inside a group,
groups without a blank line between, addresses without their type.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from conversion.mime.addresses import parse_addresses
from conversion.mime.charset import decode_unlabelled
from conversion.mime.headers import strip_comments

MAX_BODY = 1 << 20
"""Octets of a body of fields that are looked at."""
MAX_GROUPS = 20_000
MAX_VALUE = 4096
"""Characters kept of a field."""

_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]*:(.*)\Z", re.S)
_CONTROLS = re.compile("[\x00-\x1f\x7f]+")
_RECIPIENTS = ("final-recipient", "original-recipient")
_TYPED = re.compile(r"[ \t]*([A-Za-z0-9-]{1,40})[ \t]*;(.*)\Z", re.S)
_ANGLES = re.compile(r"<([^<>]{1,1024})>")
_UTF_8_ADDRESS = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_INFO = re.compile(r"<[^#]{0,1024}#([0-9.]{5,9})[ >]")
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")

# Actions from the worst to the best ([MS-OXCMAIL] 2.2.3.7.1.1, [RFC3464] 2.3.3), and what some programs say instead.
ACTIONS = ("failed", "delayed", "relayed", "expanded", "delivered")
_SYNONYMS = {"failure": "failed", "fail": "failed", "expired": "failed", "bounced": "failed", "undeliverable": "failed"}
_BY_KIND = {2: "delivered", 4: "delayed", 5: "failed"}


class Status(NamedTuple):
    """A status code ([RFC3463] 2)."""

    kind: int
    subject: int
    detail: int

    @property
    def code(self) -> int:
        """PidTagNonDeliveryReportStatusCode: numbers of several digits count as 0 ([MS-OXCMAIL] 2.2.3.7.1.3)."""
        return self.kind * 100 + _digit(self.subject) * 10 + _digit(self.detail)

    @property
    def text(self) -> str:
        """The code as it is written."""
        return f"{self.kind}.{self.subject}.{self.detail}"


class TypedAddress(NamedTuple):
    """An address with its type in upper case, SMTP for those of mail ([RFC3464] 2.1.2)."""

    type: str
    address: str


def _digit(number: int) -> int:
    return number if number <= 9 else 0


def field_groups(body: bytes) -> list[dict[str, str]]:
    """List the groups of fields between blank lines, names in lower case, the first of a name in a group.

    A second recipient in a group begins another one. A group that goes on where the one before stopped short, with no
    recipient of its own, belongs to that.
    """
    groups: list[dict[str, str]] = []
    current: dict[str, str] = {}
    for line in _logical_lines(body[:MAX_BODY]):
        match = _FIELD.match(line) if line else None
        if match is None:
            if not line and current:
                _add(groups, current)
                current = {}
            continue
        name = match[1].decode("ascii").lower()
        if name in _RECIPIENTS and name in current:
            _add(groups, current)
            current = {}
        if len(groups) >= MAX_GROUPS:
            return groups
        text = _CONTROLS.sub(" ", decode_unlabelled(match[2]))
        current.setdefault(name, " ".join(text.split())[:MAX_VALUE])
    _add(groups, current)
    return groups


def _add(groups: list[dict[str, str]], group: dict[str, str]) -> None:
    if not group:
        return
    before = groups[-1] if groups else None
    if before is not None and has_recipient(before) and not has_recipient(group) and not before.keys() & group.keys():
        before.update(group)
    else:
        groups.append(group)


def _logical_lines(body: bytes) -> list[bytes]:
    lines: list[list[bytes]] = []
    for line in body.split(b"\n"):
        line = line.rstrip(b"\r")
        if line[:1] in (b" ", b"\t") and line.strip() and lines and lines[-1][0]:
            lines[-1].append(line)
        else:
            lines.append([line if line.strip() else b""])
    return [b" ".join(pieces) for pieces in lines]


def has_recipient(group: dict[str, str]) -> bool:
    """Whether a group is about a recipient."""
    return any(name in group for name in _RECIPIENTS)


def typed_address(value: str) -> TypedAddress | None:
    """Read `rfc822; ann@example.net`, with or without the type, angle brackets, comments ([RFC3464] 2.1.2).

    An address in UTF-8 may be escaped ([RFC6533] 3). None where there is no address.
    """
    typed = _TYPED.match(value)
    kind, text = (typed[1].lower(), typed[2]) if typed else ("rfc822", value)
    angles = _ANGLES.search(text)
    if angles is not None:
        text = angles[1]
    elif "(" in text and kind in ("rfc822", "utf-8"):
        text = strip_comments(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    text = text.strip().strip("<>")[:1024]
    if text.startswith('"'):
        quoted = parse_addresses(text.encode("utf-8", "replace"))[:1]
        if quoted and quoted[0].local:
            text = b"@".join(filter(None, (quoted[0].local, quoted[0].domain))).decode("utf-8", "replace")
    if kind == "utf-8":
        text = _UTF_8_ADDRESS.sub(_character, text)
    if not text:
        return None
    return TypedAddress("SMTP" if kind in ("rfc822", "utf-8") or "@" in text else kind.upper(), text)


def _character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    return chr(number) if 0x20 <= number <= 0x10FFFF and not 0xD800 <= number < 0xE000 else match[0]


def name_of(value: str) -> str:
    """Give the name in `dns; mx.example.net`, whatever its type ([RFC3464] 2.1.3)."""
    typed = _TYPED.match(value)
    return (typed[2] if typed else value).strip()


def read_status(value: str) -> Status | None:
    """Find a status code ([RFC3463] 2), whatever stands around it; None where there is none."""
    match = _STATUS.search(value)
    return Status(int(match[1]), int(match[2]), int(match[3])) if match else None


def status_in(info: str) -> Status | None:
    """Give the status that PidTagSupplementaryInfo names, `<mx.example.net #5.7.54 ...>`; None where it names none."""
    match = _INFO.match(info)
    return read_status(match[1]) if match else None


def status_of(group: dict[str, str]) -> Status:
    """Give the status of a recipient: that of its Status, of its Diagnostic-Code, or the plainest of its action."""
    found = read_status(group.get("status", "")) or read_status(group.get("diagnostic-code", ""))
    if found is not None:
        return found
    action = _SYNONYMS.get(_word(group), _word(group))
    return Status({"delayed": 4, "relayed": 2, "expanded": 2, "delivered": 2}.get(action, 5), 0, 0)


def _word(group: dict[str, str]) -> str:
    return group.get("action", "").partition("(")[0].strip().lower()


def action_of(group: dict[str, str]) -> str:
    """Give the action on a recipient, one of ACTIONS; where it says none of them, what its status says."""
    word = _word(group)
    word = _SYNONYMS.get(word, word)
    return word if word in ACTIONS else _BY_KIND[status_of(group).kind]


_NO_DIAGNOSTIC = -1
# PidTagNonDeliveryReportDiagCode and PidTagNonDeliveryReportReasonCode by subject and detail; None stands for all other
# details ([MS-OXCMAIL] 2.2.3.7.1.3).
_DIAGNOSES: dict[int, dict[int | None, tuple[int, int]]] = {
    1: {1: (35, 1), 2: (48, 0), 3: (32, 0), 4: (1, 0), 6: (40, 0), None: (0, 0)},
    2: {2: (13, 0), 3: (13, 0), 4: (30, 0), None: (38, 0)},
    3: {2: (_NO_DIAGNOSTIC, 0), 3: (18, 0), 4: (13, 0), 5: (18, 0), None: (38, 0)},
    4: {
        0: (_NO_DIAGNOSTIC, 0), 3: (_NO_DIAGNOSTIC, 6), 4: (_NO_DIAGNOSTIC, 0), 6: (3, 0), 7: (5, 0), 8: (3, 0),
        None: (2, 0),
    },
    5: {3: (16, 0), 4: (11, 0), None: (17, 0)},
    6: {2: (9, 0), 3: (8, 0), 4: (25, 0), 5: (_NO_DIAGNOSTIC, 2), None: (15, 0)},
    7: {1: (29, 0), 2: (28, 0), 3: (26, 0), None: (46, 0)},
}  # fmt: skip

# The status by PidTagNonDeliveryReportDiagCode, 0 to 48, and by PidTagNonDeliveryReportReasonCode, 0 to 6
# ([MS-OXCMAIL] 2.1.3.6.1.2).
_BY_DIAGNOSIS = (
    "5.1.0", "5.1.4", "4.4.5", "4.4.6", "5.1.0", "4.4.7", "5.3.0", "5.6.0", "5.6.3", "5.6.2", "5.6.0", "5.5.4", "5.6.0",
    "5.3.4", "5.6.0", "5.6.1", "5.5.3", "5.5.5", "5.3.3", "5.6.2", "5.6.0", "5.6.0", "4.6.4", "4.6.4", "4.6.4", "4.6.4",
    "5.7.3", "4.4.6", "5.7.2", "5.7.1", "5.2.4", "5.6.1", "5.1.3", "5.1.0", "5.1.3", "5.1.1", "5.1.0", "5.3.0", "5.3.0",
    "5.1.0", "5.1.6", "5.1.0", "5.1.0", "5.1.6", "5.0.0", "5.0.0", "5.7.0", "5.0.0", "5.1.2",
)  # fmt: skip
_BY_REASON = ("5.4.0", "5.1.0", "5.6.5", "5.6.5", "5.2.0", "5.3.0", "4.4.3")


def diagnosis(status: Status) -> tuple[int, int]:
    """Give PidTagNonDeliveryReportDiagCode and its reason for a status ([MS-OXCMAIL] 2.2.3.7.1.3)."""
    details = _DIAGNOSES.get(_digit(status.subject), {None: (_NO_DIAGNOSTIC, 0)})
    return details.get(_digit(status.detail), details[None])


def status_for(diagnostic: int | None, reason: int | None) -> Status | None:
    """Give the status for the two codes ([MS-OXCMAIL] 2.1.3.6.1.2): by the first, or by the second if that says none.

    None where neither says anything.
    """
    text = ""
    if diagnostic is not None and 0 <= diagnostic < len(_BY_DIAGNOSIS):
        text = _BY_DIAGNOSIS[diagnostic]
    elif reason is not None and 0 <= reason < len(_BY_REASON):
        text = _BY_REASON[reason]
    return read_status(text)


def status_of_code(code: int | None) -> Status | None:
    """Give the status for PidTagNonDeliveryReportStatusCode; None for a number that is none."""
    if code is None or code // 100 not in (2, 4, 5):
        return None
    return Status(code // 100, code // 10 % 10, code % 10)
