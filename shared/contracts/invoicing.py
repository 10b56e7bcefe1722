"""The public language of invoices: who sells, who is billed, and the invoice itself (ORD-14, S4-22 to S4-24)."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from shared.contracts.fields import Id, MoneySchema, Strict, TaxSchema, Text, Whole
from shared.contracts.order import LOCALES
from shared.contracts.registry import INTERNAL, Operation, announce
from shared.contracts.roles import HANDLERS, NEW, OWNERS, SENDERS

COUNTRY = validate.Regexp(r"^[A-Z]{2}$", error="ISO 3166-1: two capital letters, for example FR.")
VAT_NUMBER = validate.Regexp(r"^[A-Z]{2}[0-9A-Z+*]{2,13}$", error="Country and number without spaces: FR32552100554.")


class Address(Strict):
    lines = fields.List(Text(most=100), required=True, validate=validate.Length(min=1, max=3))
    postcode = Text(most=16, required=True)
    city = Text(most=80, required=True)
    country = fields.String(required=True, validate=COUNTRY)


class Identity(Strict):
    """Who sells, as invoices must say it. Without a VAT number say why in `vat_exemption`, and give a registration.

    series: the letters that this seller's invoice numbers begin with. color: of the documents, `#14664a`.
    """

    seller_id = Id(required=True)
    legal_name = Text(most=120, required=True)
    trade_name = Text(most=80)
    legal_form = Text(most=80)
    registration = Text(most=40)
    vat_number = fields.String(validate=VAT_NUMBER)
    vat_exemption = Text(most=200)
    address = fields.Nested(Address, required=True)
    email = fields.Email(validate=validate.Length(max=254))
    phone = Text(most=30)
    legal_note = Text(most=500)
    series = fields.String(load_default="FA", validate=validate.Regexp(r"^[A-Z][A-Z0-9]{0,7}$"))
    color = fields.String(validate=validate.Regexp(r"^#[0-9a-f]{6}$"))

    @validates_schema
    def taxed_or_exempt(self, data: dict, **_: object) -> None:
        if "vat_number" not in data and not ("vat_exemption" in data and "registration" in data):
            raise ValidationError("Give a vat_number, or a registration and the vat_exemption's reason.", "vat_number")


class Billing(Strict):
    """Whom the invoice is made out to, where it is not just the customer's name."""

    order_id = Id(required=True)
    name = Text(most=120)
    company = Text(most=120)
    vat_number = fields.String(validate=VAT_NUMBER)
    address = fields.Nested(Address)


class OfSeller(Strict):
    seller_id = Id(required=True)


class OfOrder(Strict):
    order_id = Id(required=True)


class MakeInvoice(OfOrder):
    """ORD-14. locale: of the document; the customer's own without it."""

    locale = fields.String(validate=validate.OneOf(LOCALES))


class OfInvoice(Strict):
    invoice_id = Id(required=True)


class ListInvoices(Strict):
    """Newest first."""

    order_id = Id()
    seller_id = Id()
    customer_ref = Id()
    limit = Whole(least=1, most=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=300))


SET_IDENTITY = Operation("identity.set", Identity(), may=SENDERS, on=NEW)
GET_IDENTITY = Operation("identity.get", OfSeller(), reads=True, may=HANDLERS)
SET_BILLING = Operation("order.set_billing", Billing(), may=HANDLERS)
MAKE = Operation("invoice.make", MakeInvoice(), may=SENDERS)
GET = Operation("invoice.get", OfInvoice(), reads=True, may=OWNERS)
LIST = Operation("invoice.list", ListInvoices(), reads=True, may=OWNERS)
PARTIES = Operation("invoice.parties", OfOrder(), reads=True, may=OWNERS)


class Issued(Strict):
    """document_id: of the PDF, `/v1/invoices/{document_id}.pdf`. Names and addresses stay with the order service."""

    invoice_id = Id(required=True)
    number = fields.String(required=True)
    order_id = Id(required=True)
    seller_id = Id(required=True)
    customer_ref = Id(required=True)
    total = fields.Nested(MoneySchema, required=True)
    taxes = fields.List(fields.Nested(TaxSchema), required=True)
    document_id = Id(required=True)
    issued_on = fields.Date(required=True)


class IdentityRecorded(Strict):
    """changed: names of fields, never what stands in them."""

    seller_id = Id(required=True)
    changed = fields.List(fields.String(), required=True)


class BillingRecorded(Strict):
    order_id = Id(required=True)
    changed = fields.List(fields.String(), required=True)


announce("order", {"invoice.issued": Issued()})
announce("order", {"identity.recorded": IdentityRecorded(), "billing.recorded": BillingRecorded()}, audience=INTERNAL)
