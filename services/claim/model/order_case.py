"""The claim service's copy of an order, what its claims hold, and the answer to a proposed settlement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.claim.model.claim import Claim
from services.claim.model.refusals import LineNotInOrder, TooManyReturned
from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import stamp


@dataclass(kw_only=True)
class OrderCase(Aggregate):
    """Whose order it is, how far it is, and its open claims. Its stream is `claim` too, its id the order's.

    claims_ever: how many were ever opened on it, the number of the next one comes from it. cleared: the settlement was
    cleared, so that a claim opened from now on holds nothing (SET-06). parcels: ids of its deliveries. replaces: the
    claim and order that it is the replacement for. locale: the customer's language; None for older orders.
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
    placed_at: datetime | None = None
    open_claims: int = 0
    open_ids: list[str] = field(default_factory=list)
    holding_ids: list[str] = field(default_factory=list)
    cleared: bool = False
    parcels: list[str] = field(default_factory=list)
    replaces: dict[str, str] | None = None
    delivered_at: datetime | None = None
    locale: str | None = None

    def shipped(self, parcel_id: str, units: list[dict[str, Any]]) -> None:
        """These units left in this parcel: what can be complained about and sent back (RET-01)."""
        self.parcels = [*self.parcels, parcel_id]
        sent = {unit["line_id"]: unit["qty"] for unit in units}
        self.lines = [
            {**line, "shipped": line.get("shipped", 0) + sent[line["line_id"]]} if line["line_id"] in sent else line
            for line in self.lines
        ]

    def take_back(self, units: list[dict[str, Any]], sign: int = 1) -> None:
        """RET-01: these units are announced to come back, or with sign -1 no longer. Raises LineNotInOrder,
        TooManyReturned: qty ≤ shipped − returned − in other returns."""
        lines = {line["line_id"]: dict(line) for line in self.lines}
        named = [unit["line_id"] for unit in units]
        for unit in units:
            line = lines.get(unit["line_id"])
            if line is None or named.count(unit["line_id"]) > 1:
                raise LineNotInOrder(line_id=unit["line_id"])
            left = line.get("shipped", 0) - line.get("returning", 0)
            if sign * unit["qty"] > left:
                raise TooManyReturned(line_id=unit["line_id"], left=left)
            line["returning"] = line.get("returning", 0) + sign * unit["qty"]
        self.lines = list(lines.values())

    def can_come_back(self, units: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Of these units, as many of each line as were shipped and are not on their way back already."""
        left = {line["line_id"]: line.get("shipped", 0) - line.get("returning", 0) for line in self.lines}
        found = [{"line_id": unit["line_id"], "qty": min(unit["qty"], left[unit["line_id"]])} for unit in units]
        return [unit for unit in found if unit["qty"] > 0]

    def taken_back(self, gone: dict[str, int]) -> None:
        """RET-08: what never arrived, per line, may still come back another time; the rest is returned for good."""
        self.lines = [
            {**line, "returning": line["returning"] - gone[line["line_id"]]} if gone.get(line["line_id"]) else line
            for line in self.lines
        ]

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
