"""The client's side of a sign-in, for the load driver: AUTHENTICATE or AUTH over one of wire.py's connections."""

import base64
import functools
import hashlib
import hmac
import secrets

from gateway.sasl.ntlmclient import NtlmClient
from tests.benchmarks.wire import smtp_reply


class Plain:
    """PLAIN ([RFC4616])."""

    def __init__(self, user, secret):
        self.message = f"\0{user}\0{secret}".encode()

    def first(self):
        return self.message


class Bearer(Plain):
    """XOAUTH2: the secret is a token, which names the user."""

    def __init__(self, user, secret):
        self.message = f"user={user}@example.test\1auth=Bearer {secret}\1\1".encode()


class Ntlm:
    """NTLMv2, as Exchange's clients do it: nothing on the line of the command."""

    def __init__(self, user, secret):
        self.client = NtlmClient(user, secret)

    def first(self):
        return None

    def answer(self, challenge):
        return self.client.authenticate(challenge) if challenge.startswith(b"NTLMSSP\0") else self.client.negotiate()


@functools.cache
def salted(secret, salt, iterations):
    """The client's share of PBKDF2, which clients remember, too ([RFC5802] 5.1)."""
    return hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, iterations)


class Scram:
    """SCRAM-SHA-256 ([RFC5802] 3)."""

    def __init__(self, user, secret):
        self.secret, self.bare = secret, f"n={user},r={secrets.token_urlsafe(18)}".encode()
        self.signature = None

    def first(self):
        return b"n,," + self.bare

    def answer(self, challenge):
        if self.signature is not None:
            assert challenge == b"v=" + self.signature
            return b""
        nonce, salt, count = (part[2:] for part in challenge.split(b","))
        key = salted(self.secret, base64.b64decode(salt), int(count))
        unproved = b"c=biws,r=" + nonce
        signed = b",".join((self.bare, challenge, unproved))
        client = hmac.digest(key, b"Client Key", "sha256")
        mask = hmac.digest(hashlib.sha256(client).digest(), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(client, mask, strict=True))
        self.signature = base64.b64encode(hmac.digest(hmac.digest(key, b"Server Key", "sha256"), signed, "sha256"))
        return unproved + b",p=" + base64.b64encode(proof)


EXCHANGES = {"PLAIN": Plain, "NTLM": Ntlm, "SCRAM-SHA-256": Scram, "XOAUTH2": Bearer}


def line(buf, pos):
    """Match a line, as long as it may be."""
    end = buf.find(b"\r\n", pos)
    return (buf[pos:end].strip(), end + 2) if end >= 0 else None


async def converse(c, match, command, prefix, exchange):
    """Go through an exchange; give the reply that ends it."""
    first = exchange.first()
    if first is not None:
        command += b" " + (base64.b64encode(first) or b"=")
    answer = await c.expect(match, command + b"\r\n")
    while answer.startswith(prefix):
        challenge = decoded(answer[len(prefix) :].strip())
        answer = await c.expect(match, base64.b64encode(exchange.answer(challenge)) + b"\r\n")
    return answer


def decoded(text):
    """A challenge; `334 ntlm supported` has none ([MS-OXSMTP] 4)."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


async def authenticate_imap(c, mechanism, exchange):
    """AUTHENTICATE ([RFC9051] 6.2.2)."""
    answer = await converse(c, line, b"au AUTHENTICATE " + mechanism.encode(), b"+", exchange)
    while answer.startswith(b"* "):
        answer = await c.expect(line)
    if not answer.startswith(b"au OK"):
        raise RuntimeError(f"AUTHENTICATE {mechanism}: {answer!r:.200}")


async def authenticate_smtp(c, mechanism, exchange):
    """AUTH ([RFC4954] 4)."""
    answer = await converse(c, smtp_reply, b"AUTH " + mechanism.encode(), b"334", exchange)
    if not answer.startswith(b"235"):
        raise RuntimeError(f"AUTH {mechanism}: {answer!r:.200}")
