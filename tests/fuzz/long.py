"""Fuzzing by the clock: damages what is known to be interesting, keeps what shows something new, saves what breaks.

    python -m tests.fuzz.long --seconds 1200                 # every target, one after another
    python -m tests.fuzz.long --seconds 1200 imap session    # some of them

Targets: `imap` (framer and parser), `pop3` (a session over a maildrop in memory), `mime` (scanner, ENVELOPE,
BODYSTRUCTURE, text, MIME reader), `writer` (MIME writer of any object), `parts` (what the reader hands to other
converters: reports, S/MIME, TNEF, calendars, old kinds), `tnef` (TNEF both ways, compressed RTF),
`vcard` (vCards both ways), `msg`, `rtf`, `html`, `mac`, `uuencode` (readers of these, and what writes them again),
`calendar` (structures of calendar objects, recurrence rules), `ical` (iCalendar both ways), `store` (bags, EntryIDs,
conversation indexes, restrictions), `session` (a real IMAP session over a real store). An input is a find when
something escapes that should not, when it takes longer than HANG seconds, or when the process has grown beyond the
limit. Finds are kept in tests/fuzz/finds/TARGET/, and
`test_fuzz_finds` tries each of them again for ever.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import logging
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from conversion.mime.headers import normalise_newlines
from gateway.imap.protocol.parser import COMMANDS
from gateway.pop3.session import Pop3Options
from tests.fuzz import (
    test_fuzz_calendar,
    test_fuzz_formats,
    test_fuzz_ical,
    test_fuzz_imap,
    test_fuzz_mime,
    test_fuzz_parts,
    test_fuzz_pop3,
    test_fuzz_store,
    test_fuzz_tnef,
    test_fuzz_vcard,
    test_fuzz_writer,
)
from tests.fuzz.damage import TOKENS
from tests.gateway.imap.harness import MAIL, Client, Server
from tests.support.corpora import CORPORA

HERE = Path(__file__).parent
FINDS = HERE / "finds"
TRANSCRIPTS = HERE.parent / "transcripts"
HANG = 10
"""Seconds of the processor that one input may take."""
STUCK = 120
"""Seconds by the clock that one input may take: a machine that is busy with other work is no find."""
LONGEST = 20_000
"""Octets of an input."""
KEPT = 4000
"""Inputs that are kept beside the seeds."""

Check = Callable[[bytes], object]
"""Tries one input; gives what was seen, so that inputs that show something new can be told; raises for a find."""


class Hang(Exception):
    """An input took too long."""


@contextmanager
def deadline(seconds: int) -> Iterator[None]:
    """Raise Hang in the block after some seconds of the processor, or STUCK by the clock."""

    def strike(signum: int, frame: object) -> None:
        spent = f"{seconds} s of the processor" if signum == signal.SIGPROF else f"{STUCK} s"
        raise Hang(f"more than {spent}")

    before = [(number, signal.signal(number, strike)) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(STUCK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in before:
            signal.signal(number, handler)


def client_lines(pattern: str) -> list[bytes]:
    """What clients say in transcripts, a file at a time and a line at a time."""
    found: list[bytes] = []
    for path in sorted(TRANSCRIPTS.glob(pattern)):
        lines = re.findall(r"^C\d+[:|] ?(.*)$", path.read_text(), re.M)
        found.append("\r\n".join(lines).encode() + b"\r\n")
        found += [line.encode() + b"\r\n" for line in lines if line]
    return found


def corpus() -> list[bytes]:
    """Messages: the seeds of the test, and the corpora where they are present."""
    paths = [path for name in ("mime", "dsn") for path in sorted((CORPORA / name).rglob("*.eml"))]
    return test_fuzz_mime.SEEDS + [raw for path in paths if len(raw := path.read_bytes()) <= LONGEST]


def check_imap(data: bytes) -> object:
    """Framing and parsing, in pieces."""
    test_fuzz_imap.drive(data, len(data))
    return None


def check_mime(data: bytes) -> object:
    """Everything that is made of a message's octets."""
    test_fuzz_mime.check(data)
    test_fuzz_mime.check(normalise_newlines(data))
    return None


def check_pop3(data: bytes) -> object:
    """A session, signed in or not: replies of the right shape, the same however the stream is cut.

    Some forty lines of it: what is written is kept, and a client could ask for the longest message a thousand times.
    """
    data = b"\n".join(data.split(b"\n", 40)[:40])
    stream = b"USER alice\r\nPASS secret word\r\n" + data if len(data) % 2 else data
    options = Pop3Options()
    whole = asyncio.run(test_fuzz_pop3.talk([stream], options))
    cut = len(stream) // 3
    assert asyncio.run(test_fuzz_pop3.talk([stream[:cut], stream[cut:]], options)) == whole
    test_fuzz_pop3.check_shape(whole, options)
    return tuple(sorted(set(re.findall(rb"^(?:\+OK|-ERR)[^\r\n0-9]{0,16}", whole, re.M))))


class Bug(AssertionError):
    """The session met an exception that nobody expected."""


class Watcher(logging.Handler):
    """Keeps what is logged with a traceback: a bug that was answered politely."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.seen.append(self.format(record))


class SessionTarget:
    """Two IMAP sessions of one mailbox, made afresh now and then."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._watcher = Watcher()
        logging.getLogger().addHandler(self._watcher)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._rounds = 0
        self._server: Server | None = None
        self._client: Client | None = None

    async def _begin(self) -> None:
        if self._server is not None:
            await self._server.close()
        if self._folder is not None:
            self._folder.cleanup()
        self._folder = tempfile.TemporaryDirectory(prefix="oxgate-fuzz-")
        self._server = Server(Path(self._folder.name))
        for seed in (MAIL, *test_fuzz_mime.SEEDS):
            self._server.deliver(seed)
        self._rounds = 300

    async def _try(self, data: bytes) -> object:
        if not self._rounds:
            await self._begin()
        self._rounds -= 1
        assert self._server is not None
        client = await self._server.connect().login()
        await client.ok("SELECT INBOX")
        said: list[bytes] = []
        # Replies that are deflated cannot be told apart here; test_fuzz_deflate has COMPRESS.
        rest = re.sub(rb"(?i)COMPRESS", b"COMPASS", data)
        while rest and not client.transport.lost:
            piece, rest = rest[:2000], rest[2000:]
            said += await client.send(piece)
        said += await client.send(b"\r\nDONE\r\nzz NOOP\r\n")
        if not client.transport.lost:
            client.transport.lose()
        await client.settle()
        if self._watcher.seen:
            seen, self._watcher.seen = self._watcher.seen, []
            raise Bug("\n".join(seen))
        return tuple(sorted({re.sub(rb"\d+", b"N", line[:40]) for line in said}))

    def __call__(self, data: bytes) -> object:
        """Try one input."""
        return self._loop.run_until_complete(self._try(data))


def imap_seeds() -> list[bytes]:
    """Commands of the transcripts, and every command's name alone."""
    return client_lines("imap*.txt") + [b"t %b\r\n" % name.encode() for name in sorted(COMMANDS)]


TARGETS: dict[str, tuple[Callable[[], Check], Callable[[], list[bytes]]]] = {
    "imap": (lambda: check_imap, imap_seeds),
    "pop3": (lambda: check_pop3, lambda: client_lines("pop3*.txt")),
    "mime": (lambda: check_mime, corpus),
    "writer": (lambda: test_fuzz_writer.check, corpus),
    "parts": (lambda: test_fuzz_parts.check, lambda: test_fuzz_parts.SEEDS),
    "tnef": (lambda: test_fuzz_tnef.check, test_fuzz_tnef.seeds),
    "vcard": (lambda: test_fuzz_vcard.check, test_fuzz_vcard.seeds),
    **{name: (lambda check=check: check, seeds) for name, (check, seeds) in test_fuzz_formats.FORMATS.items()},
    "calendar": (lambda: test_fuzz_calendar.check, lambda: test_fuzz_calendar.SEEDS),
    "ical": (lambda: test_fuzz_ical.check, test_fuzz_ical.seeds),
    "store": (lambda: test_fuzz_store.check, test_fuzz_store.seeds),
    "session": (SessionTarget, imap_seeds),
}


def mutate(pool: list[bytes], words: list[bytes], dice: random.Random) -> bytes:
    """Make a new input of what is there."""
    data = bytearray(dice.choice(pool))
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(data) + 1)
        end = min(len(data), at + dice.randint(0, 60))
        kind = dice.randrange(7)
        if kind == 0:
            del data[at:end]
        elif kind == 1:
            data[at:at] = dice.choice(words)
        elif kind == 2:
            data[at:end] = dice.choice(words)
        elif kind == 3:
            data[at:at] = data[at:end] * dice.choice((1, 2, 40))
        elif kind == 4 and at < len(data):
            data[at] = dice.randrange(256)
        elif kind == 5:
            other = dice.choice(pool)
            cut = dice.randrange(len(other) + 1)
            data[at:at] = other[cut : cut + dice.randint(0, 400)]
        else:
            number = str(dice.choice((0, 1, 2, 255, 65_535, 2**31, 2**32 - 1, 2**32, 2**63, 2**64, 10**30))).encode()
            data[at:end] = number
    return bytes(data[:LONGEST])


def fuzz(name: str, seconds: float, memory: int, seed: int) -> int:
    """Fuzz one target for some seconds of processor time, which others on the machine do not shorten; give the finds.

    `memory`: MB that it may grow by.
    """
    make, seeds = TARGETS[name]
    check, pool = make(), seeds()
    words = test_fuzz_imap.WORDS + TOKENS + sorted({word for one in pool for word in one.split()})
    dice, shown, finds, tried = random.Random(seed), set(), 0, 0
    for one in pool:
        shown.add(check(one))
    at_start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = told = time.process_time()
    while (now := time.process_time()) - began < seconds:
        data = mutate(pool, words, dice)
        tried += 1
        problem = ""
        try:
            with deadline(HANG):
                seen = check(data)
            if seen is not None and seen not in shown and len(pool) < KEPT:
                shown.add(seen)
                pool.append(data)
        except Exception:  # whatever it is, it is what is looked for
            problem = traceback.format_exc()
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - at_start) // 1024
        if grown > memory:
            problem = problem or f"the process has grown by {grown} MB"
        if problem:
            finds += 1
            folder = FINDS / name
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / hashlib.sha256(data).hexdigest()[:16]
            path.write_bytes(data)
            print(f"\n{name}: {path}\n{problem[-1500:]}", flush=True)
            if grown > memory or finds >= 20:
                break
        if now - told > 10 or sys.stderr.isatty():
            told = now
            state = f"{tried} inputs, {len(pool)} kept, {grown} MB more, {finds} finds"
            line = f"{name}: {now - began:5.0f} of {seconds:.0f} s, {state}"
            print(f"\r{line}", end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)
    spent = time.process_time() - began
    print(f"{name}: {tried} inputs in {spent:.0f} s, {len(pool)} kept, {grown} MB more, {finds} finds")
    return finds


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all when none is named")
    parser.add_argument("--seconds", type=float, default=1200, help="processor seconds for each target (default: 1200)")
    parser.add_argument("--memory", type=int, default=256, help="MB that a target may grow by (default: 256)")
    parser.add_argument("--seed", type=int, default=None, help="of the dice (default: by chance)")
    given = parser.parse_args()
    unknown = set(given.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    logging.disable(logging.WARNING)
    seed = random.randrange(1 << 32) if given.seed is None else given.seed
    print(f"seed {seed}")
    return 1 if sum(fuzz(name, given.seconds, given.memory, seed) for name in given.targets or TARGETS) else 0


if __name__ == "__main__":
    sys.exit(main())
