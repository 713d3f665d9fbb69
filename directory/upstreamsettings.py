"""Where accounts are upstream, and what each kind of server calls what is wanted of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from directory.ldapservers import LdapSettings

PRINCIPAL_NAME = "userPrincipalName"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a kind of server names things."""

    accounts: str
    login: tuple[str, ...]
    account: str
    guid: str
    address: tuple[str, ...]
    display_name: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    "ad": Kind(
        accounts="(&(objectCategory=person)(objectClass=user))",
        login=("sAMAccountName", PRINCIPAL_NAME, "mail", "proxyAddresses"),
        account="sAMAccountName",
        guid="objectGUID",
        address=("mail", "proxyAddresses"),
        display_name=("displayName", "cn"),
    ),
    "ldap": Kind(
        accounts="(objectClass=person)",
        login=("uid", "mail"),
        account="uid",
        guid="entryUUID",
        address=("mail",),
        display_name=("displayName", "cn"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamSettings(LdapSettings):
    """Where accounts are looked for, and what their attributes are called. What is empty is as usual for the kind."""

    base: str
    """The DN below which accounts are."""
    kind: str = "ldap"
    """`ad` (Active Directory, Samba) or `ldap`."""
    filter: str = ""
    """What an account must match to sign in, such as `(!(loginShell=/bin/false))` or `employeeType=active`."""
    login: tuple[str, ...] = ()
    """Attributes that a name is compared with."""
    account: str = ""
    """The attribute with the short name: the one that `DOMAIN\\name` means, and the account's name here."""
    guid: str = ""
    """The attribute that identifies an entry for ever."""
    address: tuple[str, ...] = ()
    """Attributes with its mail addresses, the primary one first."""
    display_name: str = ""
    netbios_domain: str = ""
    """The short name of the domain there: DOMAIN in `DOMAIN\\name`."""
    dns_domain: str = ""
    """Its DNS name: `name@domain` means the account `name`, whatever its addresses are ([MS-ADTS] 5.1.1.1.1)."""
    default_domain: str = ""
    """Completes a bare name, and makes the address of an account that has none in the domains of this server."""
    cache: float = 300
    """Seconds for which a password that was right need not be shown again."""
    outage: float = 3600
    """Seconds for which it is good besides while no server answers."""
