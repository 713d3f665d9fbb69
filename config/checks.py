"""What a single setting may hold. A check gets the value and returns what is wrong and how to mend it, or None."""

from __future__ import annotations

import contextlib
import difflib
import ipaddress
import re
import zoneinfo
from collections.abc import Callable, Sequence
from typing import Any

Check = Callable[[Any], str | None]

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
_NETBIOS = re.compile(r"[A-Za-z0-9!@#$%^&()_'{}.~-]{1,15}")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


def between(low: float, high: float) -> Check:
    """Accept numbers from `low` to `high`, both included."""

    def check(value: Any) -> str | None:
        return None if low <= value <= high else f"must be from {low} to {high}, not {value}"

    return check


def none_or(low: int, high: int) -> Check:
    """Accept 0, which stands for none, and numbers from `low` to `high`."""

    def check(value: Any) -> str | None:
        return None if value == 0 or low <= value <= high else f"must be 0 or from {low} to {high}, not {value}"

    return check


def one_of(*words: str) -> Check:
    """Accept these words only."""

    def check(value: Any) -> str | None:
        return None if value in words else f'must be one of {", ".join(words)}, not "{value}"'

    return check


def some_of(*words: str) -> Check:
    """Accept a list of these words in any case, each once."""

    def check(value: Any) -> str | None:
        upper = [word.upper() for word in value]
        known = [word.upper() for word in words]
        for word, folded in zip(value, upper, strict=True):
            if folded not in known:
                near = difflib.get_close_matches(folded, known, n=1, cutoff=0.6)
                hint = f'did you mean "{near[0]}"' if near else f"known are {', '.join(words)}"
                return f'holds "{word}", which is none; {hint}'
        twice = sorted({word for word in upper if upper.count(word) > 1})
        return f"names {', '.join(twice)} more than once; keep one" if twice else None

    return check


def time_zone(value: Any) -> str | None:
    """Accept a name of IANA's time zones, spelled as there."""
    known = zoneinfo.available_timezones()
    if value in known:
        return None
    near = difflib.get_close_matches(value, sorted(known), n=1, cutoff=0.6)
    hint = f'did you mean "{near[0]}"' if near else 'names are such as "Europe/Berlin"'
    return f'must be a time zone, and "{value}" is none; {hint}'


def host_name(value: Any) -> str | None:
    """Accept a DNS name ([RFC1123] 2.1)."""
    if len(value) <= 253 and value and all(_LABEL.fullmatch(label) for label in value.split(".")):
        return None
    return f'must be a DNS name such as "mail.example.com", not "{value}"'


def domain_names(value: Sequence[str]) -> str | None:
    """Accept a list of DNS names in ASCII form, each once."""
    for name in value:
        problem = host_name(name)
        if problem:
            return (
                f'holds "{name}", which is no DNS name; write it like "example.com" (an international one as xn--...)'
            )
    lower = [name.lower() for name in value]
    twice = sorted({name for name in lower if lower.count(name) > 1})
    return f"names {', '.join(twice)} more than once; keep one" if twice else None


def optional(check: Check) -> Check:
    """Accept the empty string too."""
    return lambda value: check(value) if value else None


def mail_address(value: Any) -> str | None:
    """Accept one address, local part and domain ([RFC5321] 4.1.2)."""
    local, at, domain = value.rpartition("@")
    if at and local and local.isprintable() and " " not in local and host_name(domain) is None:
        return None
    return f'must be an address such as "admin@example.com", not "{value}"'


def netbios_name(value: Any) -> str | None:
    """Accept a NetBIOS domain name: up to 15 characters, no blanks ([MS-NBTE] 2.2.1)."""
    return None if _NETBIOS.fullmatch(value) else f'must be up to 15 letters and digits, not "{value}"'


def listener_name(value: Any) -> str | None:
    """Accept a short name made of letters, digits, - and _."""
    return None if _NAME.fullmatch(value) else f'must be a short name of letters, digits, - and _, not "{value}"'


def bind_address(value: Any) -> str | None:
    """Accept an IP address, or nothing for every address of the machine."""
    if not value or value == "localhost":
        return None
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return f'must be an IP address, "localhost", or empty for every address, not "{value}"'
    return None


def network(value: Any) -> str | None:
    """Accept an IP address or network."""
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        with contextlib.suppress(ValueError):
            return f'has bits beyond its prefix; write "{ipaddress.ip_network(value, strict=False)}", not "{value}"'
        return f'must be an address or a network such as "192.0.2.0/24", not "{value}" ({error})'
    return None


def networks(value: Sequence[str]) -> str | None:
    """Accept a list of IP addresses and networks."""
    return next((f"holds one that {problem}" for one in value if (problem := network(one))), None)


def realms(value: Sequence[str]) -> str | None:
    """Accept a list of Kerberos realms with their mail domains."""
    for one in value:
        realm, equals, domain = one.partition("=")
        if not realm or not equals or host_name(domain):
            return f'holds "{one}"; write a realm and its mail domain as "EXAMPLE.COM=example.com"'
    return None


def referrals(value: Sequence[str]) -> str | None:
    """Accept a list of shards with the hosts that serve them, each shard once."""
    shards = set()
    for one in value:
        shard, equals, host = one.partition("=")
        name, colon, port = host.partition(":")
        if not shard or not equals or host_name(name) or (colon and not _is_port(port)) or shard in shards:
            return f'holds "{one}"; write a shard, each once, and its host as "west=imap.west.example.com"'
        shards.add(shard)
    return None


def _is_port(text: str) -> bool:
    return _PORT.fullmatch(text) is not None and int(text) <= 65535


def https_url(value: Any) -> str | None:
    """Accept a URL of a web server with TLS, or nothing."""
    if not value or re.fullmatch(r"https://[^/\s?#]+(/[^\s?#]*)?", value):
        return None
    return f'must be a URL such as "https://login.example.com/tenant", not "{value}"'


def ldap_urls(value: Sequence[str]) -> str | None:
    """Accept a list of LDAP servers."""
    for url in value:
        found = re.fullmatch(r"ldaps?://(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::([^/]*))?/?", url)
        if found is None or not (found[1] is None or _is_port(found[1])):
            return f'holds "{url}"; write a server as "ldaps://dc1.example.com" or "ldap://192.0.2.5:389"'
    return None


def database_url(value: Any) -> str | None:
    """Accept a PostgreSQL URL, or nothing for SQLite files."""
    if not value or re.match(r"postgres(ql)?(\+psycopg)?://", value):
        return None
    return "must be empty (SQLite files in the data folder) or a URL such as postgresql://user@host/database"


def not_blank(value: Any) -> str | None:
    """Accept anything but the empty string and the empty list."""
    return None if value else "must not be empty"


def one_line(value: Any) -> str | None:
    """Accept printable ASCII on one line: it goes out on the wire."""
    if value.isascii() and (value.isprintable() or not value):
        return None
    return "must be printable ASCII on one line"
