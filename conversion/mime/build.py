"""Making MIME: header fields, encoded words, parameters, transfer encodings, multiparts.

    fields = [field("Subject", text_tokens("Grüße")), field("To", mailbox_tokens("Ann", "ann@example.net"))]
    kind = media_field("Content-Type", "text/plain", [parameter_tokens("charset", "utf-8")])
    message = Multipart(fields, "mixed", boundary, [Leaf([kind], text, choose_encoding(text)), ...])
    for chunk in message.write(): ...

What comes out has CRLF line ends, no NUL, no CR or LF alone and no line above 998 octets, whatever goes in; a value can
end no field, because controls become blanks ([RFC5322] 2.1.1, 2.2). Field values are lists of tokens here: a field is
folded between tokens and nowhere else ([RFC5322] 2.2.3).
"""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from conversion.mime.headers import normalise_newlines

CRLF = b"\r\n"
MAX_LINE = 998
"""Octets of a line without its CRLF ([RFC5322] 2.1.1)."""
MAX_TOKEN = 900
"""Octets of what cannot be folded: an address, an identifier. Longer ones have no place in a header."""
_WIDTH = 76
_WORD = 75 - len("=?utf-8?Q??=")
"""Octets of encoded text in an encoded word ([RFC2047] 2)."""
_ESCAPED_SHARE = 0.17
"""Above this share of octets that quoted-printable escapes, base64 is shorter or as short."""
_SECTION = 50
"""Octets of a parameter's value on one line ([RFC2231] 3)."""

_CONTROL = re.compile("[\x00-\x1f\x7f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLAIN = re.compile(r"[\x20-\x7e]*\Z")
_FIELD_NAME = re.compile(r"[!-9;-~]{1,100}\Z")
# Atoms; what is not ASCII belongs to them in internationalised mail ([RFC6532] 3.2).
_ATEXT = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\U0010ffff]"
_DOT_ATOM = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*\Z")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*\Z")
_LITERAL = re.compile(r"\[[!-Z^-~]*\]\Z")
# Tokens also have `%`, `'` and `*`, which some readers take for signs of [RFC2231].
_TOKEN = re.compile(r"[A-Za-z0-9!#$&+\-.^_`{|}~]+\Z")
_MEDIA = re.compile(r"[A-Za-z0-9!#$&+.^_-]{1,127}/[A-Za-z0-9!#$&+.^_-]{1,127}\Z")
# What an encoded word may show in a display name too ([RFC2047] 5).
_SHOWN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_TEXT_TOKENS = re.compile(r" *[^ ]+")
_LINE_ENDS = re.compile("\r\n|\r|\n")
_FROM = re.compile(rb"^From ([^\r\n]*)", re.M)
_LONE_DOT = re.compile(rb"^\.(?=\r?$)", re.M)
# What quoted-printable shows as it stands: printable ASCII without the equals sign, blanks and line ends.
_SAFE = bytes(octet for octet in range(32, 127) if octet != 61) + b"\t\r\n"
_LINE_BASE64 = 57


# --- Header fields ----------------------------------------------------------------------------------------------------


def is_field_name(name: str) -> bool:
    """Whether a name can be that of a header field ([RFC5322] 2.2)."""
    return _FIELD_NAME.match(name) is not None


def is_media_type(text: str) -> bool:
    """Whether a text is a media type, `type/subtype`, without parameters ([RFC2045] 5.1, [RFC6838] 4.2)."""
    return _MEDIA.match(text) is not None


def is_token(text: str) -> bool:
    """Whether a parameter's value may stand without quotes ([RFC2045] 5.1)."""
    return _TOKEN.match(text) is not None


def clean(text: str) -> str:
    """Put blanks in the place of controls and U+FFFD in that of halves of surrogate pairs."""
    if text.isprintable():
        return text
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub(" ", text)


def field(name: str, tokens: Sequence[bytes]) -> bytes:
    """Write a header field, folded between tokens, with its CRLF ([RFC5322] 2.2.3).

    One blank comes before each token. A token longer than a line can be (MAX_LINE) must not be given.
    """
    line = name.encode("ascii") + b":"
    lines: list[bytes] = []
    for token in tokens:
        if len(line) + 1 + len(token) > _WIDTH and (lines or len(token) < _WIDTH or len(line) + len(token) >= MAX_LINE):
            lines.append(line)
            line = b" " + token
        else:
            line += b" " + token
    lines.append(line)
    return CRLF.join(lines) + CRLF


def encoded_words(text: str, spare: int = 13) -> list[bytes]:
    """Write text as encoded words, none above 75 octets, no character split ([RFC2047] 2, 5).

    Of the two encodings the one that is shorter is taken for the whole text. Words stay `spare` octets below the limit,
    so that the first of them fits beside the name of a field on a line of 76.
    """
    characters = [char.encode("utf-8", "replace") for char in clean(text)]
    escaped = sum(1 if octet in _SHOWN or octet == 32 else 3 for char in characters for octet in char)
    in_base64 = (sum(map(len, characters)) + 2) // 3 * 4 <= escaped
    words: list[bytes] = []
    piece: list[bytes] = []
    used = 0
    room = (_WORD - spare) // 4 * 3 if in_base64 else _WORD - spare
    for char in characters:
        shown = char if in_base64 else b"".join([_escape(octet) for octet in char])
        if used + len(shown) > room:
            words.append(b"".join(piece))
            piece, used = [], 0
        piece.append(shown)
        used += len(shown)
    words.append(b"".join(piece))
    if in_base64:
        return [b"=?utf-8?B?" + b64encode(word) + b"?=" for word in words if word]
    return [b"=?utf-8?Q?" + word + b"?=" for word in words if word]


def _escape(octet: int) -> bytes:
    if octet in _SHOWN:
        return bytes((octet,))
    return b"_" if octet == 32 else b"=%02X" % octet


def text_tokens(text: str) -> list[bytes]:
    """Write free text: as it stands where it can be read back so, else in encoded words ([RFC2047] 5)."""
    text = clean(text)
    if "=?" not in text and (tokens := _plain_tokens(text)) is not None:
        return tokens
    return encoded_words(text)


def kept_tokens(text: str) -> list[bytes]:
    """Write the raw value of a field of another message again: as `text_tokens`, but encoded words in it stay."""
    text = clean(text).strip(" ")
    tokens = _plain_tokens(text)
    return encoded_words(text) if tokens is None else tokens


def _plain_tokens(text: str) -> list[bytes] | None:
    if not _PLAIN.match(text) or text != text.strip(" "):
        return None
    found = _TEXT_TOKENS.findall(text)
    # The blank between tokens is the field's own; more of them belong to the token that follows.
    tokens = [token[1:] if at else token for at, token in enumerate(found)]
    return [token.encode("ascii") for token in tokens] if all(len(token) <= MAX_TOKEN for token in tokens) else None


def phrase_tokens(name: str) -> list[bytes]:
    """Write a display name: atoms, a quoted string, or encoded words ([RFC5322] 3.2.5, [RFC2047] 5)."""
    name = clean(name)
    if "=?" not in name and len(name) <= 200:
        if _PHRASE.match(name):
            return name.encode("ascii").split(b" ")
        if _PLAIN.match(name) and name == name.strip(" "):
            return [_quoted(name).encode("ascii")]
    return encoded_words(name)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def addr_spec(address: str) -> bytes | None:
    """Write an address ([RFC5322] 3.4.1); one that is not ASCII in UTF-8 ([RFC6532] 3.2). None for what is none.

    An address without a domain stays without: it came so, and no domain is right for all.
    """
    if not address or len(address) > MAX_TOKEN // 2 or _CONTROL.search(address) or _SURROGATE.search(address):
        return None
    local, at, domain = address.rpartition("@")
    if not at:
        local, domain = address, ""
    if not local or (at and not (_DOT_ATOM.match(domain) or _LITERAL.match(domain))):
        return None
    if not _DOT_ATOM.match(local):
        local = _quoted(local)
    written = (local + at + domain).encode("utf-8")
    return written if len(written) <= MAX_TOKEN else None


def mailbox_tokens(name: str, address: str) -> list[bytes] | None:
    """Write one mailbox ([RFC5322] 3.4); None where the address cannot be written."""
    spec = addr_spec(address)
    if spec is None:
        return None
    shown = clean(name).strip()
    return [*phrase_tokens(name), b"<" + spec + b">"] if shown and name != address else [b"<" + spec + b">"]


def list_tokens(members: Iterable[list[bytes]]) -> list[bytes]:
    """Join mailboxes, or other lists of tokens, by commas."""
    tokens: list[bytes] = []
    for member in members:
        if tokens:
            tokens[-1] += b","
        tokens += member
    return tokens


def parameter_tokens(key: str, text: str) -> list[bytes]:
    """Write a parameter: a token, a quoted string, or by [RFC2231] 4, in sections where it is long ([RFC2231] 3)."""
    text = clean(text)
    if _PLAIN.match(text) and len(text) <= _SECTION + 20 and "=?" not in text and text == text.strip(" "):
        return [f"{key}={text if is_token(text) else _quoted(text)}".encode("ascii")]
    shown = quote(text, safe="!#$&+^`{}|~", errors="replace")
    if len(shown) <= _SECTION:
        return [f"{key}*=utf-8''{shown}".encode("ascii")]
    sections: list[str] = []
    while shown:
        cut = _SECTION
        # An escaped octet stays in one piece; a character may be split, the octets are joined before they are read.
        if len(shown) > cut and "%" in shown[cut - 2 : cut]:
            cut = shown.rindex("%", cut - 2, cut)
        sections.append(shown[:cut])
        shown = shown[cut:]
    sections[0] = "utf-8''" + sections[0]
    return [f"{key}*{number}*={section}".encode("ascii") for number, section in enumerate(sections)]


def word_parameter_tokens(key: str, text: str) -> list[bytes]:
    """Write a parameter with encoded words inside quotes, which [RFC2047] 5 forbids and older readers need.

    For a name that stands by [RFC2231] in another field too. Plain names are written plainly.
    """
    text = clean(text)
    if _PLAIN.match(text) and len(text) <= MAX_TOKEN // 2 and "=?" not in text:
        return [f"{key}={text if is_token(text) else _quoted(text)}".encode("ascii")]
    words = encoded_words(text, len(key) + 3)
    words[0] = key.encode("ascii") + b'="' + words[0]
    words[-1] += b'"'
    return words


def media_field(name: str, value: str, parameters: Iterable[list[bytes]] = ()) -> bytes:
    """Write Content-Type or Content-Disposition ([RFC2045] 5.1, [RFC2183] 2).

    Each of `parameters` is what `parameter_tokens` gives for one.
    """
    tokens = [value.encode("ascii")]
    for written in parameters:
        # The sections of a parameter are parameters themselves; the words within one pair of quotes are not.
        for token in written:
            if b"=?" not in token or b"=" in token.partition(b"=?")[0]:
                tokens[-1] += b";"
            tokens.append(token)
    return field(name, tokens)


# --- Bodies -----------------------------------------------------------------------------------------------------------


def canonical_text(text: str) -> str:
    """Give text with CRLF line ends ([RFC2045] 2.10)."""
    return _LINE_ENDS.sub("\r\n", text)


def choose_encoding(data: bytes) -> str:
    """Choose the transfer encoding of a text: what keeps it readable and whole on any way ([RFC2045] 6.7, 6.8, 2.7).

    `7bit` for ASCII in lines of at most MAX_LINE, none of which a mailbox file or SMTP would change; quoted-printable
    where few octets need an escape; else base64, and always where CR or LF stand alone, which only base64 keeps.
    """
    lone = data.count(b"\n") != data.count(b"\r\n") or data.count(b"\r") != data.count(b"\r\n")
    if lone:
        return "base64"
    if data.isascii() and b"\0" not in data:
        lines = data.split(CRLF)
        if len(max(lines, key=len)) <= MAX_LINE and not any(
            line == b"." or line.startswith(b"From ") for line in lines
        ):
            return "7bit"
    return "quoted-printable" if len(data.translate(None, _SAFE)) <= _ESCAPED_SHARE * len(data) else "base64"


def encode_body(data: bytes, encoding: str) -> Iterator[bytes]:
    """Encode a body, a portion at a time ([RFC2045] 6). Encodings but base64 and quoted-printable leave it as it is."""
    if encoding == "base64":
        portion = _LINE_BASE64 * 4096
        for at in range(0, len(data), portion):
            yield _base64_lines(data[at : at + portion])
    elif encoding == "quoted-printable":
        yield quoted_printable(data)
    else:
        yield data


def _base64_lines(data: bytes) -> bytes:
    whole = binascii.b2a_base64(data, newline=False)
    return CRLF.join([whole[at : at + 76] for at in range(0, len(whole), 76)]) + CRLF


def quoted_printable(data: bytes) -> bytes:
    """Encode text of CRLF lines ([RFC2045] 6.7); no line is `.` or begins with `From `."""
    # Soft line ends follow the first line end of the text, which need not have one.
    lines = normalise_newlines(binascii.b2a_qp(data, istext=True))
    if b"From " in lines:
        lines = _FROM.sub(_mask_from, lines)
    return _LONE_DOT.sub(b"=2E", lines) if b"." in lines else lines


def _mask_from(match: re.Match[bytes]) -> bytes:
    # Two octets more could be too many for the line.
    return b"=46rom " + match[1] if len(match[0]) <= _WIDTH - 2 else b"=46rom =" + CRLF + match[1]


# --- Entities ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Entity:
    """A message or a part of one: its header fields, each with its CRLF, and what follows the blank line."""

    fields: list[bytes]

    def content_fields(self) -> list[bytes]:
        """List the fields that the kind of entity makes by itself."""
        return []

    def body(self) -> Iterator[bytes]:
        """Yield what stands after the blank line."""
        yield b""

    def is_8bit_body(self) -> bool:
        """Whether octets beyond ASCII stand after the blank line."""
        return False

    @property
    def has_8bit(self) -> bool:
        """Whether octets beyond ASCII are in it as they are: addresses in UTF-8, or a part that is kept verbatim."""
        return any(not line.isascii() for line in self.fields) or self.is_8bit_body()

    def write(self) -> Iterator[bytes]:
        """Yield the octets, a portion at a time."""
        yield b"".join([*self.fields, *self.content_fields(), CRLF])
        yield from self.body()


@dataclass(slots=True)
class Leaf(Entity):
    """An entity that is no multipart."""

    data: bytes
    """Before it is encoded."""
    encoding: str

    def content_fields(self) -> list[bytes]:
        """List Content-Transfer-Encoding, where it is not the default ([RFC2045] 6.1)."""
        return [] if self.encoding == "7bit" else [field("Content-Transfer-Encoding", [self.encoding.encode("ascii")])]

    def body(self) -> Iterator[bytes]:
        """Yield the encoded data."""
        return encode_body(self.data, self.encoding)


@dataclass(slots=True)
class Verbatim(Entity):
    """An entity whose body is there already, octet for octet, as a signature covers it; `fields` describe it whole."""

    octets: bytes

    def body(self) -> Iterator[bytes]:
        """Yield it as it is."""
        yield self.octets

    def is_8bit_body(self) -> bool:
        """Whether octets beyond ASCII are in it."""
        return not self.octets.isascii()


@dataclass(slots=True)
class Multipart(Entity):
    """A multipart ([RFC2046] 5.1)."""

    subtype: str
    boundary: str
    """At most 70 characters, which nobody who wrote any of the children could know."""
    children: list[Entity]
    parameters: tuple[tuple[str, str], ...] = ()
    """More parameters of Content-Type."""

    def content_fields(self) -> list[bytes]:
        """List Content-Type, and Content-Transfer-Encoding where a child has octets beyond ASCII ([RFC2045] 6.4)."""
        parameters = [parameter_tokens(key, value) for key, value in self.parameters]
        parameters.append([f'boundary="{self.boundary}"'.encode("ascii")])
        return [
            media_field("Content-Type", f"multipart/{self.subtype}", parameters),
            *_eight_bit(self.is_8bit_body()),
        ]

    def body(self) -> Iterator[bytes]:
        """Yield the children between their boundary lines."""
        delimiter = b"--" + self.boundary.encode("ascii")
        for number, child in enumerate(self.children):
            yield (CRLF if number else b"") + delimiter + CRLF
            yield from child.write()
        yield CRLF + delimiter + b"--" + CRLF

    def is_8bit_body(self) -> bool:
        """Whether any child has octets beyond ASCII."""
        return any(child.has_8bit for child in self.children)


@dataclass(slots=True)
class Enclosed(Entity):
    """A message/rfc822 part ([RFC2046] 5.2.1), never in base64 or quoted-printable."""

    message: Entity

    def content_fields(self) -> list[bytes]:
        """List Content-Type, and Content-Transfer-Encoding where the message has octets beyond ASCII."""
        return [media_field("Content-Type", "message/rfc822"), *_eight_bit(self.is_8bit_body())]

    def body(self) -> Iterator[bytes]:
        """Yield the message."""
        return self.message.write()

    def is_8bit_body(self) -> bool:
        """Whether the message has octets beyond ASCII."""
        return self.message.has_8bit


def _eight_bit(needed: bool) -> list[bytes]:
    return [field("Content-Transfer-Encoding", [b"8bit"])] if needed else []
