"""Transfer encodings ([RFC2045] 6)."""

from __future__ import annotations

import base64
import binascii
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.transfer import decode_transfer


@pytest.mark.parametrize(
    ("data", "encoding", "decoded"),
    [
        (b"YWJj\r\nZGVm\r\n", "base64", b"abcdef"),
        (b"YWJj!Z G*Vm", "base64", b"abcdef"),  # [RFC2045] 6.8: other characters are passed over
        (b"YWI", "base64", b"ab"),
        (b"YQ==YmM=", "base64", b"abc"),  # two pieces, each padded
        (b"YWJjZ", "base64", b"abc"),
        (b"====", "base64", b""),
        (b"a=3D=\r\n b=e4 \r\n", "quoted-printable", b"a= b\xe4 \r\n"),
        (b"=zz=", "quoted-printable", b"=zz"),
        (b"begin 644 a.txt\r\n#86)C\r\n`\r\nend\r\n", "x-uuencode", b"abc"),
        (b"#86)C\r\n", "uuencode", b"abc"),
        (b"a=3D", "7bit", b"a=3D"),
        (b"a=3D", "x-none", b"a=3D"),
    ],
)
def test_decoding(data: bytes, encoding: str, decoded: bytes) -> None:
    assert decode_transfer(data, encoding) == decoded


@given(st.binary(max_size=200))
def test_what_is_encoded_comes_back(data: bytes) -> None:
    assert decode_transfer(base64.encodebytes(data), "base64") == data
    assert decode_transfer(quopri.encodestring(data, quotetabs=True), "quoted-printable") == data
    lines = [binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    assert decode_transfer(b"begin 644 x\n" + b"".join(lines) + b"`\nend\n", "x-uuencode") == data


@given(st.binary(max_size=100), st.sampled_from(["base64", "quoted-printable", "x-uuencode", "?"]))
def test_nothing_raises(data: bytes, encoding: str) -> None:
    assert isinstance(decode_transfer(data, encoding), bytes)
