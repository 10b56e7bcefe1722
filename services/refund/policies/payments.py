"""Which payment pays which part of a refund, and who bears it: M11 and M21 as pure functions over a ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.refund.model import Payment, RefundLedger, Wish
from services.refund.model.refusals import AmountExceedsRefundable, FundingDiffers
from services.refund.policies.profiles import Profile


def split(
    ledger: RefundLedger, profile: Profile, wishes: list[Wish], instrument: str = "original"
) -> list[tuple[Payment, list[Wish]]]:
    """Which payment pays which wishes: the profile's instruments first, then the latest capture, each within its own.

    A wish that two payments share is cut; its units go with the part that completes it. Raises AmountExceedsRefundable
    when the payments together have less than is wished (M9).
    """
    shares: list[tuple[Payment, list[Wish]]] = []
    queue = list(wishes)
    for payment in in_order(_payers(ledger, instrument), profile):
        room, mine = payment.available, []
        while queue and (room or not queue[0].amount):
            wish = queue.pop(0)
            if wish.amount > room:
                queue.insert(0, replace(wish, amount=wish.amount - room))
                wish = replace(wish, amount=room, before=0, after=0)
            mine.append(wish)
            room -= wish.amount
        if mine:
            shares.append((payment, mine))
    if any(wish.amount for wish in queue):
        raise AmountExceedsRefundable(available=ledger.available)
    return shares


def _payers(ledger: RefundLedger, instrument: str) -> list[Payment]:
    """Payments with something left; where the payer's PayPal is chosen and he paid by it, those (T24)."""
    having = [one for one in ledger.payments if one.available > 0]
    return [one for one in having if instrument == one.provider == "paypal"] or having


def in_order(payments: list[Payment], profile: Profile) -> list[Payment]:
    """Store credit and coupons before money, the latest capture before the earlier ones (M11)."""
    ranks = {instrument: rank for rank, instrument in enumerate(profile.instrument_order)}
    latest_first = sorted(payments, key=lambda payment: payment.captured_at, reverse=True)
    return sorted(latest_first, key=lambda payment: ranks.get(payment.instrument, len(ranks)))


def funded(shares: list[dict[str, Any]], amounts: list[int]) -> list[list[dict[str, Any]]]:
    """M21: the funding of each part of a refund, taken from the whole's in turn. Raises FundingDiffers."""
    given = sum(share["amount"] for share in shares)
    if not shares:
        return [[] for _ in amounts]
    if given != sum(amounts):
        raise FundingDiffers(given=given, amount=sum(amounts))
    rest, found = [dict(share) for share in shares], []
    for amount in amounts:
        mine = []
        while amount:
            taken = min(amount, rest[0]["amount"])
            if taken:
                mine.append({**rest[0], "amount": taken})
            rest[0]["amount"] -= taken
            amount -= taken
            if not rest[0]["amount"]:
                rest.pop(0)
        found.append(mine)
    return found
