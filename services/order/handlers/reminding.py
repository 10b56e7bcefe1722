"""Reminders a few days before a product is used up, with an offer for another one (S4-25, S4-26, S4-29)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from services.order.model import LifecyclePlan, Line, Order, ReminderChoice, choice_id, end_of_use
from services.order.policies import may
from services.order.storage import plans
from shared.kernel.errors import Forbidden, NotFound
from shared.runtime.unit_of_work import Context

BEGIN, REMIND = "lifecycle_begin", "lifecycle_remind"
ON_THE_WAY = timedelta(days=3)  # after shipping, where nobody tells of the delivery
PLANNED = plans.c.state == "planned"
NEVER_ARRIVED = frozenset({"commercial_gesture", "pre_shipment", "cancellation"})


def _wears(order: Order) -> bool:
    return any(line.wear for line in order.lines)


def await_delivery(ctx: Context, order: Order) -> None:
    """Shipped: what wears out counts as arrived three days later, unless its delivery is told first."""
    if _wears(order):
        ctx.schedule(BEGIN, order.id, ctx.now + ON_THE_WAY)


def begin_without_news(ctx: Context, timer: Any) -> None:
    begin(ctx, ctx.need(Order, timer.ref), ctx.now)


def begin(ctx: Context, order: Order, start: datetime) -> None:
    """Plan a reminder for each line that wears out, once per line, unless the customer does not want any.

    A line that was added and left later than the rest has its own beginning (ORD-13).
    """
    if not _wears(order):
        return
    ctx.unschedule(BEGIN, order.id)
    if not _wanted(ctx, order.customer_ref):
        return
    known = _plans_of(ctx, order)
    for line in order.lines:
        if not line.wear or line.shipped <= line.returned:
            continue
        plan = known.get(line.line_id) or _awaited(ctx, order, line)
        if plan.state != "awaited":
            continue
        ends_at = end_of_use(line.wear, line.shipped, start)
        plan.arrived(line.shipped, ends_at, max(ends_at - timedelta(days=line.wear["remind_days"]), ctx.now))
        ctx.save(plan)
        if plan.state == "planned":
            ctx.schedule(REMIND, plan.id, plan.remind_at)


def _plans_of(ctx: Context, order: Order) -> dict[str, LifecyclePlan]:
    return {plan.line_id: plan for plan in ctx.find(LifecyclePlan, plans.c.order_id == order.id)}


def _awaited(ctx: Context, order: Order, line: Line) -> LifecyclePlan:
    """A plan for what is on its way. The caller saves it."""
    return LifecyclePlan(
        id=ctx.new_id("lcp"),
        tenant=ctx.tenant,
        order_id=order.id,
        line_id=line.line_id,
        product_id=line.product_id,
        customer_ref=order.customer_ref,
        seller_id=order.seller_id,
        title=line.title,
        units=line.ordered,
        ends_at=ctx.now,
        remind_at=ctx.now,
        offer_code=(line.wear or {}).get("offer_code"),
        token=secrets.token_hex(20),
    )


def remind(ctx: Context, timer: Any) -> None:
    """S4-25: the day has come."""
    plan = ctx.need(LifecyclePlan, timer.ref)
    plan.remind()
    if plan.events:
        ctx.save(plan)


def _cancel(ctx: Context, plan: LifecyclePlan, reason: str) -> None:
    if plan.cancel(reason):
        ctx.save(plan)
        ctx.unschedule(REMIND, plan.id)


def forget_what_is_bought_again(ctx: Context, order: Order, bought: Iterable[Line]) -> None:
    """A repurchase: the new one has its own end."""
    products = {line.product_id for line in bought if line.wear}
    if products:
        mine = plans.c.customer_ref == order.customer_ref
        for plan in ctx.find(LifecyclePlan, mine, PLANNED, plans.c.product_id.in_(products)):
            _cancel(ctx, plan, "bought_again")


def follow_refund(ctx: Context, order: Order, refund: dict[str, Any]) -> None:
    """S4-29: paid back is not used up, before it has arrived neither. A line refunded by amount counts when the amount
    is all of it. Units that never left are none of those that wear out."""
    if not _wears(order) or refund["kind"] in NEVER_ARRIVED:
        return
    back = {line["line_id"]: line for line in refund["lines"]}
    worn = [line for line in order.lines if line.wear and line.line_id in back]
    known = _plans_of(ctx, order) if worn else {}
    for line in worn:
        plan = known.get(line.line_id) or _awaited(ctx, order, line)
        paid = back[line.line_id]
        units = plan.units if paid["amount"] >= line.gross else paid.get("qty", 0)
        if units and plan.units_refunded(refund["refund_id"], units):
            ctx.save(plan)
            if plan.state == "cancelled":
                ctx.unschedule(REMIND, plan.id)


def take_refund_back(ctx: Context, order: Order, refund_id: str) -> None:
    """REF-14: what was not paid back after all is used up like the rest."""
    for plan in _plans_of(ctx, order).values() if _wears(order) else ():
        if plan.refund_reversed(refund_id):
            ctx.save(plan)


def follow_return(ctx: Context, order: Order) -> None:
    """S4-29: what was sent back is not used up."""
    if _wears(order):
        for plan in ctx.find(LifecyclePlan, plans.c.order_id == order.id, PLANNED):
            if order.line(plan.line_id).returned >= plan.units:
                _cancel(ctx, plan, "returned")


# what the customer wants


def _wanted(ctx: Context, customer_ref: str) -> bool:
    choice = ctx.get(ReminderChoice, choice_id(ctx.tenant, customer_ref))
    return choice is None or choice.wanted


def choose_reminders(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A customer for himself; staff on his behalf."""
    who, ref = ctx.principal, args["customer_ref"]
    if not may(who, "stop_reminders", ""):
        raise Forbidden(action="lifecycle.choose")
    if who.role == "customer" and who.party != ref:
        raise NotFound(kind="customer", id=ref)
    return _choose(ctx, ref, args["wanted"])


def stop_by_link(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The link of a mail: its token is the only right. A wrong one is not found, as if there were no such plan."""
    plan = ctx.get(LifecyclePlan, args["plan_id"]) if ctx.principal.role == "system" else None
    if plan is None or not secrets.compare_digest(plan.token.encode(), args["token"].encode()):
        raise NotFound(kind="reminder", id=args["plan_id"])
    return _choose(ctx, plan.customer_ref, wanted=False)


def _choose(ctx: Context, customer_ref: str, wanted: bool) -> dict[str, Any]:
    id = choice_id(ctx.tenant, customer_ref)
    choice = ctx.get(ReminderChoice, id) or ReminderChoice(id=id, tenant=ctx.tenant, customer_ref=customer_ref)
    if choice.choose(wanted):
        ctx.save(choice)
    if not wanted:
        for plan in ctx.find(LifecyclePlan, plans.c.customer_ref == customer_ref, PLANNED):
            _cancel(ctx, plan, "opted_out")
    return {"wanted": wanted}
