"""Bodies that are more than they look: enriched text, flowed text, a body of several parts ([MS-OXCMAIL] 2.2.3.3.2).

Imported only for messages that have one.
"""

from __future__ import annotations

from conversion.html.fromenriched import enriched_to_html
from conversion.html.fromplain import plain_to_html, unflowed
from conversion.mime.charset import decode_text
from conversion.mime.html import meta_charset
from conversion.mime.parts import Part
from conversion.oxcmail.parts import Source
from store.mapi import tags
from store.mapi.types import PropertyKey, Value

_NATIVE_PLAIN, _NATIVE_HTML = 1, 3  # PidTagNativeBody ([MS-OXCMSG] 2.2.1.58.2)
_UTF_8 = 65001
ENRICHED = frozenset(("enriched", "richtext"))


def enriched_properties(source: Source, part: Part) -> dict[PropertyKey, Value]:
    """Read text/enriched, or its forerunner text/richtext, as HTML ([MS-OXCMAIL] 2.2.3.3.2.1, [MS-OXCETF])."""
    return _html(_as_html(source, part))


def _html(html: str) -> dict[PropertyKey, Value]:
    return {
        tags.PidTagHtml: html.encode("utf-8", "replace"),
        tags.PidTagInternetCodepage: _UTF_8,
        tags.PidTagNativeBody: _NATIVE_HTML,
    }


def flowed_text(source: Source, part: Part, text: str) -> str:
    """Join the lines of a text that were broken for the way ([RFC3676] 4), if its format says so."""
    media = source.media(part)
    if (media.parameter(b"format") or b"").lower() != b"flowed":
        return text
    del_sp = (media.parameter(b"delsp") or b"").lower() == b"yes"
    lines = text.replace("\r\n", "\n").split("\n")
    return "\r\n".join([f"{'>' * depth} {line}" if depth else line for depth, line in unflowed(lines, del_sp=del_sp)])


def _text(source: Source, part: Part) -> str:
    data = source.decoded(part)
    return decode_text(data, part.charset or (meta_charset(data) if part.subtype == "html" else ""))


def _as_html(source: Source, part: Part) -> str:
    text = _text(source, part)
    if part.subtype in ENRICHED:
        return enriched_to_html(text, richtext=part.subtype == "richtext")
    if part.subtype != "plain":
        return text
    media = source.media(part)
    flowed = (media.parameter(b"format") or b"").lower() == b"flowed"
    return plain_to_html(text, flowed=flowed, del_sp=(media.parameter(b"delsp") or b"").lower() == b"yes")


# --- A body of several parts ------------------------------------------------------------------------------------------


def picture_identifier(source: Source, part: Part) -> str:
    """Give the Content-ID of a picture inside a body, one that is made where the part has none."""
    found = source.identifier(part).decode("utf-8", "replace")
    return found if found and found.isprintable() and '"' not in found else f"part{part.number}@inline.invalid"


def aggregate_properties(source: Source, first: Part, more: list[Part]) -> dict[PropertyKey, Value]:
    """Join the texts and pictures of a body of several parts, in their order ([MS-OXCMAIL] 2.2.3.3.2.2).

    Texts alone stay a text; with HTML or a picture among them they become HTML.
    """
    if first.subtype == "plain" and all((part.type, part.subtype) == ("text", "plain") for part in more):
        texts = [flowed_text(source, part, _text(source, part)) for part in (first, *more)]
        return {
            tags.PidTagBody: "".join([text if text.endswith("\n") else text + "\r\n" for text in texts]),
            tags.PidTagInternetCodepage: _UTF_8,
            tags.PidTagNativeBody: _NATIVE_PLAIN,
        }
    html = _as_html(source, first)
    pieces = [
        f'<img src="cid:{picture_identifier(source, part)}">'
        if part.type == "image"
        else _inner(_as_html(source, part))
        for part in more
    ]
    lower = html.lower()
    end = lower.rfind("</body")
    end = lower.rfind("</html") if end < 0 else end
    end = len(html) if end < 0 else end
    return _html(html[:end] + "".join([f"<div>{piece}</div>" for piece in pieces]) + html[end:])


def _inner(html: str) -> str:
    """Give what is inside the body of a document; all of it where there is no such element."""
    lower = html.lower()
    begin = lower.find("<body")
    begin = lower.find(">", begin) + 1 if begin >= 0 else 0
    end = lower.rfind("</body")
    return html[begin : end if end >= begin else len(html)]
