"""The whole server: joined in one loop, and served by workers."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import json
import logging
import os
import signal
import socket
import ssl
import sys
from pathlib import Path

import pytest

from config.settings import Listener
from gateway import app
from gateway.app import Application, bind_all, build, check_data, load_tls, serve
from gateway.runtime import logs
from gateway.runtime.process import StartError
from gateway.services.indexing import Indexing
from gateway.signing_in import Shared, is_loopback, plaintext_policy
from store.ids import SpecialFolder
from store.search import TextReader
from store.store import Store
from tests.support.certificates import common_name, trusting_nobody, write_certificate
from tests.support.server import LISTENERS, PASSWORD, RunningServer, ServedProcess, connect, make_settings, make_tenant

IMAP_ONLY = tuple(each for each in LISTENERS if each.protocol == "imap")
MESSAGE = b"From: bob@example.test\r\nSubject: seven\r\n\r\ntext\r\n"

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def until(stream: Stream, start: bytes) -> list[bytes]:
    """Read lines up to one that starts so."""
    lines: list[bytes] = []
    while not lines or not lines[-1].startswith(start):
        line = await asyncio.wait_for(stream[0].readline(), 20)
        assert line, lines
        lines.append(line)
    return lines


async def say(stream: Stream, line: bytes, start: bytes) -> list[bytes]:
    stream[1].write(line + b"\r\n")
    return await until(stream, start)


async def close(stream: Stream) -> None:
    """Close and wait, so that no transport outlives its loop."""
    stream[1].close()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        await asyncio.wait_for(stream[1].wait_closed(), 10)


async def idling(server: RunningServer | ServedProcess, user: str = "alice", port: str = "imap") -> Stream:
    """Sign in to IMAP, select the Inbox, go idle."""
    stream = await server.connect(port)
    await until(stream, b"* OK")
    await say(stream, f"a LOGIN {user} {PASSWORD}".encode(), b"a OK")
    await say(stream, b"b SELECT INBOX", b"b OK")
    await say(stream, b"c IDLE", b"+ ")
    return stream


async def deliver(server: RunningServer | ServedProcess, user: str = "alice") -> None:
    """Hand in one message by LMTP."""
    stream = await server.connect("lmtp")
    await until(stream, b"220 ")
    await say(stream, b"LHLO me", b"250 ")
    await say(stream, b"MAIL FROM:<bob@example.test>", b"250 ")
    await say(stream, f"RCPT TO:<{user}@example.test>".encode(), b"250 ")
    await say(stream, b"DATA", b"354 ")
    await say(stream, MESSAGE + b".", b"250 ")
    await say(stream, b"QUIT", b"221 ")
    await close(stream)


class TestOneLoop:
    async def test_from_smtp_to_idle(self, tmp_path: Path) -> None:
        """docs/architecture.md, the first path: delivery, hint, IDLE ([RFC2177])."""
        async with RunningServer(tmp_path) as server:
            client = await idling(server)
            await deliver(server)
            assert b"* 1 EXISTS\r\n" in await until(client, b"* 1 EXISTS")
            await close(client)
            mailbox = server.application.store.open(server.refs["alice"])
            assert mailbox.folder(SpecialFolder.INBOX).total == 1

    async def test_every_port_greets(self, tmp_path: Path) -> None:
        async with RunningServer(tmp_path) as server:
            for name, greeting in (
                ("imap", b"* OK "),
                ("imaps", b"* OK "),
                ("pop3", b"+OK "),
                ("pop3s", b"+OK "),
                ("smtp", b"220 "),
                ("submission", b"220 "),
                ("submissions", b"220 "),
                ("lmtp", b"220 "),
            ):
                stream = await server.connect(name)
                await until(stream, greeting)
                await close(stream)

    async def test_limits_count_over_all_ports(self, tmp_path: Path) -> None:
        async with RunningServer(tmp_path, sections={"limits": {"connections": 2}}) as server:
            streams = [await server.connect(name) for name in ("imap", "pop3", "imap", "pop3", "smtp")]
            first = [await asyncio.wait_for(reader.readline(), 10) for reader, _ in streams]
            for line, start in zip(first, (b"* OK ", b"+OK ", b"* BYE ", b"-ERR ", b"421 "), strict=True):
                assert line.startswith(start)
            for stream in streams:
                await close(stream)

    async def test_stop_says_goodbye(self, tmp_path: Path) -> None:
        server = RunningServer(tmp_path)
        await server.application.start()
        client = await idling(server)
        await server.application.stop(5)
        assert any(line.startswith(b"* BYE") for line in await until(client, b"* BYE"))
        assert await client[0].read() == b""
        await close(client)
        with pytest.raises(ConnectionRefusedError):
            await server.connect("imap")

    async def test_the_first_worker_looks_through_the_text_indexes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They are those of all workers: one is enough."""
        sweeps: list[bool] = []

        class Recorded(Indexing):
            def __init__(self, store: Store, text: TextReader, *, share: float, **more: bool) -> None:
                super().__init__(store, text, share=share, **more)
                sweeps.append(more["sweeps"])

        monkeypatch.setattr(app, "Indexing", Recorded)
        settings = make_settings(tmp_path / "server", {}, IMAP_ONLY)
        make_tenant(settings)
        shared = Shared.create(settings, workers=2)
        for worker in (0, 1):
            ports = bind_all(settings, workers=2)
            application = Application(settings, ports, load_tls(settings), worker=worker, shared=shared)
            await application.start()
            await application.stop(0.5)
        assert sweeps == [True, False]


class TestPostgres:
    async def test_from_smtp_to_idle(self, tmp_path: Path, postgres_database: str) -> None:
        """The same path on PostgreSQL, between two servers that share nothing but the database."""
        sections = {"store": {"url": postgres_database}}
        async with RunningServer(tmp_path, sections=sections) as server:
            settings = make_settings(tmp_path / "other", sections, LISTENERS)
            other = build(settings)
            await other.start()
            try:
                stream = await connect(other.ports["imap"])
                await until(stream, b"* OK")
                await say(stream, f"a LOGIN alice {PASSWORD}".encode(), b"a OK")
                await say(stream, b"b SELECT INBOX", b"b OK")
                await say(stream, b"c IDLE", b"+ ")
                client = await idling(server)
                await deliver(server)
                await until(client, b"* 1 EXISTS")
                await until(stream, b"* 1 EXISTS")
                await close(client)
                await close(stream)
            finally:
                await other.stop(0.5)


class TestWorkers:
    def test_a_hint_reaches_the_other_worker(self, tmp_path: Path) -> None:
        """Delivery in one worker wakes IDLE in every other."""

        async def scenario(server: ServedProcess) -> None:
            clients = [await idling(server) for _ in range(12)]  # both workers have some, all but surely
            await deliver(server)
            for client in clients:
                await until(client, b"* 1 EXISTS")
                await close(client)

        with ServedProcess(tmp_path, workers=2) as server:
            assert len(server.workers()) == 2
            asyncio.run(scenario(server))
            assert server.stop() == 0, "\n".join(server.lines)
        pids = {json.loads(line)["pid"] for line in server.lines if '"event": "logon"' in line}
        assert len(pids) == 2

    @pytest.mark.parametrize("port", ["imap", "imaps"])
    def test_an_idle_connection_is_small(self, tmp_path: Path, port: str) -> None:
        """Under 40 KB each, signed in and in IDLE, with TLS and without."""
        count = 100

        def held(pid: int) -> int:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty:", "Swap:")))

        async def scenario(server: ServedProcess) -> float:
            (pid,) = server.workers()
            clients = [await idling(server, port=port) for _ in range(20)]
            before = held(pid)
            clients += [await idling(server, port=port) for _ in range(count)]
            grown = held(pid) - before
            for client in clients:
                client[1].transport.abort()
            await asyncio.sleep(0)
            return grown / count

        with ServedProcess(tmp_path, workers=1) as server:
            assert asyncio.run(scenario(server)) < 40

    def test_killed_worker_comes_back_and_nothing_is_lost(self, tmp_path: Path) -> None:
        with ServedProcess(tmp_path, workers=2) as server:
            asyncio.run(deliver(server))
            for pid in server.workers():
                mark = len(server.lines)
                os.kill(pid, signal.SIGKILL)
                server.wait_for("ended by signal 9", since=mark)
            asyncio.run(deliver(server))

            async def count() -> None:
                stream = await server.connect("imaps")
                await until(stream, b"* OK")
                await say(stream, f"a LOGIN alice {PASSWORD}".encode(), b"a OK")
                assert b"* 2 EXISTS\r\n" in await say(stream, b"b SELECT INBOX", b"b OK")
                await close(stream)

            asyncio.run(count())
            assert server.stop() == 0, "\n".join(server.lines)

    def test_sighup(self, tmp_path: Path) -> None:
        """A renewed certificate is shown on TLS ports and after STARTTLS, without a restart."""

        async def names(server: ServedProcess) -> set[str]:
            shown = set()
            for _ in range(6):
                stream = await server.connect("imaps")
                shown.add(common_name(stream[1].get_extra_info("ssl_object")))
                await close(stream)
            for port, command, answer in (("imap", b"a STARTTLS", b"a OK"), ("submission", b"STARTTLS", b"220 ")):
                stream = await server.connect(port)
                await until(stream, b"* OK" if port == "imap" else b"220 ")
                if port == "submission":
                    await say(stream, b"EHLO me", b"250 ")
                await say(stream, command, answer)
                await stream[1].start_tls(trusting_nobody())
                shown.add(common_name(stream[1].get_extra_info("ssl_object")))
                await close(stream)
            return shown

        with ServedProcess(tmp_path, workers=2) as server:
            assert asyncio.run(names(server)) == {"localhost"}
            write_certificate(server.folder, "renewed", "rsa")
            mark = len(server.lines)
            server.signal(signal.SIGHUP)
            for _ in range(2):
                line = server.wait_for('"message": "reloaded"', since=mark)
                mark = server.lines.index(line, mark) + 1
            assert asyncio.run(names(server)) == {"renewed"}
            assert server.stop() == 0, "\n".join(server.lines)

    def test_port_in_use(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            taken = Listener(name="imap", protocol="imap", host="127.0.0.1", port=port)
            server = ServedProcess(tmp_path, listeners=[taken], make=False)
            with pytest.raises(
                RuntimeError, match=rf"(?s)ended with status 1.*127\.0\.0\.1:{port}: another program"
            ) as told:
                server.__enter__()
            assert "Traceback" not in str(told.value)


class TestStart:
    """What is wrong at the start is said with what to do, and ends in status 1."""

    def refused(self, folder: Path, capsys: pytest.CaptureFixture[str], **changes: object) -> str:
        settings = make_settings(folder / "server", {"log": {"format": "text"}}, IMAP_ONLY)
        root = logging.getLogger()
        before = list(root.handlers), root.level
        try:
            assert serve(dataclasses.replace(settings, **changes)) == 1  # type: ignore[arg-type]
        finally:
            root.handlers[:], root.level = before
        text = capsys.readouterr().err
        assert "cannot start: " in text
        assert "Traceback" not in text
        return text

    def test_no_data_folder(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        settings = make_settings(tmp_path / "server", {}, IMAP_ONLY)
        general = dataclasses.replace(settings.general, data=tmp_path / "nowhere")
        assert "Make it, or run `oxgate init`" in self.refused(tmp_path, capsys, general=general)

    def test_data_folder_of_somebody_else(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        with pytest.raises(StartError, match="chown"):
            check_data(tmp_path)

    def test_directory_that_is_no_database(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "server" / "data").mkdir(parents=True)
        (tmp_path / "server" / "data" / "directory.sqlite").write_text("no database at all, but long enough" * 40)
        text = self.refused(tmp_path, capsys)
        assert "What to do: " in text

    def test_postgresql_that_does_not_answer(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"postgresql://nobody@127.0.0.1:{closed.getsockname()[1]}/none"
            settings = make_settings(tmp_path / "server", {}, IMAP_ONLY)
            text = self.refused(tmp_path, capsys, store=dataclasses.replace(settings.store, url=url))
        assert "see that PostgreSQL runs" in text

    def test_tls_port_without_certificate(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        settings = make_settings(tmp_path / "server", {}, IMAP_ONLY)
        tls = dataclasses.replace(settings.tls, certificate=None)
        assert "listener imaps speaks TLS, but" in self.refused(tmp_path, capsys, tls=tls)

    async def test_nothing_stays_bound_after_a_failure(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = Listener(name="z", protocol="imap", host="127.0.0.1", port=other.getsockname()[1])
            settings = make_settings(tmp_path / "server", {}, [*IMAP_ONLY, taken])
            with pytest.raises(StartError, match="listener z"):
                build(settings)


class TestPolicies:
    @pytest.mark.parametrize(
        ("word", "near", "far"), [("never", False, False), ("loopback", True, False), ("always", True, True)]
    )
    def test_plaintext(self, word: str, near: bool, far: bool) -> None:
        allowed = plaintext_policy(word)
        assert (allowed("127.0.0.1"), allowed("192.0.2.1")) == (near, far)

    @pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
    def test_loopback(self, peer: str) -> None:
        assert is_loopback(peer)

    @pytest.mark.parametrize("peer", ["", "localhost", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1", "127.0.0.1.evil"])
    def test_not_loopback(self, peer: str) -> None:
        assert not is_loopback(peer)


class TestLogs:
    @pytest.mark.parametrize("style", ["text", "json"])
    def test_lines(self, style: str) -> None:
        stream = io.StringIO()
        root = logging.getLogger()
        before = list(root.handlers), root.level
        try:
            logs.configure("info", style, stream)
            logging.getLogger("oxgate.x").info("line %d", 1, extra={"fields": {"user": "jö"}})
            logging.getLogger("oxgate.x").debug("unseen")
            try:
                raise ValueError("why")
            except ValueError:
                logging.getLogger("oxgate.x").exception("broken")
        finally:
            root.handlers[:], root.level = before
        lines = stream.getvalue().splitlines()
        if style == "json":
            first, second = map(json.loads, lines)
            assert (first["level"], first["message"], first["user"], first["pid"]) == (
                "info",
                "line 1",
                "jö",
                os.getpid(),
            )
            assert "ValueError: why" in second["traceback"]
        else:
            assert lines[0].endswith(f" info oxgate.x[{os.getpid()}]: line 1")
            assert lines[-1] == "ValueError: why"
        assert sys.exc_info() == (None, None, None)
