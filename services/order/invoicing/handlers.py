"""What the order service does about invoices: who sells, who is billed, and making one (ORD-14)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.order import queries
from services.order.invoicing.amounts import kept_of
from services.order.invoicing.model import (
    AlreadyInvoiced,
    Billing,
    Identity,
    Invoice,
    NotAllShipped,
    SellerUnknown,
)
from services.order.invoicing.queries import buyer_of, get_invoice, get_parties, identity_id, list_invoices
from services.order.invoicing.views import identity_view, invoice_view
from services.order.model import Order
from services.order.policies import PHASES, may
from shared.contracts import invoicing as contracts
from shared.kernel.errors import Forbidden, NotFound, NotInThisState
from shared.kernel.numbering import NumberSeries
from shared.runtime.tables import Command, Query
from shared.runtime.unit_of_work import Context


def set_identity(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Who sells: told by the seller itself, its integrator or the platform."""
    seller_id = args["seller_id"]
    if not may(ctx.principal, "set_identity", seller_id):
        raise Forbidden(action="identity.set")
    id = identity_id(ctx.tenant, seller_id)
    known = ctx.get(Identity, id)
    if known is not None:
        ctx.check_version(known)
    identity = known or Identity(id=id, tenant=ctx.tenant, seller_id=seller_id)
    details = {name: value for name, value in args.items() if name not in ("seller_id", "series")}
    if identity.describe(details, args["series"]):
        ctx.save(identity)
    return identity_view(identity, ctx.principal)


def get_identity(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The seller's own, or staff's; a foreign one is not found."""
    found = ctx.get(Identity, identity_id(ctx.tenant, args["seller_id"]))
    if found is None or not may(ctx.principal, "read_identity", args["seller_id"]):
        raise NotFound(kind="identity", id=args["seller_id"])
    return identity_view(found, ctx.principal)


def set_billing(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Whom the invoice will be made out to; too late once it is made."""
    order = _seen(ctx, args["order_id"], "set_billing")
    if order.invoice_id:
        raise AlreadyInvoiced(invoice_id=order.invoice_id)
    billing = ctx.get(Billing, order.id) or Billing(id=order.id, tenant=ctx.tenant)
    if billing.describe({name: value for name, value in args.items() if name != "order_id"}):
        ctx.save(billing)
    return {"id": order.id, "version": billing.version, "allowed_actions": ["set_billing"], **billing.details}


def make_invoice(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """ORD-14: the order form becomes an invoice, once, under the next number of the seller's series (I12)."""
    order = _seen(ctx, args["order_id"], "make_invoice")
    ctx.check_version(order)
    if order.invoice_id:
        raise AlreadyInvoiced(invoice_id=order.invoice_id)
    if order.phase not in PHASES["make_invoice"]:
        raise NotInThisState(kind="order", state=order.phase, action="make invoice")
    if left := order.still_to_leave():
        raise NotAllShipped(lines=", ".join(left))
    identity = ctx.get(Identity, identity_id(ctx.tenant, order.seller_id))
    if identity is None:
        raise SellerUnknown(seller_id=order.seller_id)
    zone = ctx.settings.zone(order.marketplace)
    today = _day(ctx.now, zone)
    invoice = Invoice.issue(
        ctx.new_id("inv"),
        order,
        kept_of(order),
        number=_next_number(ctx, identity, today),
        seller=identity.details,
        buyer=buyer_of(order, ctx.get(Billing, order.id)),
        locale=args.get("locale") or order.customer.get("locale", "en"),
        ordered_on=_day(order.placed_at, zone),
        issued_on=today,
        now=ctx.now,
    )
    order.invoice_id, order.updated_at = invoice.id, ctx.now
    ctx.save(order)
    ctx.save(invoice)
    return invoice_view(invoice)


def _day(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).date().isoformat()


def _next_number(ctx: Context, identity: Identity, today: str) -> str:
    """I12: gapless per seller, series and year: whoever takes a number keeps the others waiting until it commits."""
    prefix = f"{identity.series}-{today[:4]}"
    known = hashlib.sha256("\n".join((ctx.tenant, identity.seller_id, prefix)).encode()).hexdigest()[:40]
    id = f"inn_{known}"
    numbers = ctx.lock(NumberSeries, id) or NumberSeries(id=id, tenant=ctx.tenant, prefix=prefix)
    number = numbers.take()
    ctx.save(numbers)
    return number


def _seen(ctx: Context, order_id: str, command: str) -> Order:
    """The order for a change: a foreign one is not found (T01), a forbidden command is forbidden (T05)."""
    order = ctx.need(Order, order_id)
    if not queries.visible(ctx.principal, order):
        raise NotFound(kind="order", id=order_id)
    if not may(ctx.principal, command, order.seller_id):
        raise Forbidden(action=f"order.{command}")
    return order


COMMANDS = (
    Command(contracts.SET_IDENTITY, set_identity),
    Command(contracts.SET_BILLING, set_billing),
    Command(contracts.MAKE, make_invoice),
)
QUERIES = (
    Query(contracts.GET_IDENTITY, get_identity),
    Query(contracts.GET, get_invoice),
    Query(contracts.LIST, list_invoices),
    Query(contracts.PARTIES, get_parties),
)
