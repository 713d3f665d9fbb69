"""The little of style sheets that text needs: what is hidden, what keeps its blanks, what has no room around it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MOST = 4_000
"""Characters of a style that are looked at."""
_SHEETS = 200_000
"""Characters of a document in which its style sheets are looked for."""
_OUTLOOK = re.compile(r"p\.MsoNormal\b[^{}]{0,300}\{([^{}]{0,1000})\}", re.IGNORECASE)
_NUMBER = re.compile(r"-?(\d*\.?\d+)")
_SMALL = 0.5  # of whatever unit: Outlook writes .0001pt


def _declarations(style: str) -> Iterator[tuple[str, str]]:
    for declaration in style[:_MOST].lower().split(";"):
        name, _, value = declaration.partition(":")
        yield name.strip(), value.partition("!")[0].strip()


def hides(style: str) -> bool:
    """Whether an element of this style is not shown."""
    return bool(style) and any(
        (name, value) in (("display", "none"), ("visibility", "hidden"), ("mso-hide", "all"))
        for name, value in _declarations(style)
    )


def keeps_blanks(style: str) -> bool:
    """Whether blanks and line ends in an element of this style are as they are to be."""
    return "white-space" in style.lower() and any(
        name == "white-space" and value.startswith(("pre", "break-spaces")) for name, value in _declarations(style)
    )


def is_close(style: str) -> bool:
    """Whether nothing is between a paragraph of this style and those before and behind it."""
    if "margin" not in style.lower():
        return False
    top = bottom = ""
    for name, value in _declarations(style):
        sides = value.split()
        if name == "margin" and sides:
            top, bottom = sides[0], sides[2] if len(sides) > 2 else sides[0]
        elif name == "margin-top":
            top = value
        elif name == "margin-bottom":
            bottom = value
    return _is_nothing(top) and _is_nothing(bottom)


def _is_nothing(length: str) -> bool:
    match = _NUMBER.match(length)
    return match is not None and float(match[1]) < _SMALL


def outlook_is_close(html: str) -> bool:
    """Whether a document says so of Outlook's paragraphs (class MsoNormal) in its style sheet."""
    return any(is_close(match[1]) for match in _OUTLOOK.finditer(html[:_SHEETS]))
