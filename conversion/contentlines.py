"""Content lines, of which iCalendar and vCard are made ([RFC5545] 3.1, [RFC6350] 3.2, 3.3).

    for card in read_components(data, receipt=receipt):
        for line in card.lines:
            line.name, line.group, line.value, line.parameter("TYPE"), line.all("TYPE")

Reading tells lines and components apart and gives values as they are written: what a value means (escapes, lists) is
known by its property, and `unescape`, `split_values` and `split_structured` open it. vCalendar 1.0 and vCard 2.1 are
read too: QUOTED-PRINTABLE is undone, bare parameters get a name. A line that is none is left out and noted, the lines
around it stay. The cost is linear.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from io import BytesIO

from conversion.mime.charset import decode_text, decode_unlabelled
from conversion.receipt import Receipt

MAX_OCTETS = 64 << 20
"""Octets of an input; what is beyond is left out."""
MAX_LINES = 1_000_000
MAX_COMPONENTS = 100_000
MAX_DEPTH = 20
"""Components inside one another."""
MAX_PARAMETERS = 200
"""Parameter values of one line."""
_REPEATED = 300
"""Octets of a line that is remembered."""
FOLDED = 75
"""Octets of a line that is written, without its end ([RFC5545] 3.1)."""

Parameter = tuple[str, tuple[str, ...]]

# Almost every line is one of this kind.
_PLAIN = re.compile(r"([A-Za-z0-9-]+):(.*)", re.S)
_NAME = re.compile(r'\s*([^\s;:"=\x00-\x1f]+)\s*')
_PARAMETER_NAME = re.compile(r"\s*([^;:=\",\x00-\x1f]*)\s*")
_QUOTED = re.compile(r'\s*"([^"]*)"\s*(?=[;:,])')
_UNQUOTED = re.compile(r"[^;:,]*")
_URI_SCHEMES = frozenset(("mailto", "http", "https", "cid", "urn", "ldap", "tel", "file", "invalid", "sip", "tzone"))
_REST = re.compile(r"[^;:]*")
_CARET = re.compile(r"\^([n'^])")
_CARETS = {"n": "\n", "'": '"', "^": "^"}
_ESCAPE = re.compile(r"\\([\\;,nN:\"])")
_TO_ESCAPE = re.compile(r"\r\n|[\\;,\r\n]")
_ESCAPED = {"\\": "\\\\", ";": "\\;", ",": "\\,", "\r\n": "\\n", "\r": "\\n", "\n": "\\n"}
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_BREAKS = re.compile(r"[\r\n]+")
_NOT_NAME = re.compile(r"[^A-Za-z0-9-]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+\s*")
_QUOTED_PRINTABLE = b"QUOTED-PRINTABLE"
# Bare parameters of vCard 2.1 and vCalendar 1.0, by what they say.
_BARE = {
    **dict.fromkeys(("QUOTED-PRINTABLE", "BASE64", "B", "8BIT", "7BIT"), "ENCODING"),
    **dict.fromkeys(("INLINE", "URL", "CONTENT-ID", "CID", "BINARY"), "VALUE"),
}


@dataclass(frozen=True, slots=True)
class ContentLine:
    """One property as it is written."""

    name: str
    """Upper case."""
    value: str
    """Still escaped; transfer encodings of QUOTED-PRINTABLE are undone, with \\n for line ends."""
    parameters: tuple[Parameter, ...] = ()
    """Name in upper case, values without quotes."""
    group: str = ""
    """What stands before the dot of the name ([RFC6350] 3.3)."""

    def parameter(self, name: str) -> str | None:
        """Give the first value of a parameter (its name in upper case), or None."""
        for key, values in self.parameters:
            if key == name:
                return values[0] if values else ""
        return None

    def all(self, name: str) -> tuple[str, ...]:
        """Give all values of a parameter, of however many of that name."""
        return tuple(value for key, values in self.parameters if key == name for value in values)


@dataclass(slots=True)
class Component:
    """What stands between BEGIN and END."""

    name: str
    """Upper case."""
    lines: list[ContentLine] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)

    def first(self, name: str) -> ContentLine | None:
        """Give the first line of a name, or None."""
        return next((line for line in self.lines if line.name == name), None)

    def every(self, name: str) -> list[ContentLine]:
        """Give the lines of a name."""
        return [line for line in self.lines if line.name == name]

    def value(self, name: str) -> str | None:
        """Give the value of the first line of a name, as it is written, or None."""
        line = self.first(name)
        return None if line is None else line.value

    def inner(self, name: str) -> list[Component]:
        """Give the components of a name inside this one."""
        return [component for component in self.components if component.name == name]


def read_components(data: bytes, *, receipt: Receipt | None = None) -> list[Component]:
    """Read the outermost components ([RFC5545] 3.4, [RFC6350] 6.1.1); none if there is no BEGIN.

    A component without its END is ended by the END of one around it, by the BEGIN of another of its kind, or by the
    end of the data.
    """
    notes = Receipt() if receipt is None else receipt
    reader = _Components(notes)
    for line in read_lines(data, receipt=notes):
        reader.take(line)
    return reader.finish()


class _Components:
    """Puts lines into components."""

    def __init__(self, notes: Receipt) -> None:
        self._notes = notes
        self._found: list[Component] = []
        self._open: list[Component] = []
        self._count = 0
        self._too_deep: list[str] = []

    def take(self, line: ContentLine) -> None:
        if line.name == "BEGIN":
            self._begin(line.value.strip().upper())
        elif line.name == "END":
            self._end(line.value.strip().upper())
        elif self._too_deep:
            return
        elif self._open:
            self._open[-1].lines.append(line)
        else:
            self._notes.dropped(line.name[:50], "outside of all components")

    def finish(self) -> list[Component]:
        for component in reversed(self._open):
            self._notes.altered(component.name[:50], "its END is missing")
        return self._found

    def _begin(self, name: str) -> None:
        if not self._too_deep and any(component.name == name for component in self._open):
            # No component is inside one of its own kind, but for the card of an AGENT ([vCard 2.1] 2.5.1).
            last = self._open[-1].lines[-1:]
            if not (last and last[0].name == "AGENT" and not last[0].value):
                self._close(name)
                self._notes.altered(name[:50], "its END is missing")
        if self._too_deep or len(self._open) >= MAX_DEPTH or self._count >= MAX_COMPONENTS:
            if not self._too_deep:
                self._notes.dropped(name[:50], "too many components, or too many inside one another")
            if len(self._too_deep) < MAX_COMPONENTS:
                self._too_deep.append(name)
            return
        self._count += 1
        component = Component(name)
        (self._open[-1].components if self._open else self._found).append(component)
        self._open.append(component)

    def _end(self, name: str) -> None:
        if self._too_deep:
            if self._too_deep[-1] == name:
                self._too_deep.pop()
                return
            if not any(component.name == name for component in self._open):
                return
            self._too_deep.clear()
        if any(component.name == name for component in self._open):
            self._close(name)
        else:
            self._notes.dropped(f"END:{name[:50]}", "nothing of that name has begun")

    def _close(self, name: str) -> None:
        """Close the innermost component of a name, and what is open inside it."""
        while (component := self._open.pop()).name != name:
            self._notes.altered(component.name[:50], "its END is missing")


def read_lines(data: bytes, *, receipt: Receipt | None = None) -> Iterator[ContentLine]:
    """Read the content lines of an iCalendar object or a vCard, BEGIN and END too ([RFC5545] 3.1)."""
    notes = Receipt() if receipt is None else receipt
    count = 0
    base64: list[str] = []
    held: ContentLine | None = None
    for octets in _unfolded(data, notes):
        if not octets or octets.isspace():
            continue
        count += 1
        if count > MAX_LINES:
            notes.dropped(f"line {count}", "too many lines")
            break
        text = decode_unlabelled(octets)
        plain = _PLAIN.match(text)
        if plain is not None:
            line: ContentLine | None = ContentLine(plain[1].upper(), plain[2])
        else:
            line = _parse(text, octets) if len(octets) > _REPEATED else _parse_again(text, octets)
        if line is None and held is not None and _BASE64.fullmatch(text):
            base64.append(text)
            continue
        if held is not None:
            yield replace(held, value="".join((held.value, *base64)))
            held = None
            base64 = []
        if line is None:
            notes.dropped(f"line {count}", "not a content line")
        elif line.parameters and (line.parameter("ENCODING") or "").upper() in ("B", "BASE64"):
            # vCard 2.1 may go on without a space before each line.
            held = line
        else:
            yield line
    if held is not None:
        yield replace(held, value="".join((held.value, *base64)))


def _unfolded(data: bytes, notes: Receipt) -> list[bytes]:
    """Give the lines in octets, before they are decoded: folds may be inside of characters ([RFC5545] 3.1)."""
    if len(data) > MAX_OCTETS:
        notes.dropped("end", f"what is beyond {MAX_OCTETS} octets")
        data = data[:MAX_OCTETS]
    data = _as_utf8(data)
    data = data.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if _QUOTED_PRINTABLE in data.upper():
        data = _join_soft_breaks(data)
    return data.replace(b"\n ", b"").replace(b"\n\t", b"").split(b"\n")


def _as_utf8(data: bytes) -> bytes:
    """Take the byte order mark off; turn UTF-16 into UTF-8."""
    if data.startswith(b"\xef\xbb\xbf"):
        return data[3:]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").encode()
    if data[:4] == b"B\0E\0" or data[:4] == b"\0B\0E":
        return data.decode("utf-16-le" if data[0] else "utf-16-be", "replace").encode()
    return data


def _join_soft_breaks(data: bytes) -> bytes:
    """Join the lines of QUOTED-PRINTABLE values, which end with `=` where they go on ([RFC2045] 6.7)."""
    found = bytearray()
    joined: bytearray | None = None  # the value that goes on
    for whole in BytesIO(data):
        line = whole.removesuffix(b"\n")
        if joined is None:
            if not (line.rstrip().endswith(b"=") and _QUOTED_PRINTABLE in line.partition(b":")[0].upper()):
                found += whole
                continue
            joined = bytearray()
        end = line.rstrip()
        if end.endswith(b"="):
            joined += end[:-1]
        else:
            found += joined + whole
            joined = None
    return bytes(found + (joined or b""))


def _parse(text: str, octets: bytes) -> ContentLine | None:
    """Read a line that has a group or parameters, or is not as it should be."""
    match = _NAME.match(text)
    if match is None:
        return None
    group, _, name = match[1].rpartition(".")
    if not name:
        return None
    parameters: list[Parameter] = []
    at, count = match.end(), 0
    while at < len(text) and text[at] == ";":
        key, values, at = _parameter(text, at + 1)
        count += len(values)
        if key and count <= MAX_PARAMETERS:
            parameters.append((key, values))
    if at >= len(text) or text[at] != ":":
        return None
    line = ContentLine(name.upper(), text[at + 1 :], tuple(parameters), group)
    charset = line.parameter("CHARSET")
    encoding = (line.parameter("ENCODING") or "").upper()
    if encoding != "QUOTED-PRINTABLE" and charset is None:
        return line
    return _decoded(line, octets, charset, encoding)


@lru_cache(maxsize=2048)
def _parse_again(text: str, octets: bytes) -> ContentLine | None:
    """The same for lines that are short: calendars name the same people in every event."""
    return _parse(text, octets)


def _decoded(line: ContentLine, octets: bytes, charset: str | None, encoding: str) -> ContentLine:
    """Undo QUOTED-PRINTABLE and CHARSET, and take these parameters away ([vCard 2.1] 2.1.5, 2.1.6)."""
    value = line.value
    # The value has no character of another encoding than what was decoded; octets come from the line itself.
    raw = octets[len(octets) - len(value.encode() if _is_utf8(octets) else value) :]
    if encoding == "QUOTED-PRINTABLE":
        raw = binascii.a2b_qp(raw)
    if encoding == "QUOTED-PRINTABLE" or not value.isascii():
        value = decode_text(raw, charset)
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    gone = ("CHARSET", "ENCODING") if encoding == "QUOTED-PRINTABLE" else ("CHARSET",)
    kept = tuple(parameter for parameter in line.parameters if parameter[0] not in gone)
    return ContentLine(line.name, value, kept, line.group)


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _parameter(text: str, at: int) -> tuple[str, tuple[str, ...], int]:
    """Read a parameter from behind its semicolon on; give name, values and where it ends ([RFC5545] 3.2)."""
    match = _PARAMETER_NAME.match(text, at)
    assert match is not None  # it may be empty
    name, at = match[1].strip().upper(), match.end()
    if at >= len(text) or text[at] != "=":
        # vCard 2.1: a value without the parameter's name.
        return _BARE.get(name, "TYPE") if name else "", (match[1].strip(),), _end_of_parameter(text, at)
    values: list[str] = []
    while True:
        value, at = _parameter_value(text, at + 1)
        values.append(value)
        if at >= len(text) or text[at] != ",":
            return name, tuple(values), at


def _end_of_parameter(text: str, at: int) -> int:
    match = _REST.match(text, at)
    assert match is not None  # it may be empty
    return match.end()


def _parameter_value(text: str, at: int) -> tuple[str, int]:
    """Read one value of a parameter, with `^n`, `^'` and `^^` ([RFC6868] 3.1)."""
    match = _QUOTED.match(text, at)
    if match is not None:
        value, at = match[1], match.end()
    else:
        match = _UNQUOTED.match(text, at)
        assert match is not None  # it may be empty
        value, at = match[0].strip(), match.end()
        # `SENT-BY=mailto:a@b:mailto:c@d`: the colon of a URI that should have been in quotes.
        if text[at : at + 1] == ":" and value.lower().strip('"') in _URI_SCHEMES:
            end = _end_of_parameter(text, at + 1)
            if text[end : end + 1] == ":" or (text[end : end + 1] == ";" and ":" in text[end : end + 1000]):
                value, at = value + text[at:end].rstrip(), end
        value = value.strip('"')
    return (_CARET.sub(lambda match: _CARETS[match[1]], value) if "^" in value else value), at


def unescape(text: str) -> str:
    """Undo the escapes of a TEXT ([RFC5545] 3.3.11, [RFC6350] 3.4); a backslash before anything else stays."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], text)


def split_values(text: str, separator: str = ",") -> list[str]:
    """Split a list at a separator that is not escaped; the pieces are unescaped."""
    if "\\" not in text:
        return text.split(separator)
    return [unescape(piece) for piece in _split_raw(text, separator)]


def split_structured(text: str) -> list[list[str]]:
    """Split a structured value: components at semicolons, their values at commas ([RFC6350] 3.3), all unescaped."""
    return [split_values(piece) for piece in _split_raw(text, ";")]


def _split_raw(text: str, separator: str) -> list[str]:
    """Split at a separator without a backslash before it; escapes stay."""
    found: list[str] = []
    start = at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] == separator:
            found.append(text[start:at])
            start = at + 1
        at += 1
    found.append(text[start:])
    return found


def escape(text: str) -> str:
    """Write a TEXT ([RFC5545] 3.3.11): controls that no line can have are left out."""
    return _TO_ESCAPE.sub(lambda match: _ESCAPED[match[0]], _CONTROLS.sub("", text))


def write_line(
    name: str, value: str, parameters: Iterable[tuple[str, str | Sequence[str]]] = (), group: str = ""
) -> bytes:
    """Write a content line, folded, with CRLF ([RFC5545] 3.1). `value` is escaped already where it is to be.

    What cannot stand in a line is left out: controls of the value, other characters than letters, digits and hyphens
    of names.
    """
    parts = [f"{_NOT_NAME.sub('', group)}." if group else "", _NOT_NAME.sub("", name)]
    for key, values in parameters:
        written = ",".join(map(_parameter_text, (values,) if isinstance(values, str) else values))
        parts.append(f";{_NOT_NAME.sub('', key)}={written}")
    parts += [":", _BREAKS.sub(" ", _CONTROLS.sub("", value))]
    return fold("".join(parts))


def _parameter_text(value: str) -> str:
    text = _CONTROLS.sub("", value).replace("^", "^^").replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\n", "^n").replace('"', "^'")
    # A word before the colon that could begin an address is quoted too: readers find addresses that nobody quoted.
    quoted = any(special in text for special in ";:,") or text.strip().lower() in _URI_SCHEMES
    return f'"{text}"' if quoted else text


def fold(line: str) -> bytes:
    """Give a line in UTF-8 with CRLF, folded after 75 octets, never inside of a character ([RFC5545] 3.1)."""
    octets = line.encode("utf-8", "replace")
    if len(octets) <= FOLDED:
        return octets + b"\r\n"
    parts: list[bytes] = []
    start, room = 0, FOLDED
    while len(octets) - start > room:
        end = start + room
        while octets[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(octets[start:end])
        start, room = end, FOLDED - 1
    parts.append(octets[start:])
    return b"\r\n ".join(parts) + b"\r\n"


def write_component(component: Component) -> bytes:
    """Write a component with all that is in it ([RFC5545] 3.4). RecursionError is not met: MAX_DEPTH bounds reading."""
    parts: list[bytes] = []
    _write(component, parts)
    return b"".join(parts)


def _write(component: Component, parts: list[bytes]) -> None:
    parts.append(write_line("BEGIN", component.name))
    parts += [write_line(line.name, line.value, line.parameters, line.group) for line in component.lines]
    for inner in component.components:
        _write(inner, parts)
    parts.append(write_line("END", component.name))
