"""Whatever a client sends: an event, a Command or BadCommand, never anything else, and the stream stays in step.

`make fuzz` runs it long (OXGATE_FUZZ_EXAMPLES).
"""

from __future__ import annotations

import os
import random
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.imap.protocol import utf7
from gateway.imap.protocol.framing import MESSAGES_TOGETHER, BadFrame, Frame, Framing, Limits
from gateway.imap.protocol.numset import BadNumber, parse_set
from gateway.imap.protocol.parser import COMMANDS, parse
from gateway.imap.protocol.types import BadCommand

EXAMPLES = int(os.environ.get("OXGATE_FUZZ_EXAMPLES", "75"))
LIMITS = Limits(line=300, command=800, literal=100, append=400, literals=5)

WORDS = [name.encode() for name in sorted(COMMANDS)]
WORDS += (
    b"UID INBOX 1:* *:4 2,4 0 4294967296 ( ) BODY[ BODY.PEEK[1.2.MIME] ] <0.5> FULL +FLAGS.SILENT \\Seen \\* CHARSET "
    b'UTF-8 utf-7 NOT OR SINCE 1-Feb-1994 31-Feb-1994 HEADER MODSEQ all " \\ {3} {3+} {500+} {99999999999+}'
).split()
WORDS += [b"&AOk-", b"&", b"%", b"NIL", b"="]
WORDS += [
    b"(FLAGS UID)",
    b"BODY[HEADER.FIELDS (a b)]",
    b"(CHANGEDSINCE 5)",
    b"(UNCHANGEDSINCE 5)",
    b'"/flags/\\\\Seen"',
]
WORDS += [b'"x"', b"{3+}\r\nabc", b"{0}\r\n", b"\0", b"\xff", b"\r", b"\n", b"RETURN (CHILDREN)", b"(SPECIAL-USE)"]
WORDS += [
    b"~{3+}\r\na\0b",
    b"~{3}",
    b"~{500+}",
    b"CATENATE",
    b"(TEXT",
    b"(URL",
    b"UTF8",
    b"(~{1+}\r\nx)",
    b"{1+}\r\nx)",
]
WORDS += [b"BINARY[1]", b"BINARY.SIZE[]", b"PREVIEW", b"(LAZY)", b"(LAZY=FUZZY)", b"(PARTIAL -1:-5)", b"SAVEDATE"]
WORDS += [b"/INBOX/;UID=1)", b"INTERNAL", b"BINARY)", b"APPEND x {1+}\r\na {1+}\r\nb", b"URL {3+}\r\nabc"]
WORDS += [b"(USE (\\Sent))", b'"17-Jul-1996 02:44:25 -0700"', b"(MESSAGES UIDNEXT)", b"x" * 301]
WORDS += [
    b"RETURN (MIN SAVE PARTIAL -1:-9)",
    b"RETURN (UPDATE (UID))",
    b"UPDATE (",
    b"(SUBJECT REVERSE DATE)",
    b"REFERENCES",
    b"$",
    b"OLDER 5",
]
WORDS += [b"(QRESYNC (1 2 3:4 (1:2 5:6)))", b"(CHANGEDSINCE 5 VANISHED)", b"DEFLATE", b"de-AT", b"UIDONLY"]
WORDS += [b"SET STATUS", b"(selected (MessageNew (UID) MessageExpunge))", b"(subtree (a b) NONE)", b"(personal ("]
GAPS = [b" ", b" ", b" ", b"", b"\r\n", b"\r\nt "]


def drive(octets: bytes, seed: int) -> None:
    """Feed in random pieces; parse what comes; then one sound command must come through after a line end or two."""
    framing = Framing(LIMITS)
    choose = random.Random(seed)
    position = 0
    while position < len(octets):
        step = choose.choice((1, 2, 7, 50, len(octets)))
        framing.feed(octets[position : position + step])
        position += step
        pull(framing)
    assert framing.buffered == 0


def check_parse(frame: Frame, *, utf8: bool) -> None:
    fault = None
    try:
        assert parse(frame, utf8=utf8).name in COMMANDS
    except BadCommand as error:
        fault = error
    if fault is not None:
        assert fault.text.isascii()
        assert fault.text.isprintable()
        assert fault.tag == b"*" or frame.parts[0].startswith(fault.tag)


def pull(framing: Framing) -> None:
    while (event := framing.pull()) is not None:
        if isinstance(event, Frame):
            assert sum(map(len, event.parts)) <= LIMITS.command + MESSAGES_TOGETHER * LIMITS.append
            check_parse(event, utf8=False)
            check_parse(event, utf8=True)
        elif isinstance(event, BadFrame):
            assert event.text.isascii()


@given(st.binary(max_size=600), st.integers(0, 2**32))
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_octets(octets: bytes, seed: int) -> None:
    drive(octets, seed)


@given(
    st.lists(
        st.tuples(st.sampled_from(WORDS), st.sampled_from((b" ", b" ", b" ", b"", b"\r\n", b"\r\nt "))), max_size=30
    ),
    st.integers(0, 2**32),
)
@settings(max_examples=EXAMPLES * 2, deadline=None)
def test_any_words_of_the_grammar(words: list[tuple[bytes, bytes]], seed: int) -> None:
    drive(b"t " + b"".join(word + gap for word, gap in words) + b"\r\n", seed)


@given(st.lists(st.sampled_from(WORDS), max_size=20), st.integers(0, 2**32))
@settings(max_examples=EXAMPLES, deadline=None)
def test_the_stream_stays_in_step(words: list[bytes], seed: int) -> None:
    """A client that sends whole literals is understood again after anything that it did wrong."""
    framing = Framing(LIMITS)
    sent = b"t " + b" ".join(word for word in words if b"{" not in word)
    framing.feed(sent + b"\r\nafter NOOP\r\n")
    last = None
    while (event := framing.pull()) is not None:
        last = event
    assert last == Frame((b"after NOOP",))


@given(st.one_of(st.binary(max_size=60), st.from_regex(rb"[0-9:*,]{0,40}", fullmatch=True)))
@settings(max_examples=EXAMPLES, deadline=None)
def test_sets_and_names(octets: bytes) -> None:
    with suppress(BadNumber):
        parse_set(octets)
    with suppress(utf7.Utf7Error):
        utf7.decode(octets)
