"""OpenLDAP's slapd on loopback, with a few people; needs no root."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ldap3
import pytest

from tests.peers.program import need
from tests.support.authority import Authority

BASE = "dc=example,dc=test"
ADMIN = f"cn=admin,{BASE}"
SERVICE = f"cn=mail,{BASE}"
SERVICE_PASSWORD = "look things up"
PEOPLE = ("alice", "bob", "carol", "dave")

CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
TLSCACertificateFile {ca}
security simple_bind=128
database mdb
suffix {base}
rootdn {admin}
rootpw secret
directory {folder}/db
maxsize 16777216
dbnosync
index objectClass,entryUUID,uid,mail eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{service}" read by * none
"""

ROOT = """
dn: {base}
objectClass: domain
dc: example

dn: ou=people,{base}
objectClass: organizationalUnit
ou: people

dn: {service}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: mail
userPassword: {password}
"""

ENTRY = """
dn: uid={uid},ou=people,{base}
objectClass: inetOrgPerson
objectClass: posixAccount
entryUUID: 00000000-0000-4000-8000-{number:012d}
uid: {uid}
cn: {title} Archer
sn: Archer
givenName: {title}
mail: {uid}@example.test
mail: {uid}.archer@example.test
uidNumber: {number}
gidNumber: {number}
homeDirectory: /home/{uid}
loginShell: /bin/sh
userPassword: {uid} pässword €
"""


class Slapd:
    """A server; two with the same people stand for a replicated pair. Demands TLS of whoever shows a password."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        """Load the people; skips where slapd is not installed."""
        need("slapd")
        self.folder = folder
        folder.mkdir()
        (folder / "db").mkdir()
        self.port, self.tls_port = _free_port(), _free_port()
        self._program = shutil.which("slapd", path="/usr/sbin:/usr/bin:/sbin") or "slapd"
        self._config = folder / "slapd.conf"
        certificate, key = authority.issue("127.0.0.1")
        self._ca = authority.file
        names = {"folder": folder, "base": BASE, "admin": ADMIN, "service": SERVICE}
        self._config.write_text(CONFIG.format(certificate=certificate, key=key, ca=authority.file, **names))
        text = ROOT.format(base=BASE, service=SERVICE, password=SERVICE_PASSWORD)
        for number, uid in enumerate(PEOPLE, 1):
            text += ENTRY.format(uid=uid, title=uid.title(), number=number, base=BASE)
        load = [self._program, "-T", "add", "-q", "-f", self._config]
        subprocess.run(load, input=_ldif(text).encode(), check=True, capture_output=True)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    @staticmethod
    def password(uid: str) -> str:
        return f"{uid} pässword €"

    def start(self) -> Slapd:
        if self._process is None:
            urls = f"{self.url}/ {self.tls_url}/"
            command = [self._program, "-d", "0", "-h", urls, "-f", self._config]
            with (self.folder / "out").open("ab") as out:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
                )
            wait_for_port("127.0.0.1", self.tls_port, 10)
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def modify(self, uid: str, **values: str | None) -> None:
        """Set attributes of a person; None removes one."""
        changes = {name: [(ldap3.MODIFY_REPLACE, [] if value is None else [value])] for name, value in values.items()}
        with self._admin() as admin:
            assert admin.modify(self.dn(uid), changes), admin.result

    def delete(self, uid: str) -> None:
        with self._admin() as admin:
            assert admin.delete(self.dn(uid)), admin.result

    @staticmethod
    def dn(uid: str) -> str:
        return f"uid={uid},ou=people,{BASE}"

    @contextmanager
    def _admin(self) -> Iterator[Any]:
        tls = ldap3.Tls(ca_certs_file=str(self._ca))
        server = ldap3.Server("127.0.0.1", port=self.tls_port, use_ssl=True, tls=tls, get_info=ldap3.NONE)
        connection = ldap3.Connection(server, ADMIN, "secret", auto_bind=True, check_names=False)
        yield connection
        connection.unbind()


def wait_for_port(address: str, port: int, seconds: float) -> None:
    """Wait until something listens."""
    deadline = time.monotonic() + seconds
    while True:
        with socket.socket() as knock:
            if knock.connect_ex((address, port)) == 0:
                return
        assert time.monotonic() < deadline, f"nothing listens on {address}:{port}"
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _ldif(text: str) -> str:
    """Give text in which values beyond ASCII are in base64 ([RFC2849])."""
    lines = []
    for line in text.splitlines():
        name, _, value = line.partition(": ")
        lines.append(line if line.isascii() else f"{name}:: {base64.b64encode(value.encode()).decode()}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def slapds(tmp_path: Path, authority: Authority) -> Iterator[tuple[Slapd, Slapd]]:
    """Two servers with the same people."""
    pair = Slapd(tmp_path / "one", authority), Slapd(tmp_path / "two", authority)
    try:
        yield pair[0].start(), pair[1].start()
    finally:
        for each in pair:
            each.stop()
