"""An OpenID Connect issuer on loopback: discovery and keys over HTTPS, and any token that a test wants."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, RSAKey

from tests.support.certificates import write_certificate

RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig", "alg": "RS256"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
"""Not the issuer's, though it says so."""
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
PSS = RSAKey.generate_key(2048, {"kid": "pss"})

_ALL = jws.JWSRegistry(algorithms=["RS256", "ES256", "PS256", "HS256", "none"], strict_check_header=False)


class Issuer:
    """What it says may be changed at any time; `requests` counts by path."""

    def __init__(self, folder: Path) -> None:
        self.ca_file, key = write_certificate(folder)
        self.keys: list[dict[str, Any]] = [each.as_dict(private=False) for each in (RSA, EC, PSS)]
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        """By path: what to answer in place of the usual."""
        self.delay = 0.0
        self.requests: list[str] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests.append(self.path)
                time.sleep(issuer.delay)
                status, headers, body = issuer.answer(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that go away are part of the tests."""

        self._server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Answer a request."""
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            return 200, {}, json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}).encode()
        if path == "/keys":
            return 200, {}, json.dumps({"keys": self.keys}).encode()
        return 404, {}, b""

    def close(self) -> None:
        """Go away."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims of a good token, changed; None takes one out."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": "mail", "sub": "42", "iat": now, "nbf": now, "exp": now + 3600}
        claims |= {"preferred_username": "alice@example.test", "scope": "openid imap pop3 smtp", **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key: Key = RSA, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Make a token, good but for the changes."""
        return sign({"alg": "RS256", "kid": key.kid, "typ": "at+jwt", **(header or {})}, self.claims(**changes), key)


def sign(header: dict[str, Any], claims: Any, key: Key) -> str:
    """Sign anything; None takes a member out of the header."""
    header = {name: value for name, value in header.items() if value is not None}
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return jws.serialize_compact(header, payload, key, registry=_ALL)


@contextmanager
def running_issuer(folder: Path) -> Iterator[Issuer]:
    """Run one for the length of a test."""
    issuer = Issuer(folder)
    try:
        yield issuer
    finally:
        issuer.close()
