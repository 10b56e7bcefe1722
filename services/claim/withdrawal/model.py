"""The right to withdraw: fourteen days from delivery, by line, in two steps (2011/83 articles 9, 11a and 16)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.contracts.withdrawal import PERIOD_OVER
from shared.kernel.aggregate import Aggregate
from shared.kernel.calendar import end_of_day
from shared.kernel.clock import stamp
from shared.kernel.errors import NotInThisState, Refusal

PERIOD = timedelta(days=14)  # from the day after delivery to the end of the fourteenth
REFUND_WITHIN = timedelta(days=14)  # of the customer's statement (article 13)
WARN_AFTER = timedelta(days=10)
STATEMENT_KEPT = timedelta(hours=24)  # then the second step starts with the first again
STATED, RECEIVED = "stated", "received"


class NothingToWithdrawFrom(Refusal):
    """Line {line_id} is not in this order with so many units: name the lines of the order, or none for all of it."""

    code, status, rule = "NOTHING_TO_WITHDRAW_FROM", 422, "CLM-01"


class StatementTooOld(Refusal):
    """This statement was made more than a day ago and never confirmed: state it again."""

    code, status, rule = "STATEMENT_TOO_OLD", 409, "CLM-01"


@dataclass(kw_only=True)
class Withdrawal(Aggregate):
    """One customer's statement. name: as he gave it, never in an event. lines: `{line_id, qty, title, not_accepted}`.

    deadline: the last moment to withdraw; None while nothing was delivered.
    """

    stream = "withdrawal"

    order_id: str
    order_number: str
    marketplace: str
    seller_id: str
    customer_ref: str
    name: str
    lines: list[dict[str, Any]]
    whole: bool
    stated_at: datetime
    deadline: datetime | None
    state: str = STATED
    received_at: datetime | None = None
    claim_id: str | None = None
    return_id: str | None = None

    @property
    def accepted(self) -> list[dict[str, Any]]:
        """The units that are withdrawn from."""
        return [{"line_id": line["line_id"], "qty": line["qty"]} for line in self.lines if line["not_accepted"] is None]

    @property
    def refund_due_at(self) -> datetime | None:
        return self.received_at + REFUND_WITHIN if self.received_at and self.accepted else None

    def stated(self) -> None:
        self.record("withdrawal.stated", **self._whose())

    def may_be_confirmed(self, now: datetime) -> None:
        """Raises NotInThisState, StatementTooOld."""
        if self.state != STATED:
            raise NotInThisState(kind="withdrawal", state=self.state, action="confirm")
        if now > self.stated_at + STATEMENT_KEPT:
            raise StatementTooOld()

    def receive(self, claim_id: str, return_id: str | None, now: datetime, zone: ZoneInfo) -> None:
        """Step 2: from this moment it has its effect, and the receipt goes out."""
        self.state, self.received_at = RECEIVED, now
        self.claim_id, self.return_id = claim_id, return_id
        self.record(
            "withdrawal.received",
            **self._whose(),
            claim_id=claim_id,
            return_id=return_id,
            lines=self.lines,
            accepted=bool(self.accepted),
            whole=self.whole,
            received_at=stamp(now),
            time_zone=zone.key,
            refund_due_at=stamp(self.refund_due_at) if self.refund_due_at else None,
        )

    def warn(self) -> None:
        assert self.refund_due_at is not None
        due = stamp(self.refund_due_at)
        self.record("withdrawal.refund_due_soon", **self._whose(), claim_id=self.claim_id, refund_due_at=due)

    def _whose(self) -> dict[str, Any]:
        return {
            "withdrawal_id": self.id,
            "order_id": self.order_id,
            "seller_id": self.seller_id,
            "customer_ref": self.customer_ref,
        }


def deadline_of(delivered_at: datetime | None, zone: ZoneInfo) -> datetime | None:
    """The end of the fourteenth day after delivery, where the marketplace is; None: it has not begun."""
    return None if delivered_at is None else end_of_day((delivered_at.astimezone(zone) + PERIOD).date(), zone)


def withdrawn_lines(
    ordered: list[dict[str, Any]], wanted: list[dict[str, Any]], excluded: dict[str, str], over: bool
) -> list[dict[str, Any]]:
    """The lines that are meant, each with why it cannot be. excluded: by product. Raises NothingToWithdrawFrom."""
    by_id = {line["line_id"]: line for line in ordered}
    meant = wanted or [{"line_id": line["line_id"]} for line in ordered]
    found = []
    for each in meant:
        line = by_id.pop(each["line_id"], None)
        qty = each.get("qty", line["qty"] if line else 0)
        if line is None or not 1 <= qty <= line["qty"]:
            raise NothingToWithdrawFrom(line_id=each["line_id"])
        reason = excluded.get(line.get("product_id") or "") or (PERIOD_OVER if over else None)
        found.append({"line_id": line["line_id"], "qty": qty, "title": line.get("title"), "not_accepted": reason})
    return found
