"""Local calendars: months and business days in a marketplace's time zone, opening hours, and what falls inside them.

Pure: a moment is UTC and aware, as everywhere; the zone is an argument. Days with 23 or 25 hours (the change between
winter and summer time) are as long as they really are.
"""

from __future__ import annotations

import calendar
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_PER_DAY = 24 * 60
FARTHEST = timedelta(days=3660)  # a calendar that is never open again is a mistake; ten years show it


class UnknownZone(ValueError):
    """There is no such time zone: write one like Europe/Paris."""


class NeverOpen(ValueError):
    """These opening hours hold no minute in ten years."""


def zone_named(name: str) -> ZoneInfo:
    """Raises UnknownZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownZone(f"{name!r} is no time zone: write one like Europe/Paris") from None


def months_later(day: date, months: int) -> date:
    """The same day number so many months on, at most the month's last: 31 January + 1 → 28 or 29 February."""
    total = day.year * 12 + day.month - 1 + months
    year, month = divmod(total, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The last millisecond of this day there (spec 5.5: windows are valid to 23:59:59.999 local)."""
    return datetime.combine(day, time(23, 59, 59, 999000), zone).astimezone(UTC)


def months_end(at: datetime, months: int, zone: ZoneInfo) -> datetime:
    """Until when a window of so many calendar months lasts that began at this moment (E3, E4)."""
    return end_of_day(months_later(at.astimezone(zone).date(), months), zone)


def business_days_later(at: datetime, days: int, zone: ZoneInfo, holidays: Iterable[date] = ()) -> datetime:
    """The same local time so many business days (Monday to Friday, no holiday) on."""
    local, free = at.astimezone(zone), frozenset(holidays)
    day = local.date()
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5 and day not in free
    return datetime.combine(day, local.time(), zone).astimezone(UTC)


@dataclass(frozen=True)
class OpeningHours:
    """When somebody works: intervals per weekday in local minutes of the day, several a day, holidays off.

    Without any interval: around the clock, holidays included.
    """

    zone: ZoneInfo
    week: Mapping[int, Sequence[tuple[int, int]]]
    holidays: frozenset[date] = frozenset()

    @classmethod
    def of(cls, hours: Mapping[str, Sequence[Sequence[str]]], holidays: Iterable[str], zone: ZoneInfo) -> OpeningHours:
        """From data: `{"mon": [["09:00", "12:00"], ["14:00", "18:00"]], …}` and dates. Raises ValueError."""
        week: dict[int, list[tuple[int, int]]] = {}
        for name, intervals in hours.items():
            for first, last in intervals:
                insort(week.setdefault(DAYS.index(name), []), (minute_of(first), minute_of(last)))
        return cls(zone, week, frozenset(date.fromisoformat(day) for day in holidays))

    @property
    def always(self) -> bool:
        return not any(self.week.values())

    def after(self, start: datetime, working: timedelta) -> datetime:
        """The moment at which so much working time has passed since `start`. Raises NeverOpen."""
        if self.always:
            return start + working
        left = working
        for opens, closes in self._open_from(start):
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        raise NeverOpen()

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much working time lies between two moments."""
        if self.always or end <= start:
            return max(end - start, timedelta())
        total = timedelta()
        for opens, closes in self._open_from(start):
            if opens >= end:
                break
            total += min(closes, end) - opens
        return total

    def _open_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open intervals from this moment on, in order, the first one cut at it."""
        day, last = start.astimezone(self.zone).date(), (start + FARTHEST).date()
        while day <= last:
            if day not in self.holidays:
                for first, end in self.week.get(day.weekday(), ()):
                    opens, closes = max(self._at(day, first), start), self._at(day, end)
                    if closes > opens:
                        yield opens, closes
            day += timedelta(days=1)

    def _at(self, day: date, minute: int) -> datetime:
        if minute == MINUTES_PER_DAY:
            return self._at(day + timedelta(days=1), 0)
        return datetime.combine(day, time(minute // 60, minute % 60), self.zone).astimezone(UTC)


def minute_of(text: str) -> int:
    """`09:30` → 570; `24:00` is the day's end. Raises ValueError."""
    hours, colon, minutes = text.partition(":")
    if not (colon and len(hours) == 2 and len(minutes) == 2 and (hours + minutes).isdecimal()):
        raise ValueError(f"{text!r} is no time of day: write 09:30")
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > MINUTES_PER_DAY:
        raise ValueError(f"{text!r} is no time of day: write 00:00 to 24:00")
    return minute
