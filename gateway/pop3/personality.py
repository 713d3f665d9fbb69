"""Whose face the server shows: its own, or that of a release of Exchange (docs/pop3.md says what is known of it).

Exchange announces TOP, UIDL, SASL, USER and STLS, and nothing else, in that order; its negative replies carry no
response codes. Of its texts the greeting, the start of TLS, the success and the failure of a sign-in and the reply to a
command out of state are known; the rest stays ours. What restricts a client (EXPIRE 0, LOGIN-DELAY) is announced under
any name, or the client could not know.
"""

from __future__ import annotations

from gateway.pop3.texts import TEXTS, Text, Texts, Voice
from gateway.services.languages import DEFAULT


class Personality:
    """One face."""

    def __init__(self, *, extensions: bool, changes: Texts | None = None) -> None:
        """`extensions`: whether what Exchange does not have is announced and on offer.

        That is UTF8, LANG, PIPELINING, response codes, and a text behind the +OK of CAPA. `changes` are texts before
        LANG that differ from ours.
        """
        self.extensions = extensions
        self._voices = {tag: Voice(tag, texts, extensions) for tag, texts in TEXTS.items()}
        if changes:
            self._voices[DEFAULT] = Voice(DEFAULT, {**TEXTS[DEFAULT], **changes}, extensions)

    def voice(self, tag: str = DEFAULT) -> Voice:
        """Give the voice for a language."""
        return self._voices[tag]


_EXCHANGE: Texts = {
    Text.GREETING: b"The Microsoft Exchange POP3 service is ready.",
    Text.SIGNING_OFF: b"The POP3 service is signing off.",
}

OXGATE = Personality(extensions=True)
_AS_EXCHANGE = Personality(extensions=False, changes=_EXCHANGE)
PERSONALITIES = {
    "oxgate": OXGATE,
    "exchange2013": _AS_EXCHANGE,
    "exchange2016": _AS_EXCHANGE,
    "exchange2019": _AS_EXCHANGE,
}
"""By the value of the setting; the releases of Exchange differ in nothing that is known."""
