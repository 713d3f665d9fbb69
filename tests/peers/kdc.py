"""A Kerberos KDC (Debian's krb5-kdc) on loopback, as an ordinary user, with a keytab for the mail services."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.peers.program import need, run

REALM = "EXAMPLE.TEST"
HOST = "localhost"
SERVICES = ("imap", "pop", "smtp")

_KRB5 = """\
[libdefaults]
  default_realm = {realm}
  dns_lookup_realm = false
  dns_lookup_kdc = false
  rdns = false
  dns_canonicalize_hostname = false
  udp_preference_limit = 1
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
[domain_realm]
  {host} = {realm}
"""

_KDC = """\
[kdcdefaults]
  kdc_listen = 127.0.0.1:{port}
  kdc_tcp_listen = 127.0.0.1:{port}
[realms]
  {realm} = {{
    database_name = {folder}/principal
    key_stash_file = {folder}/stash
    acl_file = {folder}/kadm5.acl
    max_life = 10h
    supported_enctypes = aes256-cts:normal aes128-cts:normal
  }}
[logging]
  kdc = FILE:{folder}/kdc.log
"""


class Kdc:
    """One realm. `environment` is what clients need; nothing of this process's own is changed."""

    def __init__(self, folder: Path) -> None:
        need("krb5kdc", "kdb5_util", "kadmin.local", "kinit")
        self.folder = folder
        self.keytab = folder / "mail.keytab"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        values = {"folder": folder, "port": self._port, "realm": REALM, "host": HOST}
        (folder / "krb5.conf").write_text(_KRB5.format(**values))
        (folder / "kdc.conf").write_text(_KDC.format(**values))
        self.environment = {"KRB5_CONFIG": str(folder / "krb5.conf"), "KRB5_KDC_PROFILE": str(folder / "kdc.conf")}
        self._path = {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the realm, alice, bob and the services' keys, and serve."""
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
        for user in ("alice", "bob", "alice/admin"):
            self.admin(f"addprinc -pw {user}-password {user}")
        for service in SERVICES:
            self.admin(f"addprinc -randkey {service}/{HOST}")
            self.admin(f"ktadd -k {self.keytab} {service}/{HOST}")
        program = shutil.which("krb5kdc", path=self._path["PATH"])
        assert program is not None
        with (self.folder / "kdc.out").open("wb") as out:
            self._process = subprocess.Popen(
                [program, "-n"],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return
            except OSError:
                assert self._process.poll() is None, (self.folder / "kdc.out").read_text()
                assert time.monotonic() < end, "krb5kdc does not answer"
                time.sleep(0.02)

    def stop(self) -> None:
        """Stop serving."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)
            self._process = None

    def admin(self, command: str) -> str:
        """Give a command to kadmin.local."""
        return self._run("kadmin.local", "-r", REALM, "-q", command)

    def kinit(self, user: str, *options: str) -> dict[str, str]:
        """Get a user's ticket; returns the environment of a client that has it."""
        cache = self.folder / f"cache-{user.replace('/', '-')}{''.join(options)}"
        client = {**self.environment, "KRB5CCNAME": f"FILE:{cache}"}
        run("kinit", *options, user, stdin=f"{user}-password\n", env={**client, **self._path})
        return client

    def _run(self, *args: str) -> str:
        return run(*args, env={**self.environment, **self._path})
