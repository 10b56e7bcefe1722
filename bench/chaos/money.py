"""The provider's ledger beside ours: what was really paid, and what the refund service believes (R22, R23)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from bench.books import Books

# A refund in one of these is over, or waits for a person.
AT_REST = frozenset({"succeeded", "failed", "reversed", "rejected", "cancelled", "pending_approval"})
# The counters of each order against the refunds that they count.
OF_ORDERS = """
select l.id from refund_ledger l left join (
    select order_id, sum(amount) filter (where state = 'succeeded') as paid,
           sum(amount) filter (where state in ('pending_approval', 'approved', 'processing', 'unknown')) as open
    from refund group by order_id
) r on r.order_id = l.id
where l.succeeded <> coalesce(r.paid, 0) or l.reserved <> coalesce(r.open, 0)
   or l.succeeded + l.reserved > l.captured
"""
# M18: every transaction of the double entry sums to zero.
OF_ENTRIES = "select order_id || ' ' || txn from ledger_entry group by order_id, txn having sum(amount) <> 0"


@dataclass
class Money:
    """All but the first two have to be 0. by_paypal: of the refunds."""

    refunds: int = 0
    by_paypal: int = 0
    double_payments: int = 0
    never_paid: int = 0
    differences: int = 0
    unsettled: int = 0
    over_refunded: int = 0
    ledger_differences: int = 0
    details: list[str] = field(default_factory=list)

    def note(self, figure: str, about: Any) -> None:
        setattr(self, figure, getattr(self, figure) + 1)
        if len(self.details) < 20:
            self.details.append(f"{figure}: {about}")


def money(books: Books, payments: list[dict[str, Any]], orders: str = "ord_%") -> Money:
    """payments: the provider's, with their refunds. orders: the ids to look at, as a pattern of SQL."""
    found = Money()
    paid = _paid(found, payments)
    ours = books.ask(
        "refund",
        "select id, state, amount, payment_ref, provider from refund where provider in ('stripe', 'paypal')"
        " and order_id like %s",
        (orders,),
    )
    known = {row[0] for row in books.ask("refund", "select id from refund")}
    for id, refunds in paid.items():
        if id not in known:
            found.note("differences", f"{id} paid, but not known here")
        for again in refunds[1:]:
            found.note("double_payments", f"{id} {again['id']}")
    for id, state, amount, payment_ref, provider in ours:
        found.refunds += 1
        found.by_paypal += provider == "paypal"
        there = [(each["amount"], each["payment_ref"]) for each in paid.get(id, ())]
        if state not in AT_REST:
            found.note("unsettled", f"{id} {state}")
        if not there and state not in ("rejected", "cancelled", "pending_approval"):
            found.note("never_paid", f"{id} {state}")
        if (state == "succeeded") != bool(there) or any(each != (amount, payment_ref) for each in there):
            found.note("differences", f"{id} {state} {amount}, provider {there}")
    for query in (OF_ORDERS, OF_ENTRIES):
        for (id,) in books.ask("refund", query):
            found.note("ledger_differences", id)
    return found


def _paid(found: Money, payments: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Money that moved at the provider, by our id of the refund."""
    paid: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for payment in payments:
        if payment["refunded"] > payment["captured"]:
            found.note("over_refunded", payment["id"])
        for refund in payment["refunds"]:
            if refund["status"] == "succeeded":
                told = refund["metadata"]
                id = told.get("refund_id") or told.get("custom_id", f"none of ours: {refund['id']}")
                paid[id].append({**refund, "payment_ref": payment["id"]})
    return paid
