"""A directory beside an LDAP server that knows the passwords."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from directory.credentials import Hasher
from directory.model import Principal
from directory.remembered import Memory
from directory.sql import SqlDirectory
from directory.upstream import Upstream
from directory.upstreamsettings import UpstreamSettings
from tests.support.ldapserver import Account, LdapServer, person
from tests.support.prepared import lay_out

BASE = "dc=example,dc=test"
SERVICE = Account(f"cn=service,{BASE}", {}, b"service password")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def open_directory(folder: Path) -> SqlDirectory:
    return SqlDirectory(folder / "directory.sqlite", domains=["example.test"], hasher=Hasher(memory=8, passes=1))


def make_empty(folder: Path) -> None:
    open_directory(folder).close()


class House:
    """A directory, an upstream server and what joins them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.provisioned: list[str] = []
        self.server = LdapServer([person(1, "alice", "secret"), SERVICE]).start()
        self.second: LdapServer | None = None
        lay_out(folder, make_empty)
        self.directory = open_directory(folder)
        self.upstream = self.join()

    def settings(self, **more: Any) -> UpstreamSettings:
        given: dict[str, Any] = {
            "servers": (self.server.url,),
            "starttls": False,
            "base": BASE,
            "timeout": 1,
            "cache": 100,
            "outage": 1000,
            "hold_down": 10,
            "default_domain": "example.test",
        }
        return UpstreamSettings(**{**given, **more})

    def join(self, memory: Memory | None = None, **more: Any) -> Upstream:
        def provision(principal: Principal) -> None:
            self.provisioned.append(principal.address)

        previous = getattr(self, "upstream", None)
        if previous is not None:
            previous.close()
        self.upstream = Upstream(self.settings(**more), self.directory, provision, memory=memory, clock=self.clock)
        return self.upstream

    def alice(self) -> Principal:
        found = self.upstream.verify("alice", None, "secret")
        assert found is not None
        return found

    def close(self) -> None:
        self.upstream.close()
        self.server.stop()
        if self.second is not None:
            self.second.stop()
        self.directory.close()
