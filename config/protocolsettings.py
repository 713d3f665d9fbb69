"""Settings of the protocols, one section each, and the limits of all of them."""

from __future__ import annotations

from dataclasses import dataclass

from config import checks
from config.checks import between, none_or, one_of
from config.option import option

MIB = 1024 * 1024

LANGUAGES = ("de", "en", "es", "fr")
PERSONALITIES = ("oxgate", "exchange2013", "exchange2016", "exchange2019")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imap:
    """IMAP4."""

    idle_timeout: int = option(
        1800, "Seconds without a command before a signed-in client is let go.", between(1, 86400)
    )
    keepalive: int = option(120, "Seconds between the signs of life sent during IDLE. 0: none.", between(0, 86400))
    show_nonmail_folders: bool = option(False, "Whether calendar, contacts, tasks, notes and journal are listed.")
    referrals: tuple[str, ...] = option(
        (),
        "Shards whose mailboxes another server serves, as in west=imap.west.example.com; sign-ins are referred there.",
        checks.referrals,
    )
    submit_users: tuple[str, ...] = option(
        (), "Accounts of message submission servers, which may use URLs that users give them to submit (URLAUTH)."
    )
    language: str = option(
        "en",
        f"The language of a client that asks for the usual one (LANGUAGE default): {', '.join(LANGUAGES)}.",
        one_of(*LANGUAGES),
    )
    personality: str = option(
        "oxgate",
        f"Whose capabilities and replies are shown: {', '.join(PERSONALITIES)}.",
        one_of(*PERSONALITIES),
    )
    messages_per_command: int = option(
        0,
        "Messages that one command may touch: a client that names more has the newest done. 0: any number.",
        none_or(1000, 1_000_000_000),
    )
    unauthenticate: bool = option(True, "Whether a client may sign off and go on as another user (UNAUTHENTICATE).")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pop3:
    """POP3."""

    idle_timeout: int = option(600, "Seconds without a command before a client is let go.", between(10, 86400))
    personality: str = option(
        "oxgate",
        f"Whose capabilities and replies are shown: {', '.join(PERSONALITIES)}.",
        one_of(*PERSONALITIES),
    )
    language: str = option(
        "en",
        f"The language of a client that asks for the usual one (LANG *): {', '.join(LANGUAGES)}.",
        one_of(*LANGUAGES),
    )
    international: str = option(
        "surrogate",
        "What a client that knows no UTF-8 gets for a message with headers in UTF-8: surrogate, one in ASCII; refuse.",
        one_of("surrogate", "refuse"),
    )
    expire: str = option(
        "never",
        "What the server removes by itself: never anything; retrieved: at QUIT, what the session has retrieved.",
        one_of("never", "retrieved"),
    )
    login_delay: int = option(
        0,
        "Seconds between two sign-ins of a user to a mailbox, but for the networks in protection.trusted. 0: none.",
        between(0, 86400),
    )
    implementation: bool = option(True, "Whether those who are signed in learn that the server is oxgate.")
    exclusive: bool = option(
        False, "Whether one session at a time may have a mailbox open, over all workers of this host."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """SMTP, submission and LMTP."""

    max_recipients: int = option(1000, "Recipients of one message.", between(1, 100_000))
    max_header: int = option(262_144, "Octets of a message's header.", between(1_000, 64 * MIB))
    max_hops: int = option(60, "Received fields after which a message is taken to run in circles.", between(1, 1000))
    max_errors: int = option(10, "Protocol errors after which the connection is closed.", between(1, 1000))
    idle_timeout: int = option(300, "Seconds to wait for the next command or block of data.", between(5, 86400))
    postmaster: str = option(
        "",
        "Who gets mail for postmaster where nobody has that address; empty: nobody.",
        checks.optional(checks.mail_address),
    )
    subaddress_delimiter: str = option(
        "+", "Cuts the detail off a local part: user+detail is user; empty: no subaddresses.", one_of("", "+", "-", "=")
    )
    bare_newlines: str = option(
        "normalise",
        "A line feed without carriage return in a message: normalise or reject.",
        one_of("normalise", "reject"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits for all protocols."""

    message_size: int = option(
        36 * MIB, "Octets of one message: SMTP SIZE, IMAP APPEND, import.", between(1_000, 2**31 - 1)
    )
    connections: int = option(10_000, "Connections of one worker over all ports.", between(1, 1_000_000))
    connections_per_host: int = option(
        500, "Connections of one client address; 0: no limit. Loopback has none.", between(0, 1_000_000)
    )
