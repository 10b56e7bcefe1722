"""Numbers of documents without gaps (M19, I12)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.kernel.aggregate import Aggregate


@dataclass(kw_only=True)
class NumberSeries(Aggregate):
    """The counter of one series and year; its row is locked by whoever takes a number, so that none is ever skipped.

    prefix: `<series>-<year>`.
    """

    stream = "number_series"

    prefix: str
    last: int = 0

    def take(self) -> str:
        """The next number: `AV-2026-000042`."""
        self.last += 1
        return f"{self.prefix}-{self.last:06d}"
