"""The issue rate of a seller: what is counted, how sure it is, how many more it bears, and what it tells.

Rates are percentages as decimal strings; counts are orders. Nothing here is a float but the bounds of the interval.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from shared.kernel.aggregate import Aggregate

FINE, AT_RISK, EXCEEDED, UNRATED = "fine", "at_risk", "exceeded", "unrated"
NEAR = Decimal("0.8")  # of the threshold: from here on the seller hears of it before it is too late
CONFIDENCE = 1.959964  # standard deviations on either side that hold 95 %
NAMED = 10  # reasons and products that are named

HINTS = {
    FINE: {"fr": "Votre taux de problèmes signalés est bon.", "en": "Your rate of reported issues is fine."},
    UNRATED: {
        "fr": "Trop peu de commandes pour que le taux compte.",
        "en": "Too few orders for the rate to count.",
    },
    AT_RISK: {
        "fr": "Votre taux de problèmes signalés approche de la limite : au-delà, vos produits perdent en visibilité.",
        "en": "Your rate of reported issues nears the limit: beyond it your products lose visibility.",
    },
    EXCEEDED: {
        "fr": "Votre taux de problèmes signalés dépasse la limite : vos produits perdent en visibilité.",
        "en": "Your rate of reported issues is above the limit: your products lose visibility.",
    },
}


@dataclass(frozen=True, slots=True)
class Numbers:
    """The four that are configurable (A16): strictly more than `threshold` per cent is too many.

    issues_per_order: how many counted issues make an order one with issues.
    """

    window_days: int
    threshold: Decimal
    least_orders: int
    issues_per_order: int


@dataclass(slots=True)
class Tally:
    """Of one seller, over the orders placed in the window.

    orders: delivered or completed. issues: orders with counted issues; open_issues: of these, not decided yet.
    decided, dropped: decided claims, and those of them that do not count (refused, withdrawn, merged).
    """

    orders: int = 0
    issues: int = 0
    open_issues: int = 0
    decided: int = 0
    dropped: int = 0
    by_reason: dict[str, int] = field(default_factory=dict)
    by_product: dict[str, int] = field(default_factory=dict)


def score(tally: Tally, numbers: Numbers) -> dict[str, Any]:
    """Everything that is said of the rate."""
    low, high = wilson(tally.issues, max(tally.orders, tally.issues))
    expected = tally.issues - tally.open_issues * Decimal(tally.dropped) / max(tally.decided, 1)
    return {
        "rate": percent(tally.issues, tally.orders),
        "issues": tally.issues,
        "orders": tally.orders,
        "window_days": numbers.window_days,
        "threshold": str(numbers.threshold),
        "least_orders": numbers.least_orders,
        "interval": {"low": _bound(low), "high": _bound(high)},
        "budget": budget(tally, numbers),
        "forecast": {
            "open_issues": tally.open_issues,
            "rate": percent(expected, tally.orders),
            "best": percent(tally.issues - tally.open_issues, tally.orders),
        },
        "level": level(tally, numbers),
        "by_reason": _ranked("reason_code", tally.by_reason),
        "by_product": _ranked("product_id", tally.by_product),
    }


def budget(tally: Tally, numbers: Numbers) -> int:
    """How many further orders may get an issue before the threshold is exceeded."""
    return max(0, int(numbers.threshold * tally.orders / 100) - tally.issues)


def level(tally: Tally, numbers: Numbers) -> str:
    """Strictly more than the threshold exceeds it; near is four fifths of it, or when one more would be too many."""
    if tally.orders < numbers.least_orders:
        return UNRATED
    limit = numbers.threshold * tally.orders
    if tally.issues * 100 > limit:
        return EXCEEDED
    near = tally.issues and (budget(tally, numbers) == 0 or tally.issues * 100 >= limit * NEAR)
    return AT_RISK if near else FINE


def wilson(issues: int, orders: int) -> tuple[float, float]:
    """The 95 % interval of a share, sensible for few orders and for none with issues."""
    if not orders:
        return 0.0, 1.0
    share, square = issues / orders, CONFIDENCE**2
    centre = share + square / (2 * orders)
    spread = CONFIDENCE * math.sqrt(share * (1 - share) / orders + square / (4 * orders**2))
    whole = 1 + square / orders
    low, high = max(0.0, (centre - spread) / whole), min(1.0, (centre + spread) / whole)
    return low if issues else 0.0, high if issues < orders else 1.0  # exact where arithmetic in floats is not


def percent(part: Decimal | int, whole: int) -> str:
    """`5.26`; 0 when there is nothing to compare with."""
    share = Decimal(part) * 100 / whole if whole else Decimal(0)
    return str(share.quantize(Decimal("0.01"), ROUND_HALF_UP))


def _bound(share: float) -> str:
    return f"{share * 100:.2f}"


def _ranked(name: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{name: key, "issues": count} for key, count in ranked[:NAMED]]


@dataclass(kw_only=True)
class SellerScore(Aggregate):
    """What was last told of a seller's rate. Its stream is `seller`; the score itself is counted anew each time."""

    stream = "seller"

    seller_id: str
    computed_at: datetime
    rate: str = "0.00"
    level: str = UNRATED

    @staticmethod
    def id_for(tenant: str, seller_id: str) -> str:
        return "sco_" + hashlib.sha256(f"{tenant}\n{seller_id}".encode()).hexdigest()[:32]

    def take(self, found: dict[str, Any], now: datetime) -> None:
        """Tell what changed: the rate by a tenth of a point, and each passing of a line (S2-26, N7)."""
        before, self.computed_at = self.level, now
        facts = {"seller_id": self.seller_id, **found}
        if found["level"] != UNRATED and _tenths(found["rate"]) != _tenths(self.rate):
            self.rate = found["rate"]
            self.record("seller.issue_rate_changed", **facts)
        self.level = found["level"]
        if self.level == before:
            return
        if self.level == EXCEEDED:
            self.record("seller.issue_rate_exceeded", **facts)
        elif before == EXCEEDED:
            self.record("seller.issue_rate_recovered", **facts)
        elif self.level == AT_RISK:
            self.record("seller.issue_rate_at_risk", **facts)


def _tenths(rate: str) -> Decimal:
    return Decimal(rate).quantize(Decimal("0.1"), ROUND_HALF_UP)
