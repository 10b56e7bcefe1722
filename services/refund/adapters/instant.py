"""A provider that says yes at once and pays nobody: for benchmarks, refused in production."""

from __future__ import annotations

from services.refund.ports import Outcome


class Instant:
    """Answers without any I/O."""

    def refund(self, payment_ref: str, amount: int, currency: str, metadata: dict[str, str], key: str) -> Outcome:
        return Outcome("succeeded", f"instant_{key}", amount=amount, currency=currency)

    def find(self, payment_ref: str, key: str) -> Outcome | None:
        """It forgets: what is asked about was never sent, and is sent again under its key."""
        return None
