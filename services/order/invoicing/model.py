"""Invoices, and the names and addresses on them (ORD-14, I12)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.order.invoicing.amounts import Kept, tax_table
from services.order.model import Order
from shared.kernel.aggregate import Aggregate
from shared.kernel.errors import Refusal


class SellerUnknown(Refusal):
    """Invoices name who sells: give legal name, address and VAT number with PUT /v1/sellers/{seller_id}/identity."""

    code = "SELLER_IDENTITY_MISSING"
    status = 409
    rule = "ORD-14"


class AlreadyInvoiced(Refusal):
    """This order has its invoice, {invoice_id}: what changes after it is corrected by a credit note."""

    code = "ALREADY_INVOICED"
    status = 409
    rule = "ORD-14"


class NotAllShipped(Refusal):
    """Units of {lines} are still to be sent: ship or refuse them, and then make the invoice."""

    code = "NOT_ALL_SHIPPED"
    status = 409
    rule = "ORD-14"


class NothingToInvoice(Refusal):
    """No unit of this order was kept: there is nothing to invoice."""

    code = "NOTHING_TO_INVOICE"
    status = 409
    rule = "ORD-14"


@dataclass(kw_only=True)
class Identity(Aggregate):
    """Who sells, as invoices must say it. Its id is made from tenant and seller."""

    stream = "identity"

    seller_id: str
    details: dict[str, Any] = field(default_factory=dict)
    series: str = "FA"

    def describe(self, details: dict[str, Any], series: str) -> bool:
        """True when something changed and was announced, by the names of the fields alone."""
        before, after = {**self.details, "series": self.series}, {**details, "series": series}
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        if self.version and not changed:
            return False
        self.details, self.series = details, series
        self.record("identity.recorded", seller_id=self.seller_id, changed=changed)
        return True


@dataclass(kw_only=True)
class Billing(Aggregate):
    """Whom an order's invoice is made out to. Its id is the order's."""

    stream = "billing"

    details: dict[str, Any] = field(default_factory=dict)

    def describe(self, details: dict[str, Any]) -> bool:
        names = self.details.keys() | details.keys()
        changed = sorted(name for name in names if self.details.get(name) != details.get(name))
        if self.version and not changed:
            return False
        self.details = details
        self.record("billing.recorded", order_id=self.id, changed=changed)
        return True


@dataclass(kw_only=True)
class Invoice(Aggregate):
    """What the customer gets in writing: a snapshot, immutable. A correction is a credit note.

    seller, buyer: names and addresses as they were. lines, charges: what was kept, tax included, with its taxes.
    ordered_on, issued_on: `2026-11-22`, as printed.
    """

    stream = "invoice"

    number: str
    order_id: str
    order_number: str
    seller_id: str
    customer_ref: str
    locale: str
    currency: str
    seller: dict[str, Any]
    buyer: dict[str, Any]
    lines: list[dict[str, Any]]
    charges: list[dict[str, Any]]
    total: int
    paid: int
    ordered_on: str
    issued_on: str
    issued_at: datetime

    @classmethod
    def issue(
        cls,
        id: str,
        order: Order,
        kept: Kept,
        *,
        number: str,
        seller: dict[str, Any],
        buyer: dict[str, Any],
        locale: str,
        ordered_on: str,
        issued_on: str,
        now: datetime,
    ) -> Invoice:
        """ORD-14. Raises NothingToInvoice."""
        if not kept.lines:
            raise NothingToInvoice()
        made = cls(
            id=id,
            tenant=order.tenant,
            number=number,
            order_id=order.id,
            order_number=order.number,
            seller_id=order.seller_id,
            customer_ref=order.customer_ref,
            locale=locale,
            currency=order.currency,
            seller=seller,
            buyer=buyer,
            lines=kept.lines,
            charges=kept.charges,
            total=kept.total,
            paid=min(order.captured, kept.total),
            ordered_on=ordered_on,
            issued_on=issued_on,
            issued_at=now,
        )
        made.record(
            "invoice.issued",
            invoice_id=id,
            number=number,
            order_id=order.id,
            seller_id=order.seller_id,
            customer_ref=order.customer_ref,
            total=order.money(kept.total),
            taxes=made.taxes,
            document_id=id,
            issued_on=issued_on,
        )
        return made

    @property
    def taxes(self) -> list[dict[str, Any]]:
        return tax_table([*self.lines, *self.charges])
