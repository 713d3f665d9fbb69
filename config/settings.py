"""Every setting, with its default, its check and the line that explains it. `config/default.toml` is made from here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from config import checks
from config.checks import Check, between, one_of

T = TypeVar("T")

MIB = 1024 * 1024


def option(default: T, doc: str, *accepts: Check) -> T:
    """Declare a setting: its default, the line that explains it, and what it may hold."""
    spec: object = field(default=cast(Any, default), metadata={"doc": doc, "checks": accepts})
    return cast(T, spec)


@dataclass(frozen=True, slots=True, kw_only=True)
class General:
    """Who this server is."""

    hostname: str = option("localhost", "The name of this machine, as it appears in greetings.", checks.host_name)
    domains: tuple[str, ...] = option(
        ("localhost",), "Domains whose mail is delivered here.", checks.not_blank, checks.domain_names
    )
    default_domain: str = option(
        "", "Completes a sign-in name without a domain. Empty: the first of domains.", checks.optional(checks.host_name)
    )
    netbios_domain: str = option(
        "",
        "The short domain name of DOMAIN\\user sign-in names. Empty: the first label of default_domain in capitals.",
        checks.optional(checks.netbios_name),
    )
    data: Path = option(  # noqa: RUF009 - option() is dataclasses.field, and a Path cannot change
        Path("data"), "The folder that holds mailboxes and databases, relative to this file."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One port."""

    name: str = option("", "A short name for logs and for OXGATE_LISTENERS__NAME__KEY.", checks.listener_name)
    protocol: str = option(
        "", "imap, pop3, smtp, submission or lmtp.", one_of("imap", "pop3", "smtp", "submission", "lmtp")
    )
    host: str = option("", "The address to listen on; empty for every address.", checks.bind_address)
    port: int = option(0, "The TCP port; 0 takes a free one.", between(0, 65535))
    tls: str = option(
        "starttls",
        "none; starttls: plain until the client asks; implicit: TLS from the first octet.",
        one_of("none", "starttls", "implicit"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificates. SIGHUP reads them again."""

    certificate: Path | None = option(  # noqa: RUF009 - option() is dataclasses.field
        None, "PEM file: the server's certificate, then the chain up to the CA."
    )
    key: Path | None = option(  # noqa: RUF009 - option() is dataclasses.field
        None, "PEM file: the private key. Only the owner should be able to read it."
    )
    min_version: str = option("1.2", "The oldest TLS version accepted: 1.2 or 1.3.", one_of("1.2", "1.3"))
    ciphers: str = option("", "Cipher list in OpenSSL's form, for TLS 1.2. Empty: OpenSSL's default.", checks.one_line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Processes."""

    count: int = option(0, "Worker processes. 0: one a core.", between(0, 256))
    grace: int = option(10, "Seconds that connections get to end by themselves at a stop.", between(0, 3600))


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Mailboxes."""

    url: str = option(
        "",
        "PostgreSQL URL of the mailboxes. Empty: one SQLite file a mailbox, in the data folder.",
        checks.database_url,
    )
    max_open: int = option(128, "Mailbox files that one worker keeps open.", between(1, 100_000))
    quota_warn: int = option(0, "Octets at which a new mailbox's owner is warned. 0: never.", between(0, 2**62))
    quota_send: int = option(0, "Octets at which a new mailbox can send no more. 0: no limit.", between(0, 2**62))
    quota_receive: int = option(0, "Octets at which a new mailbox takes no more mail. 0: no limit.", between(0, 2**62))


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Users, groups, rights and passwords."""

    url: str = option(
        "",
        "PostgreSQL URL of the directory. Empty: store.url, or else directory.sqlite in the data folder.",
        checks.database_url,
    )
    argon2_memory: int = option(19_456, "Argon2id: KiB of memory a password check takes.", between(8, 4_194_304))
    argon2_time: int = option(2, "Argon2id: passes over that memory.", between(1, 100))
    argon2_lanes: int = option(1, "Argon2id: lanes of parallelism.", between(1, 64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """Signing in."""

    plaintext_without_tls: str = option(
        "never",
        "Whether passwords may cross a connection without TLS: never, loopback (from this machine only), always.",
        one_of("never", "loopback", "always"),
    )
    tarpit: float = option(5.0, "Seconds to wait before a failed sign-in is answered.", between(0, 60))
    cache: int = option(300, "Seconds that a worker remembers a password it has checked. 0: never.", between(0, 86400))
    max_failures: int = option(3, "Failed sign-ins after which the connection is closed.", between(1, 1000))
    timeout: int = option(60, "Seconds in which a client must have signed in to IMAP or POP3.", between(1, 3600))


@dataclass(frozen=True, slots=True, kw_only=True)
class Imap:
    """IMAP4."""

    idle_timeout: int = option(
        1800, "Seconds without a command before a signed-in client is let go.", between(1, 86400)
    )
    keepalive: int = option(120, "Seconds between the signs of life sent during IDLE. 0: none.", between(0, 86400))
    show_nonmail_folders: bool = option(False, "Whether calendar, contacts, tasks, notes and journal are listed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pop3:
    """POP3."""

    idle_timeout: int = option(600, "Seconds without a command before a client is let go.", between(10, 86400))


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
        500, "Connections of one client address to one worker; 0: no limit.", between(0, 1_000_000)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What goes to standard error."""

    level: str = option("info", "debug, info, warning or error.", one_of("debug", "info", "warning", "error"))
    format: str = option("text", "text for people, json for machines.", one_of("text", "json"))


DEFAULT_LISTENERS = (
    Listener(name="imap", protocol="imap", port=143),
    Listener(name="imaps", protocol="imap", port=993, tls="implicit"),
    Listener(name="pop3", protocol="pop3", port=110),
    Listener(name="pop3s", protocol="pop3", port=995, tls="implicit"),
    Listener(name="smtp", protocol="smtp", port=25),
    Listener(name="submission", protocol="submission", port=587),
    Listener(name="submissions", protocol="submission", port=465, tls="implicit"),
    Listener(name="lmtp", protocol="lmtp", host="127.0.0.1", port=24, tls="none"),
)
"""The standard ports ([RFC8314] 7, [RFC6409] 3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one server. Paths are absolute once the loader made it."""

    general: General = field(default_factory=General)
    listeners: tuple[Listener, ...] = DEFAULT_LISTENERS
    tls: Tls = field(default_factory=Tls)
    workers: Workers = field(default_factory=Workers)
    store: Store = field(default_factory=Store)
    directory: Directory = field(default_factory=Directory)
    auth: Auth = field(default_factory=Auth)
    imap: Imap = field(default_factory=Imap)
    pop3: Pop3 = field(default_factory=Pop3)
    smtp: Smtp = field(default_factory=Smtp)
    limits: Limits = field(default_factory=Limits)
    log: Log = field(default_factory=Log)

    @property
    def default_domain(self) -> str:
        """The domain that completes a bare sign-in name."""
        return (self.general.default_domain or self.general.domains[0]).lower()

    @property
    def netbios_domain(self) -> str:
        """The short domain name in capitals."""
        return self.general.netbios_domain.upper() or self.default_domain.split(".")[0].upper()[:15]

    @property
    def spool_location(self) -> Path | str:
        """Where deliveries wait that must be retried: a PostgreSQL URL, or the path of a SQLite file."""
        return self.store.url or self.general.data / "spool.sqlite"

    @property
    def directory_location(self) -> Path | str:
        """Where the directory is: a PostgreSQL URL, or the path of a SQLite file."""
        return self.directory.url or self.store.url or self.general.data / "directory.sqlite"
