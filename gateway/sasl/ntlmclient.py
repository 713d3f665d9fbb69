"""The NTLM mechanism, client side ([MS-NLMP] 3.1): for trying out a server, this one or another.

client = NtlmClient("alice", password, domain="EXAMPLE", end_point=hash_of_the_servers_certificate)
write(client.negotiate())
write(client.authenticate(read()))
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from gateway.sasl import ntlmcrypto
from gateway.sasl.channelbinding import end_point_digest
from gateway.sasl.ntlm import Variant
from gateway.sasl.ntlmmessages import (
    MIC_AT,
    MIC_PRESENT,
    AuthenticateMessage,
    Av,
    ChallengeMessage,
    Flag,
    filetime,
    read_challenge,
    read_pairs,
    write_authenticate,
    write_client_challenge,
    write_negotiate,
    write_pairs,
)

FLAGS = (
    Flag.UNICODE
    | Flag.REQUEST_TARGET
    | Flag.NTLM
    | Flag.ALWAYS_SIGN
    | Flag.EXTENDED_SESSIONSECURITY
    | Flag.TARGET_INFO
    | Flag.VERSION
    | Flag.BITS_128
    | Flag.BITS_56
)
SESSION_KEY_FLAGS = Flag.SIGN | Flag.KEY_EXCH


class NtlmClient:
    """One exchange."""

    def __init__(
        self,
        user: str,
        password: str,
        *,
        domain: str = "",
        workstation: str = "",
        end_point: bytes = b"",
        service: str = "",
        variant: Variant = "NTLM",
        exchange_key: bool = True,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Take the name, in whole as `user` or with its domain apart, and the password.

        `end_point` binds the exchange to a TLS connection (the hash of the server's certificate, [RFC5929] 4.1);
        `service` names who is meant, such as `imap/mail.example.com`.
        """
        self._user = user
        self._domain = domain
        self._workstation = workstation
        self._key = ntlmcrypto.nt_hash(password)
        self._end_point = end_point
        self._service = service
        self._variant = variant
        self._clock = clock
        self._random = random
        flags = FLAGS | SESSION_KEY_FLAGS if exchange_key else FLAGS
        self._negotiate = write_negotiate(flags & ~Flag.EXTENDED_SESSIONSECURITY if variant == "NTLMv1" else flags)
        self.session_key = b""
        """ExportedSessionKey, once `authenticate` has chosen it."""

    def negotiate(self) -> bytes:
        """Give the NEGOTIATE_MESSAGE."""
        return self._negotiate

    def authenticate(self, token: bytes) -> bytes:
        """Answer a CHALLENGE_MESSAGE ([MS-NLMP] 3.1.5.1.2). Raises NtlmSyntaxError when it is none."""
        challenge = read_challenge(token)
        nonce = self._random(8)
        pairs = read_pairs(challenge.target_info)
        with_mic = self._variant == "NTLM" and Av.TIMESTAMP in pairs
        if self._variant == "NTLM":
            lm_response, nt_response, key = self._v2(challenge, pairs, nonce)
        else:
            lm_response, nt_response, key = self._v1(challenge, nonce)
        session_key = b""
        self.session_key = key
        if challenge.flags & Flag.KEY_EXCH and challenge.flags & (Flag.SIGN | Flag.SEAL):
            self.session_key = self._random(16)
            session_key = ntlmcrypto.rc4(key, self.session_key)
        message = AuthenticateMessage(
            challenge.flags,
            lm_response,
            nt_response,
            self._domain.encode("utf-16-le"),
            self._user.encode("utf-16-le"),
            self._workstation.encode("utf-16-le"),
            session_key,
            None,
        )
        answer = write_authenticate(message)
        if with_mic:
            mic = ntlmcrypto.message_integrity(self.session_key, self._negotiate, token, answer)
            answer = answer[: MIC_AT.start] + mic + answer[MIC_AT.stop :]
        return answer

    def _v2(self, challenge: ChallengeMessage, pairs: dict[int, bytes], nonce: bytes) -> tuple[bytes, bytes, bytes]:
        """Give LM response, NT response and key exchange key of NTLMv2 ([MS-NLMP] 3.3.2)."""
        moment = pairs.get(Av.TIMESTAMP)
        pairs = dict(pairs)
        if moment is not None:
            pairs[Av.FLAGS] = MIC_PRESENT.to_bytes(4, "little")
        pairs[Av.CHANNEL_BINDINGS] = end_point_digest(self._end_point) if self._end_point else bytes(16)
        pairs[Av.TARGET_NAME] = self._service.encode("utf-16-le")
        blob = write_client_challenge(moment or filetime(self._clock()), nonce, write_pairs(pairs.items()))
        response_key = ntlmcrypto.ntowf_v2(self._key, self._user, self._domain)
        proof = ntlmcrypto.hmac_md5(response_key, challenge.server_challenge + blob)
        lm_response = bytes(24)
        if moment is None:
            lm_response = ntlmcrypto.hmac_md5(response_key, challenge.server_challenge + nonce) + nonce
        return lm_response, proof + blob, ntlmcrypto.hmac_md5(response_key, proof)

    def _v1(self, challenge: ChallengeMessage, nonce: bytes) -> tuple[bytes, bytes, bytes]:
        """Give LM response, NT response and key exchange key of NTLMv1, with both challenges in NTLM2 session."""
        server_challenge = challenge.server_challenge
        key = ntlmcrypto.md4(self._key)
        if self._variant == "NTLMv1":
            response = ntlmcrypto.desl(self._key, server_challenge)
            return response, response, key  # NoLMResponseNTLMv1, [MS-NLMP] 3.3.1
        both = ntlmcrypto.both_challenges(server_challenge, nonce)
        key = ntlmcrypto.session_key_v1(key, server_challenge, nonce)
        return nonce + bytes(16), ntlmcrypto.desl(self._key, both), key
