"""What a profile promises about time: how long until an answer, a solution, a decision, and in which hours (C47, C48).

Pure data, part of a profile and frozen with it; the clocks that run by it are in `model/sla.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.kernel.calendar import OpeningHours, zone_named

FIRST_ANSWER, NEXT_ANSWER = "first_answer", "next_answer"
RESOLUTION, PLATFORM_DECISION = "resolution", "platform_decision"
CLOCKS = (FIRST_ANSWER, NEXT_ANSWER, RESOLUTION, PLATFORM_DECISION)
WARN_AT_PERCENT = 80  # spec 5.3


@dataclass(frozen=True, slots=True)
class Target:
    """One promise. around_the_clock: counted in real time, not in opening hours. escalate: a breach calls the platform.

    minutes: of working time, or of real time.
    """

    minutes: int
    around_the_clock: bool = False
    escalate: bool = False
    warn_at_percent: int = WARN_AT_PERCENT

    @property
    def time(self) -> timedelta:
        return timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class Promises:
    """The service levels of a profile. time_zone: None = the marketplace's. No hours: around the clock."""

    targets: Mapping[str, Target]
    hours: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    holidays: Sequence[str] = ()
    time_zone: str | None = None

    def opening_hours(self, clock: str, zone: ZoneInfo) -> OpeningHours:
        """When this clock runs; zone: of the marketplace."""
        zone = zone_named(self.time_zone) if self.time_zone else zone
        if self.targets[clock].around_the_clock:
            return OpeningHours.of({}, (), zone)
        return OpeningHours.of(self.hours, self.holidays, zone)


def promises_from(data: dict[str, Any] | None) -> Promises | None:
    """The promises that a profile's `sla` describes; None: it promises nothing."""
    if data is None:
        return None
    calendar = data.get("calendar") or {}
    return Promises(
        targets={name: Target(**target) for name, target in data["clocks"].items()},
        hours=calendar.get("hours", {}),
        holidays=tuple(calendar.get("holidays", ())),
        time_zone=calendar.get("time_zone"),
    )
