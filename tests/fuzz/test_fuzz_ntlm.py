"""Whatever an NTLM client sends: a step, never an exception, and never a sign-in without the password.

`make fuzz` runs it long (OXGATE_FUZZ_EXAMPLES).
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.sasl.mechanism import Challenge, Failure, FailureKind, ProvedAttempt
from gateway.sasl.ntlm import NtlmExchange
from gateway.sasl.ntlmclient import NtlmClient
from gateway.sasl.ntlmmessages import SIGNATURE, NtlmSyntaxError
from tests.gateway.sasl.ntlmsupport import PASSWORD, PEER, SETTINGS, FakeDirectory, finish

EXAMPLES = int(os.environ.get("OXGATE_FUZZ_EXAMPLES", "75"))
VARIANTS = st.sampled_from(["NTLM", "NTLMv1", "NTLM2-SESSION"])
EDITS = st.lists(
    st.tuples(st.integers(0, 600), st.sampled_from(["set", "cut", "insert", "end"]), st.binary(max_size=9)), max_size=6
)
JUNK = st.binary(max_size=200) | st.builds(
    lambda kind, rest: SIGNATURE + bytes([kind, 0, 0, 0]) + rest, st.integers(0, 4), st.binary(max_size=200)
)


def edited(token: bytes, edits: list[tuple[int, str, bytes]]) -> bytes:
    data = bytearray(token)
    for place, what, octets in edits:
        place %= len(data) + 1
        if what == "set":
            data[place : place + len(octets)] = octets
        elif what == "cut":
            del data[place : place + len(octets)]
        elif what == "insert":
            data[place:place] = octets
        else:
            del data[place:]
    return bytes(data)


def signed_in(exchange: NtlmExchange, token: bytes) -> bool:
    step = finish(exchange, token, directory=FakeDirectory("NTLMv1", "NTLM2-SESSION"))
    assert isinstance(step, Failure | ProvedAttempt)
    again = exchange.step(token)
    assert isinstance(again, Failure)
    assert again.kind is FailureKind.MALFORMED
    return isinstance(step, ProvedAttempt)


@settings(max_examples=EXAMPLES, deadline=None)
@given(VARIANTS, EDITS, EDITS, st.sampled_from([PASSWORD, "wrong"]))
def test_edited_messages(variant: Any, first: list[Any], last: list[Any], password: str) -> None:
    client = NtlmClient("alice", password, domain="EXAMPLE", variant=variant)
    exchange = NtlmExchange(SETTINGS, PEER)
    negotiate = edited(client.negotiate(), first)
    challenge = exchange.step(negotiate)
    if not isinstance(challenge, Challenge):
        assert isinstance(challenge, Failure)
        assert challenge.kind is FailureKind.UNREADABLE
        return
    authenticate = client.authenticate(challenge.data)
    token = edited(authenticate, last)
    if signed_in(exchange, token):
        assert password == PASSWORD
        if b"\x06\0\x04\0\x02\0\0\0" in token:  # the MIC is flagged: nothing may differ
            assert (negotiate, token) == (client.negotiate(), authenticate)


@settings(max_examples=EXAMPLES, deadline=None)
@given(JUNK, JUNK)
def test_junk(first: bytes, last: bytes) -> None:
    exchange = NtlmExchange(SETTINGS, PEER)
    step = exchange.step(first)
    if isinstance(step, Challenge):
        assert not signed_in(exchange, last)
    else:
        assert isinstance(step, Failure)
    exchange = NtlmExchange(SETTINGS, PEER)
    exchange.step(NtlmClient("alice", PASSWORD).negotiate())
    assert not signed_in(exchange, last)


@settings(max_examples=EXAMPLES, deadline=None)
@given(JUNK, EDITS)
def test_clients_survive_servers(junk: bytes, edits: list[Any]) -> None:
    client = NtlmClient("alice", PASSWORD)
    challenge = NtlmExchange(SETTINGS, PEER).step(client.negotiate())
    assert isinstance(challenge, Challenge)
    for token in (junk, edited(challenge.data, edits)):
        try:
            client.authenticate(token)
        except NtlmSyntaxError:
            continue
