"""The read side of refunds: quote, detail, list, envelope, credit note. Each is scoped to the principal (T01)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.refund.access import asked_of, claim_for, ledger_for, seen_ledger
from services.refund.model import CreditNote, Refund
from services.refund.model.credit_note import shipment_data, tax_table
from services.refund.model.refund import line_data
from services.refund.policies import (
    QUOTE_VALID_FOR,
    check,
    limits,
    must_be_approved,
    plan,
    profile_of,
    sees,
    split,
)
from services.refund.storage import REFUND, payment_refs, provider_events, refunds, runtime
from services.refund.views import credit_note_view, envelope_view, refund_view
from shared.kernel.clock import stamp
from shared.kernel.errors import NotFound
from shared.kernel.money import Money
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context
from shared.storage.paging import page


def quote_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """REF-01, B10: what the same request would do now, reserving nothing; refused where the request would be."""
    ledger = ledger_for(ctx, args["order_id"], "request")
    profile, asked = profile_of(ledger.profile), asked_of(ledger, args)
    claim = claim_for(ctx, ledger, args.get("claim_id"))
    verdicts = check(ledger, profile, ctx.principal, claim, args["instrument"])
    wishes = plan(ledger, profile, asked)
    amount = sum(wish.amount for wish in wishes)
    verdicts += limits(ledger, profile, ctx.principal, asked.kind, amount)
    parts, slices = [], []
    for payment, mine in split(ledger, profile, wishes):
        slices += ledger.reserve("quote", payment.id, mine, ctx.now)  # this ledger is a copy that is never saved
        parts.append({"payment_id": payment.id, "amount": sum(wish.amount for wish in mine)})
    return {
        "order_id": ledger.id,
        "kind": asked.kind,
        "instrument": args["instrument"],
        "amount": Money(amount, ledger.currency).data(),
        "tax_total": sum(piece.tax for piece in slices),
        "lines": [line_data(piece) for piece in slices if piece.kind == "line"],
        "shipping": [shipment_data(piece) for piece in slices if piece.kind == "shipment"],
        "taxes": tax_table(slices),
        "payments": parts,
        "available_after": ledger.available,
        "approval_required_by": must_be_approved(verdicts),
        "verdicts": [verdict.data() for verdict in verdicts],
        "valid_until": stamp(ctx.now + QUOTE_VALID_FOR),
    }


def get_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """One refund as the caller may see it; a foreign one is not found."""
    refund = ctx.need(Refund, args["refund_id"])
    if not sees(ctx.principal, refund.seller_id, refund.customer_ref):
        raise NotFound(kind="refund", id=args["refund_id"])
    return refund_view(refund, ctx.principal)


def list_refunds(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A page of refunds, newest change first."""
    where = refund_scope(ctx.principal)
    for name in ("order_id", "claim_id", "seller_id", "customer_ref", "state"):
        if name in args:
            where.append(refunds.c[name] == args[name])
    return page(
        ctx.connection,
        REFUND.select().where(*where),
        refunds.c.updated_at,
        refunds.c.id,
        args["limit"],
        args.get("cursor"),
        lambda row: refund_view(REFUND.from_row(dict(row)), ctx.principal),
    )


def refund_scope(who: Principal) -> list[Any]:
    """The refunds this principal may list."""
    mine = [refunds.c.tenant == who.tenant]
    if who.is_staff or (who.role == "integrator" and who.party is None):
        return mine
    if who.role in ("seller", "integrator"):
        return [*mine, refunds.c.seller_id == who.party]
    if who.role == "customer":
        return [*mine, refunds.c.customer_ref == who.party]
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
    return envelope_view(ledger, made, ctx.principal)


def get_credit_note(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """One credit note; a foreign one is not found."""
    note = ctx.need(CreditNote, args["credit_note_id"])
    if not sees(ctx.principal, note.seller_id, note.customer_ref):
        raise NotFound(kind="credit note", id=args["credit_note_id"])
    return credit_note_view(note)


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
