"""Files in the text of a message, as before MIME."""

from __future__ import annotations

import time
from binascii import b2a_uu

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.uuencode import MAX_FILES, UuFile, extract


def uuencoded(name, data, newline=b"\r\n"):
    lines = [b2a_uu(data[at : at + 45]).rstrip(b"\n") for at in range(0, len(data), 45)]
    return newline.join([b"begin 644 " + name, *lines, b"`", b"end", b""])


@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
@pytest.mark.parametrize("data", [b"", b"x", b"two", bytes(range(256)), b"long " * 200])
def test_files_are_taken_out(data, newline):
    """[MS-OXCMAIL] 2.2.3.9.1: the text stays, in order, without them."""
    body = (
        b"before"
        + newline
        + uuencoded(b"a b.txt", data, newline)
        + b"between"
        + newline
        + uuencoded(b"c", b"!", newline)
    )
    text, files = extract(body)
    assert text == b"before" + newline + b"between" + newline
    assert files == [UuFile("a b.txt", data), UuFile("c", b"!")]


def test_blanks_that_got_lost_and_characters_too_many():
    line = b2a_uu(b"\0\0\0abc").rstrip(b"\n").replace(b"`", b" ")
    body = b"begin 0755 x\n" + line + b"\n" + b2a_uu(b"abc\0\0\0").replace(b"`", b" ").rstrip() + b"\n#86)C`\n \nend\n"
    assert extract(body) == (b"", [UuFile("x", b"\0\0\0abcabc\0\0\0abc")])


@pytest.mark.parametrize(
    "body",
    [
        b"begin 644 x\nno line of a file, but a sentence that is long and says so\nend\n",
        b"begin 644 x\n#86)C\n",
        b"we begin 644 times\n#86)C\nend\n",
        b"begin 9 x\n#86)C\nend\n",
        b"begin 644 x\n#86)C\nThe end\n",
        b"begin 644 x\n#\x0186\nend\n",
        b"",
    ],
)
def test_what_only_looks_like_a_file_stays(body):
    assert extract(body) == (body, [])


def test_of_two_beginnings_the_last_counts():
    assert extract(b"begin 644 a\nbegin 644 b\n#86)C\nend\n") == (b"begin 644 a\n", [UuFile("b", b"abc")])


def test_blanks_that_got_lost_make_no_bomb():
    """A line may say that it has 45 octets and have one character: the others are blanks, to some extent."""
    few, many = (b"begin 644 x\n" + b"M\n" * count + b"`\nend\n" for count in (100, 100_000))
    assert extract(few) == (b"", [UuFile("x", bytes(4500))])
    assert extract(many) == (many, [])


def test_blanks_behind_the_name():
    assert extract(b"begin 644 x \t\r\n`\nend\n") == (b"", [UuFile("x", b"")])


def test_names_of_any_charset():
    assert extract("begin 644 ä\n#86)C\nend\n".encode())[1][0].name == "ä"
    assert extract("begin 644 ä\n#86)C\nend\n".encode("cp1252"))[1][0].name == "ä"


def test_files_have_an_end():
    text, files = extract(uuencoded(b"x", b"y") * (MAX_FILES + 2))
    assert len(files) == MAX_FILES
    assert text == uuencoded(b"x", b"y") * 2


@given(st.lists(st.sampled_from([b"begin 644 x\n", b"end\n", b"#86)C\n", b"\n", b"text\n", b"`\n", b"\xff\n"])))
def test_anything_is_read(lines):
    body = b"".join(lines)
    text, files = extract(body)
    assert len(text) + sum(len(file.data) for file in files) <= len(body)


def test_no_lines_cost_more_than_their_length():
    start = time.process_time()
    for lines in (b"begin 644 x\n", b"begin 644 x\n!!\nend\n", b"begin 644 x\n" * 10 + b"end\n"):
        extract(lines * 20_000)
    extract(b"begin 644 " + b" " * 5_000_000 + b"x\nend\n")
    assert time.process_time() - start < 5  # with quadratic work it would be minutes
