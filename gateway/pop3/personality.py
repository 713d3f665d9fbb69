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

    def __init__(
        self, name: str, *, extensions: bool = False, changes: Texts | None = None, capa_text: bool = False
    ) -> None:
        """`extensions`: whether what Exchange does not have is announced and on offer: UTF8, LANG, PIPELINING, codes.

        `changes` are texts before LANG that differ from ours; `capa_text` says whether CAPA has one behind its +OK.
        """
        self.name = name
        self.extensions = extensions
        self.capa_text = capa_text
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

OXGATE = Personality("oxgate", extensions=True, capa_text=True)
PERSONALITIES = {
    "oxgate": OXGATE,
    **{name: Personality(name, changes=_EXCHANGE) for name in ("exchange2013", "exchange2016", "exchange2019")},
}
"""By the value of the setting; the releases of Exchange differ in nothing that is known."""
