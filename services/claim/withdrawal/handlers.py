"""Both steps of a withdrawal, and the warning before its refund is late."""

from __future__ import annotations

from typing import Any

from services.claim.handlers.deciding import take_up
from services.claim.handlers.opening import keep_opened
from services.claim.model import Asking, Claim, Complaint, OrderCase, open_claim
from services.claim.model.refusals import ModuleNotEnabled, OrderNotSynced
from services.claim.policies import WITHDRAWAL
from services.claim.profiles.activation import active_profile
from services.claim.returns.agreed import accept, new_return
from services.claim.returns.model import Return
from services.claim.withdrawal.model import WARN_AFTER, Withdrawal, deadline_of, withdrawn_lines
from services.claim.withdrawal.queries import excluded_products, visible_withdrawal, withdrawal_view
from services.claim.withdrawal.words import statement
from shared.kernel.errors import Forbidden
from shared.runtime.unit_of_work import Context

REFUND_DUE = "withdrawal_refund_due"  # timer
View = dict[str, Any]


def state(ctx: Context, args: View) -> View:
    """Step 1: nothing follows from it until it is confirmed. It says which lines can be withdrawn from, and why not."""
    if ctx.principal.role != "customer":
        raise Forbidden(action="withdrawal.state")
    case = ctx.get(OrderCase, args["order_id"])
    if case is None or case.customer_ref != ctx.principal.party:
        raise OrderNotSynced(order_id=args["order_id"])
    deadline = deadline_of(case.delivered_at, ctx.settings.zone(case.marketplace))
    excluded = excluded_products(ctx, case.marketplace, {line.get("product_id") or "" for line in case.lines})
    lines = withdrawn_lines(case.lines, args["lines"], excluded, deadline is not None and ctx.now > deadline)
    found = Withdrawal(
        id=ctx.new_id("wdr"),
        tenant=ctx.tenant,
        order_id=case.id,
        order_number=case.number,
        marketplace=case.marketplace,
        seller_id=case.seller_id,
        customer_ref=case.customer_ref,
        name=args["name"],
        lines=lines,
        whole=_units(lines) == _units(case.lines),
        stated_at=ctx.now,
        deadline=deadline,
    )
    found.stated()
    ctx.save(found)
    return withdrawal_view(ctx, found)


def _units(lines: list[View]) -> int:
    return sum(line["qty"] for line in lines)


def confirm(ctx: Context, args: View) -> View:
    """Step 2: a claim, the return of what was shipped, and the receipt. What cannot be withdrawn from becomes an
    ordinary claim with the reason."""
    found = visible_withdrawal(ctx, args["withdrawal_id"])
    if ctx.principal.role != "customer":
        raise Forbidden(action="withdrawal.confirm")
    ctx.check_version(found)
    found.may_be_confirmed(ctx.now)
    case = ctx.need(OrderCase, found.order_id)
    claim = _open(ctx, found, case)
    back = _send_back(ctx, found, case, claim)
    case.note(claim)
    ctx.save(case)
    found.receive(claim.id, back.id if back else None, ctx.now, ctx.settings.zone(found.marketplace))
    if found.accepted:
        ctx.schedule(REFUND_DUE, found.id, ctx.now + WARN_AFTER)
    ctx.save(found)
    return withdrawal_view(ctx, found)


def _open(ctx: Context, found: Withdrawal, case: OrderCase) -> Claim:
    """No switch of the marketplace stands before this right, and no subscription is asked for."""
    profile = active_profile(ctx, case.profile)
    if profile is None:
        raise ModuleNotEnabled(profile=case.profile)
    complaint = Complaint(
        claim_id=ctx.new_id("clm"),
        message_id=ctx.new_id("msg"),
        text=statement(case.locale, found.name, found.order_number, found.lines),
        reason_code=WITHDRAWAL.code,
        lines=tuple({"line_id": line["line_id"], "qty": line["qty"]} for line in found.lines),
        category="withdrawal" if found.accepted else None,
    )
    claim = open_claim(Asking(ctx.principal, ctx.now, case.phase, case.cleared), profile, case, complaint)
    keep_opened(ctx, claim)
    return claim


def _send_back(ctx: Context, found: Withdrawal, case: OrderCase, claim: Claim) -> Return | None:
    """What was shipped comes back, accepted at once; what was not is the handler's to cancel."""
    units = case.can_come_back(found.accepted)
    if not units:
        return None
    back = new_return(ctx, case, claim, units, WITHDRAWAL.code, method="return", wants="refund", outbound=found.whole)
    accept(ctx, back)
    ctx.save(back)
    return back


def warn_before_refund_is_late(ctx: Context, timer: Any) -> None:
    """Ten of the fourteen days are over and the claim is not: whoever handles it must look."""
    found = ctx.need(Withdrawal, timer.ref)
    at = take_up(ctx, ctx.need(Claim, found.claim_id or ""))
    if at.claim.is_open:
        found.warn()
        ctx.save(found)
