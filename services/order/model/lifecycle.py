"""When a product is used up, and the reminder before that (S4-25, S4-26)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, ClassVar

from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import stamp

REMIND_DAYS = 7  # model.md 7


def end_of_use(wear: dict[str, Any], units: int, start: datetime) -> datetime:
    """The theoretical day of exhaustion: a lifetime, or so many units at so many a day, whole days rounded down."""
    if wear.get("lifetime_days"):
        return start + timedelta(days=wear["lifetime_days"])
    return start + timedelta(days=int(units / Decimal(wear["units_per_day"])))


@dataclass(kw_only=True)
class LifecyclePlan(Aggregate):
    """One reminder for one line. token: what the link in the mail carries to stop them. refunded: per refund, units.

    awaited until the line has arrived: what is refunded on the way is remembered, the dates mean nothing yet.
    """

    stream: ClassVar[str] = "lifecycle"

    order_id: str
    line_id: str
    product_id: str
    customer_ref: str
    seller_id: str
    title: str
    units: int
    ends_at: datetime
    remind_at: datetime
    offer_code: str | None
    token: str
    state: str = "awaited"
    refunded: dict[str, int] = field(default_factory=dict)

    def _facts(self) -> dict[str, Any]:
        return {
            "plan_id": self.id,
            "order_id": self.order_id,
            "line_id": self.line_id,
            "product_id": self.product_id,
            "customer_ref": self.customer_ref,
            "seller_id": self.seller_id,
            "end_date": stamp(self.ends_at),
        }

    def arrived(self, units: int, ends_at: datetime, remind_at: datetime) -> None:
        """So many units are with the customer; of what was refunded on the way nobody is reminded (S4-29)."""
        self.units, self.ends_at, self.remind_at = units, ends_at, remind_at
        if self._all_refunded:
            self.state = "cancelled"
            return
        self.state = "planned"
        self.record("lifecycle.planned", **self._facts(), remind_at=stamp(self.remind_at))

    @property
    def _all_refunded(self) -> bool:
        return sum(self.refunded.values()) >= self.units

    def remind(self) -> None:
        """A few days before the end, with the offer for another one."""
        if self.state == "planned":
            self.state = "reminded"
            told = {"title": self.title, "offer_code": self.offer_code, "stop_token": self.token}
            self.record("lifecycle.reminder_due", **self._facts(), **told)

    def cancel(self, reason: str) -> bool:
        """S4-29: returned, refunded, bought again, or not wanted. True when there was still something to cancel."""
        if self.state != "planned":
            return False
        self.state = "cancelled"
        self.record("lifecycle.cancelled", **self._facts(), reason=reason)
        return True

    def units_refunded(self, refund_id: str, units: int) -> bool:
        """True when this is news; the plan ends when every unit was paid back."""
        if self.state not in ("awaited", "planned") or refund_id in self.refunded:
            return False
        self.refunded = {**self.refunded, refund_id: units}
        if self._all_refunded:
            self.cancel("refunded")
        return True

    def refund_reversed(self, refund_id: str) -> bool:
        """REF-14: these units were not paid back after all. True when that is news."""
        if refund_id not in self.refunded:
            return False
        self.refunded = {known: units for known, units in self.refunded.items() if known != refund_id}
        return True


@dataclass(kw_only=True)
class ReminderChoice(Aggregate):
    """Whether a customer wants such reminders at all."""

    stream: ClassVar[str] = "lifecycle"

    customer_ref: str
    wanted: bool = True

    def choose(self, wanted: bool) -> bool:
        if wanted == self.wanted:
            return False
        self.wanted = wanted
        type = "lifecycle.opted_in" if wanted else "lifecycle.opted_out"
        self.record(type, customer_ref=self.customer_ref)
        return True


def choice_id(tenant: str, customer_ref: str) -> str:
    return "lcc_" + sha256(f"{tenant}\n{customer_ref}".encode()).hexdigest()[:32]
