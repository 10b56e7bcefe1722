"""Lines of provider statements beside our refunds: what was looked at, and what differs (N10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.kernel.aggregate import Aggregate
from shared.kernel.money import Money


@dataclass(kw_only=True)
class SettlementLine(Aggregate):
    """One refund as a provider's statement tells it, or one of ours that its statement does not tell.

    kind: matched, missing, extra, amount or late. expected, found: minor units of `currency`, None where there is none.
    """

    stream = "reconciliation"

    provider: str
    provider_ref: str | None
    refund_id: str | None
    order_id: str | None
    seller_id: str | None
    kind: str
    currency: str
    expected: int | None
    found: int | None
    late_days: int | None
    seen_at: datetime

    def tell(self) -> None:
        """Announce it, when it differs."""
        if self.kind == "matched":
            return
        self.record(
            "reconciliation.difference",
            item=self.id,
            provider=self.provider,
            kind=self.kind,
            provider_ref=self.provider_ref,
            refund_id=self.refund_id,
            order_id=self.order_id,
            seller_id=self.seller_id,
            expected=self._money(self.expected),
            found=self._money(self.found),
            late_days=self.late_days,
        )

    def _money(self, amount: int | None) -> dict | None:
        return None if amount is None else Money(amount, self.currency).data()
