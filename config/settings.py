"""Every setting, with its default, its check and the line that explains it. `config/default.toml` is made from here.

Sections of signing in are in `config.signinsettings`, those of the protocols in `config.protocolsettings`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from config import checks
from config.checks import between, one_of
from config.option import option
from config.protocolsettings import Imap, Limits, Pop3, Smtp
from config.signinsettings import MECHANISMS, Audit, Auth, Kerberos, Ntlm, Oauth, Protection, Upstream


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
    time_zone: str = option(
        "",
        "The time zone, such as Europe/Berlin, of calendars in mail that do not say theirs. Empty: UTC.",
        checks.optional(checks.time_zone),
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
    mechanisms: tuple[str, ...] = option(
        (),
        "Mechanisms of this port, of those that the client's network may use. Empty: all of those.",
        checks.some_of(*MECHANISMS),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Clients that may sign in by other mechanisms than auth.mechanisms says."""

    address: str = option("", "The clients' addresses: one, or a network such as 192.0.2.0/24.", checks.network)
    mechanisms: tuple[str, ...] = option(
        (),
        "The mechanisms that these clients may use, in place of auth.mechanisms; the smallest network counts.",
        checks.some_of(*MECHANISMS),
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
    client_ca: Path | None = option(  # noqa: RUF009 - option() is dataclasses.field
        None,
        "PEM file: CA certificates by which clients' own certificates are checked. Empty: clients are asked for none.",
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
class Search:
    """Searching texts: the full-text index of a mailbox, made and kept up to date behind the work of the server."""

    index: str = option(
        "searched",
        "Which mailboxes have one: those whose texts are searched, from the first search that reads many messages; "
        "always; never. A search finds the same without it, and reads every message. With never those that are there "
        "stay on the disk; `oxgate index drop --all` removes them.",
        one_of("searched", "always", "never"),
    )
    index_unused: int = option(
        90, 'Days without a search of texts after which a mailbox has none any more ("searched").', between(1, 36_500)
    )
    index_after: int = option(
        512,
        "Messages after which a mailbox's index is made or brought up to date: so many have come in, or a search of "
        "texts had to read so many that are not in it.",
        between(16, 100_000),
    )
    index_share: int = option(
        25, "Percent of a processor that a worker takes for it at most; less when it is busy.", between(1, 100)
    )


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
    networks: tuple[Network, ...] = ()
    tls: Tls = field(default_factory=Tls)
    workers: Workers = field(default_factory=Workers)
    store: Store = field(default_factory=Store)
    search: Search = field(default_factory=Search)
    directory: Directory = field(default_factory=Directory)
    auth: Auth = field(default_factory=Auth)
    ntlm: Ntlm = field(default_factory=Ntlm)
    oauth: Oauth = field(default_factory=Oauth)
    kerberos: Kerberos = field(default_factory=Kerberos)
    upstream: Upstream = field(default_factory=Upstream)
    protection: Protection = field(default_factory=Protection)
    audit: Audit = field(default_factory=Audit)
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
    def enabled_mechanisms(self) -> frozenset[str]:
        """Every mechanism that some client may use."""
        lists = [self.auth.mechanisms, *(one.mechanisms for one in self.networks)]
        return frozenset(name.upper() for names in lists for name in names)

    @property
    def signins_location(self) -> Path | str:
        """Where sign-ins are recorded: a PostgreSQL URL, or the path of a SQLite file."""
        return self.directory.url or self.store.url or self.general.data / "signins.sqlite"

    @property
    def secrets_key(self) -> Path:
        """The key that seals NT hashes and SCRAM keys in the directory; `oxgate init` makes it."""
        return self.general.data / "keys" / "secrets.key"

    @property
    def spool_location(self) -> Path | str:
        """Where deliveries wait that must be retried: a PostgreSQL URL, or the path of a SQLite file."""
        return self.store.url or self.general.data / "spool.sqlite"

    @property
    def directory_location(self) -> Path | str:
        """Where the directory is: a PostgreSQL URL, or the path of a SQLite file."""
        return self.directory.url or self.store.url or self.general.data / "directory.sqlite"
