"""What is measured: the rows of the tables of docs/benchmarks.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of a table: a workload of imap_load and where it goes."""

    label: str
    unit: str
    workload: str
    port: str
    goal: str
    args: tuple[str, ...] = ()
    peer: str = "sdbox"
    """The peer whose figure the goal is about; empty: none is measured."""
    peer_args: tuple[str, ...] = ()
    own_args: tuple[str, ...] = ()
    others: bool = True
    """The other peers are measured as well."""

    @property
    def box(self) -> bool:
        """Whether mailboxes have to be filled for it."""
        return "Big" in " ".join(self.args) or self.workload == "pop3"


TWENTY = ("--users", "20", "--connections", "20")
BIG = ("--box", "Big")
APP = ("--box", "App")
EMPTY = ("--first", "61")
"""Users whose Inbox no other row fills."""
DOMAIN_ARGS = ("--domain", "@example.test")


def _search(label: str, query: str, goal: str = "") -> Row:
    return Row(f"SEARCH {label}", "message", "search", "imap", goal, (*BIG, "--query", query))


def _command(label: str, command: str) -> Row:
    return Row(label, "command", "command", "imap", "", (*EMPTY, "--command", command))


ROWS = [
    Row("FETCH 1:* metadata, 5,000", "message", "fetchmeta", "imap", "5×", BIG),
    Row("FETCH 1:* FLAGS, 5,000", "message", "fetchflags", "imap", "1×", BIG),
    Row("FETCH bodies, batch", "message", "fetchbatch", "imap", "1.5×", BIG),
    Row("FETCH bodies, pipelined", "message", "fetchpipe", "imap", "", BIG),
    Row("APPEND 4 KB, 1", "message", "append", "imap", "", APP),
    Row("APPEND 4 KB, 20 users", "message", "append", "imap", "3×", (*APP, *TWENTY)),
    Row("STORE ±FLAGS 1:*", "message", "store", "imap", "", BIG),
    _search("HEADER Subject", "HEADER Subject zulu"),
    _search("FROM SINCE", 'FROM "Sender 12" SINCE 1-Mar-2024'),
    _search("UNSEEN", "UNSEEN"),
    _search("TEXT, no index", "TEXT xyzzyplugh", "5×"),
    Row("SELECT, 5,000", "command", "command", "imap", "", (*BIG, "--command", "SELECT Big")),
    Row("STATUS, 5,000", "command", "command", "imap", "", ("--command", "STATUS Big (MESSAGES UNSEEN UIDNEXT)")),
    _command("NOOP", "NOOP"),
    Row("delivery 4 KB by LMTP, 1", "message", "lmtp", "lmtp", "", ("--users", "1"), own_args=DOMAIN_ARGS),
    Row("delivery 4 KB by LMTP, 20 users", "message", "lmtp", "lmtp", "5×", TWENTY, own_args=DOMAIN_ARGS),
    Row(
        "delivery 4 KB by SMTP, 20 users",
        "message",
        "smtp",
        "smtp",
        "5×",
        TWENTY,
        peer="Postfix",
        peer_args=("--domain", "@discard.test"),
        own_args=DOMAIN_ARGS,
    ),
    Row("login + select + logout, 1", "sign-in", "login", "imap", "2×", EMPTY, peer="sdbox shared"),
    Row("login + select + logout, 20", "sign-in", "login", "imap", "2×", (*EMPTY, *TWENTY), peer="sdbox shared"),
    Row("POP3 RETR all 1,000, pipelined", "message", "pop3", "pop3", "1.2×", ("--first", "50"), peer="sdbox shared"),
]

BY = {
    "PLAIN, remembered": ("--mechanism", "PLAIN"),
    "PLAIN, app password": ("--mechanism", "PLAIN", "--secrets", "@DIR@/app.json"),
    "NTLMv2": ("--mechanism", "NTLM"),
    "SCRAM-SHA-256": ("--mechanism", "SCRAM-SHA-256"),
    "XOAUTH2": ("--mechanism", "XOAUTH2", "--secrets", "@DIR@/tokens.json"),
}
SIGN_ROWS = [
    Row(
        f"sign-in, {protocol.upper()}, {label}, {count[1]}",
        "sign-in",
        workload,
        port,
        "1 ms",
        count,
        peer="sdbox shared" if protocol == "imap" and label == "PLAIN, remembered" else "",
        peer_args=("--mechanism", "PLAIN", "--first", "61"),
        own_args=args,
        others=False,
    )
    for protocol, workload, port in (("imap", "sign", "imap"), ("smtp", "smtpsign", "submission"))
    for label, args in BY.items()
    for count in (("--users", "1"), TWENTY)
]
HASH_ROWS = [
    Row(
        f"sign-in, IMAP, PLAIN, hashed, {count[1]}",
        "sign-in",
        "sign",
        "imap",
        "",
        count,
        peer="",
        own_args=("--mechanism", "PLAIN"),
        others=False,
    )
    for count in (("--users", "1"), TWENTY)
]
