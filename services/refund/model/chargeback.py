"""Chargebacks: the payer's bank takes money back without asking us (N1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.refund.model.ledger import RefundLedger
from shared.kernel.aggregate import Aggregate
from shared.kernel.errors import NotInThisState
from shared.kernel.money import Money


@dataclass(kw_only=True)
class Chargeback(Aggregate):
    """A dispute of one payment: open, then won or lost; id = the provider's."""

    stream = "chargeback"

    order_id: str
    payment_id: str
    currency: str
    amount: int
    state: str = "open"

    @classmethod
    def open(cls, id: str, ledger: RefundLedger, payment_id: str, amount: int, now: datetime) -> Chargeback:
        """It eats the cap of its payment, and stops automatic refunds of the order (E7)."""
        ledger.dispute(id, payment_id, amount, now)
        found = cls(
            id=id,
            tenant=ledger.tenant,
            order_id=ledger.id,
            payment_id=payment_id,
            currency=ledger.currency,
            amount=amount,
        )
        found._tell("chargeback.opened", ledger)
        return found

    def close(self, ledger: RefundLedger, won: bool, now: datetime) -> None:
        """Won: refundable again. Lost: gone."""
        if self.state != "open":
            raise NotInThisState(kind="chargeback", state=self.state, action="close")
        ledger.close_dispute(self.id, self.payment_id, self.amount, won, now)
        self.state = "won" if won else "lost"
        self._tell(f"chargeback.{self.state}", ledger)

    def _tell(self, type: str, ledger: RefundLedger) -> None:
        self.record(
            type,
            payment_id=self.payment_id,
            order_id=self.order_id,
            seller_id=ledger.seller_id,
            customer_ref=ledger.customer_ref,
            amount=Money(self.amount, self.currency).data(),
            provider_ref=self.id,
            available_after=ledger.available,
        )
