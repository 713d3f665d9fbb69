"""Settings of signing in: mechanisms, what each of them needs, and protection against guessing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from config import checks
from config.checks import between, one_of
from config.option import option

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
