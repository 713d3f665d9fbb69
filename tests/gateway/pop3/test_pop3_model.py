"""Random commands of two sessions in turn, against the server and against a naive maildrop ([RFC1939] 4 to 7)."""

from __future__ import annotations

import random

import pytest

from .support import INBOX, client, put, serving

STEPS = 120
DRAWS = (
    *(["LIST", "LIST n", "UIDL", "UIDL n", "STAT", "RETR n", "TOP n l", "NOOP"] * 2),
    *(["DELE n"] * 3),
    *("RSET", "QUIT", "drop", "bad"),
)


class Message:
    """What the model knows of a message."""

    def __init__(self, uid, raw):
        self.uid = uid
        self.raw = raw
        self.name = b""
        """Its unique-id, once a session has told it."""


class Model:
    """The Inbox, as a list."""

    def __init__(self):
        self.inbox = []
        self.names = set()

    def name(self, message, said):
        """Check a unique-id: the same as ever, and nobody else's."""
        if not message.name:
            assert said not in self.names
            self.names.add(said)
            message.name = said
        assert said == message.name


class Naive:
    """One session of the model: the messages as they stood at sign-in, and the marks."""

    def __init__(self, model):
        self.model = model
        self.messages = list(model.inbox)
        self.marked = set()

    def left(self):
        return [n for n in range(1, len(self.messages) + 1) if n not in self.marked]

    def octets(self):
        return sum(len(self.messages[n - 1].raw) for n in self.left())

    def get(self, number):
        return self.messages[number - 1] if number in self.left() else None


def body(raw, lines=None):
    """The lines of a message as the wire shows them, dots doubled."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    shown = raw.split(b"\r\n")[:-1] if lines is None else [*head.split(b"\r\n"), b"", *rest.split(b"\r\n")[:-1][:lines]]
    return [b"." + line if line.startswith(b".") else line for line in shown]


def make(draw, number):
    lines = [b".", b"..x", b"", b"text", b"%d" % number]
    return b"Subject: %d\r\n\r\n" % number + b"".join(draw.choice(lines) + b"\r\n" for _ in range(draw.randrange(6)))


async def step(draw, one, naive):
    """Say something, and check what comes back; whether the session is over."""
    number, lines = draw.randrange(0, len(naive.messages) + 2), draw.randrange(4)
    message = naive.get(number)
    gone = message is not None and message not in naive.model.inbox
    match draw.choice(DRAWS):
        case "LIST":
            expected = [b"%d %d" % (n, len(naive.messages[n - 1].raw)) for n in naive.left()]
            assert await one.ask(b"LIST") == expected
        case "LIST n":
            said = await one.say(b"LIST %d" % number)
            assert said == (b"+OK %d %d" % (number, len(message.raw)) if message else b"-ERR No such message")
        case "UIDL":
            found = [line.split() for line in await one.ask(b"UIDL")]
            assert [int(n) for n, _ in found] == naive.left()
            for n, name in found:
                naive.model.name(naive.messages[int(n) - 1], name)
        case "UIDL n":
            said = (await one.say(b"UIDL %d" % number)).split()
            assert said[0] == (b"+OK" if message else b"-ERR")
            if message:
                naive.model.name(message, said[2])
        case "STAT":
            assert await one.say(b"STAT") == b"+OK %d %d" % (len(naive.left()), naive.octets())
        case "RETR n" | "TOP n l" as command:
            whole = command == "RETR n"
            said = await one.say(b"RETR %d" % number if whole else b"TOP %d %d" % (number, lines))
            if message is None:
                assert said == b"-ERR No such message"
            elif gone:
                assert said.startswith(b"-ERR [SYS/TEMP]")
            else:
                assert said.startswith(b"+OK")
                assert await one.lines() == body(message.raw, None if whole else lines)
        case "NOOP":
            assert await one.say(b"NOOP") == b"+OK"
        case "DELE n":
            assert await one.say(b"DELE %d" % number) == (b"+OK" if message else b"-ERR No such message")
            if message:
                naive.marked.add(number)
        case "RSET":
            naive.marked.clear()
            assert await one.say(b"RSET") == b"+OK %d %d" % (len(naive.left()), naive.octets())
        case "QUIT":
            one.send(b"QUIT\r\n")
            assert (await one.rest()).startswith(b"+OK")
            doomed = [naive.messages[n - 1] for n in naive.marked]
            naive.model.inbox = [each for each in naive.model.inbox if each not in doomed]
            return True
        case "bad":
            word = draw.choice([b"RETR", b"RETR x", b"TOP 1", b"USER x", b"DELE -1", b"STAT 1"])
            assert (await one.say(word)).startswith(b"-ERR")
            return draw.random() < 0.5  # before the server loses its patience
        case "drop":
            return True
    return False


@pytest.mark.parametrize("seed", range(4))
async def test_two_sessions_in_turn(tmp_path, seed):
    draw = random.Random(seed)
    model = Model()
    async with serving(tmp_path, seed=()) as server:

        def deliver():
            raw = make(draw, len(model.inbox))
            model.inbox.append(Message(put(server.mailbox, raw), raw))

        for _ in range(4):
            deliver()
        open_sessions = []
        for _ in range(STEPS):
            kind = draw.random()
            if kind < 0.1:
                deliver()
            elif kind < 0.15 and model.inbox:
                lost = model.inbox.pop(draw.randrange(len(model.inbox)))
                server.mailbox.remove_messages(INBOX, [lost.uid])
            while len(open_sessions) < 2:
                context = client(server.port)
                one = await context.__aenter__()
                await one.log_on()
                open_sessions.append((context, one, Naive(model)))
            context, one, naive = draw.choice(open_sessions)
            if await step(draw, one, naive):
                open_sessions.remove((context, one, naive))
                await context.__aexit__(None, None, None)
        for context, _, _ in open_sessions:
            await context.__aexit__(None, None, None)
        assert list(server.mailbox.index(INBOX).uids) == [each.uid for each in model.inbox]
