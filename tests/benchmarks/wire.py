"""Minimal asyncio client connection for line protocols: IMAP, POP3, SMTP, LMTP.

Answers are not parsed: a queue of matchers says where each expected completion ends.
"""

import asyncio
import collections
import re
import time

REPLY = re.compile(rb"^\d{3}(?: [^\n]*)?\n", re.M)


class Conn(asyncio.Protocol):
    """A connection with a queue of expected completions, looked for in order as data arrives."""

    def __init__(self, keep):
        self.tail, self.keep, self.expected = b"\n", keep, collections.deque()
        self.rx = self.hits = self.ntag = 0
        self.marker = self.capture = self.watch = None

    def connection_made(self, transport):
        self.t = transport

    def connection_lost(self, exc):
        for _, fut in self.expected:
            fut.done() or fut.set_exception(ConnectionError(f"closed ({exc}) after {self.tail[-80:]!r}"))

    def data_received(self, data):
        self.rx += len(data)
        old, cur, pos = len(self.tail), self.tail + data, 0
        if self.capture is not None:
            self.capture += data
        if self.marker:  # one that was already whole inside the tail is not counted twice
            self.hits += cur.count(self.marker, max(0, old - len(self.marker) + 1))
        if self.watch and b" EXISTS\r\n" in cur:
            self.watch.done() or self.watch.set_result(time.perf_counter())
        while self.expected and (found := self.expected[0][0](cur, pos)):
            line, pos = found
            fut = self.expected.popleft()[1]
            fut.done() or fut.set_result(line)
        # keep one consumed byte (the newline) so that a tag is still found at a line start
        self.tail = cur[max(pos - 1, len(cur) - self.keep, 0) :]

    def expect(self, match, text=None):
        if text is not None:
            self.t.write(text if isinstance(text, bytes) else text.encode())
        fut = asyncio.get_running_loop().create_future()
        self.expected.append((match, fut))
        return fut

    def cmd(self, text, body=b""):
        """Send one tagged IMAP command; the future gives its completion line."""
        self.ntag += 1
        tag = b"zq%d " % self.ntag
        return self.expect(find(b"\n" + tag, b"\r\n"), tag + text.encode() + body + b"\r\n")

    async def ok(self, text, body=b""):
        self.capture = bytearray()
        line = await self.cmd(text, body)
        if b" OK" not in line[:30]:
            raise RuntimeError(f"{text!r:.60}: {line!r:.200}")
        return bytes(self.capture)

    async def bulk(self, text, marker):
        self.marker, self.hits, self.capture = marker, 0, None
        line = await self.cmd(text)
        if b" OK" not in line[:30]:
            raise RuntimeError(f"{text!r:.60}: {line!r:.200}")
        return self.hits

    async def reply(self, text=None, n=1):
        """SMTP/LMTP: send text, take n final replies, all 2xx or 3xx."""
        for line in await asyncio.gather(*[self.expect(smtp_reply, text if k == 0 else None) for k in range(n)]):
            if line[:1] not in b"23":
                raise RuntimeError(f"{(text or b'')[:60]!r}: {line!r}")


def find(start, end):
    def match(buf, pos):
        i = buf.find(start, max(0, pos - 1)) if start else pos
        j = buf.find(end, i + len(start)) if i >= 0 else -1
        return (buf[i : i + 200], j + len(end)) if j >= 0 else None

    return match


CRLF, DOT = find(b"", b"\r\n"), find(b"", b"\r\n.\r\n")


def smtp_reply(buf, pos):
    m = REPLY.search(buf, pos)
    return (m.group(), m.end()) if m else None


async def connect(host, port, keep=300):
    """A Conn; keep is how many unconsumed bytes are remembered between chunks."""
    return (await asyncio.get_running_loop().create_connection(lambda: Conn(keep), host, port))[1]


async def windowed(send, seq, half):
    """Pipeline send(x) over seq with between half and 2*half answers outstanding."""
    pend = collections.deque()
    for x in seq:
        pend.append(send(x))
        if len(pend) >= 2 * half:
            for _ in range(half):
                await pend.popleft()
    for fut in pend:
        await fut
