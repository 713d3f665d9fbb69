"""Which parts are the body, and which are attachments ([MS-OXCMAIL] 2.2.3.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from conversion.codepages import decode_page, label_of
from conversion.mime.charset import code_page, codec_name, decode_text
from conversion.mime.html import meta_charset
from conversion.mime.parts import Part
from conversion.mime.structure import octets_of
from conversion.oxcmail.parts import MAX_DECODED, Source
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.types import PropertyKey, Value

_NATIVE_PLAIN, _NATIVE_HTML = 1, 3  # PidTagNativeBody ([MS-OXCMSG] 2.2.1.58.2)
_UTF_8 = 65001
_ENRICHED = frozenset((("text", "enriched"), ("text", "richtext")))
_TEXTS = frozenset((("text", "plain"), ("text", "html")))
INLINE_IMAGES = frozenset(("jpeg", "jpg", "pjpeg", "gif", "bmp", "png", "x-png"))
"""Images that a body shows ([MS-OXCMAIL] 2.2.3.4.1.4.1)."""

MAX_BODY = 4 << 20
"""Octets of a body, still encoded, that become a property; a larger one is left to the original MIME, if that stays."""


@dataclass(slots=True)
class Attached:
    """A part that becomes an attachment."""

    part: Part
    related: bool
    """Whether it stands in a multipart/related, as images shown in the body do."""
    joined: bool = False
    """Whether it is a picture of a body of several parts, which shows it."""


@dataclass(slots=True)
class Layout:
    """The parts of a message sorted into body and attachments, in message order."""

    plain: Part | None = None
    html: Part | None = None
    calendar: Part | None = None
    more: list[Part] = field(default_factory=list)
    """What follows in a body of several parts: texts, and pictures between them."""
    attached: list[Attached] = field(default_factory=list)


def choose_body(source: Source, root: Part, receipt: Receipt | None = None) -> Layout:
    """Choose the body: the first part in order that qualifies, of an alternative its last text and HTML parts.

    [MS-OXCMAIL] 2.2.3.3.2: a part qualifies that is text and not marked as an attachment, or a multipart that begins
    with one. Everything else is an attachment, but a text part of an alternative whose like came later.
    """
    chooser = _Chooser(source, root, receipt or Receipt())
    chooser.place(root, related=False)
    return chooser.layout


def place_of(part: Part) -> str:
    """Say in a receipt which part it is."""
    return f"part {part.number or '1'}"


def _is_html(part: Part | None) -> bool:
    return part is not None and part.subtype == "html"


class _Chooser:
    def __init__(self, source: Source, root: Part, receipt: Receipt) -> None:
        self.source = source
        self.root = root
        self.receipt = receipt
        self.layout = Layout()
        self.open = True

    def place(self, part: Part, *, related: bool) -> None:
        """Sort one part and all inside it."""
        if not part.is_multipart:
            if not self.take(part):
                self.attach(part, related)
        elif not part.children:
            self.without_parts(part, related)
        elif part.subtype == "alternative" and self.open:
            self.alternative(part)
        elif part.subtype == "related":
            self.related(part)
        elif part.subtype == "appledouble":
            # One file in two parts ([MS-OXCMAIL] 2.2.3.4.2.2).
            self.attach(part, related)
        elif part.subtype == "mixed" and self.open:
            self.mixed(part, related)
        elif part.subtype in ("encrypted", "digest"):
            # Nothing inside is readable as the body ([RFC1847] 2.2), or each part is a message of its own.
            if part.subtype == "encrypted":
                self.receipt.altered(place_of(part), "multipart/encrypted has no form in MAPI: its parts are files")
            self.attach_tree(part, related=False)
        else:
            if part.subtype == "signed" and (part is not self.root or len(part.children) < 2):
                self.receipt.altered(place_of(part), "what is signed is read by its parts: the signature holds no more")
            self.place_all(part, related=related)

    def place_all(self, part: Part, *, related: bool) -> None:
        for child in part.children:
            self.place(child, related=related)

    def without_parts(self, part: Part, related: bool) -> None:
        """Take a multipart in which no part was found for the plain text that it can only be ([RFC2045] 5.2).

        What follows a line that is its boundary is no text: then a part was begun that is not there.
        """
        end = part.body_end
        boundary = octets_of(self.source.media(part), b"boundary").rstrip(b" \t\r\n")
        if boundary:
            found = re.search(rb"^--" + re.escape(boundary), self.source.raw[part.body_start : end], re.M)
            end = end if found is None else part.body_start + found.start()
        if not self.source.raw[part.body_start : end].strip():
            return
        self.receipt.guessed(place_of(part), f"multipart/{part.subtype} has no parts: it was read as plain text")
        text = part._replace(type="text", subtype="plain", body_end=end)
        if not self.take(text):
            self.attach(text, related)

    def mixed(self, part: Part, related: bool) -> None:
        """Take the first text as the body, and what continues it: texts without a name, pictures between them
        ([MS-OXCMAIL] 2.2.3.3.2.2)."""
        joined: list[Part] = []
        for child in part.children:
            if self.open or not self.continues(child):
                self.place(child, related=related)
            elif child.type == "text":
                joined.append(child)
            else:
                joined.append(child)
                self.layout.attached.append(Attached(child, related, joined=True))
        texts = [child for child in joined if child.type == "text"]
        size = sum(child.body_end - child.body_start for child in texts)
        layout = self.layout
        if texts and size <= MAX_BODY and (layout.plain is not None or layout.html is not None):
            layout.more = joined
            return
        for item in layout.attached:
            item.joined = False
        for child in texts:
            self.attach(child, related)

    def continues(self, part: Part) -> bool:
        """Whether a part is more of the body before it, and no file."""
        kind = (part.type, part.subtype)
        disposition = self.source.disposition(part)
        if kind in _TEXTS:
            media = self.source.media(part)
            named = any(
                key[:4].lower() in (b"name", b"file") for key, _ in (*media.parameters, *disposition.parameters)
            )
            return disposition.type.lower() != b"attachment" and not named
        return part.type == "image" and part.subtype in INLINE_IMAGES and disposition.type.lower() == b"inline"

    def alternative(self, part: Part) -> None:
        """Take the text and the HTML of an alternative; the last of a kind wins ([RFC2046] 5.1.4)."""
        layout = self.layout
        for child in part.children:
            kind = (child.type, child.subtype)
            if self.source.is_attachment(child):
                self.attach_tree(child, related=False)
            elif kind == ("text", "plain"):
                self.replace(layout.plain, child)
                layout.plain = child
            elif kind == ("text", "html") or kind in _ENRICHED:
                if kind not in _ENRICHED or not _is_html(layout.html):
                    self.replace(layout.html, child)
                    layout.html, layout.more = child, []
            elif kind == ("text", "calendar"):
                self.take_calendar(child)
            elif child.is_multipart:
                # An HTML with its images, or what some programs put in place of the HTML.
                before = layout.html
                layout.more, kept = [], layout.more
                self.place(child, related=False)
                if layout.html is before and not layout.more:
                    layout.more = kept
                self.open = True
            else:
                self.attach(child, False)
        self.open = layout.plain is None and layout.html is None

    def replace(self, before: Part | None, after: Part) -> None:
        """Give up a text for a later one of its kind; in another language it is a file, for it may say it better."""
        if before is None or before.subtype != after.subtype:
            return
        source = self.source
        if source.content(before).get(b"content-language") != source.content(after).get(b"content-language"):
            self.attach(before, False)
        elif source.raw[before.body_start : before.body_end] != source.raw[after.body_start : after.body_end]:
            self.receipt.dropped(place_of(before), f"part {after.number} says it again as text/{after.subtype}")

    def related(self, part: Part) -> None:
        """Take the root of a related as the body, the rest as what it refers to ([RFC2387] 3.2)."""
        root = part.children[0] if part.children else None
        start = self.source.media(part).parameter(b"start")
        if start:
            wanted = start.removeprefix(b"<").removesuffix(b">")
            root = next((child for child in part.children if self.source.identifier(child) == wanted), root)
        if root is not None:
            self.place(root, related=False)
        for child in part.children:
            if child is not root:
                self.attach_tree(child, related=True)

    def attach_tree(self, part: Part, *, related: bool) -> None:
        """Attach a part that cannot be the body, or all leaves of a multipart."""
        if not part.is_multipart or part.subtype == "appledouble":
            self.attach(part, related)
            return
        if not part.children:
            self.without_parts(part, related)
        for child in part.children:
            self.attach_tree(child, related=related)

    def take(self, part: Part) -> bool:
        """Take a leaf as the body if it may be one."""
        layout = self.layout
        if part.type == "text" and part.subtype == "calendar" and self.is_calendar(part):
            self.take_calendar(part)
            return True
        is_plain = part.subtype == "plain" or self.is_unsaid(part)
        if not self.open or (part.type != "text" and not is_plain) or self.source.is_attachment(part):
            return False
        if (part.subtype == "html" or (part.type, part.subtype) in _ENRICHED) and layout.html is None:
            layout.html = part
        elif is_plain and layout.plain is None and layout.html is None:
            layout.plain = part
        else:
            return False
        self.open = False
        return True

    def is_unsaid(self, part: Part) -> bool:
        """Whether a Content-Type has no subtype, so that it says nothing of a text or a whole message but that it is
        plain text ([RFC2045] 5.2)."""
        return not part.subtype and (part.type == "text" or part is self.root)

    def take_calendar(self, part: Part) -> None:
        """Take a calendar part, which is a file as well until somebody can read it ([MS-OXCMAIL] 2.2.3.6)."""
        self.layout.calendar = part
        self.attach(part, False)

    def is_calendar(self, part: Part) -> bool:
        """Whether a calendar part outside of an alternative is what the message is about, and no file beside it."""
        if self.layout.calendar is not None or self.source.is_attachment(part):
            return False
        layout = self.layout
        alone = self.open and layout.plain is None and layout.html is None
        return alone or self.source.media(part).parameter(b"method") is not None

    def attach(self, part: Part, related: bool) -> None:
        self.layout.attached.append(Attached(part, related))


def body_properties(source: Source, layout: Layout, receipt: Receipt | None = None) -> dict[PropertyKey, Value]:
    """Make the body properties ([MS-OXCMAIL] 2.2.3.3.2).

    An HTML body is kept in its own charset with the code page beside it. Left out is what the original MIME gives when
    it is wanted, if it is there then: a plain body that came with an HTML body, and a body above MAX_BODY.
    """
    chosen = layout.html or layout.plain
    limit = MAX_DECODED if source.whole else MAX_BODY
    if chosen is not None and chosen.body_end - chosen.body_start > limit:
        if source.whole and receipt is not None:
            receipt.dropped(place_of(chosen), f"a body of more than {limit >> 20} MiB")
        return {tags.PidTagNativeBody: _NATIVE_HTML if layout.html else _NATIVE_PLAIN}
    if layout.more and chosen is not None:
        from conversion.oxcmail.bodies import aggregate_properties

        return aggregate_properties(source, chosen, layout.more)
    if layout.html is not None:
        found = _html_properties(source, layout.html)
        if source.whole and layout.plain is not None:
            found[tags.PidTagBody] = _plain_text(source, layout.plain)
        return found
    if layout.plain is None:
        return {tags.PidTagBody: "", tags.PidTagNativeBody: _NATIVE_PLAIN, tags.PidTagInternetCodepage: _UTF_8}
    return {
        tags.PidTagBody: _plain_text(source, layout.plain),
        tags.PidTagNativeBody: _NATIVE_PLAIN,
        tags.PidTagInternetCodepage: code_page(layout.plain.charset),
    }


def _plain_text(source: Source, part: Part) -> str:
    text = decode_text(source.decoded(part), part.charset)
    if b"flowed" in source.content(part).get(b"content-type", b"").lower():
        from conversion.oxcmail.bodies import flowed_text

        return flowed_text(source, part, text)
    return text


@lru_cache(maxsize=512)
def _reads_the_same(charset: str) -> bool:
    """Whether octets of a charset are always the same text when they are read by its code page's number."""
    return codec_name(charset) == codec_name(label_of(code_page(charset)) or "")


def _html_properties(source: Source, part: Part) -> dict[PropertyKey, Value]:
    if part.subtype != "html":
        from conversion.oxcmail.bodies import enriched_properties

        return enriched_properties(source, part)
    data = source.decoded(part)
    charset = part.charset or meta_charset(data)
    page = code_page(charset)
    if not _reads_the_same(charset):
        # A charset without a code page, none named at all, or one with more characters than its page has.
        text = decode_text(data, charset)
        if page == _UTF_8 or decode_page(data, page) != text:
            data, page = text.encode("utf-8", "replace"), _UTF_8
    return {
        tags.PidTagHtml: data,
        tags.PidTagInternetCodepage: page,
        tags.PidTagNativeBody: _NATIVE_HTML,
    }
