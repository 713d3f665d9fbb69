"""HTML of strangers made harmless, for views in a browser; what is stored and what IMAP sends is never touched.

Nothing that runs, loads or submits is left: no scripts, no handlers, no forms, no style sheets, no frames. Images from
elsewhere tell their sender who reads, so only those in the message (`cid:`) and in the page (`data:`) stay unless they
are asked for.
"""

from __future__ import annotations

from html import escape

from conversion.html.plain import VOID, html_to_plain
from conversion.html.tokens import End, Start, tokens

MAX_DEPTH = 500
"""Elements within one another: the parser's cost grows with the square of it. Of what is deeper the text is shown."""
MAX_LENGTH = 8 * 1024 * 1024
"""Characters that are looked at; what lies beyond is cut."""

_SCHEMES = {"http", "https", "mailto", "tel", "cid", "data"}
_STYLES = {
    "color", "background-color", "font-family", "font-size", "font-style", "font-weight", "text-align",
    "text-decoration", "text-indent", "line-height", "vertical-align", "white-space", "width", "height", "margin",
    "margin-top", "margin-bottom", "margin-left", "margin-right", "padding", "padding-top", "padding-bottom",
    "padding-left", "padding-right", "border", "border-top", "border-bottom", "border-left", "border-right",
    "border-collapse", "border-color", "border-style", "border-width", "list-style-type", "direction",
}  # fmt: skip
_GENERAL = {"style", "dir", "lang", "title", "align", "valign", "width", "height", "bgcolor", "color"}


def sanitise(html: str, *, remote_images: bool = False) -> str:
    """Give a fragment that a page may show; links open elsewhere and tell nothing of where they were."""
    import nh3  # a quarter of a megabyte that only web views need

    cleaner = nh3.Cleaner(
        tags=nh3.ALLOWED_TAGS | {"font", "center", "u", "big"},
        clean_content_tags={"script", "style", "title", "noscript", "template", "iframe", "object", "svg", "math"},
        attributes={
            "*": _GENERAL,
            "a": {"href"},
            "img": {"src", "alt"},
            "font": {"face", "size"},
            "table": {"border", "cellpadding", "cellspacing", "summary"},
            "td": {"colspan", "rowspan", "nowrap"},
            "th": {"colspan", "rowspan", "nowrap", "scope"},
            "ol": {"start", "type"},
            "ul": {"type"},
            "blockquote": {"cite", "type"},
        },
        attribute_filter=lambda tag, name, value: _attribute(tag, name, value, remote_images),
        url_schemes=_SCHEMES,
        filter_style_properties=_STYLES,
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    html = html[:MAX_LENGTH]
    if _is_deep(html):
        return f"<pre>{escape(html_to_plain(html))}</pre>"
    return cleaner.clean(html)


def _attribute(tag: str, name: str, value: str, remote_images: bool) -> str | None:
    if name in ("src", "cite"):
        scheme = value.partition(":")[0].strip().lower()
        if scheme == "data":
            return value if tag == "img" and value[5:].lstrip().lower().startswith("image/") else None
        return value if scheme == "cid" or (remote_images and scheme in ("http", "https")) else None
    if name == "href":
        return None if value.partition(":")[0].strip().lower() == "data" else value
    if name == "style" and "url(" in value.lower():
        return None  # what loads from elsewhere tells who reads
    return value


def _is_deep(html: str) -> bool:
    """Whether elements stand deeper within one another than any reader of mail means."""
    open_names: dict[str, int] = {}
    depth = 0
    for token in tokens(html):
        if isinstance(token, Start) and token.name not in _UNCOUNTED:
            open_names[token.name] = open_names.get(token.name, 0) + 1
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif isinstance(token, End) and open_names.get(token.name):
            open_names[token.name] -= 1
            depth -= 1
    return False


# Those that nothing ends, and those that end when the next begins: they stand within others that are counted.
_UNCOUNTED = VOID | {"p", "li", "dt", "dd", "td", "th", "tr", "thead", "tbody", "tfoot", "option", "optgroup", "a"}
