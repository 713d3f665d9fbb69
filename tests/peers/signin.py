"""What the sign-in tests share: a server that offers everything, and mail connections driven line by line."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from config.template import render
from directory.signins import SignIn, SignInStore, Wanted
from tests.peers.server import BASE_PORTS, DOMAIN, PASSWORD, PeerServer

NETBIOS = "EXAMPLE"
"""The short domain name, which the server takes from `example.test`."""

BY_SECRETS = ("PLAIN", "LOGIN", "NTLM", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS")
"""What works without a word about tokens, certificates and tickets."""

CHEAP: dict[str, dict[str, Any]] = {
    "auth": {"mechanisms": BY_SECRETS, "tarpit": 0.1},
    "directory": {"argon2_memory": 8, "argon2_time": 1},
}
"""Failures are answered soon: hundreds of them are looked at."""


@dataclass
class SignInServer(PeerServer):
    """A server with settings of its own; the accounts sd1, sd2 ... keep an NT hash, `plain` keeps none."""

    users: int = 40
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    networks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Mechanisms for clients at an address."""

    def init(self) -> None:
        """Make the tenant."""
        self.oxgate("init", str(self.data), "--domain", DOMAIN, "--unprivileged")
        text = self.config.read_text()
        for port in BASE_PORTS.values():
            text = re.sub(rf"\b{port}\b", str(port + self.offset), text)
        for section in {**CHEAP, **self.sections}:
            values = {**CHEAP.get(section, {}), **self.sections.get(section, {})}
            text = _with(text, section, values)
        for address, mechanisms in self.networks.items():
            text += f'\n[[networks]]\naddress = "{address}"\nmechanisms = {list(mechanisms)}\n'
        self.config.write_text(text)
        rows = [f"sd{n}@{DOMAIN},Seed {n},{PASSWORD},yes" for n in range(1, self.users + 1)]
        rows.append(f"plain@{DOMAIN},No hash,{PASSWORD},no")
        table = self.folder / "users.csv"
        table.write_text("address,display_name,password,nt_hash\n" + "\n".join(rows) + "\n")
        self.oxgate("user", "import", str(table))

    def audited(self, account: str = "", outcome: str = "", mechanism: str = "") -> list[SignIn]:
        """Give what `oxgate audit` would show, the newest last; records are written in batches, a second apart."""
        place = self.data / "data" / "signins.sqlite"
        if not place.exists():  # the server makes it when there is something to write
            return []
        signins = SignInStore(place)
        wanted = Wanted(
            user=f"{account}@{DOMAIN}" if account else "", outcome=outcome, mechanisms=(mechanism,) if mechanism else ()
        )
        try:
            return [record for _, record in signins.records(wanted)]
        finally:
            signins.close()

    def last_of(
        self, account: str = "", outcome: str = "", mechanism: str = "", *, since: float = 0.0, more_than: int = 0
    ) -> SignIn:
        """Wait for a record, or for more than there were, and give the newest."""
        for _ in range(50):
            found = [record for record in self.audited(account, outcome, mechanism) if record.at >= since]
            if len(found) > more_than:
                return found[-1]
            time.sleep(0.1)
        raise AssertionError(f"no {outcome} {mechanism} of {account}; there are {self.audited()[-5:]}")

    def logged(self, text: str, since: int = 0) -> list[str]:
        """Give the lines of the log that contain a text; the log is read by a thread, so they may come late."""
        return [line for line in list(self.log)[since:] if text in line]


def _with(text: str, section: str, values: Mapping[str, Any]) -> str:
    """Set keys in a settings file that `oxgate init` wrote."""
    rendered = render({section: values})
    for key in values:
        line = re.search(rf"^{key} = .*$", rendered, re.MULTILINE)
        assert line is not None, f"no setting {section}.{key}"
        at = re.search(rf"^\[{section}\].*$", text, re.MULTILINE)
        assert at is not None, section
        head, tail = text[: at.end()], text[at.end() :]
        text = head + re.sub(rf"^(?:# )?{key} = .*$", lambda _, line=line: line[0], tail, count=1, flags=re.MULTILINE)  # type: ignore[misc]
    return text


class Exchange(Protocol):
    """The client's side of a mechanism."""

    def first(self) -> bytes:
        """The first message."""

    def answer(self, challenge: bytes) -> bytes:
        """The answer to a challenge."""


@dataclass
class Once:
    """A mechanism of one message; whatever the server says to it is answered by `end`."""

    message: bytes
    end: bytes = b""
    challenges: list[bytes] = field(default_factory=list)

    def first(self) -> bytes:
        return self.message

    def answer(self, challenge: bytes) -> bytes:
        self.challenges.append(challenge)
        return self.end


class Mail:
    """A connection to one listener of a server."""

    def __init__(self, server: PeerServer, port: str, certificate: tuple[Path, Path] | None = None) -> None:
        self.protocol = port.removesuffix("s") if port in ("imaps", "pop3s") else port
        self.protocol = "smtp" if port.startswith("submission") else self.protocol
        self._socket: socket.socket = socket.create_connection(("127.0.0.1", getattr(server, port)), 20)
        self.end_point = b""
        if port in ("imaps", "pop3s", "submissions"):
            context = ssl.create_default_context(cafile=server.ca)
            if certificate is not None:
                context.load_cert_chain(*certificate)
            secured = context.wrap_socket(self._socket, server_hostname="localhost")
            shown = secured.getpeercert(binary_form=True)
            assert shown is not None
            self.end_point = hashlib.sha256(shown).digest()  # signed with SHA-256: [RFC5929] 4.1
            self._socket = secured
        self._file = self._socket.makefile("rwb")
        self.greeting = self.line()
        if self.protocol == "smtp":
            self.capabilities = self._many("EHLO client.example.test")
        elif self.protocol == "pop3":
            self.capabilities = self._list("CAPA")
        else:
            self.capabilities = self.command("CAPABILITY")

    def line(self) -> str:
        """The next line from the server; it must not hang up instead."""
        line = self._file.readline().decode("utf-8", "replace")
        assert line.endswith("\r\n"), f"hung up: {line!r}"
        return line[:-2]

    def send(self, line: str | bytes) -> None:
        """Send a line."""
        self._file.write((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        self._file.flush()

    def command(self, line: str) -> str:
        """Send a command; give all that is answered, up to the end of the reply."""
        if self.protocol == "smtp":
            return self._many(line)
        if self.protocol == "pop3":
            self.send(line)
            return self.line()
        self.send("c " + line)
        lines = [self.line()]
        while not lines[-1].startswith("c "):
            lines.append(self.line())
        return "\n".join(lines)

    def _many(self, line: str) -> str:
        self.send(line)
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return "\n".join(lines)

    def _list(self, line: str) -> str:
        self.send(line)
        lines = [self.line()]
        while lines[-1] != ".":
            lines.append(self.line())
        return "\n".join(lines)

    def authenticate(self, mechanism: str, exchange: Exchange, *, initial: bool = False) -> str:
        """Sign in; give the server's last word."""
        command = {"imap": "a AUTHENTICATE", "pop3": "AUTH", "smtp": "AUTH"}[self.protocol] + f" {mechanism}"
        prompt = "334 " if self.protocol == "smtp" else "+ "
        first: bytes | None = exchange.first()
        if initial:
            assert first is not None
            command += " " + (base64.b64encode(first).decode() or "=")
            first = None
        self.send(command)
        while True:
            line = self.line()
            if not line.startswith(prompt):
                return line
            if first is not None:
                said, first = first, None
            else:
                said = exchange.answer(base64.b64decode(line[len(prompt) :], validate=True))
            self.send(base64.b64encode(said))

    def is_signed_in(self, reply: str, user: str) -> bool:
        """Whether the reply says so, and whether the mailbox of `user` is open then: the server must be of one mind."""
        if self.protocol == "imap":
            said, done = reply.startswith("a OK"), "c OK" in self.command("STATUS INBOX (MESSAGES)")
        elif self.protocol == "pop3":
            said, done = reply.startswith("+OK"), self.command("STAT").startswith("+OK")
        else:
            said, done = reply.startswith("235 2.7.0"), self.command(f"MAIL FROM:<{user}@{DOMAIN}>").startswith("250")
        assert said == done, (reply, said, done)
        return said

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()

    def __enter__(self) -> Mail:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


REFUSED = {
    "imap": "a NO AUTHENTICATE failed.",
    "pop3": "-ERR [AUTH] ",
    "smtp": "535 5.7.3 Authentication unsuccessful",
}
"""The words to whoever is refused, the same for every reason; POP3 has more text behind."""
