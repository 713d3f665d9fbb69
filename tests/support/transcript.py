r"""Golden transcripts: dialogues of one or several clients with a server, written down and replayed.

One file, one dialogue. It runs against a live server or against anything that takes and gives octets (Connection).

    # a comment; blank lines are skipped as well
    @protocol imap             a directive: name and value; which ones mean something is the test's business
    C1: a1 LOGIN alice ${password}       client 1 sends this line; a client connects when it is first mentioned
    S1: a1 OK ...                        client 1 receives this line next

Client lines
    C1: text          a line; CRLF is added
    C1| text          a line of a literal: lines that follow one another are one literal, each with its CRLF
    C1> text          octets without a line end; \r \n \t \0 \\ \xNN stand for octets
    C1: <close>       the client hangs up
    C1: <tls>         the client begins TLS on the connection

Server lines: the next line from the server must be this one
    S1: text          exactly this text, but for what is listed below
    S1~ text          one of several that may come in any order: lines with ~ that follow one another are one group
    S1? text          this line may come, or not
    S1| text          a line of a literal
    S1: ...           any lines at all, none included, up to one that fits the next server line of this client
    S1: <closed>      the server hangs up
    S1: <silent>      nothing has come (and nothing comes without waiting)

Inside a line
    {|}  {|+}         the size of the literal that follows as | lines
    ...               any text, also none
    ${name}           in a server line: the value kept under that name, or, the first time, a word (no space, bracket,
                      parenthesis or quote) to keep; in a client line: the value kept, or given to the run
    ${name:pattern}   in a server line: the same with a regular expression for what to keep
    ${name:kept}      in a client line: what a function given to the run makes of a value kept (`${name}`: of nothing)
    (~a b c)          a parenthesized list of these words in any order; with ... among them there may be more

Lines of a literal follow the same rules, line by line; `...` alone is any number of lines. A literal ends in CRLF here.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

TIMEOUT = 10.0
"""Seconds to wait for a line from the server."""


class TranscriptError(AssertionError):
    """The server said something else; the message names the file and the line."""


class Connection(Protocol):
    """The octets of one client."""

    async def send(self, data: bytes) -> None:
        """Send to the server."""

    async def receive(self) -> bytes:
        """Wait for something from the server; empty: it has hung up."""

    async def pending(self) -> bytes:
        """What has come already; empty: nothing."""

    async def close(self) -> None:
        """Hang up."""


class TlsConnection(Connection, Protocol):
    """A connection that can begin TLS, for `<tls>`."""

    async def start_tls(self) -> None:
        """Do the handshake."""


class SocketConnection:
    """A connection to a live server, such as `await SocketConnection.open("127.0.0.1", 1143)`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, host: str, port: int, **options: object) -> SocketConnection:
        """Connect; `options` go to asyncio.open_connection, for instance `ssl`."""
        return cls(*await asyncio.open_connection(host, port, **options))  # type: ignore[arg-type]

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self) -> bytes:
        try:
            return await self._reader.read(65536)
        except ConnectionError:
            return b""

    async def pending(self) -> bytes:
        try:
            return await asyncio.wait_for(self._reader.read(65536), 0.05)
        except TimeoutError:
            return b""

    async def start_tls(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        await self._writer.start_tls(context)

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except (ConnectionError, OSError):
            return  # the server may have gone first


Connect = Callable[[int], Awaitable[Connection]]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a transcript; or, of `C|`, `S|` and `S~`, all the lines that follow one another."""

    line: int
    client: int
    kind: str
    """`C:` `C>` `C|` `S:` `S?` `S~` `S|` as in the file."""
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Transcript:
    """A parsed file."""

    name: str
    directives: Mapping[str, str]
    steps: tuple[Step, ...]


_LINE = re.compile(r"([CS])(\d)([:>|~?])(?: (.*))?")
_GATHERED = ("C|", "S|", "S~")


def load(path: Path) -> Transcript:
    """Read a transcript file."""
    return parse(path.read_text("utf-8"), path.stem)


def parse(text: str, name: str = "transcript") -> Transcript:
    """Parse the text of a transcript."""
    directives: dict[str, str] = {}
    steps: list[Step] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("@"):
            key, _, value = line[1:].partition(" ")
            directives[key] = value.strip()
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"{name}:{number}: not a line of a transcript: {line!r}")
        side, client, mark, content = match[1], int(match[2]), match[3], match[4] or ""
        kind = side + mark
        if (side == "C" and mark in "~?") or (side == "S" and mark == ">"):
            raise ValueError(f"{name}:{number}: {side}{client}{mark} means nothing")
        last = steps[-1] if steps else None
        if last is not None and kind in _GATHERED and (last.kind, last.client) == (kind, client):
            steps[-1] = Step(last.line, client, kind, (*last.texts, content))
        else:
            steps.append(Step(number, client, kind, (content,)))
    return Transcript(name, directives, tuple(steps))


_SPECIAL = re.compile(r"\$\{(\w+)(?::([^}]+))?\}|(\.\.\.)|\(~([^)]*)\)|\{\|\+?\}")
_WORD = r"[^\s\[\](){}\"]+"
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)")
_ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}
_ANNOUNCED = re.compile(rb"\{(\d+)\+?\}\Z")


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "x" and len(m[1]) == 3 else _ESCAPES[m[1]], text)


@dataclass
class _Pattern:
    """A server line as a regular expression, with the lists in any order and the names to keep."""

    regex: re.Pattern[str]
    lists: list[tuple[str, frozenset[str], bool]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, variables: Mapping[str, str], size: int | None) -> _Pattern:
        made = cls(re.compile(""))
        out: list[str] = []
        position = 0
        for match in _SPECIAL.finditer(text):
            out.append(re.escape(text[position : match.start()]))
            position = match.end()
            group = f"g{len(made.lists) + len(made.names)}"
            if match[1]:
                name = match[1]
                if name in variables:
                    out.append(re.escape(variables[name]))
                elif name in made.names.values():
                    out.append(f"(?P={next(g for g, n in made.names.items() if n == name)})")
                else:
                    made.names[group] = name
                    out.append(f"(?P<{group}>{match[2] or _WORD})")
            elif match[3]:
                out.append(".*")
            elif match[4] is not None:
                words = match[4].split()
                made.lists.append((group, frozenset(words) - {"..."}, "..." in words))
                out.append(rf"\((?P<{group}>[^()]*)\)")
            else:
                out.append(r"\{\d+\+?\}" if size is None else rf"\{{{size}\+?\}}")
        out.append(re.escape(text[position:]))
        made.regex = re.compile("".join(out), re.DOTALL)
        return made

    def fits(self, line: str) -> dict[str, str] | None:
        """The variables that the line gives; None if it does not fit."""
        match = self.regex.fullmatch(line)
        if match is None:
            return None
        for group, words, more in self.lists:
            found = match[group].split()
            if len(set(found)) != len(found) or not (words <= set(found) if more else words == set(found)):
                return None
        return {name: match[group] for group, name in self.names.items()}


class _Client:
    """The lines of one connection; a server line that announces a literal is followed by the literal's lines."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.buffer = bytearray()
        self.closed = False

    async def more(self) -> None:
        if self.closed:
            raise EOFError
        data = await asyncio.wait_for(self.connection.receive(), TIMEOUT)
        if data:
            self.buffer += data
        else:
            self.closed = True
            raise EOFError

    async def line(self) -> str:
        while b"\r\n" not in self.buffer:
            await self.more()
        end = self.buffer.index(b"\r\n")
        line = bytes(self.buffer[:end])
        del self.buffer[: end + 2]
        return line.decode("utf-8", "surrogateescape")

    def push_back(self, line: str) -> None:
        self.buffer[:0] = line.encode("utf-8", "surrogateescape") + b"\r\n"

    async def literal(self, size: int) -> bytes:
        while len(self.buffer) < size:
            await self.more()
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data


class _Run:
    def __init__(
        self,
        transcript: Transcript,
        connect: Connect,
        variables: Mapping[str, str],
        functions: Mapping[str, Callable[[str], str]],
    ) -> None:
        self.transcript = transcript
        self.connect = connect
        self.variables = dict(variables)
        self.functions = functions
        self.clients: dict[int, _Client] = {}

    def fail(self, step: Step, text: str) -> TranscriptError:
        return TranscriptError(f"{self.transcript.name}:{step.line}: {text}")

    async def client(self, number: int) -> _Client:
        if number not in self.clients:
            self.clients[number] = _Client(await self.connect(number))
        return self.clients[number]

    def substitute(self, step: Step, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            if match[1] is None:
                return match[0]
            if match[1] in self.functions:
                return self.functions[match[1]](self.variables[match[2]] if match[2] else "")
            if match[1] not in self.variables:
                raise self.fail(step, f"{match[0]} has no value yet")
            return self.variables[match[1]]

        return _SPECIAL.sub(value, text)

    def literal_of(self, index: int, kind: str) -> Step | None:
        """The literal that follows step `index` of the same client."""
        step = self.transcript.steps[index]
        following = self.transcript.steps[index + 1 :]
        return next((s for s in following if s.client == step.client and s.kind == kind), None)

    async def run(self) -> dict[str, str]:
        try:
            for index, step in enumerate(self.transcript.steps):
                client = await self.client(step.client)
                try:
                    if step.kind[0] == "C":
                        await self.say(index, step, client)
                    else:
                        await self.hear(index, step, client)
                except TimeoutError:
                    raise self.fail(step, f"nothing came within {TIMEOUT:g} s; expected {step.texts[0]!r}") from None
                except EOFError:
                    rest = bytes(client.buffer)
                    raise self.fail(step, f"the server hung up; expected {step.texts[0]!r}, left: {rest!r}") from None
            return self.variables
        finally:
            for client in self.clients.values():
                await client.connection.close()

    # --- the client's side

    def octets(self, step: Step) -> bytes:
        """The literal of a `C|` step."""
        return "".join(self.substitute(step, text) + "\r\n" for text in step.texts).encode("utf-8", "surrogateescape")

    async def say(self, index: int, step: Step, client: _Client) -> None:
        text = step.texts[0]
        if step.kind == "C|":
            await client.connection.send(self.octets(step))
        elif step.kind == "C>":
            await client.connection.send(_unescape(self.substitute(step, text)).encode("latin-1"))
        elif text == "<close>":
            await client.connection.close()
        elif text == "<tls>":
            await cast(TlsConnection, client.connection).start_tls()
        else:
            text = self.substitute(step, text)
            if "{|}" in text or "{|+}" in text:
                literal = self.literal_of(index, "C|")
                if literal is None:
                    raise self.fail(step, "no literal follows")
                size = len(self.octets(literal))
                text = text.replace("{|}", f"{{{size}}}").replace("{|+}", f"{{{size}+}}")
            await client.connection.send(text.encode("utf-8", "surrogateescape") + b"\r\n")

    # --- the server's side

    async def hear(self, index: int, step: Step, client: _Client) -> None:
        if step.kind == "S|":
            await self.hear_literal(step, client)
        elif step.kind == "S~":
            await self.hear_group(step, client)
        elif step.texts[0] == "<closed>":
            await self.hear_close(step, client)
        elif step.texts[0] == "<silent>":
            client.buffer += await client.connection.pending()
            if client.buffer:
                raise self.fail(step, f"expected nothing, got {bytes(client.buffer)!r}")
        elif step.texts[0] == "..." and step.kind == "S:":
            await self.skip(index, step, client)
        else:
            line = await client.line()
            kept = _Pattern.of(step.texts[0], self.variables, None).fits(line)
            if kept is not None:
                self.variables.update(kept)
            elif step.kind == "S?":
                client.push_back(line)
            else:
                raise self.fail(step, f"\n  expected {step.texts[0]!r}\n  got      {line!r}")
            self.announced(line if kept is not None else "", client)

    def announced(self, line: str, client: _Client) -> None:
        """Remember the size of a literal that the line announces, for the `S|` step that follows."""
        match = _ANNOUNCED.search(line.encode("utf-8", "surrogateescape"))
        self.size = int(match[1]) if match else -1

    async def hear_literal(self, step: Step, client: _Client) -> None:
        if self.size < 0:
            raise self.fail(step, "the server announced no literal")
        data = await client.literal(self.size)
        lines = data.decode("utf-8", "surrogateescape").split("\r\n")
        if lines[-1]:
            raise self.fail(step, f"the literal does not end in CRLF: {data!r}")
        at = 0
        skipping = False
        for offset, expected in enumerate((*step.texts, None)):
            if expected == "...":
                skipping = True
                continue
            while True:
                line = lines[at] if at < len(lines) - 1 else None
                at += 1
                if line is None or expected is None:
                    kept = {} if line is expected else None
                else:
                    kept = _Pattern.of(expected, self.variables, None).fits(line)
                if kept is not None or not skipping or line is None:
                    break
            if kept is None:
                where = Step(step.line + offset, step.client, step.kind, step.texts)
                raise self.fail(where, f"line of a literal\n  expected {expected!r}\n  got      {line!r}")
            skipping = False
            self.variables.update(kept)

    async def hear_group(self, step: Step, client: _Client) -> None:
        waiting = list(step.texts)
        while waiting:
            line = await client.line()
            for text in waiting:
                kept = _Pattern.of(text, self.variables, None).fits(line)
                if kept is not None:
                    self.variables.update(kept)
                    waiting.remove(text)
                    break
            else:
                raise self.fail(step, f"\n  expected one of {waiting!r}\n  got      {line!r}")

    async def hear_close(self, step: Step, client: _Client) -> None:
        try:
            line = await client.line()
        except EOFError:
            if client.buffer:
                raise self.fail(step, f"expected the end, got {bytes(client.buffer)!r}") from None
            return
        raise self.fail(step, f"expected the end, got {line!r}")

    async def skip(self, index: int, step: Step, client: _Client) -> None:
        """Pass over lines up to one that fits the next server line of the same client."""
        following = self.transcript.steps[index + 1 :]
        target = next((s for s in following if s.client == step.client and s.kind in ("S:", "S~")), None)
        if target is None:
            raise self.fail(step, "no server line follows")
        while True:
            line = await client.line()
            if any(_Pattern.of(text, self.variables, None).fits(line) is not None for text in target.texts):
                client.push_back(line)
                return
            self.announced(line, client)
            if self.size >= 0:
                await client.literal(self.size)


async def run(
    transcript: Transcript,
    connect: Connect,
    variables: Mapping[str, str] | None = None,
    functions: Mapping[str, Callable[[str], str]] | None = None,
) -> dict[str, str]:
    """Replay a transcript; `connect` opens the connection of a client by its number. Returns the variables at the end.

    `functions` make client lines of what the server said, such as the answer to a challenge.

    Raises TranscriptError where the server says something else, hangs up or keeps silent.
    """
    return await _Run(transcript, connect, variables or {}, functions or {}).run()


async def run_at(
    transcript: Transcript, host: str, port: int, variables: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Replay a transcript against a live server."""

    async def connect(client: int) -> Connection:
        return await SocketConnection.open(host, port)

    return await run(transcript, connect, variables)
