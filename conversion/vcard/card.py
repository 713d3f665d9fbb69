"""A vCard that is being read: its lines with what vCard 2.1, 3.0 and 4.0 say of them in different ways.

A reader takes the lines that it knows; what nobody has taken at the end is what has no place in a Contact object.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from conversion.contentlines import Component, ContentLine, split_structured, split_values, unescape
from conversion.receipt import Receipt
from store.mapi.types import PropertyKey, Value

Found = dict[PropertyKey, Value]
"""The properties that are being made."""

MAX_VALUES = 1_000
"""Lines of one kind that are looked at, and values of one property."""

MAX_STRUCTURE = 100_000
"""Characters of a value with components that are read: a name, an address, an organisation."""

_STRUCTURES = frozenset(("N", "ADR", "ORG", "GENDER"))
_OLD_ESCAPE = re.compile(r"\\([\\;,:])")
_OLD_COMPONENT = re.compile(r"(?>(?:[^\\;]++|\\.?)*)", re.S)
_NUL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BREAKS = re.compile(r"\s*[\r\n]+\s*")
_LABEL = re.compile(r"_\$!<(.*)>!\$_\Z", re.S)
_LEAST_PREFERRED = 101


def one_line(text: str) -> str:
    """Make text of a property that is shown in one line: no controls, no line ends, no space around it."""
    return _BREAKS.sub(" ", _NUL.sub("", text)).replace("\t", " ").strip()


def many_lines(text: str) -> str:
    """Make text of a property that may have lines, which end with CRLF; controls are left out."""
    text = _NUL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text.replace("\n", "\r\n")


def joined(values: Sequence[str], by: str = ", ") -> str:
    """Join the values of a component. A comma that the writer forgot to escape gives back what was there."""
    if not any(value.strip() for value in values):
        return ""
    if by != ", ":
        return by.join(value for value in values if value.strip())
    first, *others = values
    return "".join((first, *("," + (value if value[:1] in ("", " ") else f" {value}") for value in others)))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a card."""

    line: ContentLine
    kinds: frozenset[str]
    """TYPE, lower case, without `x-` ([RFC2426] 2.2, [RFC6350] 5.6); what an X-ABLabel of the group says too."""
    preference: int
    """1 is preferred most ([RFC6350] 5.3); 101 without PREF."""
    version: str

    @property
    def name(self) -> str:
        """The name, upper case."""
        return self.line.name

    @property
    def is_preferred(self) -> bool:
        """Whether it says that it is preferred."""
        return self.preference < _LEAST_PREFERRED

    @property
    def is_empty(self) -> bool:
        """Whether there is no value, or a structure of nothing, and no label either."""
        return not (self.line.value.strip("; \t\n") or self.line.parameter("LABEL"))

    @property
    def value_type(self) -> str:
        """The parameter VALUE, lower case."""
        return (self.line.parameter("VALUE") or "").lower()

    def text(self) -> str:
        """Give the value as one text ([RFC2426] 4, [RFC6350] 3.4)."""
        return self._unescaped(self.line.value)

    def values(self) -> list[str]:
        """Give the values of a list; vCard 2.1 has none, but for the categories that it has not either."""
        is_list = self.version != "2.1" or self.name == "CATEGORIES"
        return split_values(self.line.value) if is_list else [self.text()]

    def components(self) -> list[list[str]]:
        """Give the components of a structure, each with its values; vCard 2.1 has but one value in each."""
        if self.version != "2.1":
            return split_structured(self.line.value)
        found: list[list[str]] = []
        at = 0
        while True:
            match = _OLD_COMPONENT.match(self.line.value, at)
            assert match is not None  # it may be empty
            found.append([self._unescaped(match[0])])
            if (at := match.end()) >= len(self.line.value):
                return found
            at += 1

    def _unescaped(self, text: str) -> str:
        # A backslash before an n is a path of Windows in vCard 2.1, which has line ends in QUOTED-PRINTABLE.
        return _OLD_ESCAPE.sub(r"\1", text) if self.version == "2.1" else unescape(text)


class Card:
    """The lines of one card."""

    def __init__(self, component: Component, receipt: Receipt) -> None:
        self.receipt = receipt
        self.component = component
        version = (component.value("VERSION") or "").strip()
        self.version = version if version in ("2.1", "3.0", "4.0") else "3.0"
        self._labels = _labels(component)
        self._used: set[str] = set()
        self._entries: dict[str, list[Entry]] = {}
        for line in component.lines:
            found = self._entries.setdefault(line.name, [])
            if len(found) < MAX_VALUES:
                found.append(self._entry(line))
            elif len(found) == MAX_VALUES:
                receipt.dropped(line.name[:50], f"those beyond {MAX_VALUES}")

    def _entry(self, line: ContentLine) -> Entry:
        if len(line.value) > MAX_STRUCTURE and line.name in _STRUCTURES:
            self.receipt.altered(line.name, f"what is beyond {MAX_STRUCTURE} characters is left out")
            line = replace(line, value=line.value[:MAX_STRUCTURE])
        kinds = {word.strip().lower().removeprefix("x-") for value in line.all("TYPE") for word in value.split(",")}
        label = self._labels.get(line.group.lower())
        if label is not None and line.group:
            kinds.add(label.lower())
        preference = _LEAST_PREFERRED
        if "pref" in kinds or "preferred" in kinds:
            preference = 1
            kinds -= {"pref", "preferred"}
        number = (line.parameter("PREF") or "").strip()
        if number.isdecimal() and len(number) <= 3 and number.isascii():
            preference = max(1, min(int(number), 100))
        return Entry(line, frozenset(kinds), preference, self.version)

    def label(self, entry: Entry) -> str:
        """Give the X-ABLabel of the entry's group, lower case; it counts as read then."""
        group = entry.line.group.lower()
        self._used.add(group)
        return self._labels.get(group, "").lower() if group else ""

    def in_group(self, entry: Entry, name: str) -> Entry | None:
        """Take the line of a name that is in the same group as an entry."""
        group = entry.line.group.lower()
        lines = self._entries.get(name, [])
        for at, other in enumerate(lines):
            if group and other.line.group.lower() == group:
                del lines[at]
                return other
        return None

    def take(self, *names: str) -> list[Entry]:
        """Take the entries of some names that have a value, name after name."""
        return [entry for name in names for entry in self._entries.pop(name, ()) if not entry.is_empty]

    def take_kind(self, name: str, kind: str) -> list[Entry]:
        """Take the entries of a name that are of a kind, and leave the others."""
        lines = self._entries.get(name, [])
        found = [entry for entry in lines if kind in entry.kinds and not entry.is_empty]
        if found:
            self._entries[name] = [entry for entry in lines if kind not in entry.kinds]
        return found

    def one(self, *names: str) -> Entry | None:
        """Take the entry of a property that has one value: the preferred, else the first; the others are noted."""
        found = self.take(*names)
        if not found:
            return None
        best = min(found, key=lambda entry: entry.preference)
        for other in found:
            if other is not best and other.line.value.strip() != best.line.value.strip():
                self.receipt.dropped(other.name[:50], "the property has one value")
        return best

    def rest(self) -> list[str]:
        """Give the names of the lines that nobody has taken, one for each line with a value."""
        return [name for name, lines in self._entries.items() for entry in lines if not entry.is_empty]


def _labels(component: Component) -> dict[str, str]:
    """Find what Apple's address book calls the lines of a group."""
    found: dict[str, str] = {}
    for line in component.lines:
        if line.name == "X-ABLABEL" and line.group:
            text = one_line(unescape(line.value))
            match = _LABEL.match(text)
            found[line.group.lower()] = match[1] if match else text
    return found
