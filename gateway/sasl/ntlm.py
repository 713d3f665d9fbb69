"""The NTLM mechanism, server side ([MS-NLMP] 1.7, 3.2, [MS-SMTPNTLM] 2.2.1).

[MS-OXIMAP4] 2.2.1, 3.2.1.2 and [MS-OXPOP3] 2.2.1, 3.2.1.2 say how mail protocols carry it:

    C: NEGOTIATE_MESSAGE      S: CHALLENGE_MESSAGE      C: AUTHENTICATE_MESSAGE

The response is proved by a verifier (AskNtlm): it has the NT hash, or knows who has. What the proof covers is judged
here: the MIC over all three messages, the channel binding, the client's clock. No security layer follows, whatever the
flags agree upon: the line stays as it is.

Nothing but the user's own mailbox can be opened this way: the exchange has no place for another name.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import ClassVar, Literal

from gateway.sasl.channelbinding import end_point_digest
from gateway.sasl.login import decode_text
from gateway.sasl.mechanism import MAX_NAME, Ask, Challenge, Failure, FailureKind, ProvedAttempt, Step
from gateway.sasl.ntlmcrypto import message_integrity, rc4, upper
from gateway.sasl.ntlmmessages import (
    MIC_AT,
    AuthenticateMessage,
    Av,
    ChallengeMessage,
    ClientChallenge,
    Flag,
    NtlmSyntaxError,
    filetime,
    read_authenticate,
    read_client_challenge,
    read_negotiate,
    write_challenge,
    write_pairs,
)
from gateway.sasl.peer import PeerInfo

ChannelBinding = Literal["none", "allow", "require"]
Variant = Literal["NTLM", "NTLMv1", "NTLM2-SESSION"]
"""NTLM is NTLMv2."""

SUPPORTED_TEXT = "ntlm supported"
"""What SMTP says to AUTH NTLM without an initial response ([MS-SMTPNTLM] 2.2.1.3)."""

ALWAYS = Flag.REQUEST_TARGET | Flag.NTLM | Flag.ALWAYS_SIGN | Flag.TARGET_INFO
"""Flags of every challenge ([MS-NLMP] 3.2.5.1.1)."""

ON_REQUEST = (
    Flag.SIGN
    | Flag.SEAL
    | Flag.EXTENDED_SESSIONSECURITY
    | Flag.IDENTIFY
    | Flag.VERSION
    | Flag.BITS_128
    | Flag.KEY_EXCH
    | Flag.BITS_56
)
"""Flags of a challenge when the client has set them. LM_KEY is none of them: there are no LM hashes here."""


@dataclass(frozen=True, slots=True)
class NtlmSettings:
    """Who this server is to NTLM clients, and how strict it is with them ([MS-NLMP] 3.2.1.1, 3.2.1.2, 5.1)."""

    netbios_domain: str
    """The short domain name; empty: the server stands alone, and its own name takes that place."""
    netbios_host: str
    dns_domain: str = ""
    dns_host: str = ""
    dns_tree: str = ""
    channel_binding: ChannelBinding = "allow"
    """none: not looked at; allow: must be right when the client has one; require: must be there and right."""
    max_skew: float = 129_600.0
    """Seconds that the client's clock may be wrong, 36 hours as in Windows ([MS-NLMP] 3.1.1.1 <39>); 0: any."""


@dataclass(frozen=True, slots=True)
class AskNtlm(Ask):
    """Is this response right? The answer is NtlmProof; or NtlmRefusal, None when there is nothing to say about why."""

    user: str
    """As sent: an account, a UPN, or both parts of `DOMAIN\\user` when the client did not take them apart."""
    domain: str
    """As sent, often empty."""
    workstation: str
    server_challenge: bytes
    nt_response: bytes = field(repr=False)
    lm_response: bytes = field(repr=False)
    variant: Variant
    client_challenge: bytes
    """Eight octets; empty in NTLMv1."""
    own_domain: str = ""
    """What the client may have taken for its domain: that of the challenge."""

    @property
    def login(self) -> str:
        """The name in one piece."""
        return f"{self.domain}\\{self.user}" if self.domain else self.user

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains that clients calculate with: as sent, in capitals, none at all ([MS-NLMP] 3.2.5.1.2), ours."""
        return tuple(dict.fromkeys((self.domain, upper(self.domain), "", self.own_domain)))


@dataclass(frozen=True, slots=True)
class NtlmProof:
    """The response is right."""

    session_base_key: bytes = field(repr=False)
    """[MS-NLMP] 3.3.1, 3.3.2."""
    principal: int
    """The number of the account; 0: it is to be looked up by `login`."""
    login: str


@dataclass(frozen=True, slots=True)
class NtlmRefusal:
    """The response is wrong, or of a kind that is not taken."""

    reason: str
    """For the log."""


class _State(Enum):
    START = auto()
    CHALLENGED = auto()
    ASKED = auto()
    OVER = auto()


class NtlmExchange:
    """One exchange. Its challenge is good for one answer."""

    name: ClassVar[str] = "NTLM"
    client_first: ClassVar[bool] = True

    def __init__(
        self,
        settings: NtlmSettings,
        peer: PeerInfo,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._settings = settings
        self._peer = peer
        self._clock = clock
        self._random = random
        self._state = _State.START
        self._negotiate = self._challenge = self._authenticate = self._server_challenge = b""
        self._flags = 0
        self._ask: AskNtlm | None = None
        self._message: AuthenticateMessage | None = None
        self._blob: ClientChallenge | None = None

    def step(self, response: bytes | None) -> Step:
        """Take NEGOTIATE_MESSAGE and answer with the challenge, or AUTHENTICATE_MESSAGE and ask whether it is right."""
        state, self._state = self._state, _State.OVER
        try:
            if state is _State.START:
                if response is None:
                    self._state = _State.START
                    return Challenge(b"", SUPPORTED_TEXT)
                return self._challenged(response)
            if state is _State.CHALLENGED and response is not None:
                return self._asked(response)
        except NtlmSyntaxError as error:
            return Failure(FailureKind.UNREADABLE, f"NTLM: {error}")
        return Failure(FailureKind.MALFORMED, "NTLM: the exchange is over")

    def answer(self, answer: NtlmProof | NtlmRefusal | None) -> Step:
        """Take the verifier's word, and check what only a right response makes worth checking."""
        state, self._state = self._state, _State.OVER
        if state is not _State.ASKED or self._ask is None:
            return Failure(FailureKind.MALFORMED, "NTLM: nothing was asked")
        if answer is None:
            return _refused(self._ask, "wrong password or unknown user")
        if isinstance(answer, NtlmRefusal):
            return _refused(self._ask, answer.reason)
        objection = self._objection(answer.session_base_key)
        if objection is not None:
            return _refused(self._ask, f"right password, but {objection}")
        return ProvedAttempt(self._ask.variant, answer.login, principal=answer.principal)

    def _challenged(self, token: bytes) -> Challenge:
        """Answer a NEGOTIATE_MESSAGE ([MS-NLMP] 3.2.5.1.1)."""
        settings = self._settings
        asked = read_negotiate(token)
        flags = ALWAYS | asked & ON_REQUEST
        flags |= Flag.UNICODE if asked & Flag.UNICODE else Flag.OEM
        flags |= Flag.TARGET_TYPE_DOMAIN if settings.netbios_domain else Flag.TARGET_TYPE_SERVER
        self._flags = flags
        self._server_challenge = self._random(8)
        target = (settings.netbios_domain or settings.netbios_host).encode(
            "utf-16-le" if flags & Flag.UNICODE else "cp437", "replace"
        )
        message = ChallengeMessage(flags, self._server_challenge, target, self._target_info())
        self._negotiate, self._challenge = token, write_challenge(message)
        self._state = _State.CHALLENGED
        return Challenge(self._challenge)

    def _target_info(self) -> bytes:
        """Say who we are, and the time: that makes clients send a MIC ([MS-NLMP] 3.1.5.1.2)."""
        settings = self._settings
        names = (
            (Av.NB_DOMAIN_NAME, settings.netbios_domain or settings.netbios_host),
            (Av.NB_COMPUTER_NAME, settings.netbios_host),
            (Av.DNS_DOMAIN_NAME, settings.dns_domain),
            (Av.DNS_COMPUTER_NAME, settings.dns_host),
            (Av.DNS_TREE_NAME, settings.dns_tree),
        )
        pairs = [(key, name.encode("utf-16-le")) for key, name in names if name]
        return write_pairs([*pairs, (Av.TIMESTAMP, filetime(self._clock()))])

    def _asked(self, token: bytes) -> Step:
        """Take an AUTHENTICATE_MESSAGE apart ([MS-NLMP] 3.2.5.1.2)."""
        message = read_authenticate(token)
        flags = self._flags if message.flags is None else message.flags
        variant, client_challenge = _variant(message, flags)
        ask = AskNtlm(
            _text(message.user, flags),
            _text(message.domain, flags),
            _free_text(message.workstation, flags),
            self._server_challenge,
            message.nt_response,
            message.lm_response,
            variant,
            client_challenge,
            self._settings.netbios_domain or self._settings.netbios_host,
        )
        if flags & Flag.ANONYMOUS or not ask.user:
            return _refused(ask, "anonymous sign-in is refused")
        if len(message.nt_response) < 24:
            return _refused(ask, "LM response alone is refused")
        if variant == "NTLM":
            self._blob = read_client_challenge(message.nt_response)
        if _exchanges_keys(flags) and len(message.session_key) != 16:
            raise NtlmSyntaxError("no session key")
        self._authenticate, self._message, self._flags, self._ask = token, message, flags, ask
        self._state = _State.ASKED
        return ask

    def _objection(self, session_base_key: bytes) -> str | None:
        """Say what is wrong with a message whose response is right; None: nothing."""
        if self._blob is None:  # NTLMv1 and NTLM2 session have none of what follows
            if self._settings.channel_binding == "require":
                return "its variant of NTLM has no channel binding, which ntlm.channel_binding requires"
            return None
        if self._blob.has_mic and not self._is_whole(session_base_key):
            return "the message was changed on its way (MIC)"
        max_skew = self._settings.max_skew
        if max_skew and abs(self._blob.time - self._clock()) > max_skew:
            return "the client's clock is wrong by more than ntlm.max_skew"
        return self._binding_objection(self._blob.channel_bindings)

    def _is_whole(self, session_base_key: bytes) -> bool:
        """Check the MIC, over the octets of all three messages as they were on the wire ([MS-NLMP] 3.2.5.1.2)."""
        message, token = self._message, self._authenticate
        if message is None or message.mic is None:
            return False
        key = rc4(session_base_key, message.session_key) if _exchanges_keys(self._flags) else session_base_key
        blank = token[: MIC_AT.start] + bytes(16) + token[MIC_AT.stop :]
        return hmac.compare_digest(message_integrity(key, self._negotiate, self._challenge, blank), message.mic)

    def _binding_objection(self, bindings: bytes) -> str | None:
        """Compare the client's TLS connection with ours ([MS-NLMP] 3.2.5.1.2).

        A binding on a line without TLS is refused too: the client's TLS ends at somebody else, who hands its words on.
        """
        policy, peer = self._settings.channel_binding, self._peer
        if policy == "none":
            return None
        if not bindings:
            return "it has no channel binding, which ntlm.channel_binding requires" if policy == "require" else None
        if peer.end_point:
            right = hmac.compare_digest(bindings, end_point_digest(peer.end_point))
            return None if right else "its channel binding is to another certificate than ours: somebody is in between"
        if not peer.tls:
            return "its TLS ends at somebody else; behind a TLS proxy ntlm.channel_binding must be none"
        return "channel binding to our certificate is not defined ([RFC5929] 4.1)" if policy == "require" else None


def _refused(ask: AskNtlm, reason: str) -> Failure:
    return Failure(FailureKind.CREDENTIALS, reason, ask.login, ask.variant)


def _variant(message: AuthenticateMessage, flags: int) -> tuple[Variant, bytes]:
    """Tell which response this is, by its length as [MS-NLMP] 3.2.5.1.2 does, and give the client's challenge in it.

    [MS-NLMP] 2.2.2.3, 2.2.2.4, 2.2.2.6, 2.2.2.8.
    """
    if len(message.nt_response) > 24:
        return "NTLM", message.nt_response[32:40]
    lm_response = message.lm_response
    if flags & Flag.EXTENDED_SESSIONSECURITY and len(lm_response) == 24 and lm_response.endswith(bytes(16)):
        return "NTLM2-SESSION", lm_response[:8]
    return "NTLMv1", b""


def _exchanges_keys(flags: int) -> bool:
    """Whether the client sends a session key of its own ([MS-NLMP] 3.1.5.1.2)."""
    return flags & Flag.KEY_EXCH != 0 and flags & (Flag.SIGN | Flag.SEAL) != 0


def _text(data: bytes, flags: int) -> str:
    """Decode a name: UTF-16, or some OEM character set, of which nobody says which it is."""
    if len(data) > 2 * MAX_NAME:
        raise NtlmSyntaxError("name too long")
    try:
        text = data.decode("utf-16-le") if flags & Flag.UNICODE else decode_text(data)
    except UnicodeDecodeError as error:
        raise NtlmSyntaxError("name is not UTF-16") from error
    if "\0" in text:
        raise NtlmSyntaxError("NUL in a name")
    return text


def _free_text(data: bytes, flags: int) -> str:
    """Decode a name that only people read, whatever it is."""
    return data[:64].decode("utf-16-le", "replace") if flags & Flag.UNICODE else decode_text(data[:64])
