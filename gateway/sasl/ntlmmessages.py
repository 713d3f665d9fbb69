"""The three messages of NTLM, as octets ([MS-NLMP] 2.2.1, 2.2.2).

Everything is little-endian. A field of a message is a length, a capacity (ignored, 2.2.1) and an offset from the start
of the message: the payload may lie in any order, with gaps. Readers take nothing on trust: whatever does not fit raises
NtlmSyntaxError, never anything else. Verification needs the octets as received, so nothing here is ever written anew.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

SIGNATURE: Final = b"NTLMSSP\0"

MAX_TOKEN: Final = 16_384
"""Octets of a message. The longest in use, with a long service name, are below 2 KiB."""

NEGOTIATE: Final = 1
CHALLENGE: Final = 2
AUTHENTICATE: Final = 3

_FIELD = struct.Struct("<HHI")
_PAIR = struct.Struct("<HH")
_FLAGS = struct.Struct("<I")
_TIME = struct.Struct("<Q")

_EPOCH = 11_644_473_600
"""Seconds from 1601, where FILETIME begins, to 1970."""


class NtlmSyntaxError(ValueError):
    """Octets that are no NTLM message. The text names no secret."""


class Flag:
    """Bits of NegotiateFlags ([MS-NLMP] 2.2.2.5)."""

    UNICODE: Final = 0x1
    OEM: Final = 0x2
    REQUEST_TARGET: Final = 0x4
    SIGN: Final = 0x10
    SEAL: Final = 0x20
    LM_KEY: Final = 0x80
    NTLM: Final = 0x200
    ANONYMOUS: Final = 0x800
    ALWAYS_SIGN: Final = 0x8000
    TARGET_TYPE_DOMAIN: Final = 0x10000
    TARGET_TYPE_SERVER: Final = 0x20000
    EXTENDED_SESSIONSECURITY: Final = 0x80000
    IDENTIFY: Final = 0x100000
    TARGET_INFO: Final = 0x800000
    VERSION: Final = 0x2000000
    BITS_128: Final = 0x20000000
    KEY_EXCH: Final = 0x40000000
    BITS_56: Final = 0x80000000


class Av:
    """Identifiers of AV_PAIR ([MS-NLMP] 2.2.2.1)."""

    EOL: Final = 0
    NB_COMPUTER_NAME: Final = 1
    NB_DOMAIN_NAME: Final = 2
    DNS_COMPUTER_NAME: Final = 3
    DNS_DOMAIN_NAME: Final = 4
    DNS_TREE_NAME: Final = 5
    FLAGS: Final = 6
    TIMESTAMP: Final = 7
    TARGET_NAME: Final = 9
    CHANNEL_BINDINGS: Final = 10


MIC_PRESENT: Final = 0x2
"""Bit of Av.FLAGS: the AUTHENTICATE_MESSAGE has a MIC."""

MIC_AT: Final = slice(72, 88)
"""Where the MIC lies in an AUTHENTICATE_MESSAGE ([MS-NLMP] 2.2.1.3)."""

VERSION: Final = bytes.fromhex("0a0063450000000f")
"""10.0.17763, NTLMSSP_REVISION_W2K3 ([MS-NLMP] 2.2.2.10): only read by people."""

_SIZES = {Av.FLAGS: 4, Av.TIMESTAMP: 8, Av.CHANNEL_BINDINGS: 16}


def filetime(seconds: float) -> bytes:
    """Write a time, given in Unix seconds, as FILETIME ([MS-DTYP] 2.3.3)."""
    return _TIME.pack(int((seconds + _EPOCH) * 10_000_000))


def unix_time(data: bytes) -> float:
    """Read a FILETIME as Unix seconds."""
    value: int = _TIME.unpack(data)[0]
    return value / 10_000_000 - _EPOCH


def read_pairs(data: bytes) -> dict[int, bytes]:
    """Read AV pairs up to MsvAvEOL or the end, in whatever order; of two alike the first counts ([MS-NLMP] 2.2.2.1)."""
    pairs: dict[int, bytes] = {}
    place = 0
    while place + 4 <= len(data):
        key, size = _PAIR.unpack_from(data, place)
        if key == Av.EOL:
            break
        place += 4
        if place + size > len(data) or _SIZES.get(key, size) != size:
            raise NtlmSyntaxError("AV pair of the wrong size")
        pairs.setdefault(key, data[place : place + size])
        place += size
    return pairs


def write_pairs(pairs: Iterable[tuple[int, bytes]]) -> bytes:
    """Write AV pairs and the MsvAvEOL that ends them."""
    return b"".join([_PAIR.pack(key, len(value)) + value for key, value in pairs]) + b"\0\0\0\0"


def read_negotiate(token: bytes) -> int:
    """Give the NegotiateFlags of a NEGOTIATE_MESSAGE ([MS-NLMP] 2.2.1.1).

    Nothing else in it matters here: names of client and domain are a hint, and old clients leave them and the version
    out altogether.
    """
    _check(token, NEGOTIATE, 16)
    flags: int = _FLAGS.unpack_from(token, 12)[0]
    if not flags & (Flag.UNICODE | Flag.OEM):
        raise NtlmSyntaxError("no character set in common")  # 2.2.2.5: SEC_E_INVALID_TOKEN
    return flags


def write_negotiate(flags: int) -> bytes:
    """Write a NEGOTIATE_MESSAGE without names."""
    version = VERSION if flags & Flag.VERSION else bytes(8)
    return SIGNATURE + struct.pack("<II", NEGOTIATE, flags) + bytes(16) + version


class ChallengeMessage(NamedTuple):
    """What the server says ([MS-NLMP] 2.2.1.2)."""

    flags: int
    server_challenge: bytes
    target_name: bytes
    """In UTF-16 or an OEM character set, as the flags say."""
    target_info: bytes
    """AV pairs."""


def write_challenge(message: ChallengeMessage) -> bytes:
    """Write a CHALLENGE_MESSAGE."""
    name, info = message.target_name, message.target_info
    return b"".join(
        (
            SIGNATURE,
            struct.pack("<IHHII", CHALLENGE, len(name), len(name), 56, message.flags),
            message.server_challenge,
            bytes(8),
            _FIELD.pack(len(info), len(info), 56 + len(name)),
            VERSION if message.flags & Flag.VERSION else bytes(8),
            name,
            info,
        )
    )


def read_challenge(token: bytes) -> ChallengeMessage:
    """Read a CHALLENGE_MESSAGE. The oldest ones end before TargetInfo."""
    _check(token, CHALLENGE, 32)
    flags = _FLAGS.unpack_from(token, 20)[0]
    info = _field(token, 40, 48) if flags & Flag.TARGET_INFO else b""
    return ChallengeMessage(flags, token[24:32], _field(token, 12, 32), info)


class AuthenticateMessage(NamedTuple):
    """What the client proves itself by ([MS-NLMP] 2.2.1.3)."""

    flags: int | None
    """None: an old client that left them out, or one that says nothing by them; those of the challenge hold."""
    lm_response: bytes
    nt_response: bytes
    domain: bytes
    user: bytes
    workstation: bytes
    session_key: bytes
    """EncryptedRandomSessionKey."""
    mic: bytes | None
    """What stands in the MIC's place; whether it is one says Av.FLAGS. None: the payload begins before."""


def read_authenticate(token: bytes) -> AuthenticateMessage:
    """Read an AUTHENTICATE_MESSAGE.

    Session key, flags, version and MIC came with later systems ([MS-NLMP] 7 <11>, <12>): which of them are there is
    seen by where the payload begins. Jakarta Mail writes no flag at all, not even one for the characters of its names
    (2.2.2.5 wants one): that says as little as no flags.
    """
    _check(token, AUTHENTICATE, 52)
    starts = [len(token)]
    lm, nt, domain, user, workstation = [_field(token, place, 52, starts) for place in (12, 20, 28, 36, 44)]
    key = _field(token, 52, 60, starts) if min(starts) >= 60 else b""
    start = min(starts)
    flags = _FLAGS.unpack_from(token, 60)[0] or None if start >= 64 else None
    mic = token[MIC_AT] if start >= MIC_AT.stop else None
    return AuthenticateMessage(flags, lm, nt, domain, user, workstation, key, mic)


def write_authenticate(message: AuthenticateMessage) -> bytes:
    """Write an AUTHENTICATE_MESSAGE in the present form, its payload in the order of Windows."""
    place = 88
    where: dict[str, bytes] = {}
    payload = []
    for name in ("domain", "user", "workstation", "lm_response", "nt_response", "session_key"):
        data: bytes = getattr(message, name)
        where[name] = _FIELD.pack(len(data), len(data), place)
        payload.append(data)
        place += len(data)
    order = ("lm_response", "nt_response", "domain", "user", "workstation", "session_key")
    flags = message.flags or 0
    return b"".join(
        (
            SIGNATURE,
            _FLAGS.pack(AUTHENTICATE),
            *[where[name] for name in order],
            _FLAGS.pack(flags),
            VERSION if flags & Flag.VERSION else bytes(8),
            message.mic or bytes(16),
            *payload,
        )
    )


class ClientChallenge(NamedTuple):
    """NTLMv2_CLIENT_CHALLENGE, what an NTLMv2 response signs besides the server's challenge ([MS-NLMP] 2.2.2.7)."""

    time: float
    """Unix seconds of the client's clock, or of ours when it echoes that."""
    challenge: bytes
    pairs: Mapping[int, bytes]

    @property
    def has_mic(self) -> bool:
        """Whether the client says that its message has a MIC."""
        flags: int = _FLAGS.unpack(self.pairs.get(Av.FLAGS, bytes(4)))[0]
        return flags & MIC_PRESENT != 0

    @property
    def channel_bindings(self) -> bytes:
        """The digest of the channel bindings; empty when there is none, which sixteen zeros say as well."""
        digest = self.pairs.get(Av.CHANNEL_BINDINGS, b"")
        return digest if any(digest) else b""


def read_client_challenge(nt_response: bytes) -> ClientChallenge:
    """Read what follows the proof in an NTLMv2 response ([MS-NLMP] 2.2.2.8)."""
    if len(nt_response) < 44 or nt_response[16:18] != b"\x01\x01":
        raise NtlmSyntaxError("no NTLMv2 response")
    return ClientChallenge(unix_time(nt_response[24:32]), nt_response[32:40], read_pairs(nt_response[44:]))


def write_client_challenge(time: bytes, challenge: bytes, pairs: bytes) -> bytes:
    """Write an NTLMv2_CLIENT_CHALLENGE ("temp", [MS-NLMP] 3.3.2); `time` is a FILETIME."""
    return b"\x01\x01" + bytes(6) + time + challenge + bytes(4) + pairs + bytes(4)


def _check(token: bytes, kind: int, least: int) -> None:
    if len(token) > MAX_TOKEN:
        raise NtlmSyntaxError("message too long")
    if len(token) < least or not token.startswith(SIGNATURE):
        raise NtlmSyntaxError("no NTLM message")
    if _FLAGS.unpack_from(token, 8)[0] != kind:
        raise NtlmSyntaxError("another message was expected")


def _field(token: bytes, place: int, header: int, starts: list[int] | None = None) -> bytes:
    """Give the data of the field at `place`, which lies behind the header; note in `starts` where it begins."""
    if place + 8 > len(token):
        raise NtlmSyntaxError("message too short")
    size, _, offset = _FIELD.unpack_from(token, place)
    if not size:
        return b""  # its offset means nothing
    if offset < header or offset + size > len(token):
        raise NtlmSyntaxError("field outside of the message")
    if starts is not None:
        starts.append(offset)
    data: bytes = token[offset : offset + size]
    return data
