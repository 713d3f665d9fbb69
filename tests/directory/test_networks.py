"""Addresses of clients (directory.networks)."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.networks import Networks, parsed_address


def test_addresses_have_one_form() -> None:
    """[RFC4291] 2.5.5.2."""
    assert str(parsed_address("fe80::1%eth0")) == "fe80::1"
    assert str(parsed_address("::ffff:192.0.2.1")) == "192.0.2.1"
    assert parsed_address("") is None


@pytest.mark.parametrize("address", ["192.0.2.1", "192.0.2.255", "::ffff:192.0.2.7", "::1", "2001:db8::5%eth0"])
def test_inside(address: str) -> None:
    assert address in Networks(["192.0.2.77/24", "::1", "2001:db8::/32"])


@pytest.mark.parametrize("address", ["192.0.3.1", "::2", "", "localhost", "2001:db9::1", "::192.0.2.1"])
def test_outside(address: str) -> None:
    assert address not in Networks(["192.0.2.77/24", "::1", "2001:db8::/32"])
    assert address not in Networks([])


def test_what_is_no_network() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        Networks(["nowhere"])


@given(st.ip_addresses(), st.ip_addresses(v=4), st.integers(0, 32))
def test_what_is_in_the_ranges_of_the_library_is_in_ours(one: object, base: object, prefix: int) -> None:
    network = ipaddress.ip_network(f"{base}/{prefix}", strict=False)
    client = ipaddress.ip_address(str(one))
    mapped = getattr(client, "ipv4_mapped", None) or client
    assert (str(one) in Networks([str(network)])) == (mapped in network)
