"""The commands of returns, and what the claim and the order's copy must know of them."""

from __future__ import annotations

from typing import Any

from services.claim import queries as claim_queries
from services.claim.handlers.deciding import keep, take_up
from services.claim.model import Asking, Claim, OrderCase
from services.claim.model.refusals import HandledByPlatform, LineNotInOrder
from services.claim.policies import PLATFORM, SELLER
from services.claim.returns.agreed import NOT_RECEIVED, accept, new_return
from services.claim.returns.model import (
    APPROVED,
    IN_TRANSIT,
    RECEPTION_WINDOW,
    REQUEST_WINDOW,
    Return,
    ReturnWindowPassed,
)
from services.claim.returns.queries import BY_CUSTOMER, HANDLING, return_view, visible_return
from shared.kernel.errors import Forbidden
from shared.kernel.principal import system
from shared.runtime.unit_of_work import Context

View = dict[str, Any]


def request_return(ctx: Context, args: View) -> View:
    """RET-01: by the requester, or by whoever handles the claim on his behalf."""
    claim = claim_queries.visible_claim(ctx, args["claim_id"])
    _may_handle(ctx, claim, customers_too=True)
    case = ctx.need(OrderCase, claim.order_id) if claim.order_id else None
    if case is None:
        raise LineNotInOrder(line_id=args["lines"][0]["line_id"])
    if not claim.is_open or ctx.now > claim.opened_at + REQUEST_WINDOW:
        raise ReturnWindowPassed()
    wishes = {name: args[name] for name in ("method", "wants")}
    found = new_return(ctx, case, claim, args["lines"], args["reason_code"], **wishes)
    ctx.save(found)
    ctx.save(case)
    return return_view(found, ctx.principal)


def approve(ctx: Context, args: View) -> View:
    """RET-02."""
    found = _change(ctx, args, "approve")
    accept(ctx, found)
    return _keep(ctx, found)


def decline(ctx: Context, args: View) -> View:
    """RET-02."""
    found = _change(ctx, args, "decline")
    found.decline(args["reason_code"], ctx.now)
    _give_free(ctx, found)
    return _keep(ctx, found)


def attach_label(ctx: Context, args: View) -> View:
    """RET-03, S2-13."""
    found = _change(ctx, args, "attach_label")
    label: dict[str, Any] = {name: args[name] for name in ("source", "label_id", "url", "instructions") if name in args}
    found.attach_label(label, args["cost_bearer"], args["cost"], ctx.now)
    return _keep(ctx, found)


def mark_shipped(ctx: Context, args: View) -> View:
    """RET-04."""
    found = _change(ctx, args, "mark_shipped")
    found.mark_shipped(args["carrier"], args["tracking_number"], ctx.now)
    ctx.schedule(NOT_RECEIVED, found.id, ctx.now + RECEPTION_WINDOW)
    return _keep(ctx, found)


def receive(ctx: Context, args: View) -> View:
    """RET-05."""
    found = _change(ctx, args, "receive")
    found.receive(args["lines"], ctx.now)
    ctx.unschedule(NOT_RECEIVED, found.id)
    return _keep(ctx, found)


def inspect(ctx: Context, args: View) -> View:
    """RET-06."""
    found = _change(ctx, args, "inspect")
    found.inspect(args["lines"], args.get("reason"), ctx.now)
    return _keep(ctx, found)


def close(ctx: Context, args: View) -> View:
    """RET-08: pays for what is good. The claim waits for that refund as for one that its handler chose (CLM-05)."""
    found = _change(ctx, args, "close")
    found.close(ctx.new_id("rfd"), args["shipping"], ctx.now)
    ctx.unschedule(NOT_RECEIVED, found.id)
    case = ctx.need(OrderCase, found.order_id)
    case.taken_back(found.not_returned())
    ctx.save(case)
    if found.refund_id:
        at = take_up(ctx, ctx.need(Claim, found.claim_id))
        if at.claim.is_open:
            by_itself = Asking(system(ctx.tenant), ctx.now, case.phase, case.cleared)
            at.claim.await_refund_of_return(by_itself, found.id, found.refund_id)
            keep(ctx, at)
    return _keep(ctx, found)


def cancel(ctx: Context, args: View) -> View:
    """RET-09."""
    found = _change(ctx, args, "cancel")
    found.cancel(ctx.now)
    ctx.unschedule(NOT_RECEIVED, found.id)
    _give_free(ctx, found)
    return _keep(ctx, found)


def not_received(ctx: Context, timer: Any) -> None:
    """RET-07: the window passed; whoever handles the claim must look."""
    found = ctx.need(Return, timer.ref)
    if found.state not in (APPROVED, IN_TRANSIT):
        return
    found.miss(ctx.now)
    ctx.save(found)
    at = take_up(ctx, ctx.need(Claim, found.claim_id))
    if at.claim.give_back_to_handler(at.asking):
        keep(ctx, at)


def _change(ctx: Context, args: View, command: str) -> Return:
    """The return for a change. NotFound before Forbidden (T01)."""
    found = visible_return(ctx, args["return_id"])
    _may_handle(ctx, ctx.need(Claim, found.claim_id), customers_too=command in BY_CUSTOMER)
    ctx.check_version(found)
    return found


def _may_handle(ctx: Context, claim: Claim, customers_too: bool) -> None:
    """Deny by default (T05): the requester where he may, the seller of what he handles, the staff."""
    who = ctx.principal
    if who.role == "customer" and customers_too:
        return
    if who.role not in HANDLING or (who.role in ("seller", "integrator") and not who.acts_for_seller(claim.seller_id)):
        raise Forbidden(action="return")
    if (who.role in ("seller", "integrator") and claim.handler != SELLER) or (
        who.role == "coordinator" and claim.handler == PLATFORM
    ):
        raise HandledByPlatform()


def _give_free(ctx: Context, found: Return) -> None:
    """The announced units may be announced again."""
    case = ctx.need(OrderCase, found.order_id)
    case.take_back(found.lines, sign=-1)
    ctx.save(case)


def _keep(ctx: Context, found: Return) -> View:
    ctx.save(found)
    return return_view(found, ctx.principal)
