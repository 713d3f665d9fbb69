"""Attacks on the exchange that must fail: injection before TLS, replay, bad base64 (the server: attacker.py)."""

from __future__ import annotations

import base64
import ssl

import pytest

from gateway.sasl.ntlmclient import NtlmClient
from tests.peers.attacker import PROTOCOLS, STARTTLS, Line, signs_in
from tests.peers.server import DOMAIN, PASSWORD, PeerServer

LONGEST_LINE = 12_288
"""Octets of a base64 line that must be taken ([RFC4954] 4)."""


# -- injection before TLS


def under_tls(line: Line) -> None:
    """Go on under TLS, with whatever the server has sent behind its reply."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    line.socket = context.wrap_socket(line.socket)
    line.file = line.socket.makefile("rb")


@PROTOCOLS
def test_commands_behind_starttls_are_dropped(attacked: PeerServer, protocol: str) -> None:
    """A man in the middle puts commands behind STARTTLS into the same segment: none is carried out under TLS.

    [RFC3207] 4.2, [RFC3501] 6.2.1, [RFC2595] 4 (CVE-2011-0411). Each injected command would have a reply of its own.
    """
    injected = {
        "imap": f"x LOGIN {attacked.account()} {PASSWORD}\r\ny NOOP\r\n".encode(),
        "pop3": f"USER {attacked.account()}\r\nPASS {PASSWORD}\r\n".encode(),
        "smtp": b"EHLO injected.test\r\nMAIL FROM:<evil@example.test>\r\n",
    }[protocol]
    line = Line(attacked, protocol)
    assert line.ask(STARTTLS[protocol] + b"\r\n" + injected.removesuffix(b"\r\n"))[:5] in {b"s OK ", b"+OK B", b"220 2"}
    under_tls(line)
    if protocol == "imap":
        assert line.ask(b"n NOOP").startswith(b"n OK")
        assert line.ask(b"n SELECT INBOX").startswith(b"n BAD")  # nobody has signed in
    elif protocol == "pop3":
        assert line.ask(b"STAT").startswith(b"-ERR")
        assert line.ask(b"PASS " + PASSWORD.encode()).startswith(b"-ERR")  # USER is forgotten
    else:
        assert line.ask(b"RCPT TO:<x@example.test>").startswith(b"503")
        assert line.ask(b"MAIL FROM:<a@example.test>").startswith((b"503", b"530"))  # EHLO is forgotten
        assert line.ask(b"EHLO again.test").startswith(b"250")
        assert line.ask(b"RCPT TO:<x@example.test>").startswith((b"503", b"530"))  # and no transaction is open
    line.close()


@PROTOCOLS
def test_clear_text_in_place_of_the_handshake_ends_the_connection(attacked: PeerServer, protocol: str) -> None:
    """The same, a moment later: what comes behind the reply is read as TLS, and nothing else."""
    line = Line(attacked, protocol)
    line.ask(STARTTLS[protocol])
    line.socket.sendall(b"n NOOP\r\n" if protocol == "imap" else b"NOOP\r\n")
    said = line.file.read()
    assert not said or said[0] == 21  # a TLS alert, or nothing
    line.close()


@PROTOCOLS
def test_what_was_said_in_the_clear_is_no_longer_on_offer_elsewhere(attacked: PeerServer, protocol: str) -> None:
    """Once under TLS there is no second STARTTLS, so that no layer can be slipped in between."""
    line = Line(attacked, protocol)
    line.ask(STARTTLS[protocol])
    under_tls(line)
    if protocol == "smtp":
        line.ask(b"EHLO x.test")
    assert line.ask(STARTTLS[protocol]).startswith((b"s BAD", b"-ERR", b"503"))
    line.close()


# -- replay


@PROTOCOLS
def test_an_ntlm_message_cannot_be_replayed(attacked: PeerServer, protocol: str) -> None:
    """An AUTHENTICATE message that was good once answers its own challenge only ([MS-NLMP] 3.2.5.1.2)."""
    line = Line(attacked, protocol)
    if not line.auth(b"NTLM").startswith((b"+ ", b"334")):
        pytest.skip("NTLM is not on offer")
    user = attacked.account()
    attacked.oxgate("user", "nt-hash", "enable", f"{user}@{DOMAIN}")
    assert signs_in(attacked, user, "127.0.0.1")  # the clear password fills the NT hash
    client = NtlmClient(f"{user}@{DOMAIN}", PASSWORD)
    negotiate = base64.b64encode(client.negotiate())
    challenge = base64.b64decode(line.ask(negotiate).split(b" ", 1)[1])
    message = base64.b64encode(client.authenticate(challenge))
    assert line.is_in(line.ask(message))
    line.close()

    for _ in range(2):
        thief = Line(attacked, protocol)
        thief.auth(b"NTLM")
        thief.ask(negotiate)
        assert not thief.is_in(thief.ask(message))
        thief.close()


# -- base64, tokens, cancelling


def too_long(protocol: str, reply: bytes) -> bool:
    return reply.startswith({"imap": b"a BAD", "pop3": b"-ERR", "smtp": b"500 5.5.6"}[protocol])


@PROTOCOLS
def test_base64_that_is_none(attacked: PeerServer, protocol: str) -> None:
    """Truncated, oversize, foreign: one clear refusal each, nobody signed in, and the next exchange works."""
    user = attacked.account()
    good = base64.b64encode(f"\0{user}\0{PASSWORD}".encode())
    malformed = {"imap": b"a BAD", "pop3": b"-ERR", "smtp": b"501 5.5.2"}[protocol]
    for bad in (
        good.rstrip(b"=")[:-1],
        good[:-3] + b"=",
        good + b"=",
        good[:8] + b"=" + good[9:],
        good[:8] + b" " + good[9:],
        good[:8] + b"\x00" + good[9:],
        b"\xff\xfe" + good[2:],
        b"-_" + good[2:],
        base64.b64encode(b"no NUL at all"),
        base64.b64encode(b"\0a\0b\0c"),
        b"====",
    ):
        line = Line(attacked, protocol)
        assert line.auth(b"PLAIN")[:1] in {b"+", b"3"}
        assert line.ask(bad).startswith(malformed), bad
        assert line.is_in(line.sign_in(user, PASSWORD))
    for size in (LONGEST_LINE + 8000, 100_000):
        line = Line(attacked, protocol)
        line.auth(b"PLAIN")
        assert too_long(protocol, line.ask(b"A" * size)), size
        assert line.is_in(line.sign_in(user, PASSWORD))


@PROTOCOLS
def test_lines_of_12_kib_are_taken(attacked: PeerServer, protocol: str) -> None:
    """[RFC4954] 4: lines of 12,288 octets of base64, as a response and on the AUTH line.

    What is in them fails for what it says: a password of 9 KB is too long for a PLAIN message.
    """
    line = Line(attacked, protocol)
    short = base64.b64encode(b"no PLAIN message")
    message = base64.b64encode(b"\0x\0" + b"p" * (LONGEST_LINE // 4 * 3 - 3))
    assert len(message) == LONGEST_LINE
    line.auth(b"PLAIN")
    refusal = line.ask(short)
    line.auth(b"PLAIN")
    assert line.ask(message) == refusal
    assert line.auth(b"PLAIN " + message) == refusal


@PROTOCOLS
def test_a_token_of_12_kib_is_looked_at(attacked: PeerServer, protocol: str) -> None:
    """Access tokens with many groups and roles are that long; a bad one fails as a bad token, not as a long line."""
    line = Line(attacked, protocol)
    message = b"user=sd1@example.test\1auth=Bearer " + b"t" * 12_288 + b"\1\1"
    if not line.auth(b"XOAUTH2").startswith((b"+", b"334")):
        pytest.skip("XOAUTH2 is not on offer")
    reply = line.ask(base64.b64encode(message))
    assert reply.startswith((b"+ ", b"334 ")), reply  # the error challenge, in JSON
    assert not line.is_in(line.ask(b""))
    line.close()


@PROTOCOLS
def test_an_exchange_can_be_cancelled(attacked: PeerServer, protocol: str) -> None:
    """`*` ends it at any point ([RFC4954] 4, [RFC3501] 6.2.2, [RFC5034] 4): no failure, and the next one works."""
    user = attacked.account()
    expected = {
        "imap": b"a NO The AUTH protocol exchange was canceled by the client.",
        "pop3": b"-ERR The AUTH protocol exchange was canceled by the client",
        "smtp": b"501 5.7.0 Authentication cancelled",
    }[protocol]
    line = Line(attacked, protocol)
    for _ in range(5):
        line.auth(b"PLAIN")
        assert line.ask(b"*") == expected
    line.auth(b"LOGIN")
    line.ask(base64.b64encode(user.encode()))
    assert line.ask(b"*") == expected
    if line.auth(b"NTLM").startswith((b"+ ", b"334")):
        assert line.ask(b"*") == expected
    assert line.is_in(line.sign_in(user, PASSWORD))
    line.close()
