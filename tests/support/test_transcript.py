"""The transcript runner itself, against a server that says what it is told to."""

from __future__ import annotations

import asyncio

import pytest

from tests.support import transcript as module
from tests.support.transcript import Connection, TranscriptError, parse, run, run_at


class Scripted:
    """Says `greeting`, then the reply that belongs to each line it is sent; hangs up after `bye`."""

    def __init__(self, greeting: bytes, replies: dict[bytes, bytes]) -> None:
        self.output = greeting
        self.replies = replies
        self.received = b""
        self.closed = False

    async def send(self, data: bytes) -> None:
        self.received += data
        for line in data.splitlines():
            self.output += self.replies.get(line, b"")

    async def receive(self) -> bytes:
        output, self.output = self.output, b""
        if not output and not self.closed:
            raise TimeoutError
        return output

    async def pending(self) -> bytes:
        output, self.output = self.output, b""
        return output

    async def close(self) -> None:
        self.closed = True


async def play(text: str, greeting: bytes = b"", replies: dict[bytes, bytes] | None = None, **values: str) -> Scripted:
    server = Scripted(greeting, replies or {})

    async def connect(number: int) -> Connection:
        return server

    server.values = await run(parse(text), connect, values)  # type: ignore[attr-defined]
    return server


async def test_lines_and_any_text() -> None:
    server = await play("# comment\n\nS1: * OK ...\nC1: a\nS1: b\n", b"* OK ready\r\n", {b"a": b"b\r\n"})
    assert server.received == b"a\r\n"
    assert server.closed


@pytest.mark.parametrize(
    ("text", "greeting"),
    [
        ("S1: a", b"b\r\n"),
        ("S1: a.c", b"abc\r\n"),
        ("S1: a", b"aa\r\n"),
        ("S1: <silent>", b"a\r\n"),
        ("S1: <closed>", b"a\r\n"),
        ("S1~ a\nS1~ b", b"a\r\na\r\n"),
        ("S1: (~a b)", b"(a b c)\r\n"),
        ("S1: (~a b ...)", b"(a c)\r\n"),
        ("S1: (~a b)", b"(a b b)\r\n"),
        ("S1: ${x}\nS1: ${x}", b"1\r\n2\r\n"),
        ("S1: ${x} ${x}", b"1 2\r\n"),
        ("S1: ${x:[0-9]+}", b"a\r\n"),
        ("S1: {|}\nS1| a\nS1: b", b"{3}\r\nb\r\nb\r\n"),
        ("S1: {|}\nS1| a\nS1: b", b"{6}\r\na\r\nb\r\nb\r\n"),
        ("S1: {|}\nS1| a\nS1| b", b"{3}\r\na\r\nb\r\n"),
        ("S1: {|}\nS1| a", b"a\r\n"),
        ("S1: {|}\nS1| ...\nS1| b", b"{3}\r\na\r\n"),
        ("S1: a", b""),
    ],
)
async def test_what_does_not_fit(text: str, greeting: bytes) -> None:
    with pytest.raises(TranscriptError, match="transcript:"):
        await play(text, greeting)


@pytest.mark.parametrize(
    ("text", "greeting"),
    [
        ("S1~ a\nS1~ b", b"b\r\na\r\n"),
        ("S1? a\nS1: b", b"a\r\nb\r\n"),
        ("S1? a\nS1: b", b"b\r\n"),
        ("S1: ...\nS1: c", b"a\r\nb\r\nc\r\n"),
        ("S1: ...\nS1: c", b"c\r\n"),
        ("S1: ...\nS1: c", b"* 1 {4}\r\nc\r\n)\r\nc\r\n"),
        ("S1: x (~a b) y", b"x (b a) y\r\n"),
        ("S1: (~a ...)(~)", b"(b a)()\r\n"),
        ("S1: ${x} ${x}", b"1 1\r\n"),
        ("S1: {|}\nS1| a\nS1| b...\nS1: )", b"{6}\r\na\r\nb\r\n)\r\n"),
        ("S1: {|}\nS1| ...\nS1| b\nS1| ...\nS1: )", b"{9}\r\na\r\nb\r\nc\r\n)\r\n"),
        ("S1: {|}\nS1| ...\nS1| b\nS1| ...\nS1: )", b"{3}\r\nb\r\n)\r\n"),
        ("S1: \u00fc", "\u00fc\r\n".encode()),
        ("S1: a\nS1: <silent>", b"a\r\n"),
    ],
)
async def test_what_fits(text: str, greeting: bytes) -> None:
    await play(text, greeting)


async def test_variables_go_both_ways() -> None:
    server = await play(
        "S1: uid [${uid}] ok\nC1: get ${uid} ${name}\nS1: got ${uid}\n",
        b"uid [42] ok\r\n",
        {b"get 42 alice": b"got 42\r\n"},
        name="alice",
    )
    assert server.values == {"uid": "42", "name": "alice"}  # type: ignore[attr-defined]


async def test_functions_answer_for_the_client() -> None:
    server = Scripted(b"+ Abc\r\n", {})

    async def connect(number: int) -> Connection:
        return server

    functions = {"swap": str.swapcase, "hello": lambda nothing: f"hello{nothing}"}
    await run(parse("S1: + ${word}\nC1: ${hello}\nC1: ${swap:word} ${word}\n"), connect, functions=functions)
    assert server.received == b"hello\r\naBC Abc\r\n"


async def test_a_variable_without_a_value() -> None:
    with pytest.raises(TranscriptError, match="no value"):
        await play("C1: ${none}")


async def test_literals_are_counted() -> None:
    server = await play("C1: put {|+}\nC1| \u00fc\nC1|\nC1: done ${x}\nC1> raw\\x00\\r\\n\n", x="y")
    assert server.received == b"put {6+}\r\n" + "\u00fc".encode() + b"\r\n\r\ndone y\r\nraw\0\r\n"


@pytest.mark.parametrize("text", ["X1: a", "C1? a", "S1> a", "C1 a", "hello"])
def test_lines_that_mean_nothing(text: str) -> None:
    with pytest.raises(ValueError, match="transcript:1"):
        parse(text)


async def test_over_a_socket_with_two_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\r\n")
        while line := await reader.readline():
            writer.write(b"you said " + line)
            if line == b"bye\r\n":
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    text = "@protocol test\nS1: hello\nS2: hello\nC2: a\nC1: b\nS1: you said b\nS2: you said a\nS2: <silent>\n"
    text += "C1: bye\nS1: you said bye\nS1: <closed>\nC2: <close>\n"
    made = parse(text)
    assert made.directives == {"protocol": "test"}
    await run_at(made, "127.0.0.1", port)
    monkeypatch.setattr(module, "TIMEOUT", 0.01)
    with pytest.raises(TranscriptError, match="nothing came"):
        await run_at(parse("S1: hello\nS1: more"), "127.0.0.1", port)
    server.close()
    await server.wait_closed()
