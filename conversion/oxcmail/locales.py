"""Language tags and the locale identifiers of Windows ([MS-LCID] 2.2, [RFC5646])."""

from __future__ import annotations

from locale import windows_locale

_TAGS: dict[int, str] = {number: name.replace("_", "-") for number, name in windows_locale.items()}
# A language alone is the identifier without the region in its upper bits ([MS-LCID] 2.1).
_TAGS |= {number & 0x3FF: tag.partition("-")[0] for number, tag in reversed(_TAGS.items())}
_LOCALES: dict[str, int] = {tag.lower(): number for number, tag in reversed(_TAGS.items())}
# Where several identifiers or names stand for one: the modern sort order, and the names that mail has.
_LOCALES |= {"es-es": 0x0C0A, "no": 0x0014, "sr": 0x7C1A, "bs": 0x781A, "zh-hans": 0x0004, "zh-hant": 0x7C04}


def locale_of(tag: str) -> int | None:
    """Return the locale identifier of a language tag; of a region that is not known, that of its language."""
    key = tag.lower()
    while key:
        if key in _LOCALES:
            return _LOCALES[key]
        key = key.rpartition("-")[0]
    return None


def tag_of(locale: int) -> str | None:
    """Return the language tag of a locale identifier."""
    return _TAGS.get(locale & 0xFFFF)
