"""`oxgate convert`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from gateway.cli.root import oxgate

EML = b"From: a@x.test\r\nSubject: Test\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<p>Hello <b>you</b>\r\n"


def run(*args, stdin=b""):
    return CliRunner().invoke(oxgate, ["convert", *map(str, args)], input=stdin)


def test_a_file_to_stdout(tmp_path):
    (tmp_path / "a.eml").write_bytes(EML)
    done = run(tmp_path / "a.eml", "--to", "txt")
    assert (done.exit_code, done.stdout) == (0, "Hello you")
    assert done.stderr == ""


def test_stdin():
    assert run("-", "--to", "html", stdin=EML).stdout.startswith("<p>Hello")


def test_a_file_to_a_file_that_is_not_written_over(tmp_path):
    (tmp_path / "a.eml").write_bytes(EML)
    out = tmp_path / "new" / "a.msg"
    assert run(tmp_path / "a.eml", "--to", "msg", "-o", out).exit_code == 0
    assert run(out, "--to", "txt").stdout == "Hello you"
    again = run(tmp_path / "a.eml", "--to", "msg", "-o", out)
    assert again.exit_code == 1
    assert "is there already; --force" in again.stderr
    assert run(tmp_path / "a.eml", "--to", "msg", "-o", out, "--force").exit_code == 0
    assert run(tmp_path / "a.eml", "--to", "mapi", "-o", tmp_path).exit_code == 0
    assert json.loads((tmp_path / "a.mapi").read_text())["properties"]["PidTagSubject"] == "Test"


def test_explaining(tmp_path):
    (tmp_path / "a.mapi").write_text('{"properties": {"PidTagBody": "x", "PidTagMessageClass": "IPM.StickyNote"}}')
    done = run(tmp_path / "a.mapi", "--to", "eml", "--explain")
    assert "a.mapi: altered: " in done.stderr
    noted = json.loads(run(tmp_path / "a.mapi", "--to", "eml", "--json").stderr.splitlines()[0])
    assert noted["file"].endswith("a.mapi")
    assert {"kind", "place", "what"} == set(noted["notes"][0])
    (tmp_path / "b.txt").write_text("text")
    assert "b.txt: nothing was lost." in run(tmp_path / "b.txt", "--to", "txt", "--explain").stderr


def test_a_folder(tmp_path):
    source = tmp_path / "in"
    (source / "deep").mkdir(parents=True)
    (source / "a.eml").write_bytes(EML)
    (source / "deep" / "b.eml").write_bytes(EML)
    (source / "notes.unknown").write_bytes(b"?")
    (source / "bad.msg").write_bytes(b"no message file")
    done = run(source, "--to", "msg", "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "2 messages written" in done.stderr
    assert "bad.msg: what this is cannot be told" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.msg")) == ["a.msg", "b.msg"]
    assert (tmp_path / "out" / "deep" / "b.msg").is_file()
    only = run(source, "--from", "eml", "--to", "txt", "-o", tmp_path / "texts")
    assert only.exit_code == 0, only.stderr
    assert (tmp_path / "texts" / "a.txt").read_text() == "Hello you"


def test_several_messages_of_one_file(tmp_path):
    cards = b"".join(b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Name %d\r\nEND:VCARD\r\n" % number for number in (1, 2))
    (tmp_path / "all.vcf").write_bytes(cards)
    assert "give a folder with --output" in run(tmp_path / "all.vcf", "--to", "msg").stderr
    assert run(tmp_path / "all.vcf", "--to", "msg", "-o", tmp_path / "out").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["all-1.msg", "all-2.msg"]
    assert run(tmp_path / "all.vcf", "--to", "vcf").stdout.count("BEGIN:VCARD") == 2


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["missing.eml", "--to", "txt"], "is not there"),
        ([".", "--to", "txt"], "give one with --output"),
        (["empty", "--to", "txt", "-o", "out"], "holds no file of the kinds"),
        (["x.bin", "--to", "txt"], "say it with --from"),
        (["x.bin", "--from", "msg", "--to", "txt"], "this is no compound file"),
        ([".", "--to", "txt", "-o", "x.bin"], "is a file; give a folder"),
    ],
)
def test_errors_say_how_to_mend(tmp_path, monkeypatch, args, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.bin").write_bytes(b"\0\1\2")
    done = run(*args)
    assert done.exit_code == 1
    assert says in done.stderr
