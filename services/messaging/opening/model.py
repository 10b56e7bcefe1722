"""A request for access to a customer's shop: he decides, nobody else; a refusal blocks nothing (S3-06 to S3-09)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.messaging.model import Who, person
from shared.kernel.aggregate import Aggregate
from shared.kernel.errors import NotInThisState, Refusal

LONGEST = timedelta(days=30)


class AccessTooLong(Refusal):
    """Access ends by itself: choose a time from now on, at most {days} days ahead."""

    code, status, rule = "ACCESS_TOO_LONG", 422, "S3-06"


@dataclass(kw_only=True)
class AccessRequest(Aggregate):
    """requested → granted | declined | expired; granted → revoked | expired."""

    stream = "access"

    thread_id: str
    claim_id: str | None
    order_id: str | None
    seller_id: str | None
    customer_ref: str | None
    kind: str
    permissions: list[str]
    purpose: str
    until: datetime
    asked_by_type: str
    asked_by_id: str
    asked_at: datetime
    state: str = "requested"
    decided_at: datetime | None = None

    @property
    def asked_by(self) -> Who:
        return self.asked_by_type, self.asked_by_id

    def ask(self, until: str) -> None:
        """Raises AccessTooLong. `until` is the time as it travels."""
        if not timedelta() < self.until - self.asked_at <= LONGEST:
            raise AccessTooLong(days=LONGEST.days)
        self._say("requested", self.asked_by, until, purpose=self.purpose)

    def decide(self, state: str, by: Who, until: str, now: datetime) -> None:
        """granted, declined, revoked or expired. Raises NotInThisState."""
        before = ("requested", "granted") if state in ("revoked", "expired") else ("requested",)
        if self.state not in before:
            raise NotInThisState(kind="access request", state=self.state, action=f"become {state}")
        self.state, self.decided_at = state, now
        self._say(state, by, until)

    def _say(self, what: str, by: Who, until: str, **more: Any) -> None:
        self.record(
            f"access.{what}",
            thread_id=self.thread_id,
            claim_id=self.claim_id,
            order_id=self.order_id,
            seller_id=self.seller_id,
            customer_ref=self.customer_ref,
            request_id=self.id,
            kind=self.kind,
            permissions=self.permissions,
            until=until,
            by=person(by),
            **more,
        )
