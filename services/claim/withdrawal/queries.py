"""The read side of withdrawals."""

from __future__ import annotations

from typing import Any

from services.claim.model import Offer
from services.claim.storage import offers
from services.claim.withdrawal.model import STATED, Withdrawal
from shared.kernel.clock import stamp
from shared.kernel.errors import NotFound
from shared.runtime.unit_of_work import Context


def get_withdrawal(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    return withdrawal_view(ctx, visible_withdrawal(ctx, args["withdrawal_id"]))


def visible_withdrawal(ctx: Context, id: str) -> Withdrawal:
    """For the customer who made it, the seller it is made to, and staff; to nobody else does it exist (T01)."""
    found, who = ctx.get(Withdrawal, id), ctx.principal
    seen = found is not None and (
        who.is_staff
        or (who.role == "customer" and who.party == found.customer_ref)
        or who.acts_for_seller(found.seller_id)
        or (who.role == "integrator" and who.party is None)
    )
    if found is None or not seen:
        raise NotFound(kind="withdrawal", id=id)
    return found


def excluded_products(ctx: Context, marketplace: str, products: set[str]) -> dict[str, str]:
    """Of these products those that cannot be withdrawn from there, with the reason."""
    where = (offers.c.marketplace == marketplace, offers.c.product_id.in_(sorted(products)))
    found = ctx.find(Offer, *where, offers.c.no_withdrawal.is_not(None)) if products else []
    return {offer.product_id: offer.no_withdrawal for offer in found}


def withdrawal_view(ctx: Context, found: Withdrawal) -> dict[str, Any]:
    mine = ctx.principal.role == "customer"
    return {
        "id": found.id,
        "version": found.version,
        "state": found.state,
        "order_id": found.order_id,
        "order_number": found.order_number,
        "name": found.name,
        "lines": found.lines,
        "whole": found.whole,
        "deadline": stamp(found.deadline) if found.deadline else None,
        "stated_at": stamp(found.stated_at),
        "received_at": stamp(found.received_at) if found.received_at else None,
        "refund_due_at": stamp(found.refund_due_at) if found.refund_due_at else None,
        "claim_id": found.claim_id,
        "return_id": found.return_id,
        "allowed_actions": ["confirm"] if mine and found.state == STATED else [],
    }
