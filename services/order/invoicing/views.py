"""Invoices and identities as answered: built field by field (T08)."""

from __future__ import annotations

from typing import Any

from services.order.invoicing.model import Identity, Invoice
from services.order.policies import may
from shared.kernel.principal import Principal


def invoice_row(invoice: Invoice) -> dict[str, Any]:
    """A row of a list."""
    return {
        "id": invoice.id,
        "version": invoice.version,
        "number": invoice.number,
        "order_id": invoice.order_id,
        "order_number": invoice.order_number,
        "seller_id": invoice.seller_id,
        "customer_ref": invoice.customer_ref,
        "total": {"amount": invoice.total, "currency": invoice.currency},
        "taxes": invoice.taxes,
        "issued_on": invoice.issued_on,
        "page_url": f"/v1/invoices/{invoice.id}.html",
        "pdf_url": f"/v1/invoices/{invoice.id}.pdf",
        "allowed_actions": [],
    }


def invoice_view(invoice: Invoice) -> dict[str, Any]:
    """Everything that the document shows."""
    return {
        **invoice_row(invoice),
        "locale": invoice.locale,
        "seller": invoice.seller,
        "buyer": invoice.buyer,
        "lines": invoice.lines,
        "charges": invoice.charges,
        "paid": {"amount": invoice.paid, "currency": invoice.currency},
        "ordered_on": invoice.ordered_on,
    }


def identity_view(identity: Identity, who: Principal) -> dict[str, Any]:
    return {
        "id": identity.id,
        "version": identity.version,
        "seller_id": identity.seller_id,
        **identity.details,
        "series": identity.series,
        "allowed_actions": ["set_identity"] if may(who, "set_identity", identity.seller_id) else [],
    }
