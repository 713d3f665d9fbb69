"""NTLM messages: any order of the payload, old short forms, strict bounds."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sasl.ntlmmessages import (
    MAX_TOKEN,
    SIGNATURE,
    AuthenticateMessage,
    Av,
    ChallengeMessage,
    Flag,
    NtlmSyntaxError,
    filetime,
    read_authenticate,
    read_challenge,
    read_client_challenge,
    read_negotiate,
    read_pairs,
    unix_time,
    write_authenticate,
    write_challenge,
    write_client_challenge,
    write_negotiate,
    write_pairs,
)

FIELDS = ("lm_response", "nt_response", "domain", "user", "workstation", "session_key")
VALUES = {"lm_response": b"L" * 24, "nt_response": b"N" * 60, "domain": b"D", "user": b"U" * 5, "workstation": b"W"}


def authenticate(header: int, values: dict[str, bytes], order: tuple[str, ...] = FIELDS, gap: int = 0) -> bytes:
    """An AUTHENTICATE_MESSAGE whose payload begins at `header`, in some order, with gaps."""
    payload, places = b"", {}
    for name in order:
        payload += b"?" * gap
        places[name] = header + len(payload)
        payload += values.get(name, b"")
    head = SIGNATURE + struct.pack("<I", 3)
    for name in FIELDS:
        size = len(values.get(name, b""))
        head += struct.pack("<HHI", size, 0, places[name] if size else 0xFFFFFFFF)
    head += struct.pack("<I", Flag.UNICODE) + b"V" * 8 + b"M" * 16
    return head[:header] + payload


class TestAuthenticate:
    """[MS-NLMP] 2.2.1.3."""

    @given(st.permutations(FIELDS), st.integers(0, 5))
    def test_any_order_and_gaps(self, order: list[str], gap: int) -> None:
        values = {**VALUES, "session_key": b"K" * 16}
        message = read_authenticate(authenticate(88, values, tuple(order), gap))
        assert message._asdict() == {**values, "flags": Flag.UNICODE, "mic": b"M" * 16}

    @pytest.mark.parametrize(
        ("header", "flags", "mic"),
        [(52, None, None), (60, None, None), (64, 1, None), (72, 1, None), (87, 1, None), (88, 1, b"M" * 16)],
    )
    def test_old_short_forms(self, header: int, flags: int | None, mic: bytes | None) -> None:
        """[MS-NLMP] 7 <11>, <12>: what is there is seen by where the payload begins."""
        message = read_authenticate(authenticate(header, VALUES))
        assert (message.flags, message.mic, message.session_key) == (flags, mic, b"")
        assert (message.user, message.nt_response) == (b"U" * 5, b"N" * 60)

    def test_a_session_key_that_is_first_ends_the_header(self) -> None:
        values = {**VALUES, "session_key": b"K" * 16}
        message = read_authenticate(authenticate(64, values, ("session_key", *FIELDS[:5])))
        assert (message.session_key, message.flags, message.mic) == (b"K" * 16, 1, None)

    @pytest.mark.parametrize("place", [12, 20, 28, 36, 44, 52])
    @pytest.mark.parametrize(
        ("size", "offset"),
        [(1, 0), (1, 51), (65_535, 88), (1, 2**32 - 1), (2, 2**31), (1, 5000), (8, 220)],
    )
    def test_field_outside(self, place: int, size: int, offset: int) -> None:
        token = bytearray(authenticate(88, {**VALUES, "session_key": b"K" * 16}))
        struct.pack_into("<HHI", token, place, size, size, offset)
        with pytest.raises(NtlmSyntaxError):
            read_authenticate(bytes(token))

    def test_every_truncation(self) -> None:
        token = authenticate(88, {**VALUES, "session_key": b"K" * 16})
        for size in range(len(token)):
            with pytest.raises(NtlmSyntaxError):
                read_authenticate(token[:size])

    def test_too_long(self) -> None:
        token = authenticate(88, VALUES)
        read_authenticate(token + bytes(MAX_TOKEN - len(token)))
        with pytest.raises(NtlmSyntaxError, match="too long"):
            read_authenticate(token + bytes(MAX_TOKEN - len(token) + 1))

    def test_written_and_read(self) -> None:
        message = AuthenticateMessage(Flag.UNICODE | Flag.VERSION, b"l", b"nn", b"d", b"u", b"w", b"k" * 16, b"m" * 16)
        assert read_authenticate(write_authenticate(message)) == message


class TestNegotiate:
    """[MS-NLMP] 2.2.1.1."""

    def test_short_forms(self) -> None:
        token = write_negotiate(Flag.UNICODE | Flag.NTLM)
        assert len(token) == 40
        for size in (16, 32, 40):
            assert read_negotiate(token[:size]) == Flag.UNICODE | Flag.NTLM

    def test_names_do_not_matter(self) -> None:
        token = write_negotiate(Flag.OEM)[:16] + b"\xff" * 16
        assert read_negotiate(token) == Flag.OEM

    @pytest.mark.parametrize(
        "token",
        [
            *(b"", b"x", SIGNATURE, SIGNATURE + b"\1\0\0\0", b"NTLMSSP\1\1\0\0\0\1\0\0\0"),
            SIGNATURE + struct.pack("<II", 3, 1),
            SIGNATURE + struct.pack("<II", 1, 0x200),
            SIGNATURE + struct.pack("<II", 1, 1) + bytes(MAX_TOKEN),
        ],
    )
    def test_refused(self, token: bytes) -> None:
        """2.2.2.5: neither UNICODE nor OEM is an invalid token."""
        with pytest.raises(NtlmSyntaxError):
            read_negotiate(token)


class TestChallenge:
    """[MS-NLMP] 2.2.1.2."""

    @pytest.mark.parametrize("flags", [Flag.TARGET_INFO, Flag.TARGET_INFO | Flag.VERSION])
    def test_written_and_read(self, flags: int) -> None:
        message = ChallengeMessage(flags, b"12345678", b"NAME", b"\0\0\0\0")
        token = write_challenge(message)
        assert len(token) == 56 + 4 + 4
        assert token[32:40] == bytes(8)
        assert any(token[48:56]) == (flags & Flag.VERSION != 0)
        assert read_challenge(token) == message

    def test_without_target_info(self) -> None:
        token = SIGNATURE + struct.pack("<IHHII", 2, 2, 2, 32, Flag.OEM) + b"12345678" + b"ab"
        assert read_challenge(token) == ChallengeMessage(Flag.OEM, b"12345678", b"ab", b"")


class TestPairs:
    """[MS-NLMP] 2.2.2.1."""

    def test_any_order(self) -> None:
        pairs = [(9, b"s"), (1, b"h"), (7, b"t" * 8), (77, b"")]
        assert read_pairs(write_pairs(pairs) + b"behind the end") == dict(pairs)

    def test_no_end(self) -> None:
        assert read_pairs(write_pairs([(1, b"h")])[:-4]) == {1: b"h"}
        assert read_pairs(b"\1\0\0") == {}

    def test_the_first_of_two_alike(self) -> None:
        assert read_pairs(write_pairs([(Av.FLAGS, b"\2\0\0\0"), (Av.FLAGS, bytes(4))])) == {Av.FLAGS: b"\2\0\0\0"}

    @pytest.mark.parametrize(
        "data",
        [b"\1\0\2\0x", b"\1\0\xff\xff", *(write_pairs([(key, b"abc")]) for key in (6, 7, 10))],
    )
    def test_wrong_sizes(self, data: bytes) -> None:
        with pytest.raises(NtlmSyntaxError):
            read_pairs(data)


class TestClientChallenge:
    """[MS-NLMP] 2.2.2.7."""

    @pytest.mark.parametrize("flags", [0, 1, 2, 3, 4])
    @pytest.mark.parametrize("bindings", [None, bytes(16), b"b" * 16])
    def test_what_it_says(self, flags: int, bindings: Any) -> None:
        pairs = [(Av.FLAGS, flags.to_bytes(4, "little"))]
        pairs += [(Av.CHANNEL_BINDINGS, bindings)] if bindings is not None else []
        blob = read_client_challenge(
            bytes(16) + write_client_challenge(filetime(1_234_567.5), b"12345678", write_pairs(pairs))
        )
        assert blob.time == 1_234_567.5
        assert blob.challenge == b"12345678"
        assert blob.has_mic == (flags & 2 == 2)
        assert blob.channel_bindings == (bindings if bindings == b"b" * 16 else b"")

    @pytest.mark.parametrize("response", [bytes(44), b"\1" * 43, bytes(16) + b"\1\2" + bytes(40)])
    def test_refused(self, response: bytes) -> None:
        with pytest.raises(NtlmSyntaxError):
            read_client_challenge(response)


@given(st.floats(-1e9, 1e11))
def test_time(seconds: float) -> None:
    assert unix_time(filetime(seconds)) == pytest.approx(seconds, abs=1e-4)


@given(st.binary(max_size=300))
def test_junk(data: bytes) -> None:
    for read in (read_negotiate, read_challenge, read_authenticate, read_pairs, read_client_challenge):
        for token in (data, SIGNATURE + data):
            try:
                read(token)  # type: ignore[operator]
            except NtlmSyntaxError:
                continue
