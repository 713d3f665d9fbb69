"""Text out of HTML: quick, tolerant, linear; for searching and for a plain body, not for display."""

from __future__ import annotations

import re
from html import unescape

_TAG = re.compile(r"<(?:(!--)|([/!?]?)([a-zA-Z][a-zA-Z0-9]{0,15})?)")
_SILENT_END = {name: re.compile(rf"</{name}\b", re.I) for name in ("script", "style")}
_BLOCKS = frozenset(
    (
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "caption",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "head",
        "header",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "option",
        "p",
        "pre",
        "section",
        "select",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
    )
)
_LONG_REFERENCE = re.compile(r"&#[xX]?[0-9a-fA-F]{9,}")
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")
_LINES = re.compile(r" ?\n[ \n]*")

_META = re.compile(rb"<meta\b[^>]{0,300}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.I)
_META_WITHIN = 4096


def meta_charset(data: bytes) -> str:
    """Return the charset that a `<meta>` near the beginning names, or nothing."""
    match = _META.search(data[:_META_WITHIN])
    return match[1].decode("ascii") if match else ""


def html_to_text(html: str) -> str:
    """Strip the tags, resolve the references, and keep a line end where a block begins or ends."""
    out: list[str] = []
    at = 0
    end = len(html)
    while at < end:
        match = _TAG.search(html, at)
        if match is None:
            out.append(html[at:])
            break
        out.append(html[at : match.start()])
        comment, mark, name = match.groups()
        if comment:
            close = html.find("-->", match.end())
            if close < 0:
                break
            at = close + 3
            continue
        if name is None and not mark:
            out.append("<")
            at = match.end()
            continue
        close = html.find(">", match.end())
        if close < 0:
            break
        at = close + 1
        name = (name or "").lower()
        if name in _BLOCKS:
            out.append("\x00")
        elif name in _SILENT_END and not mark:
            stop = _SILENT_END[name].search(html, at)
            if stop is None:
                break
            at = stop.start()
    # Line ends of the source are blanks; those of blocks, kept as NUL until here, are line ends.
    text = _BLANKS.sub(" ", "".join(out)).replace("\x00", "\n")
    if "&" in text:
        text = unescape(_LONG_REFERENCE.sub("\ufffd", text))
    return _LINES.sub("\n", text).strip()
