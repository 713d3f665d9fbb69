"""Parts of transfer encoding `binary`, made fit for every client ([RFC3516] 4.4)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.decoding import decode
from conversion.mime.structure import scan
from conversion.mime.unbinary import without_binary


def part(data: bytes, encoding: bytes = b"binary") -> bytes:
    return b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + data


def test_octets_become_base64_and_lines_8bit() -> None:
    assert without_binary(part(b"\0\1\2")) == part(b"AAEC\r\n", b"base64")
    assert without_binary(part(b"h\xe9llo\r\n")) == part(b"h\xe9llo\r\n", b"8bit")
    assert without_binary(part(b"bare\nfeed")) == part(b"YmFyZQpmZWVk\r\n", b"base64")
    folded = part(b"\0").replace(b": binary", b":\r\n binary (note)")
    assert b"Content-Transfer-Encoding: base64\r\n\r\nAA==" in without_binary(folded)


def test_what_is_not_binary_is_the_same_object() -> None:
    for raw in (part(b"\0", b"8bit"), b"Subject: binary\r\n\r\n\0", b""):
        assert without_binary(raw) is raw


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4))
def test_every_part_decodes_to_what_it_was(datas: list[bytes]) -> None:
    datas = [data.replace(b"--b", b"") for data in datas]
    raw = b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    raw += b"".join(b"--b\r\n" + part(data) + b"\r\n" for data in datas) + b"--b--\r\n"
    made = without_binary(raw)
    structure = scan(made)
    assert structure.root.encoding == "8bit"
    found = [decode(made[one.body_start : one.body_end], one.encoding) for one in structure.root.children]
    assert found == datas
    assert b"\0" not in made
