"""A Samba AD domain controller on a loopback address of its own. It needs root: its ports are fixed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.program import need, run
from tests.peers.slapd import wait_for_port
from tests.support.authority import Authority

NETBIOS = "CORP"
DNS = "corp.example.test"
BASE = "DC=corp,DC=example,DC=test"
ADMIN_PASSWORD = "Passw0rd.Adm1n"
SERVICE = f"CN=mailsvc,CN=Users,{BASE}"
SERVICE_PASSWORD = "Passw0rd.svc1"
PEOPLE = ("alice", "bob", "carol", "dave")

GLOBAL = """[global]
\twinbindd socket directory = {folder}/run/winbindd
\tserver services = rpc, ldap, cldap, kdc, winbindd, dns, drepl, kcc
\tntlm auth = ntlmv1-permitted
\ttls enabled = yes
\ttls certfile = {certificate}
\ttls keyfile = {key}
\ttls cafile = {ca}
"""


class Samba:
    """The domain, with a few people. Takes no password without TLS, as every Samba and Active Directory today."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        """Provision; skips where that cannot be done."""
        need("samba", "samba-tool", "ntlm_auth", "winbindd", "ip")
        if os.geteuid() != 0:
            pytest.skip("a domain controller needs root: its ports are below 1024")
        if not Path("/usr/share/samba/setup/ad-schema").is_dir():
            pytest.skip("samba-ad-provision is not installed")
        self.folder = folder
        for name in ("dc", "log", "run", "ncalrpc", "lock"):
            (folder / name).mkdir(parents=True)
        self.address, self._added = _own_address()
        self.config = folder / "dc" / "etc" / "smb.conf"
        self.ntlm_auth = folder / "ntlm_auth"
        """A program to use as ntlm_auth: finds this domain's winbindd, not the machine's."""
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._provision(authority)
        except BaseException:
            self.close()
            raise

    def _provision(self, authority: Authority) -> None:
        folder = self.folder
        empty = folder / "smb.conf"  # else the machine's own is copied in
        empty.write_text("[global]\n")
        options = {
            "interfaces": f"{self.address}/8",
            "bind interfaces only": "yes",
            "dns forwarder": "127.0.0.1:10053",
            "log file": f"{folder}/log/log.%m",
            "pid directory": f"{folder}/run",
            "ncalrpc dir": f"{folder}/ncalrpc",
        }
        run(
            "samba-tool", "domain", "provision", f"--configfile={empty}", f"--targetdir={folder}/dc",
            f"--realm={DNS.upper()}", f"--domain={NETBIOS}", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL",
            f"--adminpass={ADMIN_PASSWORD}", "--host-name=dc1", f"--host-ip={self.address}", "--use-rfc2307",
            *(f"--option={name}={value}" for name, value in options.items()),
            timeout=120,
        )  # fmt: skip
        certificate, key = authority.issue(f"dc1.{DNS}", self.address)
        text = self.config.read_text()
        added = GLOBAL.format(folder=folder, certificate=certificate, key=key, ca=authority.file)
        self.config.write_text(text.replace("[global]\n", added, 1))
        self.tool(
            "domain", "passwordsettings", "set", "--complexity=off", "--min-pwd-length=0", "--min-pwd-age=0",
            "--max-pwd-age=0", "--history-length=0",
        )  # fmt: skip
        self.tool("user", "create", "mailsvc", SERVICE_PASSWORD)
        for uid in PEOPLE:
            names = (f"--given-name={uid.title()}", "--surname=Archer", f"--mail-address={uid}@example.test")
            self.tool("user", "create", uid, self.password(uid), *names)
            self.modify(uid, proxyAddresses=f"smtp:{uid}.archer@example.test")
        for name in ("passwd", "group"):
            shutil.copy(f"/etc/{name}", folder / name)
        self.ntlm_auth.write_text(
            "#!/bin/sh\n"
            f"exec env LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_PASSWD={folder}/passwd "
            f"NSS_WRAPPER_GROUP={folder}/group SELFTEST_WINBINDD_SOCKET_DIR={folder}/run/winbindd "
            f'{shutil.which("ntlm_auth")} --configfile={self.config} "$@"\n'
        )
        self.ntlm_auth.chmod(0o755)

    @property
    def url(self) -> str:
        return f"ldap://{self.address}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://{self.address}"

    @staticmethod
    def password(uid: str) -> str:
        return f"Passw0rd.{uid} €"

    @staticmethod
    def dn(uid: str) -> str:
        return f"CN={uid.title()} Archer,CN=Users,{BASE}"

    def start(self) -> Samba:
        if self._process is None:
            command = ["samba", "-F", "--no-process-group", "-s", self.config, "-M", "single"]
            with (self.folder / "log" / "samba.out").open("ab") as out:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
                )
            wait_for_port(self.address, 636, 30)
            self._wait_for_winbind()
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def close(self) -> None:
        """Stop, and take the address back."""
        self.stop()
        if self._added:
            subprocess.run(["ip", "addr", "del", f"{self.address}/8", "dev", "lo"], check=False)

    def tool(self, *args: str) -> str:
        """Run samba-tool on the domain; it works on the files, whether the server runs or not."""
        return run("samba-tool", *args, "-s", self.config)

    def modify(self, uid: str, **values: str) -> None:
        """Set attributes of a person."""
        text = f"dn: {self.dn(uid)}\nchangetype: modify\n"
        text += "".join(f"replace: {name}\n{name}: {value}\n-\n" for name, value in values.items())
        run("ldbmodify", "-H", self.folder / "dc" / "private" / "sam.ldb", stdin=text)

    def _wait_for_winbind(self) -> None:
        deadline = time.monotonic() + 30
        command = [self.ntlm_auth, f"--username={PEOPLE[0]}", f"--domain={NETBIOS}"]
        while True:
            password = f"--password={self.password(PEOPLE[0])}"
            done = subprocess.run([*command, password], capture_output=True, check=False, timeout=30)
            if done.returncode == 0:
                return
            assert time.monotonic() < deadline, done.stdout
            time.sleep(0.2)


def _own_address() -> tuple[str, bool]:
    """Find a loopback address on which nobody serves LDAP, and put it on the interface; True: we did."""
    known = subprocess.run(["ip", "-4", "addr", "show", "lo"], capture_output=True, text=True, check=True).stdout
    for last in range(10, 30):
        address = f"127.0.0.{last}"
        if f"inet {address}/" in known:
            continue  # somebody else's
        with socket.socket() as probe:
            try:
                probe.bind((address, 389))
            except OSError:
                continue
        done = subprocess.run(["ip", "addr", "add", f"{address}/8", "dev", "lo"], capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"no address for a domain controller: {done.stderr.decode().strip()}")
        return address, True
    pytest.skip("no free loopback address for a domain controller")


@pytest.fixture(scope="session")
def samba_domain(authority: Authority) -> Iterator[Samba]:
    """The domain, provisioned once for the whole run."""
    made = Samba(authority.folder / "samba", authority)
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture
def samba(samba_domain: Samba) -> Samba:
    """The domain, up."""
    return samba_domain.start()
