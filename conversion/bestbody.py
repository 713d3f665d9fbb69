"""Which of the bodies that a Message object has is the one to show or send ([MS-OXBBODY] 2.1).

A store may hold the same text as PidTagBody, PidTagHtml and PidTagRtfCompressed at once. One of them is what was
written, the others were made of it; the best body is the one that lost least.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum

from store.mapi import tags
from store.mapi.types import PropertyBag, PropertyTag


class BodyFormat(IntEnum):
    """The values of PidTagNativeBody ([MS-OXCMSG] 2.2.1.58.2)."""

    UNDEFINED = 0
    PLAIN = 1
    RTF = 2
    HTML = 3
    CLEAR_SIGNED = 4


_BODIES = (tags.PidTagBody, tags.PidTagRtfCompressed, tags.PidTagHtml)


def best_body(properties: PropertyBag, too_big: Collection[PropertyTag] = ()) -> BodyFormat:
    """Determine the best body of a message ([MS-OXBBODY] 2.1.3, 2.1.3.1).

    Step 1: PidTagNativeBody says it, if what it says is there. Step 2: it follows from which bodies there are, and from
    PidTagRtfInSync, whether the RTF has the text that the plain body has. `too_big` names bodies that the message has
    though they are not in the bag (what a server answers NotEnoughMemory for); they count as there.
    """
    plain, rtf, html = (tag in properties or tag in too_big for tag in _BODIES)
    html = html or tags.PidTagBodyHtml in properties
    native = properties.get(tags.PidTagNativeBody)
    if native == BodyFormat.CLEAR_SIGNED:
        return BodyFormat.CLEAR_SIGNED
    for form, is_there in ((BodyFormat.PLAIN, plain), (BodyFormat.RTF, rtf), (BodyFormat.HTML, html)):
        if native == form and is_there:
            return form
    if rtf and (properties.get(tags.PidTagRtfInSync) is True or not (plain or html)):
        return BodyFormat.RTF
    if html:
        return BodyFormat.HTML
    return BodyFormat.PLAIN if plain else BodyFormat.UNDEFINED


def is_exempt(properties: PropertyBag) -> bool:
    """Whether the algorithm says nothing of a message: its body is inside an attachment ([MS-OXBBODY] 1.5).

    Encrypted and opaque-signed messages, exactly of the class IPM.Note.SMIME, and rights-managed ones.
    """
    kind = properties.get(tags.PidTagMessageClass)
    content = properties.get(tags.PidNameContentClass)
    return (isinstance(kind, str) and kind.lower() == "ipm.note.smime") or (
        isinstance(content, str) and content.lower() == "rpmsg.message"
    )
