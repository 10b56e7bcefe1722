"""A provider that says yes at once and pays nobody: for benchmarks, refused in production."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from services.refund.ports import Outcome


class Instant:
    """Answers without any I/O."""

    honours_keys_for = timedelta(days=3650)
    after_that = Outcome("unknown", code="forgotten")

    def refund(self, payment_ref: str, amount: int, currency: str, metadata: dict[str, str], key: str) -> Outcome:
        return Outcome("succeeded", f"instant_{key}", amount=amount, currency=currency)

    def find(self, payment_ref: str, key: str) -> Outcome | None:
        """It forgets: what is asked about was never sent, and is sent again under its key."""
        return None

    def settled(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        return []
