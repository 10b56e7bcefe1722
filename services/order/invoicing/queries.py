"""The read side of invoices: scoped to who asks, in SQL (T01)."""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa

from services.order.invoicing.model import Billing, Identity, Invoice
from services.order.invoicing.views import invoice_row, invoice_view
from services.order.model import Order
from services.order.storage import STORAGE
from shared.kernel.errors import NotFound
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context
from shared.storage.paging import page

MAPPING = STORAGE.mappings[Invoice]
invoices = MAPPING.table


def identity_id(tenant: str, seller_id: str) -> str:
    return "idn_" + hashlib.sha256(f"{tenant}\n{seller_id}".encode()).hexdigest()[:32]


def sees(who: Principal, seller_id: str, customer_ref: str) -> bool:
    """An invoice is for the customer, the seller and staff; a supplier learns nothing from it."""
    if who.is_staff or who.role == "system":
        return True
    if who.role == "customer":
        return who.party == customer_ref
    if who.role == "integrator":
        return who.party in (None, seller_id)
    return who.role == "seller" and who.party == seller_id


def get_invoice(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """One invoice with all that its document shows; a foreign one is not found."""
    invoice = ctx.need(Invoice, args["invoice_id"])
    if not sees(ctx.principal, invoice.seller_id, invoice.customer_ref):
        raise NotFound(kind="invoice", id=args["invoice_id"])
    return invoice_view(invoice)


def list_invoices(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """S4-24: a page of invoices, newest first: the customer's own, the seller's own, or the tenant's."""
    where = _scope(ctx.principal)
    for name in ("order_id", "seller_id", "customer_ref"):
        if name in args:
            where.append(invoices.c[name] == args[name])
    return page(
        ctx.connection,
        MAPPING.select().where(*where),
        invoices.c.issued_at,
        invoices.c.id,
        args["limit"],
        args.get("cursor"),
        lambda row: invoice_row(MAPPING.from_row(dict(row))),
    )


def _scope(who: Principal) -> list[Any]:
    mine = [invoices.c.tenant == who.tenant]
    if who.is_staff or (who.role == "integrator" and who.party is None):
        return mine
    if who.role in ("seller", "integrator"):
        return [*mine, invoices.c.seller_id == who.party]
    if who.role == "customer":
        return [*mine, invoices.c.customer_ref == who.party]
    return [*mine, sa.false()]


def get_parties(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Who sold, who bought and what it was called: what a credit note on this order needs beside its amounts.

    Names as on the invoice where there is one.
    """
    order = ctx.need(Order, args["order_id"])
    if not sees(ctx.principal, order.seller_id, order.customer_ref):
        raise NotFound(kind="order", id=args["order_id"])
    invoice = ctx.get(Invoice, order.invoice_id) if order.invoice_id else None
    identity = ctx.get(Identity, identity_id(ctx.tenant, order.seller_id))
    return {
        "order_id": order.id,
        "order_number": order.number,
        "seller": invoice.seller if invoice else identity and identity.details,
        "buyer": invoice.buyer if invoice else buyer_of(order, ctx.get(Billing, order.id)),
        "locale": invoice.locale if invoice else order.customer.get("locale", "en"),
        "invoice_number": invoice.number if invoice else None,
        "lines": {line.line_id: {"title": line.title, "sku": line.sku} for line in order.lines},
    }


def buyer_of(order: Order, billing: Billing | None) -> dict[str, Any]:
    """The customer's name, and what was told of the bill."""
    return {"name": order.customer["name"], **(billing.details if billing else {})}
