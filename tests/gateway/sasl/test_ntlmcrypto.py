"""The values of [MS-NLMP] 4.2, and the arithmetic on its own."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spnego.channel_bindings import GssChannelBindings

from gateway.sasl import ntlmcrypto
from gateway.sasl.channelbinding import end_point_digest
from gateway.sasl.ntlmclient import NtlmClient
from gateway.sasl.ntlmmessages import read_authenticate, read_challenge, read_client_challenge, write_challenge

NT_HASH = bytes.fromhex("a4f49c406510bdcab6824ee7c30fd852")
SERVER_CHALLENGE = bytes.fromhex("0123456789abcdef")
CLIENT_CHALLENGE = b"\xaa" * 8
SESSION_KEY = b"\x55" * 16
BASE_KEY_V1 = bytes.fromhex("d87262b0cde4b1cb7499becccdf10784")

V1_CHALLENGE = bytes.fromhex(
    "4e544c4d53535000020000000c000c0038000000338202e20123456789abcdef00000000000000000000000000000000"
    "060070170000000f530065007200760065007200"
)
V1_AUTHENTICATE = bytes.fromhex(
    "4e544c4d5353500003000000180018006c00000018001800840000000c000c0048000000080008005400000010001000"
    "5c000000100010009c000000358280e20501280a0000000f"
    "44006f006d00610069006e00550073006500720043004f004d0050005500540045005200"
    "98def7b87f88aa5dafe2df779688a172def11c7d5ccdef13"
    "67c43011f30298a2ad35ece64f16331c44bdbed927841f94"
    "518822b1b3f350c8958682ecbb3e3cb7"
)
SESSION_AUTHENTICATE = bytes.fromhex(
    "4e544c4d5353500003000000180018006c00000018001800840000000c000c0048000000080008005400000010001000"
    "5c000000000000009c000000358208820501280a0000000f"
    "44006f006d00610069006e00550073006500720043004f004d0050005500540045005200"
    "aaaaaaaaaaaaaaaa00000000000000000000000000000000"
    "7537f803ae367128ca458204bde7caf81e97ed2683267232"
)
V2_CHALLENGE = bytes.fromhex(
    "4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef00000000000000002400240044000000"
    "060070170000000f530065007200760065007200"
    "02000c0044006f006d00610069006e0001000c00530065007200760065007200"
    "00000000"
)
V2_TEMP = bytes.fromhex(
    "01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000"
    "02000c0044006f006d00610069006e0001000c00530065007200760065007200"
    "0000000000000000"
)
V2_AUTHENTICATE = (
    bytes.fromhex(
        "4e544c4d5353500003000000180018006c00000054005400840000000c000c0048000000080008005400000010001000"
        "5c00000010001000d8000000358288e20501280a0000000f"
        "44006f006d00610069006e00550073006500720043004f004d0050005500540045005200"
        "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa"
        "68cd0ab851e51c96aabc927bebef6a1c"
    )
    + V2_TEMP
    + bytes.fromhex("c5dad2544fc9799094ce1ce90bc9d03e")
)


def test_ntowf_v1() -> None:
    """[MS-NLMP] 4.2.2.1.2."""
    assert ntlmcrypto.nt_hash("Password") == NT_HASH


class TestVersion1:
    """[MS-NLMP] 4.2.2."""

    def test_messages(self) -> None:
        challenge, message = read_challenge(V1_CHALLENGE), read_authenticate(V1_AUTHENTICATE)
        assert challenge.server_challenge == SERVER_CHALLENGE
        assert challenge.target_name.decode("utf-16-le") == "Server"
        assert (message.user.decode("utf-16-le"), message.domain.decode("utf-16-le")) == ("User", "Domain")
        assert message.mic is None
        assert write_challenge(challenge)[:48] == V1_CHALLENGE[:44] + b"\x44\0\0\0"  # an offset of nothing

    def test_response_and_keys(self) -> None:
        """4.2.2.2.1, 4.2.2.1.3, 4.2.2.2.3."""
        message = read_authenticate(V1_AUTHENTICATE)
        assert ntlmcrypto.verify_ntlmv1(NT_HASH, SERVER_CHALLENGE, message.nt_response) == BASE_KEY_V1
        assert ntlmcrypto.rc4(BASE_KEY_V1, SESSION_KEY) == message.session_key
        assert ntlmcrypto.rc4(BASE_KEY_V1, message.session_key) == SESSION_KEY
        assert ntlmcrypto.verify_ntlmv1(NT_HASH, CLIENT_CHALLENGE, message.nt_response) is None
        assert ntlmcrypto.verify_ntlmv1(bytes(16), SERVER_CHALLENGE, message.nt_response) is None

    def test_lm_response(self) -> None:
        """4.2.2.1.1 and 4.2.2.2.2, which show DES and DESL."""
        hashed = ntlmcrypto.des(b"PASSWOR", b"KGS!@#$%") + ntlmcrypto.des(b"D" + bytes(6), b"KGS!@#$%")
        assert hashed.hex() == "e52cac67419a9a224a3b108f3fa6cb6d"
        assert ntlmcrypto.desl(hashed, SERVER_CHALLENGE) == read_authenticate(V1_AUTHENTICATE).lm_response


class TestSession:
    """[MS-NLMP] 4.2.3, NTLM v1 with client challenge."""

    def test_response_and_keys(self) -> None:
        message = read_authenticate(SESSION_AUTHENTICATE)
        assert message.lm_response == CLIENT_CHALLENGE + bytes(16)
        verify = ntlmcrypto.verify_ntlm2_session
        assert verify(NT_HASH, SERVER_CHALLENGE, CLIENT_CHALLENGE, message.nt_response) == BASE_KEY_V1
        assert verify(NT_HASH, SERVER_CHALLENGE, bytes(8), message.nt_response) is None
        key = ntlmcrypto.session_key_v1(BASE_KEY_V1, SERVER_CHALLENGE, CLIENT_CHALLENGE)
        assert key.hex() == "eb93429a8bd952f8b89c55b87f475edc"


class TestVersion2:
    """[MS-NLMP] 4.2.4."""

    def test_response_and_keys(self) -> None:
        """4.2.4.1.1, 4.2.4.1.2, 4.2.4.2.2, 4.2.4.2.3."""
        message = read_authenticate(V2_AUTHENTICATE)
        assert message.nt_response[16:] == V2_TEMP
        key = ntlmcrypto.verify_ntlmv2(NT_HASH, "User", ["Domain"], SERVER_CHALLENGE, message.nt_response)
        assert key is not None
        assert key.hex() == "8de40ccadbc14a82f15cb0ad0de95ca3"
        assert ntlmcrypto.ntowf_v2(NT_HASH, "User", "Domain").hex() == "0c868a403bfd7a93a3001ef22ef02e3f"
        assert ntlmcrypto.rc4(key, SESSION_KEY) == message.session_key

    def test_client_challenge(self) -> None:
        """4.2.4.1.3: no time, no MIC, no bindings."""
        blob = read_client_challenge(read_authenticate(V2_AUTHENTICATE).nt_response)
        assert blob.challenge == CLIENT_CHALLENGE
        assert {key: value.decode("utf-16-le") for key, value in blob.pairs.items()} == {2: "Domain", 1: "Server"}
        assert not blob.has_mic
        assert blob.channel_bindings == b""

    def test_our_client(self) -> None:
        """4.2.4.3, but for the AV pairs that came later, and with them the proof."""
        client = NtlmClient(
            "User", "Password", domain="Domain", random=lambda size: {8: b"\xaa", 16: b"U"}[size] * size
        )
        message = read_authenticate(client.authenticate(V2_CHALLENGE))
        expected = read_authenticate(V2_AUTHENTICATE)
        assert message.lm_response == expected.lm_response
        assert (message.user, message.domain) == (expected.user, expected.domain)
        key = ntlmcrypto.verify_ntlmv2(NT_HASH, "User", ["Domain"], SERVER_CHALLENGE, message.nt_response)
        assert key is not None
        assert ntlmcrypto.rc4(key, message.session_key) == SESSION_KEY == client.session_key

    @pytest.mark.parametrize("domains", [["Domain"], ["x", "Domain"], ["DOMAIN", "", "Domain"]])
    def test_any_of_the_domains(self, domains: list[str]) -> None:
        response = read_authenticate(V2_AUTHENTICATE).nt_response
        assert ntlmcrypto.verify_ntlmv2(NT_HASH, "uSER", domains, SERVER_CHALLENGE, response)

    @pytest.mark.parametrize("domains", [[], ["DOMAIN"], [""]])
    def test_none_of_the_domains(self, domains: list[str]) -> None:
        """3.3.2: in NTOWFv2 only the user is in capitals."""
        response = read_authenticate(V2_AUTHENTICATE).nt_response
        assert ntlmcrypto.verify_ntlmv2(NT_HASH, "User", domains, SERVER_CHALLENGE, response) is None


@given(st.integers(0, 8 * 84 - 1))
def test_one_bit_makes_a_response_wrong(bit: int) -> None:
    response = bytearray(read_authenticate(V2_AUTHENTICATE).nt_response)
    response[bit // 8] ^= 1 << bit % 8
    assert ntlmcrypto.verify_ntlmv2(NT_HASH, "User", ["Domain"], SERVER_CHALLENGE, bytes(response)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user", "USER"),
        ("größe", "GRÖßE"),  # Windows maps one character to one
        ("ǆ", "Ǆ"),
        ("ŉ", "ŉ"),
        ("𐐨", "𐐨"),  # beyond the BMP there are only surrogates, which have no case
        ("иван", "ИВАН"),
    ],
)
def test_upper(text: str, expected: str) -> None:
    assert ntlmcrypto.upper(text) == expected


@given(st.binary(max_size=64))
def test_end_point_digest(end_point: bytes) -> None:
    """[RFC4121] 4.1.1.2, as another implementation has it."""
    bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + end_point)
    assert end_point_digest(end_point) == hashlib.md5(bindings.pack()).digest()
