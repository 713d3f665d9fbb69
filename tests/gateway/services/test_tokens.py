"""Tokens against an issuer over HTTPS: what is taken, what is refused, keys that change, an issuer that is away."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from gateway.sasl.bearer import AskToken, TokenAnswer, TokenRefusal
from gateway.sasl.peer import PeerInfo
from gateway.services import tokens
from gateway.services.logon import LogonRefused, RefusalKind
from gateway.services.tokens import OAuthSettings, TokenVerifier
from tests.support.issuer import EC, OTHER_RSA, PSS, RSA, Issuer, running_issuer, sign

PEER = PeerInfo("imap", "192.0.2.1", tls=True)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with running_issuer(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    """One that the test may change."""
    with running_issuer(tmp_path) as issuer:
        yield issuer


def options(issuer: Issuer) -> OAuthSettings:
    return OAuthSettings(issuer.url, ("mail", "https://mail.example.test"), ca_file=issuer.ca_file)


async def verify(
    verifier: TokenVerifier, token: str, authorization: str | None = None, peer: PeerInfo = PEER
) -> TokenAnswer | TokenRefusal:
    return await verifier(AskToken("XOAUTH2", token, authorization), peer)


async def refused(verifier: TokenVerifier, token: str, peer: PeerInfo = PEER) -> TokenRefusal:
    answer = await verify(verifier, token, peer=peer)
    assert isinstance(answer, TokenRefusal), answer
    return answer


async def unavailable(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(LogonRefused) as caught:
        await verify(verifier, token)
    assert caught.value.kind is RefusalKind.UNAVAILABLE
    return str(caught.value)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class TestGood:
    async def test_token(self, shared: Issuer) -> None:
        now = int(time.time())
        verifier = TokenVerifier(options(shared))
        answer = await verify(verifier, shared.token(exp=now + 900), "sales@example.test")
        assert answer == TokenAnswer("alice@example.test", "sales@example.test", now + 900 + 60)

    @pytest.mark.parametrize(
        ("key", "algorithm"),
        [(RSA, "RS256"), (EC, "ES256"), (PSS, "PS256"), (PSS, "RS256")],
        ids=["rsa", "ec", "pss", "pss-as-rs"],  # the same in every process: a key's own text is not
    )
    async def test_algorithms(self, shared: Issuer, key: Any, algorithm: str) -> None:
        token = shared.token(key, {"alg": algorithm})
        assert isinstance(await verify(TokenVerifier(options(shared)), token), TokenAnswer)

    @pytest.mark.parametrize(
        "changes",
        [
            {"aud": ["other", "mail"]},
            {"aud": "https://mail.example.test"},
            {"nbf": None, "iat": None},
            {"exp": -20},  # within the leeway
            {"nbf": 40, "iat": 40},
            {"exp": 1000.5},
        ],
        ids=["one-of-two", "audience", "no-times", "within-the-leeway", "from-soon-on", "fraction"],
    )
    async def test_claims(self, shared: Issuer, changes: dict[str, Any]) -> None:
        """[RFC7519] 4.1. Numbers are seconds from now."""
        now = int(time.time())
        claims = {name: now + value if isinstance(value, int | float) else value for name, value in changes.items()}
        assert isinstance(await verify(TokenVerifier(options(shared)), shared.token(**claims)), TokenAnswer)

    @pytest.mark.parametrize(
        ("changes", "login"),
        [
            ({"upn": "bob@example.test"}, "bob@example.test"),
            ({"preferred_username": None, "email": "c@example.test", "email_verified": "true"}, "c@example.test"),
            ({"preferred_username": "alice"}, "alice"),
            ({"upn": "", "preferred_username": 5, "email": "d@example.test", "email_verified": True}, "d@example.test"),
        ],
    )
    async def test_account(self, shared: Issuer, changes: dict[str, Any], login: str) -> None:
        answer = await verify(TokenVerifier(options(shared)), shared.token(**changes))
        assert isinstance(answer, TokenAnswer)
        assert answer.login == login

    @pytest.mark.parametrize(
        "header", [{"typ": None}, {"typ": "JWT"}, {"typ": "application/at+jwt"}, {"kid": None}, {"x": "y"}]
    )
    async def test_header(self, shared: Issuer, header: dict[str, Any]) -> None:
        assert isinstance(await verify(TokenVerifier(options(shared)), shared.token(header=header)), TokenAnswer)

    async def test_large_token(self, shared: Issuer) -> None:
        """A user in very many groups."""
        token = shared.token(groups=["g" * 100] * 60)
        assert 8_000 < len(token) < 12_288
        assert isinstance(await verify(TokenVerifier(options(shared)), token), TokenAnswer)


class TestRefused:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"exp": 1_000_000_000}, "expired"),
            ({"exp": None}, "no time of expiry"),
            ({"exp": "tomorrow"}, "no time of expiry"),
            ({"exp": True}, "no time of expiry"),
            ({"exp": float("nan")}, "no time of expiry"),
            ({"exp": float("inf")}, "no time of expiry"),
            ({"exp": 10**400}, "no time of expiry"),
            ({"nbf": 4_000_000_000}, "not valid for another"),
            ({"nbf": "x"}, "times are not numbers"),
            ({"iat": 4_000_000_000}, "issued"),
            ({"iss": "https://evil.example"}, "another issuer"),
            ({"iss": None}, "another issuer"),
            ({"iss": ["x"]}, "another issuer"),
            ({"aud": "mail2"}, "another audience"),
            ({"aud": None}, "another audience"),
            ({"aud": ["x", {"mail": 1}]}, "another audience"),
            ({"aud": {"mail": 1}}, "another audience"),
            ({"cnf": {"jkt": "x"}}, "bound to a key"),
            ({"preferred_username": None}, "names no account"),
            ({"preferred_username": "example.test/alice"}, "names no account"),
            ({"preferred_username": "EXAMPLE\\alice"}, "names no account"),
            ({"preferred_username": "alice\n"}, "names no account"),
            ({"preferred_username": None, "email": "a@b.test"}, "names no account"),
            ({"preferred_username": None, "email": "a@b.test", "email_verified": False}, "names no account"),
            ({"preferred_username": None, "email": "a@b.test", "email_verified": "false"}, "names no account"),
        ],
        ids=str,
    )
    async def test_claims(
        self, shared: Issuer, changes: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """[RFC7519] 4.1, [RFC8725] 3.8 to 3.10. The client is told the same each time, the log why."""
        caplog.set_level(logging.INFO, "oxgate.tokens")
        sets = replace(options(shared), audience=frozenset({"mail"}), algorithms=frozenset({"RS256"}))
        for each in (sets, options(shared)):
            answer = await refused(TokenVerifier(each), shared.token(**changes))
        assert (answer.status, answer.scope) == ("invalid_token", "")
        assert answer.configuration == f"{shared.url}/.well-known/openid-configuration"
        assert reason in answer.reason
        assert reason in caplog.text

    async def test_wrong_signature(self, shared: Issuer) -> None:
        verifier = TokenVerifier(options(shared))
        assert (await refused(verifier, shared.token(OTHER_RSA))).reason == "wrong signature"
        header, payload, signature = shared.token().split(".")
        other = b64(json.dumps(shared.claims(preferred_username="root@example.test")).encode())
        assert (await refused(verifier, f"{header}.{other}.{signature}")).reason == "wrong signature"
        for cut in ("", "AAAA", signature[:-4]):
            assert (await refused(verifier, f"{header}.{payload}.{cut}")).reason == "wrong signature"

    async def test_no_algorithm(self, shared: Issuer) -> None:
        """[RFC8725] 2.1, in every spelling; with and without a signature."""
        verifier = TokenVerifier(replace(options(shared), algorithms=frozenset({"RS256"})))
        payload = b64(json.dumps(shared.claims()).encode())
        for name in ("none", "None", "NONE", "nOnE", "", None, 5, ["RS256"], {"RS256": 1}):
            header = b64(json.dumps({"alg": name, "kid": "rsa"}).encode())
            for signature in ("", shared.token().split(".")[2]):
                answer = await refused(verifier, f"{header}.{payload}.{signature}")
                assert answer.status in ("invalid_token", "invalid_request")

    async def test_public_key_as_shared_secret(self, shared: Issuer) -> None:
        """[RFC8725] 2.1: HS256 with the issuer's public key, in every form that a verifier might take for a secret."""
        verifier = TokenVerifier(options(shared))
        for form in (
            RSA.as_pem(private=False),
            json.dumps(RSA.as_dict(private=False)).encode(),
            RSA.as_der(private=False),
        ):
            signed = b64(b'{"alg":"HS256","kid":"rsa"}') + "." + b64(json.dumps(shared.claims()).encode())
            token = f"{signed}.{b64(hmac.digest(form, signed.encode(), 'sha256'))}"
            assert "algorithm 'HS256' is not allowed" in (await refused(verifier, token)).reason

    async def test_key_of_another_kind_or_algorithm(self, shared: Issuer) -> None:
        """A key that names its algorithm serves no other ([RFC7517] 4.4), one of another kind none of this kind."""
        verifier = TokenVerifier(options(shared))
        free = RSAKey.import_key({name: value for name, value in RSA.as_dict(private=True).items() if name != "alg"})
        assert "no PS256 key 'rsa'" in (await refused(verifier, shared.token(free, {"alg": "PS256"}))).reason
        token = sign({"alg": "ES256", "kid": "rsa"}, shared.claims(), EC)
        assert "no ES256 key 'rsa'" in (await refused(verifier, token)).reason

    async def test_algorithm_that_is_off(self, shared: Issuer) -> None:
        verifier = TokenVerifier(replace(options(shared), algorithms=("ES256",)))
        assert "not allowed" in (await refused(verifier, shared.token())).reason

    async def test_key_in_the_token(self, shared: Issuer) -> None:
        """[RFC8725] 3.10: keys and URLs in the header are believed by nobody."""
        verifier = TokenVerifier(options(shared))
        header = {"kid": "mine", "jwk": OTHER_RSA.as_dict(private=False), "jku": f"{shared.url}/mine"}
        before = shared.requests.count("/mine")
        assert "no RS256 key 'mine'" in (await refused(verifier, shared.token(OTHER_RSA, header))).reason
        assert shared.requests.count("/mine") == before

    @pytest.mark.parametrize("header", [{"typ": "logout+jwt"}, {"typ": "dpop+jwt"}])
    async def test_header(self, shared: Issuer, header: dict[str, Any]) -> None:
        """[RFC8725] 3.11."""
        assert (await refused(TokenVerifier(options(shared)), shared.token(header=header))).status == "invalid_token"

    async def test_critical_extension(self, shared: Issuer) -> None:
        """[RFC7515] 4.1.11; [RFC7797] would sign another payload than is read."""
        head = b64(b'{"alg":"RS256","kid":"rsa","b64":false,"crit":["b64"]}')
        answer = await refused(TokenVerifier(options(shared)), f"{head}.e30.AAAA")
        assert answer.reason == "header has critical extensions"

    @pytest.mark.parametrize(
        "token",
        [
            *("x", "a.b", "a.b.c", "a.b.c.d", "a.b.c.d.e", "..", "....", "e30.e30.e30", "=.=.=", "bnVsbA.e30.AA"),
            *(b64(b"[" * 5000) + ".e30.AA", b64(b'{"alg":' + b"[" * 4000) + ".e30.AA", b64(b"\xff") + ".e30.AA"),
            *(b64(b'["alg"]') + ".e30.AA", b64(b'"alg"') + ".e30.AA", b64(b'{"alg":' + b"9" * 5000 + b"}") + ".e30.AA"),
        ],
    )
    async def test_not_a_token(self, shared: Issuer, token: str) -> None:
        assert (await refused(TokenVerifier(options(shared)), token)).status == "invalid_request"

    @pytest.mark.parametrize(
        "payload", [b"", b"null", b"[]", b"5", b"[" * 5000, b'{"exp":' + b"9" * 5000 + b"}", b"\xff"]
    )
    async def test_claims_that_are_none(self, shared: Issuer, payload: bytes) -> None:
        token = sign({"alg": "RS256", "kid": "rsa"}, payload, RSA)
        assert (await refused(TokenVerifier(options(shared)), token)).reason.startswith("claims are")

    async def test_question_for_the_scope(self, shared: Issuer) -> None:
        """[RFC7628] 4.3."""
        verifier = TokenVerifier(replace(options(shared), scopes={"imap": ("imap", "mail.full")}))
        answer = await refused(verifier, "")
        assert (answer.status, answer.scope) == ("invalid_token", "imap mail.full")


class TestScopes:
    @pytest.mark.parametrize(
        ("changes", "good"),
        [
            ({"scope": "imap"}, True),
            ({"scope": "x full y"}, True),
            ({"scope": None, "scp": "IMAP.AccessAsUser.All imap"}, True),
            ({"scope": None, "scp": ["imap"]}, True),
            ({"scope": None, "roles": ["imap"]}, True),
            ({"scope": "imapx"}, False),
            ({"scope": "pop3"}, False),
            ({"scope": None}, False),
            ({"scope": 5, "roles": [5, ["imap"]]}, False),
        ],
    )
    async def test_one_of_them_will_do(self, shared: Issuer, changes: dict[str, Any], good: bool) -> None:
        verifier = TokenVerifier(replace(options(shared), scopes={"imap": ("imap", "full"), "smtp": ("smtp",)}))
        answer = await verify(verifier, shared.token(**changes))
        assert isinstance(answer, TokenAnswer) == good
        if isinstance(answer, TokenRefusal):
            assert (answer.status, answer.scope, answer.login) == (
                "insufficient_scope",
                "imap full",
                "alice@example.test",
            )

    async def test_each_protocol_has_its_own(self, shared: Issuer) -> None:
        verifier = TokenVerifier(replace(options(shared), scopes={"imap": ("imap",), "smtp": ("smtp",)}))
        token = shared.token(scope="smtp")
        assert (await refused(verifier, token)).status == "insufficient_scope"
        for protocol in ("smtp", "pop3"):
            assert isinstance(await verify(verifier, token, peer=PeerInfo(protocol, "192.0.2.1", True)), TokenAnswer)


class TestKeys:
    async def test_fetched_once(self, issuer: Issuer) -> None:
        """Many sign-ins at a time share one fetch, later ones need none."""
        issuer.delay = 0.1
        verifier = TokenVerifier(options(issuer))
        for _ in range(2):
            answers = await asyncio.gather(*(verify(verifier, issuer.token()) for _ in range(20)))
            assert all(isinstance(answer, TokenAnswer) for answer in answers)
        assert issuer.requests == ["/.well-known/openid-configuration", "/keys"]

    async def test_without_discovery(self, issuer: Issuer) -> None:
        issuer.answers["/.well-known/openid-configuration"] = 500, {}, b""
        verifier = TokenVerifier(replace(options(issuer), jwks_url=f"{issuer.url}/keys"))
        assert isinstance(await verify(verifier, issuer.token()), TokenAnswer)
        assert issuer.requests == ["/keys"]

    async def test_the_loop_is_free_meanwhile(self, issuer: Issuer) -> None:
        issuer.delay = 0.3
        verifier = TokenVerifier(options(issuer))
        waiting = asyncio.create_task(verify(verifier, issuer.token()))
        turns = 0
        while not waiting.done():
            await asyncio.sleep(0.01)
            turns += 1
        assert turns > 10

    async def test_new_key(self, issuer: Issuer) -> None:
        """An unknown key is asked for at once, but not again within a minute."""
        clock = Clock()
        verifier = TokenVerifier(options(issuer), monotonic=clock)
        assert isinstance(await verify(verifier, issuer.token()), TokenAnswer)
        new = RSAKey.generate_key(2048, {"kid": "new"})
        token = issuer.token(new)
        clock.now += 59
        assert "no RS256 key 'new'" in (await refused(verifier, token)).reason
        assert issuer.requests.count("/keys") == 1
        issuer.keys.append(new.as_dict(private=False))
        clock.now += 2
        assert isinstance(await verify(verifier, token), TokenAnswer)
        for kid in "abc":
            assert "no RS256 key" in (await refused(verifier, issuer.token(header={"kid": kid}))).reason
        assert issuer.requests.count("/keys") == 2

    async def test_withdrawn_key(self, issuer: Issuer) -> None:
        """Old keys are fetched again while they serve; then the withdrawn one is gone."""
        clock = Clock()
        verifier = TokenVerifier(options(issuer), monotonic=clock)
        assert isinstance(await verify(verifier, issuer.token()), TokenAnswer)
        issuer.keys = [each for each in issuer.keys if each["kid"] != "rsa"]
        clock.now += tokens.OLD_SECONDS + 1
        assert isinstance(await verify(verifier, issuer.token()), TokenAnswer)
        while issuer.requests.count("/keys") < 2 or verifier._fetching is not None:
            await asyncio.sleep(0.01)
        assert "no RS256 key 'rsa'" in (await refused(verifier, issuer.token())).reason

    async def test_keys_that_cannot_be_used_are_left_out(self, issuer: Issuer) -> None:
        good = issuer.keys
        weak = {**good[0], "n": good[0]["n"][:170]}
        issuer.keys = [
            *(5, None, {}, {"kty": "RSA"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "rsa"}, {**good[0], "use": "enc"}),  # type: ignore[list-item]
            *({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, {"kty": "RSA", "n": 5, "e": []}, weak),  # type: ignore[dict-item]
            *({**good[0], "kid": "x", "e": "!"}, {"kty": "OKP", "crv": "X25519", "x": "AA"}),
        ]
        verifier = TokenVerifier(options(issuer))
        assert "no keys that could be used" in await unavailable(verifier, issuer.token())
        issuer.keys += good
        verifier = TokenVerifier(options(issuer))
        assert isinstance(await verify(verifier, issuer.token()), TokenAnswer)


class TestAway:
    async def test_known_keys_serve(self, issuer: Issuer) -> None:
        clock = Clock()
        verifier = TokenVerifier(options(issuer), monotonic=clock)
        assert isinstance(await verify(verifier, issuer.token()), TokenAnswer)
        issuer.close()
        clock.now += 100_000
        assert isinstance(await verify(verifier, issuer.token()), TokenAnswer)
        assert isinstance(await verify(verifier, issuer.token(OTHER_RSA)), TokenRefusal)
        await unavailable(verifier, issuer.token(header={"kid": "unknown"}))
        assert isinstance(await verify(verifier, issuer.token()), TokenAnswer)

    async def test_no_keys_yet(self, issuer: Issuer) -> None:
        clock = Clock()
        verifier = TokenVerifier(options(issuer), monotonic=clock)
        issuer.answers["/keys"] = 503, {}, b""
        assert "503" in await unavailable(verifier, issuer.token())
        await unavailable(verifier, issuer.token())
        assert issuer.requests.count("/keys") == 1
        assert (await refused(verifier, "x")).status == "invalid_request"  # that much can be told without a key
        issuer.answers.clear()
        clock.now += tokens.RETRY_SECONDS
        assert isinstance(await verify(verifier, issuer.token()), TokenAnswer)

    @pytest.mark.parametrize(
        ("path", "answer", "text"),
        [
            ("/keys", (302, {"Location": "/elsewhere"}, b""), "302"),
            ("/keys", (200, {}, b"x" * (tokens.MAX_DOCUMENT + 1)), "octets"),
            ("/keys", (200, {}, b"not JSON"), "keys"),
            ("/keys", (200, {}, b"[" * 200_000), "keys"),
            ("/keys", (200, {}, b"[]"), "not a JSON object"),
            ("/keys", (200, {}, b'{"keys":{}}'), "no keys that could be used"),
            ("/.well-known/openid-configuration", (200, {}, b'{"issuer":"https://evil.example"}'), "another issuer"),
            ("/.well-known/openid-configuration", (404, {}, b""), "404"),
        ],
    )
    async def test_odd_answers(
        self, issuer: Issuer, path: str, answer: tuple[int, dict[str, str], bytes], text: str
    ) -> None:
        issuer.answers[path] = answer
        issuer.answers["/elsewhere"] = issuer.answer("/keys")
        assert text in await unavailable(TokenVerifier(options(issuer)), issuer.token())
        assert "/elsewhere" not in issuer.requests

    async def test_keys_without_tls(self, issuer: Issuer) -> None:
        document = {"issuer": issuer.url, "jwks_uri": issuer.url.replace("https", "http") + "/keys"}
        issuer.answers["/.well-known/openid-configuration"] = 200, {}, json.dumps(document).encode()
        assert "no https URL" in await unavailable(TokenVerifier(options(issuer)), issuer.token())

    async def test_certificate_of_somebody_else(self, issuer: Issuer) -> None:
        verifier = TokenVerifier(replace(options(issuer), ca_file=None))
        assert "CERTIFICATE_VERIFY_FAILED" in await unavailable(verifier, issuer.token())

    async def test_time_limit(self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tokens, "TIMEOUT", 0.2)
        issuer.delay = 1.0
        began = time.monotonic()
        await unavailable(TokenVerifier(options(issuer)), issuer.token())
        assert time.monotonic() - began < 0.8

    async def test_a_client_that_leaves_does_not_stop_the_fetch(self, issuer: Issuer) -> None:
        issuer.delay = 0.1
        verifier = TokenVerifier(options(issuer))
        first = asyncio.create_task(verify(verifier, issuer.token()))
        second = asyncio.create_task(verify(verifier, issuer.token()))
        await asyncio.sleep(0.02)
        first.cancel()
        assert isinstance(await second, TokenAnswer)

    async def test_close(self, issuer: Issuer) -> None:
        issuer.delay = 0.2
        verifier = TokenVerifier(options(issuer))
        waiting = asyncio.create_task(verify(verifier, issuer.token()))
        await asyncio.sleep(0.05)
        verifier.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://issuer.example"},
        {"issuer": "https:"},
        {"issuer": ""},
        {"jwks_url": "file:///etc/passwd"},
        {"audience": ()},
        {"algorithms": ("RS256", "HS256")},
        {"algorithms": ("none",)},
    ],
    ids=str,
)
def test_settings_that_cannot_be(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"https URL|audience|algorithm"):
        TokenVerifier(replace(OAuthSettings("https://issuer.example", ("mail",)), **changes))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    header=st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "b64", "x5c", "p"]),
        st.none() | st.integers() | st.text() | st.lists(st.text()),
    ),
    payload=st.binary(max_size=40),
    good=st.booleans(),
)
def test_no_token_raises(shared: Issuer, header: dict[str, Any], payload: bytes, good: bool) -> None:
    """Whatever the header says and the payload is, signed by a key of the issuer or by nobody."""
    global _fuzzed
    _fuzzed = _fuzzed or TokenVerifier(options(shared))
    if good:
        token = sign({"alg": "RS256", "kid": "rsa"}, payload, RSA)
    else:
        token = ".".join((b64(json.dumps(header).encode()), b64(payload), b64(payload)))
    assert isinstance(asyncio.run(verify(_fuzzed, token)), TokenRefusal)


_fuzzed: TokenVerifier | None = None
