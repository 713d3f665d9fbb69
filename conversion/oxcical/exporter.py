"""Calendar objects to iCalendar ([MS-OXCICAL] 2.1.3, 2.1.3.1.1.2, 2.1.3.1.1.3).

    data = write_calendar([content], zone="Europe/Berlin", receipt=receipt)

An appointment, a meeting request, its answer or its cancellation is a VEVENT, with one more for each changed instance
of a series; a task is a VTODO, a journal entry a VJOURNAL, a free/busy message a VFREEBUSY.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence

from conversion.contentlines import Component, ContentLine, write_component
from conversion.errors import ConversionError
from conversion.oxcical.budget import Repeats
from conversion.oxcical.clocks import Clocks
from conversion.oxcical.eventwriter import write_event
from conversion.oxcical.files import DataOf, octets_of
from conversion.oxcical.freebusy import FREE_BUSY, write_free_busy
from conversion.oxcical.importer import zone_named
from conversion.oxcical.meetingstate import method_of
from conversion.oxcical.published import Published, write_published
from conversion.oxcical.tasks import JOURNAL, TASK, write_journal, write_task
from conversion.oxcical.times import from_filetime
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import filetime_from_unix

PRODUCT = "-//oxgate//oxgate//EN"
_OTHERS = {TASK: "VTODO", JOURNAL: "VJOURNAL", FREE_BUSY: "VFREEBUSY"}


def write_calendar(
    contents: MessageContent | Sequence[MessageContent],
    *,
    zone: str | dt.tzinfo | None = None,
    iana: bool = False,
    data_of: DataOf = octets_of,
    now: int | None = None,
    published: Published | None = None,
    receipt: Receipt | None = None,
) -> bytes:
    """Turn calendar objects into one iCalendar object. ConversionError if none of them is one.

    `zone` is for objects that say none; `iana` names zones by IANA instead of Windows (what CalDAV clients want, while
    Outlook wants Windows'). `data_of` gives the octets of attachments that are slices. `now` (FILETIME) is the DTSTAMP
    of objects that have no time of a change. `published` is for a folder that is exported: what it says of itself.
    """
    notes = Receipt() if receipt is None else receipt
    objects = [contents] if isinstance(contents, MessageContent) else list(contents)
    clocks = Clocks(zone_named(zone, notes), iana=iana, receipt=notes)
    stamp = filetime_from_unix(int(time.time())) if now is None else now
    repeats = Repeats()
    methods: list[str] = []
    written: list[Component] = []
    scale: str | None = None
    for number, content in enumerate(objects, 1):
        place = notes if len(objects) == 1 else notes.within(f"object {number}")
        method = method_of(content.properties)
        if method is not None:
            made = write_event(content, method, clocks, data_of, stamp, repeats, place)
            written += made.components
            scale = made.scale or scale
            methods.append(method)
            continue
        kind = kind_of(content)
        if kind == "VTODO":
            written.append(write_task(content, data_of, clocks.default().zone, stamp, place))
        elif kind == "VJOURNAL":
            written.append(write_journal(content, data_of, stamp, place))
        elif kind == "VFREEBUSY":
            written.append(write_free_busy(content, stamp, place))
        else:
            place.dropped("object", "of a class that is not of a calendar")
    if not written:
        raise ConversionError("not a calendar object, a task, a journal entry or a free/busy message")
    method = methods[0] if methods and len(set(methods)) == 1 else "PUBLISH"
    if len(set(methods)) > 1:
        notes.altered("METHOD", "objects of several methods are published")
    lines = [ContentLine("PRODID", PRODUCT), ContentLine("VERSION", "2.0"), ContentLine("METHOD", method)]
    if scale is not None:
        lines.append(ContentLine("X-MICROSOFT-CALSCALE", scale))
    if published is not None:
        lines += write_published(published, objects, clocks, from_filetime(stamp).date())
    return write_component(Component("VCALENDAR", lines, clocks.components() + written))


def kind_of(content: MessageContent) -> str | None:
    """Give the component that an object is beside a VEVENT, or None."""
    name = str(content.properties.get(tags.PidTagMessageClass, "")).casefold()
    return next(
        (kind for base, kind in _OTHERS.items() if name == base.casefold() or name.startswith(f"{base.casefold()}.")),
        None,
    )
