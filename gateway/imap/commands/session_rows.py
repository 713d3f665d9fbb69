"""The rows of the command table about the session: greeting to logout."""

from __future__ import annotations

from gateway.imap.commands import anytime, compress, enable, idle, language, nonauth, notify
from gateway.imap.commands.command import ANY, LOGGED_IN, Command
from gateway.imap.protocol import notify_types as nt
from gateway.imap.protocol import types
from gateway.imap.state import State

ROWS: tuple[Command, ...] = (
    Command("CAPABILITY", ANY, types.NoArguments, anytime.capability, ("[RFC3501] 6.1.1",)),
    Command("NOOP", ANY, types.NoArguments, anytime.noop, ("[RFC3501] 6.1.2",)),
    Command("LOGOUT", ANY, types.NoArguments, anytime.logout, ("[RFC3501] 6.1.3",)),
    Command("ID", ANY, types.Id, anytime.identify, ("[RFC2971] 3.1",), "ID"),
    Command("STARTTLS", State.NOT_AUTHENTICATED, types.NoArguments, nonauth.starttls, ("[RFC3501] 6.2.1",)),
    Command(
        "AUTHENTICATE",
        State.NOT_AUTHENTICATED,
        types.Authenticate,
        nonauth.authenticate,
        ("[RFC3501] 6.2.2", "[RFC4959] 3", "[MS-OXIMAP4] 2.2.1"),
        "SASL-IR",
    ),
    Command(
        "LOGIN",
        State.NOT_AUTHENTICATED,
        types.Login,
        nonauth.login,
        ("[RFC3501] 6.2.3", "[MS-OXIMAP4] 2.2.2", "[RFC2221] 4.1"),
        nonauth.referring,
    ),
    Command(
        "ENABLE",
        State.AUTHENTICATED,
        types.Enable,
        enable.enable,
        ("[RFC5161] 3.1", "[RFC9051] 6.3.1", "[RFC9586] 3.1"),
        "ENABLE IMAP4rev2 UIDONLY",
    ),
    Command("COMPRESS", LOGGED_IN, types.Compress, compress.compress, ("[RFC4978] 3",), "COMPRESS=DEFLATE"),
    Command(
        "UNAUTHENTICATE",
        LOGGED_IN,
        types.NoArguments,
        nonauth.unauthenticate,
        ("[RFC8437] 3",),
        lambda settings: "UNAUTHENTICATE" if settings.unauthenticate else "",
    ),
    Command("NOTIFY", LOGGED_IN, nt.Notify, notify.notify, ("[RFC5465] 3.1",), "NOTIFY"),
    Command("LANGUAGE", ANY, types.Language, language.language, ("[RFC5255] 3.1, 3.2",), "LANGUAGE"),
    Command("IDLE", LOGGED_IN, types.NoArguments, idle.idle, ("[RFC2177] 3",), "IDLE"),
)
