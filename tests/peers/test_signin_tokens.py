"""Tokens, good and bad, of an issuer that the test runs over HTTPS."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable

import pytest

from tests.peers.server import DOMAIN
from tests.peers.signin import REFUSED, Mail, Once
from tests.peers.signinoffer import (
    PROTOCOLS,
    SOMEBODY,
    STRANGER,
    Offer,
    curl,
)
from tests.support.issuer import OTHER_RSA, RSA


def key_confusion(offer: Offer, user: str) -> str:
    """A token signed by HS256 with the issuer's public key for a secret."""
    claims = offer.issuer.claims(preferred_username=f"{user}@{DOMAIN}")
    parts = ({"alg": "HS256", "kid": "rsa", "typ": "JWT"}, claims)
    signed = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    digest = hmac.digest(RSA.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def unsigned(offer: Offer, user: str) -> str:
    """A token with `alg: none` ([RFC7519] 6)."""
    claims = offer.issuer.claims(preferred_username=f"{user}@{DOMAIN}")
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


BAD_TOKENS: dict[str, tuple[Callable[[Offer, str], str], str]] = {
    "expired": (lambda offer, user: offer.token(user, exp=int(time.time()) - 3600), "expired"),
    "not valid yet": (lambda offer, user: offer.token(user, nbf=int(time.time()) + 3600), "not valid for another"),
    "another audience": (lambda offer, user: offer.token(user, aud="calendar"), "another audience"),
    "another issuer": (lambda offer, user: offer.token(user, iss="https://evil.example"), "another issuer"),
    "issuer in capitals": (lambda offer, user: offer.token(user, iss=offer.issuer.url.upper()), "another issuer"),
    "names nobody": (lambda offer, user: offer.token(user, preferred_username=None), "names no account"),
    "wrong signature": (lambda offer, user: offer.token(user, key=OTHER_RSA), "wrong signature"),
    "alg none": (unsigned, "algorithm 'none' is not allowed"),
    "key confusion": (key_confusion, "algorithm 'HS256' is not allowed"),
    "somebody else's": (lambda offer, user: offer.token(STRANGER), "no full access"),
    "no token at all": (lambda offer, user: "nonsense", "not a signed JSON Web Token"),
}


@pytest.mark.parametrize("bad", BAD_TOKENS)
@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_bad_tokens(offer: Offer, protocol: str, mechanism: str, bad: str) -> None:
    """curl is refused; the reason is in the audit, and not in the reply.

    [RFC7519] 4.1.1, 4.1.3, 4.1.4, 4.1.5, 4.3, 6, 7.2, 7.3, 8; [RFC7628] 3, 3.1.1, 3.2, 3.2.1.
    """
    make, reason = BAD_TOKENS[bad]
    account, began = SOMEBODY, time.time()
    token = make(offer, account)
    said = curl(
        *(offer, protocol, account, mechanism, "-v", "-u", f"{account}@{DOMAIN}:", "--oauth2-bearer", token), code=67
    )
    assert reason not in said
    if mechanism == "OAUTHBEARER":
        assert REFUSED[protocol].removeprefix("a ") in said
    else:  # curl hangs up at the error challenge, and never sees the refusal; others do
        with Mail(offer.server, {"imap": "imaps", "pop3": "pop3s", "smtp": "submissions"}[protocol]) as mail:
            reply = mail.authenticate("XOAUTH2", Once(f"user={account}@{DOMAIN}\1auth=Bearer {token}\1\1".encode()))
            assert reply.startswith(REFUSED[protocol])
    end = time.monotonic() + 5
    while not any(
        one.at >= began and one.protocol == protocol and reason in one.reason
        for one in offer.server.audited(outcome="refused", mechanism=mechanism)
    ):
        assert time.monotonic() < end, offer.server.audited()[-3:]
        time.sleep(0.1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_hanging_up_leaves_a_trace(offer: Offer, account: str, protocol: str) -> None:
    """curl hangs up at the error challenge of XOAUTH2: refused it was all the same."""
    token, began = offer.token(account, exp=1), time.time()
    curl(offer, protocol, account, "XOAUTH2", "-u", f"{account}@{DOMAIN}:", "--oauth2-bearer", token, code=67)
    assert "expired" in offer.server.last_of(account, "refused", "XOAUTH2", since=began).reason


@pytest.mark.parametrize("protocol", ["imaps", "pop3s", "submissions"])
@pytest.mark.parametrize("end", [b"\1", b"", b"anything"], ids=["kvsep", "empty", "dummy"])
def test_the_error_challenge(offer: Offer, account: str, protocol: str, end: bytes) -> None:
    """[RFC7628] 3.2.2, 3.2.3, 4.3: JSON, then a line of the client, whatever it is, then the refusal."""
    token = offer.token(account, exp=1)
    exchange = Once(f"n,a={account}@{DOMAIN},\1auth=Bearer {token}\1\1".encode(), end)
    with Mail(offer.server, protocol) as mail:
        reply = mail.authenticate("OAUTHBEARER", exchange)
        assert reply.startswith(REFUSED[mail.protocol])
        (challenge,) = exchange.challenges
        assert json.loads(challenge) == {
            "status": "invalid_token",
            "openid-configuration": f"{offer.issuer.url}/.well-known/openid-configuration",
        }
        assert not mail.is_signed_in(reply, account)


@pytest.mark.parametrize("protocol", ["imaps", "pop3s", "submissions"])
def test_a_long_token(offer: Offer, account: str, protocol: str) -> None:
    """Tokens with many groups: 12 KiB."""
    token = offer.token(account, groups=["x" * 8_700])
    assert 11_500 < len(token) <= 12_288
    exchange = Once(f"user={account}@{DOMAIN}\1auth=Bearer {token}\1\1".encode())
    with Mail(offer.server, protocol) as mail:
        assert mail.is_signed_in(mail.authenticate("XOAUTH2", exchange, initial=protocol != "pop3s"), account)
