"""The arithmetic of NTLM ([MS-NLMP] 3.3, 3.4.5.1, 6).

All of it is obsolete, and here because some clients speak nothing else: MD4, RC4 and DES protect nothing that matters
but the exchange itself. Whoever has an NT hash can sign in as its user: it is as good as a password.

The ciphers are loaded when they are first used, which on many servers is never: they cost 30 ms at the start.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable


def nt_hash(password: str) -> bytes:
    """NTOWFv1: the key of an account ([MS-NLMP] 3.3.1)."""
    return md4(password.encode("utf-16-le", "surrogatepass"))


def ntowf_v2(key: bytes, user: str, domain: str) -> bytes:
    """NTOWFv2: an account's NT hash bound to the name; case of the user does not matter, that of the domain does."""
    return hmac_md5(key, (upper(user) + domain).encode("utf-16-le"))


def verify_ntlmv2(
    key: bytes, user: str, domains: Iterable[str], server_challenge: bytes, nt_response: bytes
) -> bytes | None:
    """Give the session base key when an NTLMv2 response is right with one of the domains ([MS-NLMP] 3.3.2), else None.

    A wrong key costs the same, whatever is wrong with it.
    """
    proof, blob = nt_response[:16], nt_response[16:]
    for domain in domains:
        response_key = ntowf_v2(key, user, domain)
        if hmac.compare_digest(hmac_md5(response_key, server_challenge + blob), proof):
            return hmac_md5(response_key, proof)
    return None


def verify_ntlmv1(key: bytes, server_challenge: bytes, nt_response: bytes) -> bytes | None:
    """Give the session base key when an NTLMv1 response is right ([MS-NLMP] 3.3.1), else None."""
    if hmac.compare_digest(desl(key, server_challenge), nt_response):
        return md4(key)
    return None


def verify_ntlm2_session(
    key: bytes, server_challenge: bytes, client_challenge: bytes, nt_response: bytes
) -> bytes | None:
    """Give the session base key when a response with extended session security is right, else None.

    That is NTLMv1 over both challenges ([MS-NLMP] 3.3.1), which others call NTLM2 session.
    """
    return verify_ntlmv1(key, both_challenges(server_challenge, client_challenge), nt_response)


def both_challenges(server_challenge: bytes, client_challenge: bytes) -> bytes:
    """What a response with extended session security answers, in place of the server's challenge."""
    return md5(server_challenge + client_challenge)[:8]


def session_key_v1(session_base_key: bytes, server_challenge: bytes, client_challenge: bytes) -> bytes:
    """KXKEY with extended session security ([MS-NLMP] 3.4.5.1); everywhere else it is the session base key itself."""
    return hmac_md5(session_base_key, server_challenge + client_challenge)


def message_integrity(session_key: bytes, negotiate: bytes, challenge: bytes, authenticate: bytes) -> bytes:
    """The MIC over the three messages, in the last of which its own place holds zeros ([MS-NLMP] 3.1.5.1.2)."""
    return hmac_md5(session_key, negotiate + challenge + authenticate)


def desl(key: bytes, data: bytes) -> bytes:
    """DESL: encrypt 8 octets under 16 octets of key, taken 7 at a time ([MS-NLMP] 6)."""
    key += bytes(5)
    return b"".join([des(key[place : place + 7], data) for place in (0, 7, 14)])


def des(key: bytes, data: bytes) -> bytes:
    """DES of 8 octets under 7 octets of key, each of whose sevens of bits gets a parity bit ([MS-NLMP] 6)."""
    bits = int.from_bytes(key, "big")
    spread = bytes((bits >> shift & 0x7F) << 1 for shift in range(49, -1, -7))
    from Cryptodome.Cipher import DES

    return DES.new(spread, DES.MODE_ECB).encrypt(data)  # noqa: S304  the protocol leaves no choice


def rc4(key: bytes, data: bytes) -> bytes:
    """RC4K: RC4 of some octets under a key used once ([MS-NLMP] 3.1.5.1)."""
    from Cryptodome.Cipher import ARC4

    return ARC4.new(key).encrypt(data)


def md4(data: bytes) -> bytes:
    """MD4, which OpenSSL no longer has."""
    from Cryptodome.Hash import MD4

    return MD4.new(data).digest()  # noqa: S303  the protocol leaves no choice


def md5(data: bytes) -> bytes:
    """MD5, also where a policy keeps it from other uses."""
    return hashlib.md5(data, usedforsecurity=False).digest()


def hmac_md5(key: bytes, data: bytes) -> bytes:
    """HMAC-MD5 ([RFC2104])."""
    return hmac.digest(key, data, "md5")


def upper(text: str) -> str:
    """Upper case as Windows has it: character for character, in the Basic Multilingual Plane, without `ß` to `SS`."""
    if text.isascii():
        return text.upper()
    return "".join([char.upper() if char <= "\uffff" and len(char.upper()) == 1 else char for char in text])
