"""The one source of time. Models never ask it: time is handed to them as an argument."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

from shared.kernel.errors import Refusal


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, UTC and aware."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that moves when told to: for tests and for the virtual clock of QA."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, **delta: float) -> datetime:
        self._now += timedelta(**delta)
        return self._now


class ClockMovedBack(Refusal):
    """Time only goes forward: what has happened by now cannot be undone. Start a fresh stack to begin earlier."""

    code = "CLOCK_MOVED_BACK"
    status = 409
    rule = "N5"


class VirtualClock:
    """The time of day and how far QA has travelled ahead of it (N5): it runs on, and never goes back."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def move_to(self, offset: timedelta) -> None:
        """Raises ClockMovedBack."""
        if offset < self.offset:
            raise ClockMovedBack(offset_s=offset.total_seconds(), now_s=self.offset.total_seconds())
        self.offset = offset


def stamp(moment: datetime) -> str:
    """RFC 3339 with a Z: `2026-11-21T09:30:00.125Z`, the only form in which times travel."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"  # without its +00:00


def moment(text: str) -> datetime:
    """The aware time that `stamp` wrote."""
    return datetime.fromisoformat(text)
