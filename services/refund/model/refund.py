"""One refund: one payment, one provider call, one credit note. Its states are REF-01 to REF-15 of the spec."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.refund.model.ledger import RefundLedger
from services.refund.model.parts import Slice, Wish
from services.refund.model.refusals import FourEyesRequired
from services.refund.model.states import TRANSITIONS
from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import stamp
from shared.kernel.errors import NotInThisState
from shared.kernel.money import Money


@dataclass(kw_only=True)
class Refund(Aggregate):
    """Money on its way back to a customer; amount in minor units of `currency`.

    given_up: the provider was asked as often as planned and never answered.
    slices: what it takes from each part, taxes included, fixed at reservation. verdicts: each rule's answer when it was
    decided (N4). provider_key: what the provider is called with, this refund's id, for ever the same (M16).
    deductions: what was kept and why (M13); already taken off the amount. shares: who bears it (M21), empty: the
    seller. children: refunds that wait for this one, of linked subscriptions (M14). requester_id: of `requested_by`,
    for counting (T20).
    """

    stream = "refund"

    order_id: str
    claim_id: str | None
    parent_id: str | None
    retry_of: str | None
    return_id: str | None = None
    seller_id: str
    customer_ref: str
    profile: str
    kind: str
    instrument: str
    provider: str = ""
    payment_id: str = ""
    payment_ref: str = ""
    currency: str
    amount: int
    slices: list[Slice]
    reason_code: str
    requested_by: dict[str, Any]
    requester_id: str = ""
    deductions: list[dict] = field(default_factory=list)
    shares: list[dict] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    requested_at: datetime
    updated_at: datetime
    verdicts: list[dict] = field(default_factory=list)
    state: str = "requested"
    decided_by: dict[str, Any] | None = None
    decided_at: datetime | None = None
    decision_code: str | None = None
    provider_ref: str | None = None
    failure: dict[str, Any] | None = None
    asked: int = 0
    given_up: bool = False
    processing_at: datetime | None = None
    succeeded_at: datetime | None = None
    credit_note_id: str | None = None

    @classmethod
    def request(cls, ledger: RefundLedger, wishes: list[Wish], now: datetime, **facts: Any) -> Refund:
        """REF-02: reserve the wishes in the ledger and begin. Raises AmountExceedsRefundable, with nothing reserved."""
        slices = ledger.reserve(facts["id"], facts["payment_id"], wishes, now)
        refund = cls._of(ledger, now, amount=sum(wish.amount for wish in wishes), slices=slices, **facts)
        if refund.kind == "commercial_gesture":
            ledger.gestured += refund.amount
        refund.record("refund.requested", **refund.facts(ledger))
        return refund

    @classmethod
    def refused(cls, ledger: RefundLedger, code: str, now: datetime, **facts: Any) -> Refund:
        """A refund agreed elsewhere that the rules here refuse: it begins rejected, nothing was reserved (CLM-06)."""
        refund = cls._of(ledger, now, slices=[], state="rejected", decided_at=now, decision_code=code, **facts)
        refund.record("refund.rejected", **refund.facts(ledger), code=code)
        return refund

    @classmethod
    def external(cls, ledger: RefundLedger, now: datetime, over_cap: int, **facts: Any) -> Refund:
        """REF-15: the provider gave back without us. It is booked, and flagged when it went over the cap."""
        facts |= {"kind": "external", "instrument": "original", "claim_id": None, "parent_id": None, "retry_of": None}
        refund = cls._of(ledger, now, slices=[], state="succeeded", succeeded_at=now, **facts)
        told = refund.facts(ledger)
        refund.record("refund.external_recorded", **told, provider_ref=refund.provider_ref, over_cap=over_cap)
        return refund

    @classmethod
    def _of(cls, ledger: RefundLedger, now: datetime, **facts: Any) -> Refund:
        """A refund of this ledger, as it begins in whatever state."""
        return cls(
            tenant=ledger.tenant,
            order_id=ledger.id,
            seller_id=ledger.seller_id,
            customer_ref=ledger.customer_ref,
            profile=ledger.profile,
            currency=ledger.currency,
            requester_id=facts["requested_by"]["id"],
            requested_at=now,
            updated_at=now,
            **facts,
        )

    def approve_by_policy(self, ledger: RefundLedger, now: datetime) -> None:
        """REF-03: within the limits of who asked."""
        self._go("approve")
        self.decided_at = now
        self.record("refund.approved", **self.facts(ledger), by="policy")

    def await_approval(self, ledger: RefundLedger, rules: list[str]) -> None:
        """REF-04: `rules` name what makes a second person necessary."""
        self._go("await_approval")
        self.record("refund.approval_required", **self.facts(ledger), rules=rules)

    def approve(self, ledger: RefundLedger, actor: dict, now: datetime) -> None:
        """REF-05. Raises FourEyesRequired when the one who asked approves."""
        self._must("approve")
        if actor["id"] == self.requested_by["id"]:
            raise FourEyesRequired()
        self._go("approve")
        self.decided_by, self.decided_at = actor, now
        self.record("refund.approved", **self.facts(ledger), by=actor["type"])

    def reject(self, ledger: RefundLedger, code: str, actor: dict, now: datetime) -> None:
        """REF-06: the reservation is released."""
        self._go("reject")
        self.decided_by, self.decided_at, self.decision_code = actor, now, code
        self._release(ledger, now)
        self.record("refund.rejected", **self.facts(ledger), code=code)

    def cancel(self, ledger: RefundLedger, actor: dict, now: datetime) -> None:
        """REF-07: only while no provider was called; the reservation is released."""
        self._go("cancel")
        self.decided_by, self.decided_at = actor, now
        self._release(ledger, now)
        self.record("refund.cancelled", **self.facts(ledger), by=actor["type"])

    def execute(self, ledger: RefundLedger, now: datetime) -> None:
        """REF-08: from here on only the provider's answer decides. Raises PaymentDisputed."""
        self._must("execute")
        ledger.check_undisputed(self.payment_id)
        self._go("execute")
        self.processing_at = now
        self.record("refund.processing", **self.facts(ledger))

    def accept(self, provider_ref: str | None) -> None:
        """The provider took it and has not finished: remember what it calls it, so that it can be asked about."""
        self._must("succeed")
        self.provider_ref = provider_ref

    def succeed(self, ledger: RefundLedger, provider_ref: str | None, credit_note_id: str, now: datetime) -> None:
        """REF-09: reserved becomes succeeded; the credit note of the same transaction is named in the event."""
        self._go("succeed")
        self.provider_ref, self.credit_note_id, self.succeeded_at = provider_ref, credit_note_id, now
        self.failure = None
        account = "coupon" if self.is_coupon else None
        ledger.apply("succeed", self.id, self.payment_id, self.slices, now, account)
        self.record(
            "refund.succeeded",
            **self.facts(ledger),
            provider_ref=provider_ref,
            succeeded_at=stamp(now),
            credit_note_id=credit_note_id,
            order_refunded_total=Money(ledger.succeeded, self.currency).data(),
            order_available=Money(ledger.available, self.currency).data(),
            fully_refunded=ledger.fully_refunded,
        )

    def fail(self, ledger: RefundLedger, code: str | None, retryable: bool, now: datetime) -> None:
        """REF-10: the provider refused for certain, or surely never got it; the reservation is released."""
        self._go("fail")
        self.failure = {"code": code, "retryable": retryable}
        self._release(ledger, now)
        self.record("refund.failed", **self.facts(ledger), code=code, retryable=retryable)

    def lose_sight(self, ledger: RefundLedger, code: str | None, last: bool) -> None:
        """REF-11, REF-12: nobody knows whether it was paid. The reservation is kept.

        Announced when it begins, and once more when the last question remained without answer (`last`): from then on a
        person has to look.
        """
        first = self.state == "processing"
        self._go("lose_sight")
        self.failure, self.given_up = {"code": code, "retryable": False}, last
        if first or last:
            self.record("refund.outcome_unknown", **self.facts(ledger), code=code, given_up=last)

    def reverse(self, ledger: RefundLedger, code: str | None, now: datetime) -> None:
        """REF-14: the provider took back what it had paid; the money is refundable again."""
        self._go("reverse")
        self.failure = {"code": code, "retryable": True}
        if self.kind == "external":  # no part of the order is named
            ledger.reverse_external(self.id, self.payment_id, self.amount, now)
        else:
            account = "revoke" if self.is_coupon else None
            ledger.apply("reverse", self.id, self.payment_id, self.slices, now, account)
        self._forget_gesture(ledger)
        self.record("refund.reversed", **self.facts(ledger), code=code)

    @property
    def tax_total(self) -> int:
        return sum(piece.tax for piece in self.slices)

    def facts(self, ledger: RefundLedger) -> dict[str, Any]:
        """The payload that every refund event shares (spec 5.7): totals, and the delta of each line (M22)."""
        return {
            "refund_id": self.id,
            "order_id": self.order_id,
            "claim_id": self.claim_id,
            "parent_id": self.parent_id,
            "retry_of": self.retry_of,
            "return_id": self.return_id,
            "seller_id": self.seller_id,
            "customer_ref": self.customer_ref,
            "kind": self.kind,
            "instrument": self.instrument,
            "amount": Money(self.amount, self.currency).data(),
            "tax_total": self.tax_total,
            "lines": [line_data(piece) for piece in self.slices if piece.kind == "line"],
            "shipping": sum(piece.amount for piece in self.slices if piece.kind == "shipment"),
            "reason_code": self.reason_code,
            "deductions": self.deductions,
            "funding": self.funding,
            "requested_by": {"type": self.requested_by["type"], "id": self.requested_by["id"]},
            "available_after": ledger.available,
        }

    @property
    def funding(self) -> list[dict]:
        """Who bears it: the seller, all of it, unless the request said otherwise (M21)."""
        return self.shares or [{"party": "seller", "id": self.seller_id, "amount": self.amount}]

    @property
    def is_coupon(self) -> bool:
        """Paid with a promise and not with money: by a coupon or as store credit (A18)."""
        return self.instrument in ("coupon", "store_credit")

    @property
    def is_given_up(self) -> bool:
        """Nobody knows whether it was paid, and nothing of ours will ask again."""
        return self.state == "unknown" and self.given_up

    def can(self, action: str) -> bool:
        return (self.state, action) in TRANSITIONS

    def _must(self, action: str) -> None:
        if not self.can(action):
            raise NotInThisState(kind="refund", state=self.state, action=action.replace("_", " "))

    def _go(self, action: str) -> None:
        self._must(action)
        self.state = TRANSITIONS[self.state, action]

    def _release(self, ledger: RefundLedger, now: datetime) -> None:
        ledger.apply("release", self.id, self.payment_id, self.slices, now)
        self._forget_gesture(ledger)

    def _forget_gesture(self, ledger: RefundLedger) -> None:
        if self.kind == "commercial_gesture":
            ledger.gestured -= self.amount


def line_data(piece: Slice) -> dict[str, Any]:
    """A line of a refund as events and credit notes carry it; qty is absent when it was refunded by amount."""
    data = {"line_id": piece.part_id, "amount": piece.amount, "taxes": piece.taxes}
    return {**data, "qty": piece.units} if piece.units else data
