"""The read side beside refunds themselves: envelope, credit note, coupons. Each is scoped to the principal (T01)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.refund.access import seen_ledger
from services.refund.model import ClaimFacts, Coupon, CreditNote, Refund
from services.refund.policies import sees
from services.refund.storage import (
    COUPON,
    REFUND,
    SETTLEMENT_LINE,
    claims,
    coupons,
    payment_refs,
    provider_events,
    refunds,
    runtime,
    settlement_lines,
)
from services.refund.views import (
    RELEASED,
    coupon_view,
    credit_note_view,
    envelope_view,
    settlement_line_view,
)
from shared.kernel.errors import Forbidden, NotFound
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context
from shared.storage.paging import page


def refund_scope(who: Principal, table: sa.Table = refunds) -> list[Any]:
    """The refunds or coupons this principal may list."""
    mine = [table.c.tenant == who.tenant]
    if who.is_staff or (who.role == "integrator" and who.party is None):
        return mine
    if who.role in ("seller", "integrator"):
        return [*mine, table.c.seller_id == who.party]
    if who.role == "customer":
        return [*mine, table.c.customer_ref == who.party]
    return [*mine, sa.false()]


def refunds_of_claim(ctx: Context, claim_id: str) -> list[tuple[str, str | None]]:
    """The ids of the claim's refunds that the caller may see, each with that of its credit note."""
    mine = sa.select(refunds.c.id, refunds.c.credit_note_id)
    found = ctx.connection.execute(mine.where(refunds.c.claim_id == claim_id, *refund_scope(ctx.principal)))
    return [(refund_id, note_id) for refund_id, note_id in found]


def get_envelope(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """N1: everything the order's money can still do."""
    ledger = seen_ledger(ctx, args["order_id"])
    made = ctx.find(Refund, refunds.c.order_id == ledger.id, order_by=refunds.c.id)
    promised = [one.id for one in made if one.is_coupon]
    given = ctx.find(Coupon, coupons.c.refund_id.in_(promised)) if promised else []
    return envelope_view(ledger, made, given, ctx.principal)


def get_credit_note(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """One credit note; a foreign one is not found."""
    note = ctx.need(CreditNote, args["credit_note_id"])
    if not sees(ctx.principal, note.seller_id, note.customer_ref):
        raise NotFound(kind="credit note", id=args["credit_note_id"])
    return credit_note_view(note)


def get_coupon(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """One coupon or store credit; a foreign one is not found."""
    coupon = ctx.get(Coupon, args["coupon_id"])
    if coupon is None or not sees(ctx.principal, coupon.seller_id, coupon.customer_ref):
        raise NotFound(kind="coupon")
    return coupon_view(coupon, ctx.principal)


def list_coupons(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A page of coupons, newest change first."""
    where = refund_scope(ctx.principal, coupons)
    where += [coupons.c[name] == args[name] for name in ("order_id", "customer_ref", "form", "state") if name in args]
    return page(
        ctx.connection,
        COUPON.select().where(*where),
        coupons.c.updated_at,
        coupons.c.id,
        args["limit"],
        args.get("cursor"),
        lambda row: coupon_view(COUPON.from_row(dict(row)), ctx.principal),
    )


def list_settlement_lines(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A page of what reconciliation looked at, newest first: staff only. Without a kind, only what differs."""
    if not ctx.principal.is_staff:
        raise Forbidden(action="reconciliation.list")
    kind = settlement_lines.c.kind
    where = [settlement_lines.c.tenant == ctx.tenant, kind == args["kind"] if "kind" in args else kind != "matched"]
    if "provider" in args:
        where.append(settlement_lines.c.provider == args["provider"])
    return page(
        ctx.connection,
        SETTLEMENT_LINE.select().where(*where),
        settlement_lines.c.seen_at,
        settlement_lines.c.id,
        args["limit"],
        args.get("cursor"),
        lambda row: settlement_line_view(SETTLEMENT_LINE.from_row(dict(row))),
    )


# what rules look at


def gestures_since(ctx: Context, requester_id: str, since: datetime) -> tuple[int, int]:
    """T20: (how many, minor units) of the gestures that one person asked for, those that came to nothing left out."""
    statement = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(refunds.c.amount), 0)).where(
        refunds.c.tenant == ctx.tenant,
        refunds.c.kind == "commercial_gesture",
        refunds.c.requester_id == requester_id,
        refunds.c.requested_at >= since,
        refunds.c.state.not_in(RELEASED),
    )
    count, amount = ctx.connection.execute(statement).one()
    return count, int(amount)


def after_sales_since(ctx: Context, order_id: str) -> datetime | None:
    """E4: since when after-sales knows of a problem with this order."""
    found = ctx.find(ClaimFacts, claims.c.order_id == order_id, claims.c.after_sales, order_by=claims.c.opened_at)
    return found[0].opened_at if found else None


def units_of_return(ctx: Context, return_id: str) -> dict[str, int]:
    """E6: the units per line that refunds of this return took, in flight too."""
    taken: dict[str, int] = {}
    for refund in ctx.find(Refund, refunds.c.return_id == return_id, refunds.c.state.not_in(RELEASED)):
        for piece in refund.slices:
            taken[piece.part_id] = taken.get(piece.part_id, 0) + piece.units
    return taken


def retries_of(ctx: Context, order_ids: Iterable[str]) -> dict[str, str]:
    """REF-13: of these orders, each refund that was tried again → the one that stands for it now.

    A retry that was rejected or cancelled never reached a provider and stands for nothing; one that failed does: it is
    the one to try next.
    """
    statement = sa.select(refunds.c.retry_of, refunds.c.id).where(
        refunds.c.tenant == ctx.tenant,
        refunds.c.order_id.in_(list(order_ids)),
        refunds.c.retry_of.is_not(None),
        refunds.c.state.not_in(("rejected", "cancelled")),
    )
    return {row.retry_of: row.id for row in ctx.connection.execute(statement)}


def family_of(ctx: Context, refund: Refund, action: str) -> list[Refund]:
    """The refund and what was asked for with it, as far as the action is possible there (M11, M14)."""
    others = [ctx.need(Refund, id) for id in refund.children]
    return [refund, *(one for one in others if one.can(action) and one.state == refund.state)]


def coupon_with(ctx: Context, code_hash: str) -> Coupon | None:
    """The tenant's coupon with this code."""
    found = ctx.find(Coupon, coupons.c.code_hash == code_hash, limit=1)
    return found[0] if found else None


def requested_since(ctx: Context, profile: str, since: datetime) -> Iterator[Refund]:
    """N9: every refund that a person asked for since then, oldest first."""
    statement = REFUND.select().where(
        refunds.c.tenant == ctx.tenant,
        refunds.c.profile == profile,
        refunds.c.requested_at >= since,
        refunds.c.parent_id.is_(None),
    )
    for row in ctx.connection.execute(statement.order_by(refunds.c.requested_at)).mappings():
        yield REFUND.from_row(dict(row))


# what statements of providers name


def refunds_behind(ctx: Context, provider: str, refs: list[str], ids: list[str]) -> list[Refund]:
    """Our refunds with these references of the provider, or these ids of ours."""
    named = sa.or_(refunds.c.provider_ref.in_(refs), refunds.c.id.in_(ids))
    return ctx.find(Refund, refunds.c.provider == provider, named)


def payments_behind(ctx: Context, provider: str, refs: list[str]) -> tuple[dict[str, tuple[str, str]], frozenset[str]]:
    """Of this tenant: provider's payment → (order, payment); and those of other tenants who share the account."""
    statement = sa.select(payment_refs).where(
        payment_refs.c.provider == provider, payment_refs.c.provider_ref.in_(refs)
    )
    rows = ctx.connection.execute(statement).all()
    mine = {row.provider_ref: (row.order_id, row.payment_id) for row in rows if row.tenant == ctx.tenant}
    return mine, frozenset(row.provider_ref for row in rows) - mine.keys()


def paid_between(ctx: Context, provider: str, start: datetime, end: datetime) -> list[Refund]:
    """What the provider should have on its statement of this time."""
    return ctx.find(
        Refund,
        refunds.c.provider == provider,
        refunds.c.state == "succeeded",
        refunds.c.succeeded_at >= start,
        refunds.c.succeeded_at <= end,
        order_by=refunds.c.id,
    )


# what webhooks name: neither order nor tenant, so these look across tenants


def event_known(ctx: Context, provider: str, event_id: str) -> bool:
    """Was this event of the provider handled already? (M16)"""
    statement = sa.select(provider_events.c.event_id).where(
        provider_events.c.provider == provider, provider_events.c.event_id == event_id
    )
    return ctx.connection.execute(statement).first() is not None


def refund_at_provider(ctx: Context, provider: str, refund_id: str, provider_ref: str) -> sa.Row | None:
    """(id, tenant) of the refund with our id, or recorded under the provider's."""
    statement = sa.select(refunds.c.id, refunds.c.tenant).where(
        refunds.c.provider == provider, sa.or_(refunds.c.id == refund_id, refunds.c.provider_ref == provider_ref)
    )
    return ctx.connection.execute(statement).first()


def payment_at_provider(ctx: Context, provider: str, payment_ref: str | None) -> sa.Row | None:
    """(tenant, order_id, payment_id) of a provider's payment; None when it is none of ours."""
    statement = sa.select(payment_refs).where(
        payment_refs.c.provider == provider, payment_refs.c.provider_ref == payment_ref
    )
    return ctx.connection.execute(statement).first()


def order_behind(ctx: Context, order_id: str) -> bool:
    """Does an event of this order wait here, to be tried again or for one before it? Then its ledger is old."""
    waiting = runtime.inbox_waiting
    one = sa.select(waiting.c.seq).where(waiting.c.stream == "order", waiting.c.aggregate_id == order_id).limit(1)
    return ctx.connection.execute(one).first() is not None
