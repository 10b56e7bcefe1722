"""Goods that come back by agreement: the return is there and accepted at once, with no request to decide on."""

from __future__ import annotations

from typing import Any

from services.claim.model import Claim, OrderCase
from services.claim.returns.model import RECEPTION_WINDOW, Return, announced
from shared.runtime.unit_of_work import Context

NOT_RECEIVED = "return_not_received"  # timer, RET-07


def new_return(
    ctx: Context,
    case: OrderCase,
    claim: Claim,
    lines: list[dict[str, Any]],
    reason_code: str,
    id: str | None = None,
    **wishes: Any,
) -> Return:
    """RET-01: a return of these units, told and not yet stored. Raises TooManyReturned, LineNotInOrder.

    id: where somebody knows it already. wishes: its method, wants and outbound.
    """
    case.take_back(lines)
    found = Return(
        id=id or ctx.new_id("ret"),
        tenant=ctx.tenant,
        claim_id=claim.id,
        order_id=case.id,
        order_number=case.number,
        seller_id=case.seller_id,
        customer_ref=case.customer_ref,
        currency=case.currency,
        reason_code=reason_code,
        lines=announced(lines),
        requested_at=ctx.now,
        updated_at=ctx.now,
        **wishes,
    )
    found.request()
    return found


def accept(ctx: Context, found: Return) -> None:
    """RET-02, and RET-07: its number, and the day on which somebody must look when nothing came."""
    found.approve(f"RMA-{found.id[-10:]}", ctx.now)
    if found.comes_back:
        ctx.schedule(NOT_RECEIVED, found.id, ctx.now + RECEPTION_WINDOW)
