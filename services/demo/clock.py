"""The demo's clock: it walks through the past while the demo data is made, then it is the time of day."""

from __future__ import annotations

from datetime import UTC, datetime


class WalkingClock:
    """Shows `at` until it arrives in the present; all services of the demo read the same one."""

    def __init__(self) -> None:
        self._at: datetime | None = None

    def now(self) -> datetime:
        return self._at or datetime.now(UTC)

    def walk_to(self, at: datetime) -> None:
        """Stand still at this moment, which is never before the last one."""
        self._at = max(at, self._at or at)

    def arrive(self) -> None:
        self._at = None
