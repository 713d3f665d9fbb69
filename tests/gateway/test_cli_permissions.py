"""`oxgate mailbox permission` and `oxgate metadata`."""

from __future__ import annotations

import pytest

from gateway.cli.permissions import ROLES
from store.permissions import Rights
from tests.gateway.test_cli import Line


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    made = Line(tmp_path_factory.mktemp("cli") / "server")
    made("init", str(made.folder), "--domain", "example.test", "--unprivileged")
    for name in ("alice", "bob"):
        made("user", "add", f"{name}@example.test", "--password-stdin", stdin="secret\n")
    made("group", "add", "team@example.test")
    made("mailbox", "create", "news@example.test", "--kind", "public")
    return made


def test_roles() -> None:
    """[MS-OXCPERM] 2.2.7: what Outlook's roles come to."""
    assert ROLES["reviewer"] == Rights.FOLDER_VISIBLE | Rights.READ_ANY
    assert ROLES["owner"] & Rights.FOLDER_OWNER
    assert ROLES["publishing-editor"] ^ ROLES["editor"] == Rights.CREATE_SUBFOLDER


def test_sharing_a_folder(line: Line) -> None:
    permission = ("mailbox", "permission")
    assert "Nobody" in line(*permission, "list", "alice").output
    line(*permission, "set", "alice", "INBOX", "bob", "reviewer")
    line(*permission, "set", "alice@example.test", "Drafts", "team", "lri")
    line(*permission, "set", "news", "/", "anyone", "editor")
    assert line.json(*permission, "list", "alice") == [
        {"folder": "Drafts", "who": "team@example.test", "rights": "lrip"},
        {"folder": "INBOX", "who": "bob@example.test", "rights": "reviewer"},
    ]
    assert line.json(*permission, "list", "news") == [{"folder": "/", "who": "anyone", "rights": "editor"}]
    assert "INBOX" in line(*permission, "list", "alice").output
    line(*permission, "remove", "alice", "INBOX", "bob")
    assert [one["folder"] for one in line.json(*permission, "list", "alice")] == ["Drafts"]
    assert "3 mailboxes looked at, 0 brought" in line(*permission, "refresh").output


def test_what_cannot_be_shared_is_told(line: Line) -> None:
    permission = ("mailbox", "permission", "set")
    assert "no folder" in line(*permission, "alice", "Nothing", "bob", "reviewer", code=1).output
    assert "no role" in line(*permission, "alice", "INBOX", "bob", "master", code=1).output
    assert "nobody has" in line(*permission, "alice", "INBOX", "carol", "reviewer", code=1).output
    assert "this command wants" in line(*permission, "team", "INBOX", "bob", "reviewer", code=1).output


def test_who_has_left_can_be_taken_off(line: Line) -> None:
    """By the GUID that the list shows, as with DELETEACL; it can be given nothing any more."""
    permission = ("mailbox", "permission")
    line("user", "add", "dave@example.test", "--password-stdin", stdin="secret\n")
    guid = str(line.json("user", "show", "dave")["guid"])
    line(*permission, "set", "bob", "INBOX", "dave", "editor")
    line("user", "remove", "dave", "--yes")
    (left,) = line.json(*permission, "list", "bob")
    assert left == {"folder": "INBOX", "who": guid, "rights": "editor"}
    assert f"{guid} (has left)" in line(*permission, "list", "bob").output
    assert "nobody has" in line(*permission, "set", "bob", "INBOX", guid, "reviewer", code=1).output
    line(*permission, "remove", "bob", "INBOX", guid.upper())
    assert line.json(*permission, "list", "bob") == []
    assert "nobody has" in line(*permission, "remove", "bob", "INBOX", "dave", code=1).output


def test_a_wrong_folder_is_answered_with_those_there_are(line: Line) -> None:
    """Also where nobody else has rights yet, so that `list` shows none."""
    output = line("mailbox", "permission", "set", "bob", "Inbix", "alice", "reviewer", code=1).output
    assert 'no folder "Inbix"' in output
    named = [each.strip() for each in output.partition("There are:")[2].splitlines()]
    assert {"/", "INBOX", "Drafts", "Sent Items"} <= set(named)


def test_annotations_of_the_server(line: Line) -> None:
    """[RFC5464] 6.2.2."""
    assert "None yet" in line("metadata", "list").output
    line("metadata", "set", "/Admin", "mailto:postmaster@example.test")
    assert line.json("metadata", "list") == {"/admin": "mailto:postmaster@example.test"}
    assert "no name" in line("metadata", "set", "admin", "x", code=1).output
    line("metadata", "remove", "/admin")
    assert "not set" in line("metadata", "remove", "/admin", code=1).output
