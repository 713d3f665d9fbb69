"""Charset names as mail writes them, and decoding that never fails ([RFC2045] 5, [RFC2046] 4.1.2).

Labels are read as browsers and Exchange read them: ISO-8859-1 is windows-1252, GB2312 is GB18030, and so on. A wrong or
missing label gives UTF-8 if the octets are valid UTF-8, else windows-1252 (reference: [MS-OXCMAIL] 2.2.3.3).
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from itertools import chain

_ALIASES = {
    "ansi-x3.4-1968": "ascii",
    "ascii": "ascii",
    "us-ascii": "ascii",
    "usascii": "ascii",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "l1": "cp1252",
    "cp819": "cp1252",
    "ansi": "cp1252",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "iso-8859-6-i": "iso8859-6",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "gb2312": "gb18030",
    "gb-2312": "gb18030",
    "gb-2312-80": "gb18030",
    "x-gb2312": "gb18030",
    "euc-cn": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "windows-936": "gb18030",
    "big5": "big5hkscs",
    "big-5": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "cn-big5": "big5hkscs",
    "ks-c-5601": "cp949",
    "ks-c-5601-1987": "cp949",
    "ksc5601": "cp949",
    "ks-c-5601-1989": "cp949",
    "euc-kr": "cp949",
    "korean": "cp949",
    "windows-949": "cp949",
    "shift-jis": "cp932",
    "shift-jisx": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "ms-kanji": "cp932",
    "windows-31j": "cp932",
    "cswindows31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-2022-jp-ms": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext",
    "cp50222": "iso2022_jp_ext",
    "csiso2022jp": "iso2022_jp_ext",
    "iso-2022-kr": "iso2022_kr",
    "x-euc-jp": "euc_jp",
    "unicode-1-1-utf-7": "utf-7",
    "x-unicode-2-0-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "utf8": "utf-8",
    "unicode": "utf-16",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
    "x-macroman": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "koi8r": "koi8-r",
    "koi": "koi8-r",
    "koi8": "koi8-r",
}

# Codecs of Python that are no charset, cost more than linear time, or belong to one platform.
_BARRED = frozenset(("charmap", "idna", "mbcs", "oem", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"))
_UNKNOWN = frozenset(
    ("", "unknown", "x-unknown", "unknown-8bit", "x-user-defined", "8bit", "binary", "none", "default")
)

# Code page numbers of Windows by Python codec (values of PidTagInternetCodepage, [MS-OXCMSG] 2.2.1.58.6).
_CODE_PAGES = {
    "ascii": 20127,
    "utf-8": 65001,
    "utf-7": 65000,
    "cp1252": 1252,
    "gb18030": 54936,
    "big5hkscs": 950,
    "cp949": 949,
    "cp932": 932,
    "iso2022_jp_ext": 50220,
    "iso2022_kr": 50225,
    "euc_jp": 51932,
    "koi8-r": 20866,
    "koi8-u": 21866,
    "utf-16": 1200,
    "utf-16-le": 1200,
    "utf-16-be": 1201,
    "mac-roman": 10000,
    "cp874": 874,
    **{f"cp{number}": number for number in range(1250, 1259)},
    **{f"iso8859-{number}": 28590 + number for number in (2, 3, 4, 5, 6, 7, 8, 9, 13, 15)},
}

# Labels of Windows' code pages, and the codec that writes them; the preferred MIME names of IANA where there are any.
_LABELS: dict[int, tuple[str, str]] = {
    65001: ("utf-8", "utf-8"),
    20127: ("us-ascii", "ascii"),
    28591: ("iso-8859-1", "latin-1"),
    54936: ("gb18030", "gb18030"),
    936: ("gb2312", "gbk"),
    950: ("big5", "cp950"),
    949: ("ks_c_5601-1987", "cp949"),
    51949: ("euc-kr", "euc_kr"),
    932: ("shift_jis", "cp932"),
    50220: ("iso-2022-jp", "iso2022_jp"),
    50221: ("iso-2022-jp", "iso2022_jp"),
    50222: ("iso-2022-jp", "iso2022_jp"),
    50225: ("iso-2022-kr", "iso2022_kr"),
    51932: ("euc-jp", "euc_jp"),
    20866: ("koi8-r", "koi8-r"),
    21866: ("koi8-u", "koi8-u"),
    874: ("windows-874", "cp874"),
    10000: ("macintosh", "mac_roman"),
    **{number: (f"windows-{number}", f"cp{number}") for number in range(1250, 1259)},
    **{28590 + number: (f"iso-8859-{number}", f"iso8859-{number}") for number in (2, 3, 4, 5, 6, 7, 8, 9, 13, 15)},
}

_TRIM = re.compile(r"[\s\"'<>;,]+")
_JIS_SWITCH = re.compile(rb"\x1b(?:\$[@B]|\([BIJ]|\$\([DO])|[\x0e\x0f]")
_TWO_BYTES = re.compile(rb"[\x21-\x7e]{2}")


def _as_controls(error: UnicodeError) -> tuple[str, int]:
    """Decode the five octets that windows-1252 leaves open as the C1 controls, as browsers do: nothing is lost."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("oxgate.c1", _as_controls)


def _as_windows_936(error: UnicodeError) -> tuple[str, int]:
    """Decode the octet 0x80 of Chinese text as the euro sign, which it is in code page 936 and to browsers."""
    assert isinstance(error, UnicodeDecodeError)
    if error.object[error.start] == 0x80:
        return "\u20ac", error.start + 1
    return "\ufffd", error.end


def _as_windows_932(error: UnicodeError) -> tuple[str, int]:
    """Decode the characters that Windows adds to JIS X 0208, in EUC-JP, by way of Shift JIS."""
    assert isinstance(error, UnicodeDecodeError)
    text = _pair_of_932(error.object[error.start : error.start + 2])
    return (text, error.start + 2) if text else ("\ufffd", error.end)


@lru_cache(maxsize=1024)
def _pair_of_932(pair: bytes) -> str:
    """Decode two octets of EUC-JP by Windows' Shift JIS; empty where they are no character there."""
    if len(pair) < 2 or min(pair) <= 0xA0 or max(pair) == 0xFF:
        return ""
    text = _shift_jis(pair[0] & 0x7F, pair[1] & 0x7F).decode("cp932", "replace")
    return text if "\ufffd" not in text else ""


codecs.register_error("oxgate.gb18030", _as_windows_936)
codecs.register_error("oxgate.euc_jp", _as_windows_932)
_ERRORS = {"cp1252": "oxgate.c1", "gb18030": "oxgate.gb18030", "euc_jp": "oxgate.euc_jp"}
"""What is done with octets that a codec of Python leaves open, though Windows does not."""


@lru_cache(maxsize=512)
def codec_name(charset: str) -> str | None:
    """Return the Python codec for a charset label, or None for one that is unknown or names no charset."""
    label = _TRIM.sub("", charset).lower().replace("_", "-")
    label = label.partition("*")[0]
    if label in _UNKNOWN or len(label) > 60 or not label.isascii():
        return None
    alias = _ALIASES.get(label)
    if alias is not None:
        return alias
    if label.startswith(("windows-", "x-cp")):
        label = "cp" + label.partition("-")[2].removeprefix("cp")
    try:
        info = codecs.lookup(label)
    except (LookupError, ValueError):
        return None
    if not getattr(info, "_is_text_encoding", True) or info.name.replace("-", "_") in _BARRED:
        return None
    return info.name


def code_page(charset: str) -> int:
    """Return the Windows code page number of a charset label, 65001 (UTF-8) for those without one."""
    name = codec_name(charset)
    return _CODE_PAGES.get(name or "", 65001)


def charset_label(page: int) -> str | None:
    """Return the charset label that MIME has for a code page, None where it has none ([MS-OXCMAIL] 2.1.3.3.3)."""
    found = _LABELS.get(page)
    return found[0] if found else None


def encode_text(text: str, page: int) -> tuple[bytes, str]:
    """Encode text in a code page if all of it is in it and reads back the same, else in UTF-8; return the label too."""
    found = _LABELS.get(page)
    if found is not None and page != 65001:
        label, codec = found
        try:
            data = text.encode(codec)
        except UnicodeError:
            pass
        else:
            # Some characters of East Asian charsets are read as others than they were written as.
            if decode_text(data, label) == text:
                return data, label
    return text.encode("utf-8", "replace"), "utf-8"


def decode_text(data: bytes, charset: str | None) -> str:
    """Decode octets labelled with `charset` (None or empty: unlabelled). Never raises; the cost is linear."""
    name = codec_name(charset) if charset else None
    if name is None or name == "ascii":
        return decode_unlabelled(data)
    if name == "cp1252":
        return data.decode("cp1252", _ERRORS["cp1252"])
    try:
        text = data.decode(name)
    except UnicodeError:
        pass
    else:
        # UTF-7 can spell half a surrogate pair, which no other encoding can carry on.
        return text if name != "utf-7" else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if name == "iso2022_jp_ext":
        return _decode_jis(data)
    if name == "big5hkscs":
        return data.decode("cp950", "replace")
    try:
        text = data.decode(name, _ERRORS.get(name, "replace"))
    except UnicodeError:
        # UTF-16 and UTF-32 refuse some input whatever the error handler.
        return decode_unlabelled(data)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def decode_unlabelled(data: bytes) -> str:
    """Decode octets without a label: UTF-8 if they are valid, else windows-1252."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "oxgate.c1")


def _decode_jis(data: bytes) -> str:
    """Decode ISO-2022-JP with the characters that Windows adds to JIS X 0208, by way of Shift JIS."""
    out: list[str] = []
    mode = b"\x1b(B"
    at = 0
    for switch in chain(_JIS_SWITCH.finditer(data), (None,)):
        piece = data[at : switch.start() if switch else len(data)]
        if mode in (b"\x1b$B", b"\x1b$@"):
            out.append(_TWO_BYTES.sub(_to_shift_jis, piece).decode("cp932", "replace"))
        elif mode == b"\x1b(I":
            out.append(bytes(octet | 0x80 for octet in piece).decode("cp932", "replace"))
        elif mode in (b"\x1b(B", b"\x1b(J", b"\x0f"):
            out.append(piece.decode("cp932", "replace"))
        else:
            out.append("\ufffd" if piece else "")
        if switch:
            mode = switch[0]
            at = switch.end()
    return "".join(out)


def _to_shift_jis(match: re.Match[bytes]) -> bytes:
    return _shift_jis(*match[0])


def _shift_jis(row: int, cell: int) -> bytes:
    """Give the octets of Shift JIS for a row and a cell of JIS X 0208, each with 0x20 added."""
    lead = ((row - 0x21) >> 1) + 0x81
    if lead > 0x9F:
        lead += 0x40
    odd_trail = cell + (0x20 if cell > 0x5F else 0x1F)
    return bytes((lead, odd_trail if row & 1 else cell + 0x7E))
