"""Refunds as their readers see them, each with the commands that are not refused to him now (B11)."""

from __future__ import annotations

from typing import Any

from services.refund.access import rules_of
from services.refund.model import Refund, RefundLedger
from services.refund.policies import may, paid_when_approved, sees
from services.refund.queries import family_of, refund_scope, retries_of
from services.refund.storage import REFUND, refunds
from services.refund.views import refund_view
from shared.kernel.errors import NotFound
from shared.runtime.unit_of_work import Context
from shared.storage.paging import page

Offered = list[tuple[Refund, set[str]]]  # each refund with the commands that are offered on it
PAYING = frozenset({"approve", "execute"})


def get_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """One refund as the caller may see it; a foreign one is not found."""
    refund = ctx.need(Refund, args["refund_id"])
    if not sees(ctx.principal, refund.seller_id, refund.customer_ref):
        raise NotFound(kind="refund", id=args["refund_id"])
    return shown(ctx, [refund])[0]


def list_refunds(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A page of refunds, newest change first."""
    where = refund_scope(ctx.principal)
    for name in ("order_id", "claim_id", "seller_id", "customer_ref", "state"):
        if name in args:
            where.append(refunds.c[name] == args[name])
    found = page(
        ctx.connection,
        REFUND.select().where(*where),
        refunds.c.updated_at,
        refunds.c.id,
        args["limit"],
        args.get("cursor"),
        lambda row: REFUND.from_row(dict(row)),
    )
    return {**found, "items": shown(ctx, found["items"])}


def shown(ctx: Context, found: list[Refund]) -> list[dict[str, Any]]:
    """These refunds as the caller may see them. A command shows what it changed when that is saved."""
    offered = [(refund, _possible(ctx, refund)) for refund in found]
    _without_retried(ctx, offered)
    _without_disputed(ctx, offered)
    return [refund_view(refund, ctx.principal, sorted(actions)) for refund, actions in offered]


def _possible(ctx: Context, refund: Refund) -> set[str]:
    """What the state of the refund and the role of the caller allow."""
    who = ctx.principal
    possible = {action for action in ("reject", "cancel", "execute") if refund.can(action)}
    if refund.state == "pending_approval" and who.id != refund.requested_by["id"]:
        possible.add("approve")
    if refund.is_given_up:
        possible.add("execute")
    if refund.state == "failed":
        possible.add("retry")
    execution = rules_of(ctx, refund.profile).execution if "execute" in possible else None
    return {action for action in possible if may(who, action, refund.seller_id, execution)}


def _without_retried(ctx: Context, offered: Offered) -> None:
    """REF-13: a failed refund that was tried again already is not offered for that."""
    failed = {refund.order_id for refund, actions in offered if "retry" in actions}
    known = retries_of(ctx, failed) if failed else {}
    for refund, actions in offered:
        if refund.id in known:
            actions.discard("retry")


def _without_disputed(ctx: Context, offered: Offered) -> None:
    """E7: no command that would pay what a bank took already (PAYMENT_DISPUTED)."""
    paying = [(refund, actions) for refund, actions in offered if actions & PAYING]
    ctx.work.prefetch((RefundLedger, refund.order_id) for refund, _ in paying)
    ctx.work.prefetch((Refund, id) for refund, actions in paying if "approve" in actions for id in refund.children)
    for refund, actions in paying:
        ledger = ctx.need(RefundLedger, refund.order_id)
        for action in actions & PAYING:
            if any(ledger.is_disputed(one.payment_id) for one in _paid_by(ctx, refund, action)):
                actions.discard(action)


def _paid_by(ctx: Context, refund: Refund, action: str) -> list[Refund]:
    """The refunds whose money the command would send on its way. One more question to the provider sends none."""
    if action == "execute":
        return [] if refund.is_given_up else [refund]
    rules = rules_of(ctx, refund.profile)
    return [one for one in family_of(ctx, refund, action) if paid_when_approved(rules, one)]
