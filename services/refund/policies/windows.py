"""Calendar months after a purchase: the same day number, clamped to the month's end, valid to the end of that day.

Bought on 31 January, one month ends on 28 February; on 31 August, six months end on 28 or 29 February (spec 5.5).
"""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def end_of_months(bought: datetime, months: int, time_zone: str) -> datetime:
    """The last millisecond of the last day, in the marketplace's time zone."""
    local = bought.astimezone(ZoneInfo(time_zone))
    index = local.month - 1 + months
    year, month = local.year + index // 12, index % 12 + 1
    day = min(local.day, monthrange(year, month)[1])
    next_day = datetime(year, month, day, tzinfo=local.tzinfo) + timedelta(days=1)  # wall time
    return next_day - timedelta(milliseconds=1)
