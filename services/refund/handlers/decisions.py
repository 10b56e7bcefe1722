"""Deciding on refunds: approve, reject, cancel, execute, and the deadline when nobody decides."""

from __future__ import annotations

from typing import Any

from services.refund.handlers.paying import call_provider, complete, save_refund, start_paying
from services.refund.model import Refund, RefundLedger
from services.refund.model.refusals import ReferenceRequired
from services.refund.policies import PAID_BY_HAND, may, paid_at_once, profile_of, sees
from services.refund.storage import save_ledger
from services.refund.views import refund_view
from shared.kernel.errors import Forbidden, NotFound
from shared.runtime.timers import Timer
from shared.runtime.unit_of_work import Context


def approve_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """REF-05: by somebody else than the one who asked; paid at once where the profile says so."""
    refund, ledger = _mine(ctx, args["refund_id"], "approve")
    refund.approve(ledger, ctx.principal.actor, ctx.now)
    ctx.unschedule("approval_expired", refund.id)
    if paid_at_once(profile_of(ledger.profile), refund.provider):
        start_paying(ctx, ledger, refund)
    save_refund(ctx, refund)
    return refund_view(refund, ctx.principal)


def reject_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """REF-06."""
    refund, ledger = _mine(ctx, args["refund_id"], "reject")
    refund.reject(ledger, args["reason_code"], ctx.principal.actor, ctx.now)
    return _released(ctx, refund, ledger)


def cancel_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """REF-07."""
    refund, ledger = _mine(ctx, args["refund_id"], "cancel")
    refund.cancel(ledger, ctx.principal.actor, ctx.now)
    return _released(ctx, refund, ledger)


def execute_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """REF-08 by a person: through the provider, or, where a person pays, by recording the reference of the transfer.

    Of a refund whose questions are used up it asks the provider once more (REF-12).
    """
    refund, ledger = _mine(ctx, args["refund_id"], "execute")
    if refund.is_given_up:
        call_provider(ctx, refund)
        return refund_view(refund, ctx.principal)
    if refund.provider != PAID_BY_HAND:
        start_paying(ctx, ledger, refund)
        save_refund(ctx, refund)
        return refund_view(refund, ctx.principal)
    if not args.get("reference"):
        raise ReferenceRequired()
    refund.execute(ledger, ctx.now)
    complete(ctx, ledger, refund, args["reference"])
    return refund_view(refund, ctx.principal)


def reject_when_nobody_approved(ctx: Context, timer: Timer) -> None:
    """REF-06: after 7 days without a decision the customer's money is free again."""
    refund = ctx.need(Refund, timer.ref)
    if refund.can("reject"):
        ledger = ctx.need(RefundLedger, refund.order_id)
        refund.reject(ledger, "approval_expired", ctx.principal.actor, ctx.now)
        _released(ctx, refund, ledger)


def _mine(ctx: Context, refund_id: str, action: str) -> tuple[Refund, RefundLedger]:
    """A foreign refund is not found (T01), a forbidden action is forbidden (T05), a stale version is refused."""
    refund = ctx.need(Refund, refund_id)
    if not sees(ctx.principal, refund.seller_id, refund.customer_ref):
        raise NotFound(kind="refund", id=refund_id)
    if not may(ctx.principal, action, refund.seller_id):
        raise Forbidden(action=f"refund.{action}")
    ctx.check_version(refund)
    return refund, ctx.need(RefundLedger, refund.order_id)


def _released(ctx: Context, refund: Refund, ledger: RefundLedger) -> dict[str, Any]:
    ctx.unschedule("approval_expired", refund.id)
    save_refund(ctx, refund)
    save_ledger(ctx, ledger)
    return refund_view(refund, ctx.principal)
