"""Reverse-paths and forward-paths: the argument of MAIL and RCPT ([RFC5321] 4.1.2, [RFC6531] 3.3).

Nearly every path is `<dot-atom@domain>`: one exact regular expression takes it. Quoted local parts, address literals,
source routes, non-ASCII addresses and the null path go through the parser below it, which is linear.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

PATH_LIMIT = 1024
"""Octets of one path. [RFC5321] 4.5.3.1.3 says 256, and asks for more where it costs nothing."""
LOCAL_PART_LIMIT = 256
"""Octets of a local part. [RFC5321] 4.5.3.1.1 says 64; the bounce addresses of mailing lists are longer."""
DOMAIN_LIMIT = 255
"""Octets of a domain ([RFC5321] 4.5.3.1.2)."""

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_UTF8 = "\u0080-\ud7ff\ue000-\U0010ffff"  # octets that are no UTF-8 arrive as surrogates and match nothing
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_FAST = re.compile(
    rf"[ \t]*<(([{_ATEXT}]++(?>(?:\.[{_ATEXT}]++)*))@({_LABEL}(?>(?:\.{_LABEL})*)))>(?:[ \t]+(.*))?\Z",
    re.DOTALL,
)
_DOT_ATOM = re.compile(rf"[{_ATEXT}{_UTF8}]++(?>(?:\.[{_ATEXT}{_UTF8}]++)*)\Z")
_LABEL_UTF8 = re.compile(rf"[A-Za-z0-9{_UTF8}](?:[A-Za-z0-9{_UTF8}-]{{0,61}}[A-Za-z0-9{_UTF8}])?\Z")
_QUOTED = re.compile(rf'"((?>(?:[ !#-\[\]-~{_UTF8}]|\\[ -~])*))"')
_ESCAPE = re.compile(r"\\(.)")
_ROUTE = re.compile(r"@[^,:<>\"\s]++(?>(?:,@[^,:<>\"\s]++)*):")
_GENERAL_LITERAL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?:[!-Z^-~]++\Z")


class PathSyntaxError(ValueError):
    """The argument is no path: 501 5.1.7 for a sender, 501 5.1.3 for a recipient."""


class Path(NamedTuple):
    """A mailbox in a path, and what follows the path on the command line."""

    address: str
    """`local@domain` without brackets; `""` is the null reverse-path; a lone `postmaster` has no domain."""
    parameters: str
    """Everything behind the path, blanks stripped."""

    @property
    def is_ascii(self) -> bool:
        """False for an internationalised address, which needs SMTPUTF8 ([RFC6531] 3.4)."""
        return self.address.isascii()


def parse_path(text: str) -> Path:
    """Parse what follows `FROM:` or `TO:`, decoded as UTF-8 with surrogates for what is none.

    Source routes are dropped ([RFC5321] 3.6.1, appendix C); a quoted local part that needs no quotes loses them; an
    address without angle brackets is taken too (docs/quirks.md). Raises PathSyntaxError.
    """
    match = _FAST.match(text)
    if match is not None and len(match[1]) <= PATH_LIMIT:
        if len(match[2]) > LOCAL_PART_LIMIT or len(match[3]) > DOMAIN_LIMIT:
            raise PathSyntaxError("path too long")
        return Path(match[1], match[4] or "")
    return _parse_slowly(text)


def _parse_slowly(text: str) -> Path:
    text = text.strip(" \t")
    if text.startswith("<"):
        inside, rest = _split_at_bracket(text)
        if rest and rest[0] not in " \t":
            raise PathSyntaxError("text behind the path")
    else:
        inside, _, rest = text.partition(" ")
        if not inside:
            raise PathSyntaxError("no path")
    if len(inside) > PATH_LIMIT:
        raise PathSyntaxError("path too long")
    return Path(parse_mailbox(inside), rest.strip(" \t"))


def _split_at_bracket(text: str) -> tuple[str, str]:
    """Cut `<path>rest` at the closing bracket that stands outside a quoted string."""
    quoted = escaped = False
    for at in range(1, min(len(text), PATH_LIMIT + 2)):
        char = text[at]
        if escaped:
            escaped = False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == ">" and not quoted:
            return text[1:at], text[at + 1 :]
    raise PathSyntaxError("unclosed path")


def parse_mailbox(text: str) -> str:
    """Check `Mailbox` of [RFC5321] 4.1.2 (with [RFC6531] 3.3), source route allowed, and return it in its plain form.

    `""` stands for itself, the null path; `postmaster` needs no domain ([RFC5321] 4.1.1.3). Raises PathSyntaxError.
    """
    if not text:
        return ""
    route = _ROUTE.match(text)
    if route is not None:
        text = text[route.end() :]
    if text.casefold() == "postmaster":
        return text
    quoted = _QUOTED.match(text)
    if quoted is not None:
        local, rest = _plain_local(quoted[1]), text[quoted.end() :]
        if not rest.startswith("@"):
            raise PathSyntaxError("no domain")
        domain = rest[1:]
    else:
        local, at, domain = text.rpartition("@")
        if not at or not _DOT_ATOM.match(local):
            raise PathSyntaxError("bad local part")
    if len(local.encode()) > LOCAL_PART_LIMIT:
        raise PathSyntaxError("local part too long")
    _check_domain(domain)
    return f"{local}@{domain}"


def _plain_local(quoted: str) -> str:
    """Return the shortest equal spelling of a quoted local part ([RFC5321] 4.1.2)."""
    plain = _ESCAPE.sub(r"\1", quoted)
    if _DOT_ATOM.match(plain):
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _check_domain(domain: str) -> None:
    if len(domain.encode()) > DOMAIN_LIMIT:
        raise PathSyntaxError("domain too long")
    if domain.startswith("["):
        _check_literal(domain)
        return
    if not domain or not all(_LABEL_UTF8.match(label) for label in domain.split(".")):
        raise PathSyntaxError("bad domain")


def _check_literal(domain: str) -> None:
    """Check an address literal ([RFC5321] 4.1.3)."""
    if not domain.endswith("]"):
        raise PathSyntaxError("unclosed address literal")
    inside = domain[1:-1]
    try:
        if inside[:5].casefold() == "ipv6:":
            ipaddress.IPv6Address(inside[5:])
        elif not _GENERAL_LITERAL.match(inside):
            ipaddress.IPv4Address(inside)
    except ValueError as error:
        raise PathSyntaxError("bad address literal") from error
