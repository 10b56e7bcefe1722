"""Whether the seller may be paid for an order (SET-01…SET-08)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from services.order.model.refusals import OpenClaim
from shared.kernel.aggregate import Aggregate
from shared.kernel.errors import NotInThisState

WHOLE, DISPUTED = "order", "disputed_amount"


@dataclass(kw_only=True)
class Settlement(Aggregate):
    """The pay-out of one order; its id is the order's.

    total: what the order is worth; refunded: what the seller bears of what went back to the customer, off his pay-out
    while there is something left of it, and off his next one (`clawed_back`) where he has had it already.

    holds: what each open claim keeps back, `{mode, amount}`; released: the same of claims that ended, for when one is
    taken up again. paid_out: what was settled so far: less than the total while a claim holds only what it is about
    (N11). proposed: what the pay-out under way is about.
    """

    stream: ClassVar[str] = "settlement"

    seller_id: str
    currency: str
    total: int
    state: str = "open"
    holds: dict[str, dict[str, Any]] = field(default_factory=dict)
    released: dict[str, dict[str, Any]] = field(default_factory=dict)
    order_completed: bool = False
    payout_ref: str | None = None
    paid_out: int = 0
    proposed: int = 0
    refunded: int = 0
    clawed_back: int = 0

    @property
    def held(self) -> int:
        """What is kept back now: never more than was not paid out yet."""
        if self.held_whole:
            return self.left
        return min(self.left, sum(hold["amount"] for hold in self.holds.values()))

    @property
    def left(self) -> int:
        """What the seller is still to be paid of this order."""
        return max(0, self._owed - self._had)

    @property
    def _owed(self) -> int:
        return max(0, self.total - self.refunded)

    @property
    def _had(self) -> int:
        return self.paid_out - self.clawed_back

    @property
    def held_whole(self) -> bool:
        return any(hold["mode"] == WHOLE for hold in self.holds.values())

    @property
    def held_in_part(self) -> bool:
        """Something is held, and all of it only in part (N11)."""
        return bool(self.holds) and not self.held_whole

    def _record(self, type: str, claim_id: str | None = None, amount: int | None = None, **data: Any) -> None:
        money = None if amount is None else {"amount": amount, "currency": self.currency}
        known = {"order_id": self.id, "seller_id": self.seller_id, "claim_id": claim_id, "amount": money}
        self.record(f"settlement.{type}", **{"mode": None, "payout_ref": self.payout_ref, **known, **data})

    def hold(self, claim_id: str, mode: str = WHOLE, disputed: int = 0) -> None:
        """SET-01: a claim holds the order, or what it is about. One opened after the pay-out holds nothing (SET-06)."""
        known = self.holds.get(claim_id)
        if self.state == "settled" or (known and (known["mode"] == mode or mode == WHOLE)):
            return  # else: an answer said that it holds, and only now we hear that it is of a part
        amount = self.total if mode == WHOLE else min(disputed, self.total)
        hold = self.released.get(claim_id) or {"mode": mode, "amount": amount}
        self.released = {known: each for known, each in self.released.items() if known != claim_id}
        self.holds = {**self.holds, claim_id: hold}
        under_way, self.state = self.state == "settling", "held"
        self._record("hold_placed", claim_id, hold["amount"], mode=hold["mode"], ends_payout=under_way)

    def release(self, claim_id: str) -> None:
        """SET-02, SET-03: a holding claim ended; the last one frees the whole."""
        if claim_id not in self.holds:
            return
        hold = self.holds[claim_id]
        self.holds = {known: each for known, each in self.holds.items() if known != claim_id}
        self.released = {**self.released, claim_id: hold}
        if self.holds and hold["mode"] == WHOLE and self.held_whole:
            return
        self._record("hold_released", claim_id, hold["amount"], mode=hold["mode"])
        if not self.holds and self.state == "held":
            self.state = "open"
            self._become_releasable()

    def complete(self) -> None:
        """SET-04: the order is completed."""
        self.order_completed = True
        self._become_releasable()

    def _become_releasable(self) -> None:
        if self.state == "open" and self.order_completed:
            self.state = "releasable"
            self._record("releasable", amount=self.left)

    @property
    def payable(self) -> bool:
        """SET-05: may a pay-out be proposed now? Of all that is left, or of all that no claim is about (N11)."""
        if self.state == "releasable":
            return True
        return self.state == "held" and self.order_completed and self.held_in_part and self.held < self.left

    def propose(self, payout_ref: str) -> None:
        """SET-05: ask the claim service whether anything else holds this order; its answer is the cut-off."""
        if self.holds and not self.payable:
            raise OpenClaim(claims=sorted(self.holds))
        if not self.payable:
            raise NotInThisState(kind="settlement", state=self.state, action="be settled")
        self.state, self.payout_ref, self.proposed = "settling", payout_ref, self.left - self.held
        known: dict[str, Any] = {"mode": DISPUTED, "held_claim_ids": sorted(self.holds)} if self.holds else {}
        self._record("proposed", amount=self.proposed, **known)

    def clear(self, payout_ref: str | None) -> None:
        """SET-06: nothing else holds the order. An answer about a pay-out that was given up since is nothing (I8)."""
        if not self._awaits(payout_ref):
            return
        self.paid_out += self.proposed
        self._record("settled", amount=self.proposed)
        self.proposed = 0
        self._claw_back()  # what was refunded while the answer was under way
        if not self.left:
            self.state = "settled"
        elif self.holds:
            self.state = "held"
        else:  # the claim that held the rest ended meanwhile
            self.state = "open"
            self._become_releasable()

    def _awaits(self, payout_ref: str | None) -> bool:
        return self.state == "settling" and payout_ref == self.payout_ref

    def block(self, payout_ref: str | None, claim_ids: Iterable[str]) -> None:
        """SET-07: something holds the order after all."""
        if self._awaits(payout_ref):
            self.state, self.payout_ref, self.proposed = "held" if self.holds else "open", None, 0
            for claim_id in claim_ids:
                self.hold(claim_id)
            self._become_releasable()

    def give_up_waiting(self) -> None:
        """SET-07: no answer within a minute; the pay-out may be proposed again."""
        if self.state == "settling":
            self.payout_ref, self.proposed = None, 0
            if self.holds:
                self.state = "held"
                self._record("hold_placed", amount=self.held, mode=DISPUTED, ends_payout=True)
            else:
                self.state = "releasable"
                self._record("releasable", amount=self.left)

    def refund(self, funding: list[dict[str, Any]]) -> bool:
        """Money went back to the customer: off what is left, and what the seller has had already off his next pay-out
        (SET-08). Only what he bears himself (M21); True when that is anything."""
        borne = _borne(funding)
        self.refunded += borne
        if self.state == "releasable" and borne:
            self._record("releasable", amount=self.left)
        if self.state != "settling":
            self._claw_back()
        return borne > 0

    def refund_reversed(self, funding: list[dict[str, Any]]) -> bool:
        """REF-14: the customer never got it; it is the seller's again, to be settled like the rest."""
        borne = _borne(funding)
        self.refunded -= borne
        if self.state == "settled" and self.left:
            self.state = "open"
        self._become_releasable()
        return borne > 0

    def _claw_back(self) -> None:
        """SET-08: the seller has had more than the order is worth to him now."""
        excess = self._had - self._owed
        if excess > 0:
            self.clawed_back += excess
            funding = [{"party": "seller", "id": self.seller_id, "amount": excess}]
            self._record("clawback_due", amount=excess, funding=funding)


def _borne(funding: list[dict[str, Any]]) -> int:
    return sum(part["amount"] for part in funding if part["party"] == "seller")
