"""IMAP URLs that name a message or a part of one ([RFC5092]), with their authorization ([RFC4467] 3).

Pure. `parse` reads absolute URLs and the relative forms that CATENATE takes; `write` is its inverse. What names a
server, a list of mailboxes, a whole mailbox or the result of a search is read as well, so that the caller can say that
it names no message: `uid` is None then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote, unquote_to_bytes

from gateway.imap.protocol.fetch_arguments import read_section
from gateway.imap.protocol.fetch_types import Section
from gateway.imap.protocol.scanner import Scanner
from gateway.imap.protocol.types import BadCommand

MAX_URL = 4096
"""Octets of a URL."""
MAX_NAME = 1024
"""Characters of a user or mailbox name in one."""

ACCESS = ("submit+", "user+", "authuser", "anonymous")
"""The access identifiers ([RFC4467] 2.3, [RFC5092] 6.1.2); those with a plus are followed by a user's name."""

_VISIBLE = re.compile(r"[!-~]*\Z")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_AUTHORITY = re.compile(
    r"(?:(?P<user>[^;@/?#]*+)(?:;AUTH=(?P<auth>[^;@/?#]*+))?@)?(?P<host>\[[0-9A-Fa-f:.]++\]|[^:@/?#\[\]]*+)(?::(?P<port>\d{0,5}))?\Z",
    re.IGNORECASE,
)
# The mailbox has no semicolon of its own, so there is one way only to divide the rest ([RFC5092] 11).
_PATH = re.compile(
    r"/(?P<mailbox>[^;?#]*+)(?:;UIDVALIDITY=(?P<uidvalidity>[1-9]\d{0,9}))?(?P<rest>/?;(?:UID=).*+)?(?P<query>\?.*+)?\Z",
    re.IGNORECASE,
)
# Quirk: the slash before ;SECTION may be missing, as in the examples of [RFC4469] appendix A.
_MESSAGE = re.compile(
    r";UID=(?P<uid>[1-9]\d{0,9})"
    r"(?:/?;SECTION=(?P<section>[^;/?#]++))?"
    r"(?:/;PARTIAL=(?P<first>\d{1,10})(?:\.(?P<most>[1-9]\d{0,9}))?)?"
    r"(?P<rump>(?:;EXPIRE=(?P<expire>[^;/?#]++))?;URLAUTH=(?P<access>submit\+|user\+|authuser|anonymous)(?P<name>[^:;/?#]*+))?"
    r"(?::(?P<mechanism>[^:;/?#]++):(?P<token>[0-9A-Fa-f]++))?\Z",
    re.IGNORECASE,
)
_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d{1,9})?(?:Z|([+-]\d\d:\d\d))\Z", re.IGNORECASE | re.ASCII
)
_LATEST = 253_402_300_799
"""The end of the year 9999."""
_NUMBER_MOST = 0xFFFF_FFFF
_SAFE = "!$'()*,+&="
"""What stands for itself beside letters, digits and -._~ ([RFC5092] 11 `achar`)."""


class BadUrl(ValueError):
    """Not an IMAP URL, or not one of those that are understood."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a URLAUTH-authorized URL carries ([RFC4467] 2.1, 2.5)."""

    access: str
    """One of ACCESS."""
    name: str
    """The user of `submit+` and `user+`, else empty."""
    expire: int | None
    """Seconds since 1970-01-01 UTC from which the URL is good no longer."""
    rump: bytes
    """The URL up to the access identifier, as it came: what the token is made of ([RFC4467] 5)."""
    mechanism: str = ""
    """Upper case; empty in a rump URL."""
    token: bytes = b""
    """Hexadecimal, as it came."""


@dataclass(frozen=True, slots=True)
class ImapUrl:
    """A URL, decoded."""

    host: str | None
    """Lower case; None in a relative URL, empty where the authority names none."""
    user: str | None = None
    port: int | None = None
    auth: str | None = None
    """What `;AUTH=` says."""
    mailbox: str | None = None
    """None where a URL is relative to the selected mailbox, or names none."""
    uidvalidity: int | None = None
    uid: int | None = None
    section: Section | None = None
    section_text: str = ""
    """The section as IMAP writes it, without brackets."""
    partial: tuple[int, int | None] | None = None
    """First octet, and how many; None: all that follow."""
    authorization: Authorization | None = None


def parse(url: bytes) -> ImapUrl:
    """Read a URL ([RFC5092] 4 to 7, 7.1, 7.2, 11). Raises BadUrl; the cost is linear."""
    if len(url) > MAX_URL:
        raise BadUrl("too long")
    try:
        text = url.decode("ascii")
    except UnicodeDecodeError:
        raise BadUrl("not US-ASCII") from None
    if not _VISIBLE.match(text) or _BAD_ESCAPE.search(text):
        raise BadUrl("an octet that stands in no URL")
    host, user, port, auth = None, None, None, None
    if text[:5].lower() == "imap:":
        text = text[5:]
        if not text.startswith("//"):
            raise BadUrl("no server")
    if text.startswith("//"):
        slash = text.find("/", 2)
        authority, text = (text[2:], "") if slash < 0 else (text[2:slash], text[slash:])
        host, user, port, auth = _authority(authority)
    if not text:
        if host is None:
            raise BadUrl("nothing")
        return ImapUrl(host, user, port, auth)
    if text[0] == ";":
        return _message(ImapUrl(host, user, port, auth), text, url)
    return _path(ImapUrl(host, user, port, auth), text, url)


def _path(server: ImapUrl, text: str, url: bytes) -> ImapUrl:
    """`/mailbox;UIDVALIDITY=n` and what follows it ([RFC5092] 5, 6)."""
    path = _PATH.match(text)
    if path is None:
        raise BadUrl("not a path of IMAP")
    name, uidvalidity, rest = path["mailbox"], path["uidvalidity"], path["rest"]
    if rest:
        # What follows a mailbox is set apart by a slash, which the name took where no UIDVALIDITY stands between.
        head, slash, tail = (name, rest[:1], rest[1:]) if uidvalidity else (name[:-1], name[-1:], rest)
        if slash != "/" or not head or path["query"]:
            raise BadUrl("a message needs a mailbox, a slash before it, and no search")
        name, rest = head, tail
    found = replace(server, mailbox=_decode(name) or None, uidvalidity=int(uidvalidity) if uidvalidity else None)
    return _message(found, rest, url) if rest else found


def _authority(text: str) -> tuple[str, str | None, int | None, str | None]:
    """`user;AUTH=type@host:port`, of which the host alone must be there ([RFC5092] 3, 4)."""
    match = _AUTHORITY.match(text)
    if match is None:
        raise BadUrl("not a server")
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port < 65536:
        raise BadUrl("no such port")
    user = _decode(match["user"]) if match["user"] else None
    auth = _decode(match["auth"]) if match["auth"] else None
    return match["host"].lower(), user, port, auth


def _message(base: ImapUrl, text: str, url: bytes) -> ImapUrl:
    """`;UID=...` and what follows it ([RFC5092] 6)."""
    match = _MESSAGE.match(text)
    if match is None:
        raise BadUrl("not a message")
    uid, first, most = int(match["uid"]), match["first"], match["most"]
    if max(uid, int(first or 0), int(most or 0), base.uidvalidity or 0) > _NUMBER_MOST:
        raise BadUrl("a number is too large")
    section, section_text = None, ""
    if match["section"]:
        section_text = _decode(match["section"])
        section = _section(section_text)
    authorization = None
    if match["rump"]:
        authorization = _authorization(match, url, len(url) - len(text) + match.end("rump"))
    elif match["token"]:
        raise BadUrl("a token without URLAUTH")
    return replace(
        base,
        uid=uid,
        section=section,
        section_text=section_text,
        partial=(int(first), int(most) if most else None) if first else None,
        authorization=authorization,
    )


def _authorization(match: re.Match[str], url: bytes, end: int) -> Authorization:
    access = match["access"].lower()
    name = _decode(match["name"])
    if bool(name) != access.endswith("+"):
        raise BadUrl("not an access identifier")
    expire = _moment(match["expire"]) if match["expire"] else None
    return Authorization(
        access, name, expire, url[:end], (match["mechanism"] or "").upper(), (match["token"] or "").encode("ascii")
    )


def _moment(text: str) -> int:
    """A date-time of [RFC3339] 5.6 in seconds since 1970-01-01 UTC; an earlier one is as good as that."""
    match = _DATE_TIME.match(_decode(text))
    if match is None:
        raise BadUrl("not a date and time")
    try:
        moment = datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3] or '+00:00'}")
    except ValueError:
        raise BadUrl("not a date and time") from None
    return min(max(int(moment.timestamp()), 0), _LATEST)


def _section(text: str) -> Section:
    """The section as in `BODY[...]` ([RFC5092] 6)."""
    if not text.isascii() or not text.isprintable():
        raise BadUrl("not a section")
    scanner = Scanner((b"[" + text.encode("ascii") + b"]",))
    try:
        section, _ = read_section(scanner)
        scanner.end()
    except BadCommand as error:
        raise BadUrl(f"not a section: {error.text}") from error
    return section


def _decode(text: str) -> str:
    """Resolve percent-encoding; the octets are UTF-8 ([RFC5092] 3.2, 8)."""
    if "%" in text:
        try:
            text = unquote_to_bytes(text).decode("utf-8")
        except UnicodeDecodeError:
            raise BadUrl("not UTF-8") from None
    if len(text) > MAX_NAME or any(character < " " or character == "\x7f" for character in text):
        raise BadUrl("a name that nothing has")
    return text


def write(url: ImapUrl) -> bytes:
    """Write a URL ([RFC5092] 11); an authorization without a token gives a rump URL."""
    out = []
    if url.host is not None:
        user = "" if url.user is None else _encode(url.user)
        auth = "" if url.auth is None else ";AUTH=" + ("*" if url.auth == "*" else _encode(url.auth))
        at = "@" if user or auth else ""
        port = "" if url.port is None else f":{url.port}"
        out.append(f"imap://{user}{auth}{at}{url.host}{port}")
    if url.mailbox is not None:
        out.append("/" + _encode(url.mailbox, "/:@"))
        if url.uidvalidity is not None:
            out.append(f";UIDVALIDITY={url.uidvalidity}")
        if url.uid is not None:
            out.append("/")
    if url.uid is not None:
        out.append(f";UID={url.uid}")
    if url.section_text:
        out.append("/;SECTION=" + _encode(url.section_text))
    if url.partial is not None:
        first, most = url.partial
        out.append(f"/;PARTIAL={first}" if most is None else f"/;PARTIAL={first}.{most}")
    given = url.authorization
    if given is not None:
        if given.expire is not None:
            out.append(f";EXPIRE={datetime.fromtimestamp(given.expire, UTC):%Y-%m-%dT%H:%M:%SZ}")
        out.append(f";URLAUTH={given.access}{_encode(given.name)}")
        if given.token:
            out.append(f":{given.mechanism.lower()}:{given.token.decode('ascii')}")
    return "".join(out).encode("ascii")


def _encode(text: str, more: str = "") -> str:
    return quote(text, safe=_SAFE + more)
