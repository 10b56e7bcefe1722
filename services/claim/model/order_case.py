"""The claim service's copy of an order, what its claims hold, and the answer to a proposed settlement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.claim.model.claim import Claim
from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import stamp


@dataclass(kw_only=True)
class OrderCase(Aggregate):
    """Whose order it is, how far it is, and its open claims. Its stream is `claim` too, its id the order's.

    claims_ever: how many were ever opened on it, the number of the next one comes from it. cleared: the settlement was
    cleared, so that a claim opened from now on holds nothing (SET-06).
    """

    stream = "claim"

    number: str
    marketplace: str
    profile: str
    customer_ref: str
    seller_id: str
    currency: str
    total: int
    phase: str
    lines: list[dict[str, Any]]
    claims_ever: int = 0
    open_claims: int = 0
    open_ids: list[str] = field(default_factory=list)
    holding_ids: list[str] = field(default_factory=list)
    cleared: bool = False

    def reach(self, phase: str) -> bool:
        """The order got this far; answers whether that is news."""
        if self.phase == phase:
            return False
        self.phase = phase
        return True

    def add_line(self, line: dict[str, Any]) -> None:
        self.lines = [*self.lines, line]
        self.total += line["gross"]

    def drop_line(self, line_id: str) -> None:
        dropped = [line for line in self.lines if line["line_id"] == line_id]
        self.lines = [line for line in self.lines if line["line_id"] != line_id]
        self.total -= sum(line["gross"] for line in dropped)

    def note(self, claim: Claim) -> bool:
        """Keep count of what is open and what holds; answers whether that changed."""
        before = (self.open_ids, self.holding_ids)
        self.open_ids = _with(self.open_ids, claim.id, claim.is_open)
        self.holding_ids = _with(self.holding_ids, claim.id, claim.holds)
        self.open_claims = len(self.open_ids)
        return before != (self.open_ids, self.holding_ids)

    def answer_settlement(self, now: datetime, payout_ref: str | None, known: Iterable[str] = ()) -> None:
        """SET-06, SET-07: the order may be paid out unless a claim holds it. Saying yes is the cut-off (I8).

        known: claims whose disputed part stays behind (N11); they and later ones go on holding that.
        Opening a claim changes this same row, so the two cannot happen at once without one of them seeing the other.
        """
        self.cleared = not self.holding_ids
        self.record(
            "claim.settlement_blocked" if set(self.holding_ids) - set(known) else "claim.settlement_cleared",
            order_id=self.id,
            seller_id=self.seller_id,
            payout_ref=payout_ref,
            holding_claim_ids=list(self.holding_ids),
            as_of=stamp(now),
        )

    def settlement_given_up(self) -> None:
        """The proposal was taken back before it was settled: claims may hold again."""
        self.cleared = False


def _with(ids: list[str], id: str, there: bool) -> list[str]:
    if there:
        return ids if id in ids else [*ids, id]
    return [other for other in ids if other != id]
