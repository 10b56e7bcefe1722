"""CLM-03: a replacement is agreed, and where a label goes with it, what is replaced comes back (RET-02, RET-03)."""

from __future__ import annotations

from typing import Any

from services.claim.handlers.deciding import TakenUp
from services.claim.model import OrderCase
from services.claim.policies import PLATFORM, SELLER
from services.claim.returns.agreed import accept, new_return
from services.claim.returns.model import APPROVED, REQUESTED, NothingToSendBack, Return
from services.claim.storage import returns
from shared.runtime.unit_of_work import Context


def choose_replacement(ctx: Context, at: TakenUp, args: dict[str, Any]) -> None:
    """S2-12, S2-13: the replacement's order, and with `label_id` an accepted return whose label is attached."""
    instructions, label_id = args.get("return_instructions"), args.get("label_id")
    waiting = _waiting_return(ctx, at) if label_id else None
    return_id = (waiting.id if waiting else ctx.new_id("ret")) if label_id else None
    at.claim.choose_replacement(at.asking, instructions, ctx.new_id("ord"), return_id)
    if label_id and at.case is not None:
        back = waiting or _new_return(ctx, at, at.case, return_id)
        _send_back_with(ctx, at, back, label_id, instructions)
        ctx.save(back)
        ctx.save(at.case)


def _waiting_return(ctx: Context, at: TakenUp) -> Return | None:
    """What the customer has announced for this claim already, and has not sent."""
    where = (returns.c.claim_id == at.claim.id, returns.c.state.in_((REQUESTED, APPROVED)))
    found = ctx.find(Return, *where, order_by=returns.c.id, limit=1)
    return found[0] if found else None


def _new_return(ctx: Context, at: TakenUp, case: OrderCase, id: str | None) -> Return:
    """Of the units that the claim is about, or of all of the order; as far as they were shipped."""
    units = case.can_come_back(at.claim.lines or case.lines)
    if not units:
        raise NothingToSendBack()
    return new_return(ctx, case, at.claim, units, at.claim.reason_code, id=id, method="return", wants="nothing")


def _send_back_with(ctx: Context, at: TakenUp, back: Return, label_id: str, instructions: str | None) -> None:
    """At the cost of whoever decides: the brand, or the platform where it handles the claim (S2-13)."""
    bearer = PLATFORM if at.claim.handler == PLATFORM else SELLER
    label = {"source": bearer, "label_id": label_id, **({"instructions": instructions} if instructions else {})}
    back.replaced()
    if back.state == REQUESTED:
        accept(ctx, back)
    back.attach_label(label, bearer, 0, ctx.now)
