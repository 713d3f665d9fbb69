"""A vCard that is being written, in any of its versions.

vCard 3.0 and 4.0 are written in UTF-8, folded after 75 octets ([RFC2426] 2.6, [RFC6350] 3.2). vCard 2.1 has parameters
without names, and QUOTED-PRINTABLE with its charset for what is not plain ASCII in one short line.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence

from conversion.contentlines import FOLDED, escape, write_line
from conversion.receipt import Receipt

VERSIONS = ("2.1", "3.0", "4.0")

_PLAIN = re.compile(r"[!-~][ -~]*\Z")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_BREAK = re.compile(r"\r\n|\r|\n")
_OLD_LISTED = re.compile(r"[\\;,]")
_OLD_SPECIAL = re.compile(r"[\\;]")
_NOT_WORD = re.compile(r"[^A-Za-z0-9-]+")
# Kinds that vCard 4.0 does not know ([RFC6350] 5.6, 6.4.1), and those that mean nothing there.
_GONE = frozenset(("car", "isdn", "x400", "custom1", "custom2", "custom3", "custom4"))
_UNSAID = frozenset(("internet", "n"))
_OLD_WIDTH = 72

Parameters = Iterable[tuple[str, str]]


class Lines:
    """The lines of one card, from BEGIN on."""

    def __init__(self, version: str, receipt: Receipt) -> None:
        self.version = version
        self.receipt = receipt
        self._parts: list[bytes] = [b"BEGIN:VCARD\r\n", b"VERSION:%s\r\n" % version.encode()]
        self._groups = 0

    def octets(self) -> bytes:
        """End the card and give it."""
        return b"".join((*self._parts, b"END:VCARD\r\n"))

    def new_group(self) -> str:
        """Give a name for a group of lines."""
        self._groups += 1
        return f"item{self._groups}"

    def text(
        self,
        name: str,
        text: str,
        kinds: Sequence[str] = (),
        *,
        preferred: bool = False,
        parameters: Parameters = (),
        group: str = "",
    ) -> None:
        """Write a text."""
        self.fields(name, (text,), kinds, preferred=preferred, parameters=parameters, group=group)

    def fields(
        self,
        name: str,
        fields: Sequence[str],
        kinds: Sequence[str] = (),
        *,
        preferred: bool = False,
        parameters: Parameters = (),
        group: str = "",
    ) -> None:
        """Write a structure, such as a name or an address; each component has one value."""
        if self.version == "2.1":
            value = ";".join(_OLD_SPECIAL.sub(r"\\\g<0>", field) for field in fields)
        else:
            value = ";".join(map(escape, fields))
        self._add(name, value, kinds, preferred, parameters, group)

    def list(self, name: str, values: Sequence[str]) -> None:
        """Write a list; vCard 2.1 has none, and gets a line for each value."""
        if self.version == "2.1":
            for value in values:
                self._add(name, _OLD_LISTED.sub(r"\\\g<0>", value))
        else:
            self._add(name, ",".join(map(escape, values)))

    def uri(
        self, name: str, uri: str, kinds: Sequence[str] = (), *, preferred: bool = False, parameters: Parameters = ()
    ) -> None:
        """Write a URI, a date or the like, in which commas and semicolons are no separators."""
        if self.version == "2.1":
            self.text(name, uri, kinds, preferred=preferred, parameters=parameters)
        else:
            self._add(name, uri.replace("\\", "\\\\"), kinds, preferred, parameters)

    def binary(self, name: str, data: bytes, kind: str, media: str, parameters: Parameters = ()) -> None:
        """Write octets: base64, or a data URI in vCard 4.0. `kind`: JPEG, X509, ...; `media`: image/jpeg, ..."""
        encoded = b64encode(data).decode()
        if self.version == "4.0":
            self._parts.append(write_line(name, f"data:{media};base64,{encoded}", parameters))
        elif self.version == "3.0":
            typed = [("TYPE", kind)] if kind else []
            self._parts.append(write_line(name, encoded, [("ENCODING", "b"), *typed, *parameters]))
        else:
            head = ";".join([name, "ENCODING=BASE64", *([kind] if kind else [])])
            rows = [encoded[at : at + _OLD_WIDTH] for at in range(0, len(encoded), _OLD_WIDTH)]
            self._parts.append("\r\n ".join([f"{head}:", *rows]).encode() + b"\r\n\r\n")

    def card(self, data: bytes) -> None:
        """Write a card in the card: that of an agent ([vCard 2.1] 2.5.1, [RFC2426] 3.5.4, [RFC6350] 6.6.6)."""
        if self.version == "4.0":
            self.binary("RELATED", data, "", "text/vcard", [("TYPE", "agent")])
        elif self.version == "3.0":
            self._add("AGENT", escape(data.decode()))
        else:
            self._parts += [b"AGENT:\r\n", data]

    def _add(
        self,
        name: str,
        value: str,
        kinds: Sequence[str] = (),
        preferred: bool = False,
        parameters: Parameters = (),
        group: str = "",
    ) -> None:
        """Write a line; the value is escaped."""
        if self.version == "2.1":
            self._parts.append(_old_line(name, value, [*kinds, *(["PREF"] if preferred else ())], parameters, group))
            return
        written: list[tuple[str, str | Sequence[str]]] = []
        if self.version == "4.0":
            kinds = [f"x-{kind}" if kind in _GONE else kind for kind in map(str.lower, kinds) if kind not in _UNSAID]
            written += [("TYPE", list(kinds))] if kinds else []
            written += [("PREF", "1")] if preferred else []
        elif kinds or preferred:
            written.append(("TYPE", [*kinds, *(["pref"] if preferred else ())]))
        self._parts.append(write_line(name, value, [*written, *parameters], group))


def _old_line(name: str, value: str, kinds: Sequence[str], parameters: Parameters, group: str) -> bytes:
    """Write a line of vCard 2.1 ([vCard 2.1] 2.1.1 to 2.1.6)."""
    words = [_NOT_WORD.sub("", kind).upper() for kind in kinds]
    words += [f"{key}={_NOT_WORD.sub('', given)}" for key, given in parameters]
    head = ";".join([f"{group}.{name}" if group else name, *words])
    value = _CONTROLS.sub("", value)
    if not value or (_PLAIN.match(value) and len(head) + len(value) < FOLDED and not value.endswith("=")):
        return f"{head}:{value}\r\n".encode()
    quoted = binascii.b2a_qp(_BREAK.sub("\r\n", value).encode("utf-8", "replace"), istext=False)
    label = "" if value.isascii() else ";CHARSET=UTF-8"
    return f"{head}{label};ENCODING=QUOTED-PRINTABLE:".encode() + quoted.replace(b"=\n", b"=\r\n") + b"\r\n"
