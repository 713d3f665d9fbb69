"""Links in text: which addresses need to be said beside the words, and which say nothing to a reader."""

from __future__ import annotations

import re

from conversion.html.tokens import End, Start, Text, tokens

_LEADS = ("mailto:", "tel:", "https://", "http://")
_AROUND = ".,;:!?()[]<>\"'"
_TINY = re.compile(r"0*[01](?:px)?\Z")
_TINY_STYLE = re.compile(r"(?:^|;)\s*(?:max-)?(?:width|height)\s*:\s*[01](?:px)?\s*(?:;|\Z|!)", re.IGNORECASE)


def repeats(text: str, url: str) -> bool:
    """Whether a link's text says its address already, alone or as one of its words."""
    wanted = _bare(url)
    return _bare(text) == wanted or any(_bare(word.strip(_AROUND)) == wanted for word in text.split())


def _bare(url: str) -> str:
    """An address without what people leave out of it."""
    lower = "".join(url.lower().split())
    for lead in _LEADS:
        lower = lower.removeprefix(lead)
    return lower.removeprefix("www.").rstrip("/")


def is_pixel(attributes: dict[str, str]) -> bool:
    """Whether a picture is there to be fetched, not to be seen: of a width or a height of one or nothing."""
    sizes = (attributes.get("width", ""), attributes.get("height", ""))
    return any(_TINY.match(size.strip()) for size in sizes) or bool(_TINY_STYLE.search(attributes.get("style", "")))


def spoken_links(html: str) -> frozenset[str]:
    """Find the addresses to which links with words lead, or with pictures that have words; without blanks in them."""
    found: set[str] = set()
    url = ""
    for token in tokens(html):
        if isinstance(token, Text):
            if url and token.text.strip():
                found.add(url)
        elif token.name == "a":
            url = "".join(token.attributes.get("href", "").split()) if isinstance(token, Start) else ""
        elif isinstance(token, End):
            continue
        elif url and token.name == "img" and token.attributes.get("alt", "").strip():
            found.add(url)
    return frozenset(found)
