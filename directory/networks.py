"""Addresses of clients, and the networks in which they are.

trusted = Networks(["127.0.0.0/8", "::1"])
if "::ffff:127.0.0.1" in trusted: ...
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@functools.lru_cache(maxsize=4096)
def parsed_address(text: str) -> Address | None:
    """Read a client's address; an IPv4 address written as an IPv6 one is the IPv4 address ([RFC4291] 2.5.5.2).

    A zone is left out; None: it is no address.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


class Networks:
    """Some networks, or single addresses; bits beyond a prefix do not count. Raises ValueError for what is none."""

    __slots__ = ("_networks",)

    def __init__(self, texts: Iterable[str]) -> None:
        self._networks = tuple(ipaddress.ip_network(each, strict=False) for each in texts)

    def __contains__(self, address: str) -> bool:
        client = parsed_address(address)
        return client is not None and any(client in each for each in self._networks)
