"""The time zones of an object that is written: from its structures to TZIDs and VTIMEZONEs ([MS-OXCICAL] 2.1.3.1.1.19).

A definition that says what a known zone of its name says is that zone; any other is written as it is.
"""

from __future__ import annotations

import datetime as dt

from conversion.contentlines import Component, ContentLine
from conversion.errors import ConversionError
from conversion.oxcical.observances import component_of
from conversion.oxcical.rrule import write_moment
from conversion.oxcical.times import UTC, Zone, from_filetime, known_zone
from conversion.oxcical.timezones import (
    TimeZoneDefinition,
    TimeZoneStruct,
    YearRule,
    decode_time_zone_definition,
    decode_time_zone_struct,
)
from conversion.oxcical.zonerules import RuleZone, zone_of_definition, zone_of_series
from conversion.oxcical.zones import agree, write_zone
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.types import PropertyBag, PropertyKey, Value

_MOST_YEARS = 100


class Clock:
    """One zone as it is written."""

    def __init__(
        self, zone: Zone, name: str, rules: list[tuple[int, YearRule]] | None = None, *, of_series: bool = False
    ) -> None:
        self.zone = zone
        self.in_utc = zone.is_utc and not of_series
        """Whether times are written with a Z. Those of a series have a TZID even if that is UTC."""
        self.name = name
        """The TZID."""
        self._rules = rules
        self._years: list[int] = []

    def line(self, name: str, local: dt.datetime, *, is_date: bool = False) -> ContentLine:
        """Write a local time as a DATE-TIME with its TZID, in UTC if that is the zone, or as a DATE."""
        if is_date:
            return ContentLine(name, write_moment(local.date()), (("VALUE", ("DATE",)),))
        self._years.append(local.year)
        text = write_moment(local.replace(microsecond=0))
        if self.in_utc:
            return ContentLine(name, text + "Z")
        return ContentLine(name, text, (("TZID", (self.name,)),))

    def until(self, last: dt.datetime) -> None:
        """Note that times go on until then."""
        self._years.append(min(last.year, 2200))

    def component(self) -> Component | None:
        """Give the VTIMEZONE, or None if there is none to be written."""
        if self.in_utc or not self._years:
            return None
        if self._rules is not None:
            return write_zone(component_of(self.name, self._rules))
        return write_zone(self.zone.component(self.name, min(self._years), max(self._years)))


class Clocks:
    """The zones of one calendar that is written."""

    def __init__(self, default: Zone, *, iana: bool, receipt: Receipt) -> None:
        self._default = default
        self._iana = iana
        self._receipt = receipt
        self._by_name: dict[str, Clock] = {}

    def components(self) -> list[Component]:
        """Give the VTIMEZONEs of all zones that were used."""
        found = [clock.component() for clock in self._by_name.values()]
        return [component for component in found if component is not None]

    def default(self) -> Clock:
        """Give the zone for objects that say none."""
        return self._known(self._default, self._default.key)

    def of_zone(self, zone: Zone) -> Clock:
        """Give a zone that is known by its name."""
        return self._known(zone, zone.key)

    def of_series(self, properties: PropertyBag) -> Clock:
        """Give the zone of a series ([MS-OXOCAL] 2.2.1.39, 2.2.1.41).

        Its times are local and have a TZID, even in UTC ([MS-OXCICAL] 2.1.3.1.1.20.10.1).
        """
        found = self._of_series(properties)
        if found.in_utc:
            made = Clock(UTC, "UTC", [(1601, YearRule(0))], of_series=True)
            return self._by_name.setdefault("UTC of a series", made)
        return found

    def _of_series(self, properties: PropertyBag) -> Clock:
        definition, structure = properties.get(tags.PidLidAppointmentTimeZoneDefinitionRecur), None
        octets = properties.get(tags.PidLidTimeZoneStruct)
        read = self._definition(definition)
        if isinstance(octets, bytes):
            try:
                structure = decode_time_zone_struct(octets)
            except ConversionError:
                self._receipt.dropped("PidLidTimeZoneStruct", "it cannot be read")
        if read is None and structure is None:
            return self.of_display(properties, tags.PidLidAppointmentTimeZoneDefinitionStartDisplay)
        description = properties.get(tags.PidLidTimeZoneDescription)
        return self._series_zone(read, structure, description if isinstance(description, str) else "", properties)

    def _series_zone(
        self,
        read: TimeZoneDefinition | None,
        structure: TimeZoneStruct | None,
        description: str,
        properties: PropertyBag,
    ) -> Clock:
        name = read.key_name if read is not None and read.key_name else description
        zone = zone_of_series(read, structure)
        effective = zone.rule(2026) if zone is not None else YearRule(0)
        rules = [(1601, effective)]
        local = _start(properties)
        each = None if read is None else zone_of_definition(read)
        years = [] if read is None else sorted({local.year, *(one.year for one in read.rules if one.year > local.year)})
        if read is not None and each is not None and any(each.rule(year) == effective for year in years):
            # The definition has rules for the years to come, too.
            zone, rules = each, sorted({one.year: one.rule for one in read.rules}.items())
        made = Zone(zone or dt.UTC, name or _offset_name(effective))
        known = known_zone(name) if name else None
        if known is not None and (agree(known, made, local) or _has_rules(known, zone, years)):
            return self._known(known, name)
        return self._named(made, made.tzid, rules)

    def of_display(self, properties: PropertyBag, key: PropertyKey) -> Clock:
        """Give the zone in which a start or an end is shown ([MS-OXOCAL] 2.2.1.42, 2.2.1.43)."""
        read = None
        for one in (key, *_DISPLAYS):
            read = self._definition(properties.get(one))
            if read is not None:
                break
        zone = None if read is None else zone_of_definition(read)
        if read is None or zone is None:
            return self.default()
        known = known_zone(read.key_name) if read.key_name else None
        rules = [(rule.year, rule.rule) for rule in read.rules]
        made = Zone(zone, read.key_name or _offset_name(rules[-1][1]))
        if known is not None and agree(known, made, _start(properties)):
            return self._known(known, read.key_name)
        return self._named(made, made.tzid, rules)

    def _definition(self, octets: Value | None) -> TimeZoneDefinition | None:
        if not isinstance(octets, bytes):
            return None
        try:
            return decode_time_zone_definition(octets)
        except ConversionError:
            self._receipt.dropped("time zone definition", "it cannot be read")
            return None

    def _known(self, zone: Zone, name: str) -> Clock:
        if zone.is_utc:
            return self._by_name.setdefault("UTC", Clock(UTC, "UTC"))
        written = zone.tzid if self._iana else zone.key if zone.key != zone.tzid else name
        return self._by_name.setdefault(written, Clock(zone, written))

    def _named(self, zone: Zone, name: str, rules: list[tuple[int, YearRule]]) -> Clock:
        """A zone of its own; another one of the same name gets a number, as Exchange does it."""
        number, written = 0, name
        while (found := self._by_name.get(written)) is not None:
            if found._rules == rules:
                return found
            number += 1
            written = f"{name} {number}"
        return self._by_name.setdefault(written, Clock(zone, written, rules))


_DISPLAYS = (
    tags.PidLidAppointmentTimeZoneDefinitionStartDisplay,
    tags.PidLidAppointmentTimeZoneDefinitionEndDisplay,
    tags.PidLidAppointmentTimeZoneDefinitionRecur,
)


def _has_rules(known: Zone, zone: RuleZone | None, years: list[int]) -> bool:
    """Whether a zone has these rules in these years, though in one of them it did more than a rule can say."""
    return (
        zone is not None
        and bool(years)
        and all(known.rules(year, year)[0][1] == zone.rule(year) for year in years[:_MOST_YEARS])
    )


def _start(properties: PropertyBag) -> dt.datetime:
    value = properties.get(tags.PidLidAppointmentStartWhole)
    return from_filetime(value) if isinstance(value, int) else dt.datetime(2026, 1, 1)


def _offset_name(rule: YearRule) -> str:
    minutes = -(rule.bias + rule.standard_bias)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
