"""The demo's clock: it walks through the past while the demo data is made, then it is the time of day, or later."""

from __future__ import annotations

from datetime import datetime

from shared.kernel.clock import VirtualClock


class WalkingClock(VirtualClock):
    """Shows `at` until it arrives in the present; all services of the demo read the same one."""

    def __init__(self) -> None:
        super().__init__()
        self._at: datetime | None = None

    def now(self) -> datetime:
        return self._at or super().now()

    def walk_to(self, at: datetime) -> None:
        """Stand still at this moment, which is never before the last one."""
        self._at = max(at, self._at or at)

    def arrive(self) -> None:
        self._at = None
