"""Languages and faces have the same names everywhere."""

from __future__ import annotations

import pytest

from config.protocolsettings import LANGUAGES as SETTINGS_LANGUAGES
from config.protocolsettings import PERSONALITIES as SETTINGS_PERSONALITIES
from gateway.imap.personality import PERSONALITIES as IMAP
from gateway.imap.texts import TABLE
from gateway.pop3.personality import PERSONALITIES as POP3
from gateway.pop3.texts import LISTING, TEXTS
from gateway.services.languages import DEFAULT, LANGUAGES, lookup


def test_every_front_end_speaks_them_all() -> None:
    assert set(LANGUAGES) == set(TEXTS) == set(LISTING) == {*TABLE, DEFAULT, "en"}
    assert {*SETTINGS_LANGUAGES, DEFAULT} == set(LANGUAGES)


def test_faces() -> None:
    assert SETTINGS_PERSONALITIES == tuple(IMAP) == tuple(POP3)


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ("de", "de"),
        ("FR-ca", "fr"),
        ("es-419-x", "es"),
        ("I-Default", "i-default"),
        ("deu", None),
        ("i", None),
        ("", None),
    ],
)
def test_lookup(wish: str, found: str | None) -> None:
    """[RFC4647] 3.4."""
    assert lookup(wish) == found
