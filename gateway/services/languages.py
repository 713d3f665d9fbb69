"""The languages that replies are written in, and the one that a client's wish means ([RFC5255] 3.2, [RFC6856] 3.1)."""

from __future__ import annotations

DEFAULT = "i-default"
"""What is spoken before a client has chosen: English in ASCII."""
LANGUAGES = (DEFAULT, "en", "de", "es", "fr")
"""Every front end has every text in each of them."""


def lookup(language_range: str) -> str | None:
    """Find the language that fits a range best, in any case: `de-AT` is answered by `de` ([RFC4647] 3.4)."""
    wanted = language_range.lower()
    while wanted and wanted not in LANGUAGES:
        wanted = wanted.rpartition("-")[0]
    return wanted or None
