"""The right to support for one product on one URL: bought, used up, taken back (ENT-01…ENT-05)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import stamp


def key_of(order_id: str, line_id: str) -> str:
    """Lines are named within their order."""
    return f"{order_id}/{line_id}"


@dataclass(kw_only=True)
class Entitlement(Aggregate):
    """A subscription per customer, product and normalised URL; buying it again prolongs it.

    watched: the lines whose full refund ends it, `{order_id/line_id: gross}`: the product and the subscription
    itself, which may be in different orders. lines: those by which it was bought, `{order_id, line_id}` each.
    refunds: `{refund_id: {amounts: {order_id/line_id: minor units}, gesture, paid}}`.
    """

    stream: ClassVar[str] = "entitlement"

    customer_ref: str
    product_id: str
    url: str
    seller_id: str
    order_id: str
    line_id: str
    starts_at: datetime
    ends_at: datetime
    state: str = "none"
    watched: dict[str, int] = field(default_factory=dict)
    lines: list[dict[str, str]] = field(default_factory=list)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)

    def _become(self, state: str, type: str, **more: Any) -> None:
        self.state = state
        self.record(
            f"entitlement.{type}",
            entitlement_id=self.id,
            customer_ref=self.customer_ref,
            seller_id=self.seller_id,
            order_id=self.order_id,
            product_id=self.product_id,
            url=self.url,
            ends_at=stamp(self.ends_at),
            **more,
        )

    def buy(self, days: int, watched: dict[str, int], lines: list[dict[str, str]], now: datetime) -> None:
        """ENT-01: from now, or prolonged from its end while it lasts."""
        lasting = self.state in ("active", "suspended") and self.ends_at > now
        if not lasting:
            self.starts_at, self.watched, self.lines, self.refunds = now, {}, [], {}
        self.lines = [*self.lines, *lines]
        self.ends_at = (self.ends_at if lasting else now) + timedelta(days=days)
        self.watched = {**self.watched, **watched}
        if self.state == "suspended" and lasting:
            return
        self._become("active", "activated")

    def expire(self, now: datetime) -> None:
        """ENT-02: its end has come, and nobody renewed it."""
        if self.state in ("active", "suspended") and self.ends_at <= now:
            self._become("expired", "expired")

    def refund_requested(self, refund: dict[str, Any]) -> bool:
        """ENT-03: suspended while all of a watched line is being paid back. True when it concerned us."""
        if not self._note(refund):
            return False
        if self.state == "active" and self._all_of_a_line_back(paid_only=False):
            self._become("suspended", "suspended")
        return True

    def refund_given_up(self, refund_id: str) -> bool:
        """ENT-04: failed, rejected, cancelled, or paid and reversed. What is terminated stays so."""
        if refund_id not in self.refunds:
            return False
        self.refunds = {known: each for known, each in self.refunds.items() if known != refund_id}
        if self.state == "suspended" and not self._all_of_a_line_back(paid_only=False):
            self._become("active", "resumed")
        return True

    def refund_succeeded(self, refund: dict[str, Any]) -> bool:
        """ENT-05. What it was bought by in other orders is owed back with the product (M14)."""
        if not self._note(refund, paid=True):
            return False
        if self.state in ("active", "suspended") and self._all_of_a_line_back(paid_only=True):
            elsewhere = [line for line in self.lines if line["order_id"] != refund["order_id"]]
            self._become("terminated", "terminated", owed=elsewhere)
        return True

    def order_cancelled(self) -> bool:
        """The order that bought it is no more."""
        if self.state not in ("active", "suspended"):
            return False
        self._become("terminated", "terminated", owed=[])
        return True

    def _note(self, refund: dict[str, Any], paid: bool = False) -> bool:
        named = {key_of(refund["order_id"], line["line_id"]): line["amount"] for line in refund["lines"]}
        amounts = {key: amount for key, amount in named.items() if key in self.watched}
        if not amounts:
            return False
        gesture = refund["kind"] == "commercial_gesture"
        self.refunds = {**self.refunds, refund["refund_id"]: {"amounts": amounts, "gesture": gesture, "paid": paid}}
        return True

    def _all_of_a_line_back(self, paid_only: bool) -> bool:
        """Gestures alone take nothing back (M14); after one, the last units are worth what it left."""
        for key, gross in self.watched.items():
            counted = [each for each in self.refunds.values() if key in each["amounts"]]
            counted = [each for each in counted if each["paid"] or not paid_only]
            back = sum(each["amounts"][key] for each in counted)
            if back >= gross and not all(each["gesture"] for each in counted):
                return True
        return False
