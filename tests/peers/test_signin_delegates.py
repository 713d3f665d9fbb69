"""Real clients open another's mailbox, by every form of a name ([MS-OXIMAP4] 2.2.2)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.peers.server import DOMAIN, PASSWORD
from tests.peers.signin import NETBIOS
from tests.peers.signinoffer import (
    SHARED,
    STRANGER,
    Offer,
    curl,
    mutt,
)

FORMS: dict[str, Callable[[str], str]] = {
    "domain, alias, alias": lambda user: f"{NETBIOS}/{user}/{SHARED}",
    "domain, alias, UPN": lambda user: f"{NETBIOS}/{user}/{SHARED}@{DOMAIN}",
    "UPN, alias": lambda user: f"{user}@{DOMAIN}/{SHARED}",
    "UPN, UPN": lambda user: f"{user}@{DOMAIN}/{SHARED}@{DOMAIN}",
    "backslashes": lambda user: f"{NETBIOS}\\{user}\\{SHARED}",
}


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_curl_opens_a_shared_mailbox(offer: Offer, delegate: str, protocol: str, form: str, mechanism: str) -> None:
    """[MS-OXIMAP4] 2.2.2, [MS-OXPOP3] 2.2.2: the four forms, and the one with backslashes that people write."""
    login = FORMS[form](delegate)
    more = ["-X", "STATUS INBOX (MESSAGES)"] if protocol == "imap" else []
    said = curl(offer, protocol, delegate, mechanism, "-u", f"{login}:{PASSWORD}", *more)
    assert "MESSAGES 3" in said if protocol == "imap" else len(said.splitlines()) == 3
    stranger = FORMS[form](STRANGER)
    curl(offer, protocol, STRANGER, mechanism, "-u", f"{stranger}:{PASSWORD}", code=67)


def test_a_shared_mailbox_by_token(offer: Offer, delegate: str) -> None:
    """XOAUTH2's `user` names the mailbox, the token who opens it."""
    said = curl(
        *(offer, "imap", delegate, "XOAUTH2", "-u", f"{SHARED}@{DOMAIN}:", "--oauth2-bearer", offer.token(delegate)),
        *("-X", "STATUS INBOX (MESSAGES)"),
    )
    assert "MESSAGES 3" in said
    assert offer.server.last_of(delegate, "ok", "XOAUTH2").mailbox == f"{SHARED}@{DOMAIN}"


@pytest.mark.parametrize("program", ["neomutt", "mutt"])
def test_mutt_opens_a_shared_mailbox(offer: Offer, delegate: str, program: str, tmp_path: Path) -> None:
    mutt(offer, tmp_path, program, f"{delegate}@{DOMAIN}/{SHARED}", delegate, "login")
    assert (tmp_path / "read.txt").read_text().count("token-1") == 1
