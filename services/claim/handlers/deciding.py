"""How a claim is taken up to be changed, and kept afterwards. Every command, reaction and timer goes through here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.claim import policies, queries
from services.claim.collision import check_unchanged
from services.claim.handlers.sla import follow
from services.claim.model import Asking, Claim, OrderCase, permits
from services.claim.model.states import REFUSED, RESOLVED
from services.claim.views import claim_view
from shared.kernel.errors import Forbidden
from shared.runtime.unit_of_work import Context

AUTO_CLOSE, AUTO_CONFIRM = "claim_auto_close", "claim_auto_confirm"


@dataclass(slots=True)
class TakenUp:
    """A claim in the hands of one handler. case: its order, where it has one.

    before, confirmable: its state when taken up, and whether silence would have confirmed it.
    """

    claim: Claim
    case: OrderCase | None
    asking: Asking
    before: str
    confirmable: bool


def change(ctx: Context, claim_id: str, action: str) -> TakenUp:
    """The claim, for somebody who may see it and whose role may ever do this.

    Raises NotFound before Forbidden (T01), Forbidden by the role × action table, deny by default (I7, T05), then
    ChangedMeanwhile. What the state forbids is the claim's to say.
    """
    claim = queries.visible_claim(ctx, claim_id)
    if not permits(ctx.principal.role, action):
        raise Forbidden(action=action)
    check_unchanged(ctx, claim)
    return take_up(ctx, claim)


def take_up(ctx: Context, claim: Claim) -> TakenUp:
    case = ctx.need(OrderCase, claim.order_id) if claim.order_id else None
    return TakenUp(claim, case, queries.asking_about(ctx, case), claim.state, claim.confirmable)


def keep(ctx: Context, at: TakenUp) -> dict[str, Any]:
    """Store the claim, what its order must know of it, and its deadlines; answers the view."""
    follow(ctx, at.claim)
    ctx.save(at.claim)
    if at.case is not None and at.case.note(at.claim):
        ctx.save(at.case)
    _set_deadlines(ctx, at)
    return claim_view(at.claim, at.asking)


def _set_deadlines(ctx: Context, at: TakenUp) -> None:
    """The timers of what it was go, those of what it is come (CLM-10, CLM-19)."""
    claim = at.claim
    if claim.state != at.before:
        if at.before in (RESOLVED, REFUSED):
            ctx.unschedule(AUTO_CLOSE, claim.id)
        if claim.state in (RESOLVED, REFUSED):
            ctx.schedule(AUTO_CLOSE, claim.id, claim.state_since + policies.AUTO_CLOSE_AFTER)
    due = policies.auto_confirm_at(claim.profile, ctx.now)
    if due is not None and claim.confirmable != at.confirmable:
        if claim.confirmable:
            ctx.schedule(AUTO_CONFIRM, claim.id, due)
        else:
            ctx.unschedule(AUTO_CONFIRM, claim.id)
