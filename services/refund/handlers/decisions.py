"""Deciding on refunds: approve, reject, cancel, execute, and the deadline when nobody decides."""

from __future__ import annotations

from typing import Any

from services.refund.access import rules_of
from services.refund.handlers.paying import call_provider, complete, pay_with, save_all, start_paying
from services.refund.model import Refund, RefundLedger
from services.refund.model.refusals import ReferenceRequired
from services.refund.policies import PAID_BY_HAND, may, paid_when_approved, sees
from services.refund.queries import family_of
from services.refund.showing import shown
from shared.kernel.errors import Forbidden, NotFound
from shared.runtime.timers import Timer
from shared.runtime.unit_of_work import Context


def approve_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """REF-05: by somebody else than the one who asked; paid at once where the profile says so.

    Its other parts and its subscriptions were asked for in one: they are approved in one.
    """
    refund, ledger = _mine(ctx, args["refund_id"], "approve")
    family = family_of(ctx, refund, "approve")
    rules = rules_of(ctx, ledger.profile)
    for one in family:
        one.approve(ledger, ctx.principal.actor, ctx.now)
        ctx.unschedule("approval_expired", one.id)
        if paid_when_approved(rules, one):
            start_paying(ctx, ledger, one)
    if refund.state == "succeeded":
        pay_with(ctx, ledger, family[1:])
    save_all(ctx, ledger, family)
    return shown(ctx, [refund])[0]


def reject_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """REF-06."""
    refund, ledger = _mine(ctx, args["refund_id"], "reject")
    return _reject(ctx, refund, ledger, args["reason_code"])


def cancel_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """REF-07."""
    refund, ledger = _mine(ctx, args["refund_id"], "cancel")
    family = family_of(ctx, refund, "cancel")
    for one in family:
        one.cancel(ledger, ctx.principal.actor, ctx.now)
    return _released(ctx, family, ledger)


def execute_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """REF-08 by a person: through the provider, or, where a person pays, by recording the reference of the transfer.

    Of a refund whose questions are used up it asks the provider once more (REF-12).
    """
    refund, ledger = _mine(ctx, args["refund_id"], "execute")
    if refund.is_given_up:
        call_provider(ctx, refund)
        return shown(ctx, [refund])[0]
    if refund.provider != PAID_BY_HAND:
        start_paying(ctx, ledger, refund)
    elif not args.get("reference"):
        raise ReferenceRequired()
    else:
        refund.execute(ledger, ctx.now)
        complete(ctx, ledger, refund, args["reference"])
    children = [ctx.need(Refund, id) for id in refund.children] if refund.state == "succeeded" else []
    pay_with(ctx, ledger, children)
    save_all(ctx, ledger, [refund, *children])
    return shown(ctx, [refund])[0]


def reject_when_nobody_approved(ctx: Context, timer: Timer) -> None:
    """REF-06: after 7 days without a decision the customer's money is free again."""
    refund = ctx.need(Refund, timer.ref)
    if refund.can("reject"):
        _reject(ctx, refund, ctx.need(RefundLedger, refund.order_id), "approval_expired")


def _reject(ctx: Context, refund: Refund, ledger: RefundLedger, code: str) -> dict[str, Any]:
    family = family_of(ctx, refund, "reject")
    for one in family:
        one.reject(ledger, code, ctx.principal.actor, ctx.now)
    return _released(ctx, family, ledger)


def _mine(ctx: Context, refund_id: str, action: str) -> tuple[Refund, RefundLedger]:
    """A foreign refund is not found (T01), a forbidden action is forbidden (T05), a stale version is refused."""
    refund = ctx.need(Refund, refund_id)
    if not sees(ctx.principal, refund.seller_id, refund.customer_ref):
        raise NotFound(kind="refund", id=refund_id)
    execution = rules_of(ctx, refund.profile).execution if action == "execute" else None
    if not may(ctx.principal, action, refund.seller_id, execution):
        raise Forbidden(action=f"refund.{action}")
    ctx.check_version(refund)
    return refund, ctx.need(RefundLedger, refund.order_id)


def _released(ctx: Context, family: list[Refund], ledger: RefundLedger) -> dict[str, Any]:
    for one in family:
        ctx.unschedule("approval_expired", one.id)
    save_all(ctx, ledger, family)
    return shown(ctx, family[:1])[0]
