"""The rows of the command table about URLs that carry authorization."""

from __future__ import annotations

from gateway.imap.commands import urlauth
from gateway.imap.commands.command import LOGGED_IN, Command
from gateway.imap.protocol import urlauth_types as ut

ROWS: tuple[Command, ...] = (
    Command("RESETKEY", LOGGED_IN, ut.ResetKey, urlauth.reset_key, ("[RFC4467] 7",)),
    Command("GENURLAUTH", LOGGED_IN, ut.GenUrlAuth, urlauth.generate, ("[RFC4467] 5", "[RFC4467] 7"), "URLAUTH"),
    Command(
        "URLFETCH",
        LOGGED_IN,
        ut.UrlFetch,
        urlauth.fetch,
        ("[RFC4467] 6", "[RFC4467] 7", "[RFC5524] 3.1"),
        "URLAUTH=BINARY",
    ),
)
