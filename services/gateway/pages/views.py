"""What the API answers about payment links, invoices and who sells: the fields that clients may rely on."""

from __future__ import annotations

from marshmallow import fields

from services.gateway.views import Versioned
from shared.contracts.fields import Id, Moment, MoneySchema, TaxSchema, Whole


class PaymentRequest(Versioned):
    """A link to pay what is due. Its address is in the customer's mail and nowhere else."""

    order_id = Id(required=True)
    order_number = Id(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    purpose = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    issued_at = Moment(required=True)
    expires_at = Moment(required=True)
    attempts = Whole(required=True)
    paid_at = Moment(required=True, allow_none=True)


class Identity(Versioned):
    """Who sells, as invoices name it."""

    seller_id = Id(required=True)
    legal_name = fields.String(required=True)
    address = fields.Dict(required=True)
    series = fields.String(required=True)


class Billing(Versioned):
    """Whom the invoice of this order is made out to."""


class InvoiceRow(Versioned):
    """page_url, pdf_url: of the document itself."""

    number = fields.String(required=True)
    order_id = Id(required=True)
    order_number = Id(required=True)
    total = fields.Nested(MoneySchema, required=True)
    taxes = fields.List(fields.Nested(TaxSchema), required=True)
    issued_on = fields.String(required=True)
    page_url = fields.String(required=True)
    pdf_url = fields.String(required=True)


class Invoice(InvoiceRow):
    locale = fields.String(required=True)
    seller = fields.Dict(required=True)
    buyer = fields.Dict(required=True)
    lines = fields.List(fields.Dict(), required=True)
    charges = fields.List(fields.Dict(), required=True)
    paid = fields.Nested(MoneySchema, required=True)
