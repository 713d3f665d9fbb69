"""Every setting, with its default, its check and the line that explains it. `config/default.toml` is made from here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from config import checks
from config.checks import Check, between, one_of

T = TypeVar("T")

MIB = 1024 * 1024

MECHANISMS = (
    "PLAIN",
    "LOGIN",
    "NTLM",
    "XOAUTH2",
    "OAUTHBEARER",
    "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS",
    "EXTERNAL",
    "GSSAPI",
    "GSS-SPNEGO",
)
"""What a list of mechanisms may name."""

DEFAULT_MECHANISMS = ("PLAIN", "LOGIN", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")
"""What needs no decision: NTLM, tokens, certificates and Kerberos do."""


LANGUAGES = ("de", "en", "es", "fr")
PERSONALITIES = ("oxgate", "exchange2013", "exchange2016", "exchange2019")


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
class Auth:
    """Signing in."""

    mechanisms: tuple[str, ...] = option(
        DEFAULT_MECHANISMS,
        "Mechanisms on offer: " + ", ".join(MECHANISMS) + ". PLAIN stands for IMAP LOGIN and POP3 USER, too. "
        "Listeners and networks may narrow or change the list; what cannot work is never advertised.",
        checks.not_blank,
        checks.some_of(*MECHANISMS),
    )
    plaintext_without_tls: str = option(
        "never",
        "Whether passwords may cross a connection without TLS: never, loopback (from this machine only), always.",
        one_of("never", "loopback", "always"),
    )
    tarpit: float = option(
        5.0,
        "Seconds until a failed sign-in is answered. With 0 the time it takes may tell which names exist.",
        between(0, 60),
    )
    cache: int = option(300, "Seconds that a worker remembers a password it has checked. 0: never.", between(0, 86400))
    max_failures: int = option(3, "Failed sign-ins after which the connection is closed.", between(1, 1000))
    timeout: int = option(
        60, "Seconds in which a client must have signed in to IMAP, POP3 or submission.", between(1, 3600)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ntlm:
    """NTLM, where mechanisms names it. Accounts opt in by `oxgate user nt-hash enable`, or winbind knows them."""

    channel_binding: str = option(
        "allow",
        "Binding of the sign-in to the TLS connection: none; allow: a binding that is sent must be right; require.",
        one_of("none", "allow", "require"),
    )
    max_skew: int = option(
        129_600, "Seconds by which a client's clock may be wrong. 0: any time will do.", between(0, 31_536_000)
    )
    winbind: str = option(
        "", "Path of Samba's ntlm_auth, which asks a domain controller. Empty: only hashes of this directory."
    )
    winbind_processes: int = option(4, "ntlm_auth processes of one worker.", between(1, 64))
    new_accounts: bool = option(
        False, "Whether accounts that are added keep an NT hash, unless the command that adds them says otherwise."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Oauth:
    """Tokens of an OpenID Connect issuer, for XOAUTH2 and OAUTHBEARER."""

    issuer: str = option("", "The issuer's URL, exactly as in the token's `iss`. Empty: no tokens.", checks.https_url)
    jwks_url: str = option(
        "", "URL of the issuer's keys. Empty: its /.well-known/openid-configuration says.", checks.https_url
    )
    ca: Path | None = option(  # noqa: RUF009 - option() is dataclasses.field
        None, "PEM file: the CA of the issuer's web server. Empty: those that the system trusts."
    )
    audience: tuple[str, ...] = option((), "What `aud` must name, one of these. A token for anybody else is refused.")
    algorithms: tuple[str, ...] = option(
        ("RS256", "ES256", "PS256"),
        "Signature algorithms accepted.",
        checks.not_blank,
        checks.some_of("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"),
    )
    imap_scopes: tuple[str, ...] = option((), "Scopes or roles of which a token needs one for IMAP. Empty: none.")
    pop3_scopes: tuple[str, ...] = option((), "Scopes or roles of which a token needs one for POP3. Empty: none.")
    smtp_scopes: tuple[str, ...] = option((), "Scopes or roles of which a token needs one for SMTP. Empty: none.")
    claims: tuple[str, ...] = option(
        ("upn", "preferred_username", "email"), "Claims that hold the sign-in name; the first that is there counts."
    )
    leeway: int = option(60, "Seconds by which the issuer's clock may differ.", between(0, 3600))
    grace: int = option(60, "Seconds that a session goes on when its token has run out.", between(0, 86_400))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kerberos:
    """Kerberos, for GSSAPI and GSS-SPNEGO; needs the package's extra `kerberos`."""

    keytab: Path | None = option(  # noqa: RUF009 - option() is dataclasses.field
        None, "The keytab with the keys of imap/HOST, pop/HOST and smtp/HOST. Empty: no Kerberos."
    )
    realms: tuple[str, ...] = option(
        (),
        'Realms whose users may sign in, each with its mail domain: "EXAMPLE.COM=example.com". '
        "Empty: the keytab's realm, in default_domain.",
        checks.realms,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """An LDAP server or Active Directory that knows the passwords; its users get their account when they sign in."""

    servers: tuple[str, ...] = option(
        (), "URLs in the order of trial, such as ldaps://dc1.example.com. Empty: none.", checks.ldap_urls
    )
    kind: str = option("ldap", "ad (Active Directory, Samba) or ldap.", one_of("ad", "ldap"))
    starttls: bool = option(True, "Whether ldap:// goes over to TLS before anything else is said.")
    ca: Path | None = option(  # noqa: RUF009 - option() is dataclasses.field
        None, "PEM file: the CA of the servers. Empty: those that the system trusts."
    )
    bind_dn: str = option("", "Who looks users up. Empty: anonymous.")
    bind_password_file: Path | None = option(  # noqa: RUF009 - option() is dataclasses.field
        None, "The file with its password, on one line."
    )
    base: str = option("", "The DN below which users are.")
    filter: str = option("", "What else a user must match, such as (employeeType=active). Empty: nothing.")
    login: tuple[str, ...] = option((), "Attributes that a sign-in name is compared with. Empty: by kind.")
    account: str = option("", "The attribute with the short name, uid or sAMAccountName. Empty: by kind.")
    guid: str = option("", "The attribute that stays the same for ever. Empty: by kind.")
    address: tuple[str, ...] = option((), "Attributes with mail addresses, the primary one first. Empty: by kind.")
    display_name: str = option("", "The attribute with the name that people see. Empty: by kind.")
    netbios_domain: str = option("", "DOMAIN in the DOMAIN\\user of its users. Empty: general's.")
    dns_domain: str = option("", "The domain of their user principal names. Empty: default_domain.")
    timeout: float = option(5.0, "Seconds to wait for a server.", between(0.1, 60))
    connections: int = option(4, "Connections that one worker keeps.", between(1, 64))
    hold_down: int = option(30, "Seconds for which a server that failed is not asked.", between(0, 3600))
    cache: int = option(300, "Seconds for which a checked password need not be checked again.", between(0, 86_400))
    outage: int = option(
        3600,
        "Seconds for which it is good besides while no server answers. 0: nobody signs in then.",
        between(0, 604_800),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """Against guessing. The counts are of all workers together."""

    window: int = option(900, "Seconds after which a failed sign-in is forgotten.", between(10, 86_400))
    refusal: int = option(900, "Seconds for which an account or address is refused then.", between(1, 86_400))
    account_failures: int = option(
        10,
        "Failures by which an account is closed to the network they come from, and by which other strange networks "
        "have to wait for it. 0: never.",
        between(0, 10_000),
    )
    address_failures: int = option(
        50,
        "Failures by which accounts are closed to a client address that never signed in to them. 0: never.",
        between(0, 100_000),
    )
    trusted: tuple[str, ...] = option(
        ("127.0.0.0/8", "::1"), "Networks that are neither counted nor refused.", checks.networks
    )
    max_tarpit: float = option(30.0, "The longest wait before a failure is answered.", between(0, 120))
    known_days: int = option(
        30, "Days for which a network is known to an account after a sign-in from there.", between(1, 3650)
    )
    slots: int = option(65_536, "Counters in the table that the workers share.", between(1024, 16_777_216))


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The record of sign-ins that `oxgate audit` and `oxgate devices` show."""

    days: int = option(90, "Days for which records are kept.", between(1, 36_500))
    rows: int = option(1_000_000, "Records kept at most; the oldest go.", between(1000, 1_000_000_000))


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
