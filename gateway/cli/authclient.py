"""IMAP, POP3 and SMTP from the client's side, as far as signing in goes: for `oxgate auth test`.

dialogue = DIALOGUES["imap"](socket, narrator)
offer = dialogue.greet()
dialogue.start_tls(context, name)
reply = dialogue.begin("PLAIN", b"...")          # Reply: a challenge, a success, or a refusal
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

CLIENT_NAME = "oxgate-auth-test"
MAX_INITIAL = 255
"""Octets of a command line up to which POP3 and SMTP take an initial response ([RFC5034] 4; [RFC4954] 4: 512)."""
MAX_LINE = 65_536
PATIENCE = 90.0
"""Seconds to wait for an answer: a refusal is held back on purpose."""


class Trouble(Exception):
    """The test ends here; the text says what is wrong, `advice` what to do about it."""

    def __init__(self, text: str, *advice: str) -> None:
        super().__init__(text)
        self.advice = advice


class Narrator(Protocol):
    """Who tells what happens."""

    def sent(self, words: str) -> None:
        """Tell what was sent, without secrets."""

    def said(self, line: str) -> None:
        """Tell what the server said."""

    def note(self, words: str) -> None:
        """Tell what that means."""


class Outcome(Enum):
    """What a reply says about the exchange."""

    CHALLENGE = auto()
    OK = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class Reply:
    """The server's answer to a step of an exchange."""

    outcome: Outcome
    data: bytes = b""
    """The challenge, decoded; what is not base64 stands as it came."""
    line: str = ""
    """The line that ended the exchange."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server says it can do on this connection."""

    mechanisms: Sequence[str]
    starttls: bool
    passwords: bool
    """IMAP LOGIN, POP3 USER."""


class Dialogue(ABC):
    """One connection."""

    protocol = ""

    def __init__(self, connection: socket.socket, narrator: Narrator) -> None:
        self.socket = connection
        self.tell = narrator
        self._buffer = b""

    # -- lines

    def send(self, line: bytes, shown: str) -> None:
        """Send a line; `shown` is what is told of it."""
        self.tell.sent(shown)
        with self._explained():
            self.socket.sendall(line + b"\r\n")

    def line(self) -> str:
        """Read a line."""
        while b"\n" not in self._buffer:
            with self._explained():
                received = self.socket.recv(16_384)
            if not received:
                raise Trouble("the server closed the connection", "The server's log says why.")
            self._buffer += received
            if len(self._buffer) > MAX_LINE:
                raise Trouble("the server's line is too long; is this a mail server?")
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r").decode("utf-8", "backslashreplace")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise Trouble(f"no answer for {PATIENCE:.0f} seconds") from error
        except ssl.SSLError as error:
            raise Trouble(
                f"TLS failed: {error.reason or error}",
                "Is this a port with TLS from the first octet? Then say --tls implicit; if not, --tls starttls.",
            ) from error
        except OSError as error:
            raise Trouble(f"the connection broke: {error}", "The server's log says why.") from error

    # -- the protocol

    @abstractmethod
    def greet(self) -> Offer:
        """Read the greeting, and ask what there is."""

    @abstractmethod
    def offer(self) -> Offer:
        """Ask what there is."""

    @abstractmethod
    def ask_for_tls(self) -> None:
        """Ask the server to go over to TLS. Raises Trouble."""

    def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Go over to TLS. Raises ssl.SSLCertVerificationError, Trouble."""
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        except ssl.SSLCertVerificationError:
            raise
        except OSError as error:
            raise Trouble(
                f"TLS failed: {getattr(error, 'reason', None) or error}",
                "Is TLS expected here? --tls implicit, starttls or none must fit the listener.",
            ) from error

    @abstractmethod
    def begin(self, mechanism: str, first: bytes | None, words: str) -> tuple[Reply, bool]:
        """Begin an exchange; say too whether `first` went along with the command."""

    def answer(self, data: bytes, words: str) -> Reply:
        """Answer a challenge."""
        self.send(_encoded(data), words)
        return self.reply()

    def cancel(self) -> Reply:
        """Give up ([RFC4422] 3.5)."""
        self.send(b"*", "* (giving up)")
        return self.reply()

    @abstractmethod
    def reply(self) -> Reply:
        """Read the answer to a step."""

    @abstractmethod
    def command(self, login: str, password: str, hidden: str) -> Reply:
        """Sign in without SASL."""

    @abstractmethod
    def bye(self) -> None:
        """Leave."""

    def _challenge(self, text: str) -> Reply:
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            data = text.encode()
        self.tell.said("a challenge" if data else "go on")
        return Reply(Outcome.CHALLENGE, data)


class ImapDialogue(Dialogue):
    """[RFC3501] 6.1, 6.2, [RFC4959]."""

    protocol = "imap"
    _number = 0
    _initial = False

    def greet(self) -> Offer:
        """Read the greeting, and ask what there is."""
        line = self.line()
        self.tell.said(_short(line))
        if not line.startswith("* OK"):
            raise Trouble("this is no IMAP server that takes clients now")
        return self.offer()

    def offer(self) -> Offer:
        """CAPABILITY."""
        words: list[str] = []
        for line in self._run(b"CAPABILITY", "CAPABILITY"):
            if line.upper().startswith("* CAPABILITY "):
                words = line.upper().split()[2:]
        self._initial = "SASL-IR" in words
        mechanisms = [word.removeprefix("AUTH=") for word in words if word.startswith("AUTH=")]
        return Offer(mechanisms, "STARTTLS" in words, "LOGINDISABLED" not in words)

    def ask_for_tls(self) -> None:
        """STARTTLS."""
        last = self._run(b"STARTTLS", "STARTTLS")[-1]
        if not self._is_ok(last):
            raise Trouble("the server does not go over to TLS")

    def begin(self, mechanism: str, first: bytes | None, words: str) -> tuple[Reply, bool]:
        """AUTHENTICATE."""
        command = b"AUTHENTICATE " + mechanism.encode()
        if first is None or not self._initial:
            self._tagged(command, f"AUTHENTICATE {mechanism}")
            return self.reply(), False
        self._tagged(command + b" " + (_encoded(first) or b"="), f"AUTHENTICATE {mechanism}, with {words}")
        return self.reply(), True

    def reply(self) -> Reply:
        """A challenge, or the tagged line."""
        while True:
            line = self.line()
            if line.startswith("+"):
                return self._challenge(line[1:].strip())
            if line.startswith(f"t{self._number} "):
                self.tell.said(_short(line))
                return Reply(Outcome.OK if self._is_ok(line) else Outcome.REFUSED, line=line.partition(" ")[2])

    def command(self, login: str, password: str, hidden: str) -> Reply:
        """LOGIN."""
        self._tagged(b"LOGIN " + _quoted(login) + b" " + _quoted(password), f"LOGIN {login} {hidden}")
        return self.reply()

    def bye(self) -> None:
        """LOGOUT."""
        self._run(b"LOGOUT", "LOGOUT")

    def _tagged(self, command: bytes, shown: str) -> None:
        self._number += 1
        self.send(f"t{self._number} ".encode() + command, shown)

    def _run(self, command: bytes, shown: str) -> list[str]:
        self._tagged(command, shown)
        lines: list[str] = []
        while not lines or not lines[-1].startswith(f"t{self._number} "):
            lines.append(self.line())
            self.tell.said(_short(lines[-1]))
        return lines

    def _is_ok(self, line: str) -> bool:
        return line.upper().startswith(f"T{self._number} OK")


class Pop3Dialogue(Dialogue):
    """[RFC1939], [RFC2449], [RFC2595] 4, [RFC5034]."""

    protocol = "pop3"

    def greet(self) -> Offer:
        """Read the greeting, and ask what there is."""
        self._expect("this is no POP3 server that takes clients now")
        return self.offer()

    def offer(self) -> Offer:
        """CAPA."""
        self.send(b"CAPA", "CAPA")
        self._expect("the server does not know CAPA")
        lines = []
        while (line := self.line()) != ".":
            lines.append(line.upper().split())
        self.tell.said(", ".join(" ".join(words) for words in lines))
        mechanisms = [name for words in lines if words[:1] == ["SASL"] for name in words[1:]]
        return Offer(mechanisms, ["STLS"] in lines, any(words[:1] == ["USER"] for words in lines))

    def ask_for_tls(self) -> None:
        """STLS."""
        self.send(b"STLS", "STLS")
        self._expect("the server does not go over to TLS")

    def begin(self, mechanism: str, first: bytes | None, words: str) -> tuple[Reply, bool]:
        """AUTH."""
        line = b"AUTH " + mechanism.encode()
        return _begin(self, line, f"AUTH {mechanism}", first, words)

    def reply(self) -> Reply:
        """A challenge, or the end."""
        line = self.line()
        if line.startswith("+") and not line.startswith("+OK"):
            return self._challenge(line[1:].strip())
        self.tell.said(line)
        return Reply(Outcome.OK if line.startswith("+OK") else Outcome.REFUSED, line=line)

    def command(self, login: str, password: str, hidden: str) -> Reply:
        """USER and PASS."""
        self.send(b"USER " + login.encode(), f"USER {login}")
        reply = self.reply()
        if reply.outcome is not Outcome.OK:
            return reply
        self.send(b"PASS " + password.encode(), f"PASS {hidden}")
        return self.reply()

    def bye(self) -> None:
        """QUIT."""
        self.send(b"QUIT", "QUIT")
        self.tell.said(self.line())

    def _expect(self, problem: str) -> None:
        line = self.line()
        self.tell.said(line)
        if not line.startswith("+OK"):
            raise Trouble(problem)


class SmtpDialogue(Dialogue):
    """[RFC5321] 3.2, [RFC3207], [RFC4954]."""

    protocol = "smtp"

    def greet(self) -> Offer:
        """Read the greeting, and ask what there is."""
        if self._lines()[-1][:3] != "220":
            raise Trouble("this is no SMTP server that takes clients now")
        return self.offer()

    def offer(self) -> Offer:
        """EHLO."""
        self.send(b"EHLO " + CLIENT_NAME.encode(), f"EHLO {CLIENT_NAME}")
        lines = self._lines()
        if lines[-1][:3] != "250":
            raise Trouble("the server does not know EHLO")
        words = [line[4:].upper().split() for line in lines[1:]]
        mechanisms = [name for line in words if line[:1] == ["AUTH"] for name in line[1:]]
        return Offer(mechanisms, ["STARTTLS"] in words, False)

    def ask_for_tls(self) -> None:
        """STARTTLS."""
        self.send(b"STARTTLS", "STARTTLS")
        if self._lines()[-1][:3] != "220":
            raise Trouble("the server does not go over to TLS")

    def begin(self, mechanism: str, first: bytes | None, words: str) -> tuple[Reply, bool]:
        """AUTH."""
        return _begin(self, b"AUTH " + mechanism.encode(), f"AUTH {mechanism}", first, words)

    def reply(self) -> Reply:
        """A challenge, or the end."""
        line = self.line()
        if line.startswith("334"):
            return self._challenge(line[4:].strip())
        self.tell.said(line)
        while line[3:4] == "-":
            line = self.line()
            self.tell.said(line)
        return Reply(Outcome.OK if line.startswith("235") else Outcome.REFUSED, line=line)

    def command(self, login: str, password: str, hidden: str) -> Reply:
        """SMTP has no such thing."""
        raise Trouble("SMTP has no sign-in but AUTH", "Take --mechanism PLAIN or LOGIN.")

    def bye(self) -> None:
        """QUIT."""
        self.send(b"QUIT", "QUIT")
        self._lines()

    def _lines(self) -> list[str]:
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        for line in lines:
            self.tell.said(line)
        return lines


DIALOGUES: dict[str, type[Dialogue]] = {each.protocol: each for each in (ImapDialogue, Pop3Dialogue, SmtpDialogue)}


def _begin(dialogue: Dialogue, line: bytes, shown: str, first: bytes | None, words: str) -> tuple[Reply, bool]:
    """Send AUTH, with the initial response where it fits the line."""
    initial = b"" if first is None else b" " + (_encoded(first) or b"=")
    fits = first is not None and len(line + initial) <= MAX_INITIAL
    dialogue.send(line + initial if fits else line, f"{shown}, with {words}" if fits else shown)
    return dialogue.reply(), fits


def _encoded(data: bytes) -> bytes:
    return base64.b64encode(data)


def _quoted(text: str) -> bytes:
    return b'"' + re.sub(r'(["\\])', r"\\\1", text).encode() + b'"'


def _short(line: str) -> str:
    """Shorten a line for the reader; what a server can do after sign-in is of no interest here."""
    return line if len(line) <= 160 else line[:157] + "..."
