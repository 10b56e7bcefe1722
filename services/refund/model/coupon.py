"""Coupons and store credit: money given back as a promise, counted in full against the cap (A18, M12, S4-09)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.refund.model.ledger import RefundLedger
from services.refund.model.refund import Refund
from services.refund.model.refusals import CouponExpired, CouponInsufficient, CouponNotUsable, WrongCurrency
from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import stamp
from shared.kernel.errors import NotInThisState
from shared.kernel.money import Money

ALIVE = frozenset({"issued", "partly_used"})


@dataclass(kw_only=True)
class Coupon(Aggregate):
    """What a customer may still spend at a seller; amounts in minor units.

    form: `coupon` (whoever has the code spends it) or `store_credit` (of this customer, without a code). Events carry
    `code_hash`, the SHA-256 of the code: a shop that is told of coupons recognises the code which it is shown.
    """

    stream = "coupon"

    form: str
    order_id: str
    refund_id: str
    payment_id: str
    seller_id: str
    customer_ref: str
    currency: str
    value: int
    remaining: int
    code: str | None
    code_hash: str | None
    issued_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    state: str = "issued"
    uses: list[dict] = field(default_factory=list)

    @classmethod
    def issue(
        cls, id: str, refund: Refund, code: tuple[str, str] | None, expires_at: datetime | None, now: datetime
    ) -> Coupon:
        """REF-09 of a refund by coupon or store credit. code: the code and its hash; store credit has none."""
        coupon = cls(
            id=id,
            tenant=refund.tenant,
            form=refund.instrument,
            order_id=refund.order_id,
            refund_id=refund.id,
            payment_id=refund.payment_id,
            seller_id=refund.seller_id,
            customer_ref=refund.customer_ref,
            currency=refund.currency,
            value=refund.amount,
            remaining=refund.amount,
            code=code[0] if code else None,
            code_hash=code[1] if code else None,
            issued_at=now,
            updated_at=now,
            expires_at=expires_at,
        )
        coupon._tell("coupon.issued")
        return coupon

    def redeem(self, ledger: RefundLedger, amount: int | None, currency: str, used_for: str, now: datetime) -> int:
        """Spend `amount` of it, or all that remains. Raises CouponNotUsable, CouponExpired, CouponInsufficient.

        used_for: the order or receipt that it pays; remembered with the use.
        """
        if self.state not in ALIVE:
            raise CouponNotUsable(state=self.state)
        if self.expires_at is not None and now >= self.expires_at:
            raise CouponExpired(expires_at=stamp(self.expires_at))
        if currency != self.currency:
            raise WrongCurrency(expected=self.currency, given=currency)
        amount = self.remaining if amount is None else amount
        if amount > self.remaining:
            raise CouponInsufficient(remaining=self.remaining)
        self.remaining -= amount
        self.uses.append({"amount": amount, "used_for": used_for, "at": stamp(now)})
        self.state, self.updated_at = "partly_used" if self.remaining else "used", now
        ledger.book_coupon("redeem", amount, self.payment_id, f"{self.id}:{len(self.uses)}", now)
        self._tell("coupon.redeemed", amount=Money(amount, self.currency).data(), used_for=used_for)
        return amount

    def expire(self, ledger: RefundLedger, now: datetime) -> None:
        """Its time is over: what is unused lapses. It stays given back; the cap is not opened again."""
        self._must_live("expire")
        ledger.book_coupon("expire", self.remaining, self.payment_id, self.id, now)
        self.state, self.updated_at = "expired", now
        self._tell("coupon.expired")

    def revoke(self, ledger: RefundLedger, refund: Refund, now: datetime) -> None:
        """The unused part is taken back and refundable again by another way; of an unused coupon, the whole refund."""
        self._must_live("revoke")
        unused, self.updated_at = self.remaining, now
        if unused == self.value:
            refund.reverse(ledger, "coupon_revoked", now)
        else:
            ledger.give_back(self.id, self.payment_id, refund.slices, unused, now)
        self.remaining, self.state = 0, "revoked"
        self._tell("coupon.revoked", amount=Money(unused, self.currency).data())

    def _must_live(self, action: str) -> None:
        if self.state not in ALIVE:
            raise NotInThisState(kind="coupon", state=self.state, action=action)

    def _tell(self, type: str, **more: Any) -> None:
        self.record(
            type,
            coupon_id=self.id,
            form=self.form,
            code_hash=self.code_hash,
            order_id=self.order_id,
            refund_id=self.refund_id,
            seller_id=self.seller_id,
            customer_ref=self.customer_ref,
            value=Money(self.value, self.currency).data(),
            remaining=Money(self.remaining, self.currency).data(),
            expires_at=stamp(self.expires_at) if self.expires_at else None,
            **more,
        )
