"""The server whose sign-ins are measured: every mechanism on offer, and each counted as one from outside."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from directory.sql import SqlDirectory
from tests.benchmarks import peers
from tests.peers.server import DOMAIN, PeerServer
from tests.support.issuer import Issuer

MECHANISMS = ("PLAIN", "LOGIN", "NTLM", "SCRAM-SHA-256", "XOAUTH2")
USERS = 20
"""Users who have an app password and a token."""


class SignInServer(PeerServer):
    """Signs in user1, user2 ... by password, NTLM and SCRAM; the others' secrets are in `app.json` and `tokens.json`.

    `remembering` is whether a password that was right is remembered, as it is unless the settings say otherwise.
    """

    def __init__(self, folder: Path, workers: int) -> None:
        super().__init__(folder, workers=workers, users=1)
        folder.mkdir()
        self.init()
        table = folder / "bench.csv"
        rows = [f"user{n}@{DOMAIN},User {n},{peers.PASSWORD},yes" for n in range(1, peers.USERS + 1)]
        table.write_text("address,display_name,password,nt_hash\n" + "\n".join(rows) + "\n")
        self.oxgate("user", "import", str(table))
        self.issuer = Issuer(folder)
        self._write_secrets()
        self.environment = {
            "OXGATE_AUTH__MECHANISMS": ",".join(MECHANISMS),
            "OXGATE_OAUTH__ISSUER": self.issuer.url,
            "OXGATE_OAUTH__AUDIENCE": "mail",
            "OXGATE_OAUTH__CA": str(self.issuer.ca_file),
            "OXGATE_PROTECTION__TRUSTED": "",  # loopback is, else, and then nothing is counted
        }

    def start(self, *, remembering: bool = True) -> None:
        """Start it."""
        self.environment["OXGATE_AUTH__CACHE"] = "3600" if remembering else "0"
        super().start()

    def stop(self) -> None:
        """Stop it, where it runs."""
        if self.process is not None and self.process.poll() is None:
            super().stop()

    def close(self) -> None:
        """Stop it and the issuer."""
        self.stop()
        self.issuer.close()

    def _write_secrets(self) -> None:
        data = self.data / tomllib.loads(self.config.read_text())["general"]["data"]
        directory = SqlDirectory(data / "directory.sqlite", domains=[DOMAIN])
        apps, tokens = {}, {}
        for n in range(1, USERS + 1):
            address = f"user{n}@{DOMAIN}"
            user = directory.by_address(address)
            assert user is not None
            _, apps[f"user{n}"] = directory.add_app_password(user.id, "benchmark")
            tokens[f"user{n}"] = self.issuer.token(preferred_username=address, exp=4_000_000_000)
        directory.close()
        (self.folder / "app.json").write_text(json.dumps(apps))
        (self.folder / "tokens.json").write_text(json.dumps(tokens))
