"""Thunderbird without a screen: a profile with accounts, and Marionette to tell it what to do."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PASSWORD, NTLM, OAUTH2 = 3, 6, 10
"""nsMsgAuthMethod: a password under TLS, NTLM, OAuth2."""
STARTTLS, IMPLICIT = 2, 3
"""nsMsgSocketType."""

CONTROLLED = ("-marionette", "-remote-allow-system-access")
QUIET: dict[str, Any] = {
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.spotlight.firstRunDone": True,
    "mail.shell.checkDefaultClient": False,
    "mail.rights.version": 1,
    "mailnews.start_page.enabled": False,
    "mail.inappnotifications.enabled": False,
    "app.donation.eoy.version.viewed": 999,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "datareporting.healthreport.uploadEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.update.enabled": False,
    "app.update.auto": False,
    "extensions.update.enabled": False,
    "network.manage-offline-status": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "mailnews.auto_config.fetchFromISP.enabled": False,
    "mail.folder.views.version": 1,
    "mail.startup.enabledMailCheckOnce": True,
    "mail.tabs.autoHide": True,
    "mail.chat.enabled": False,
    "calendar.timezone.local": "UTC",
    "browser.cache.disk.enable": False,
}
"""No first-run pages, no calls home, no waiting for a network."""


@dataclass(frozen=True)
class Account:
    """An account of the profile: how it signs in for reading and for sending, and where."""

    host: str
    login: str
    smtp_login: str
    address: str
    method: int
    socket: int
    imap: int
    smtp: int


def preferences(accounts: Sequence[Account], port: int) -> dict[str, Any]:
    """What `user.js` has to say: account1 and so on are the accounts, the last one is Thunderbird's local folders."""
    local = len(accounts) + 1
    prefs = {
        **QUIET,
        "marionette.port": port,
        "mail.accountmanager.accounts": ",".join(f"account{n}" for n in range(1, local + 1)),
        "mail.accountmanager.defaultaccount": "account1",
        "mail.accountmanager.localfoldersserver": f"server{local}",
        "mail.account.lastKey": local,
        f"mail.account.account{local}.server": f"server{local}",
        f"mail.server.server{local}.type": "none",
        f"mail.server.server{local}.name": "Local Folders",
        f"mail.server.server{local}.hostname": "Local Folders",
        f"mail.server.server{local}.userName": "nobody",
        f"mail.server.server{local}.directory-rel": "[ProfD]Mail/Local Folders",
        "mail.smtpservers": ",".join(f"smtp{n}" for n in range(1, local)),
        "mail.smtp.defaultserver": "smtp1",
    }
    for n, account in enumerate(accounts, 1):
        prefs |= {
            f"mail.account.account{n}.server": f"server{n}",
            f"mail.account.account{n}.identities": f"id{n}",
            f"mail.server.server{n}.type": "imap",
            f"mail.server.server{n}.name": f"Account {n}",
            f"mail.server.server{n}.hostname": account.host,
            f"mail.server.server{n}.port": account.imap,
            f"mail.server.server{n}.userName": account.login,
            f"mail.server.server{n}.socketType": account.socket,
            f"mail.server.server{n}.authMethod": account.method,
            f"mail.server.server{n}.login_at_startup": False,
            f"mail.server.server{n}.check_new_mail": False,
            f"mail.server.server{n}.offline_download": False,
            f"mail.server.server{n}.autosync_offline_stores": False,
            f"mail.identity.id{n}.fullName": f"Account {n}",
            f"mail.identity.id{n}.useremail": account.address,
            f"mail.identity.id{n}.smtpServer": f"smtp{n}",
            f"mail.identity.id{n}.valid": True,
            f"mail.identity.id{n}.compose_html": False,
            f"mail.smtpserver.smtp{n}.hostname": account.host,
            f"mail.smtpserver.smtp{n}.port": account.smtp,
            f"mail.smtpserver.smtp{n}.username": account.smtp_login,
            f"mail.smtpserver.smtp{n}.try_ssl": account.socket,
            f"mail.smtpserver.smtp{n}.authMethod": account.method,
        }
    return prefs


class Marionette:
    """The remote control of Mozilla's programs: JSON behind its length, `[0, number, command, parameters]`."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 90)
        self._file = self._socket.makefile("rb")
        self._number = 0
        self._read()  # who it is

    def _read(self) -> Any:
        length = b""
        while (octet := self._file.read(1)) != b":":
            assert octet, "Thunderbird hung up"
            length += octet
        return json.loads(self._file.read(int(length)))

    def command(self, name: str, **parameters: Any) -> Any:
        """Give a command and wait for its result."""
        self._number += 1
        data = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(data), data))
        kind, number, error, result = self._read()
        assert (kind, number) == (1, self._number)
        assert error is None, error
        return result

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()


class Thunderbird:
    """A running Thunderbird with accounts of its own."""

    def __init__(self, folder: Path, accounts: Sequence[Account], authority: Path) -> None:
        profile = folder / "profile"
        profile.mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});"
            for name, value in preferences(accounts, port).items()
        ]
        (profile / "user.js").write_text("\n".join(lines) + "\n")
        self.dialogue = folder / "dialogue.moz_log"
        """What went over its connections, as it saw it; secrets are left out."""
        self._script = Path(__file__).with_suffix(".js").read_text()
        with (folder / "thunderbird.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["thunderbird", "-headless", "-no-remote", *("-profile", profile), *CONTROLLED],
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "HOME": str(folder),
                    "MOZ_LOG": "IMAP:4,SMTP:4",
                    "MOZ_LOG_FILE": str(folder / "dialogue"),
                },
            )
        try:
            self._marionette = self._connect(port)
            self._marionette.command("WebDriver:NewSession", capabilities={})
            self._marionette.command("WebDriver:SetTimeouts", script=80_000)
            self._marionette.command("Marionette:SetContext", value="chrome")
            lines = authority.read_text().splitlines()
            self.call("trust", "".join(line for line in lines if "-----" not in line))
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    def _connect(self, port: int) -> Marionette:
        end = time.monotonic() + 60
        while True:
            try:
                return Marionette(port)
            except OSError:
                assert self._process.poll() is None, "Thunderbird ended"
                assert time.monotonic() < end, "Thunderbird does not start"
                time.sleep(0.1)

    def call(self, function: str, *args: object) -> Any:
        """Call a function of thunderbird.js; what it gives."""
        script = (
            "const done = arguments[arguments.length - 1];"
            f"(async () => {{ {self._script}\n return await {function}(...{json.dumps(args)}); }})()"
            ".then(value => done({ value: value ?? null }), error => done({ error: `${error}\\n${error.stack}` }));"
        )
        result = self._marionette.command("WebDriver:ExecuteAsyncScript", script=script, args=[])["value"]
        assert result is not None, f"{function} is held up by a question"
        assert "error" not in result, result["error"]
        return result["value"]

    def stop(self) -> None:
        """End it."""
        self._marionette.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
