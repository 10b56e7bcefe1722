"""The public language of the order service: what it takes. What it announces stands in order_events.py."""

from __future__ import annotations

from typing import ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from shared.contracts.entitlement import CoverInput
from shared.contracts.fields import (
    CurrencyCode,
    Id,
    Minor,
    Moment,
    PositiveMoneySchema,
    Strict,
    Text,
    Whole,
)
from shared.contracts.order_events import REFUND_INSTRUMENTS
from shared.contracts.registry import Operation
from shared.contracts.roles import AGENT, HANDLERS, NEW, OWNERS, PLATFORM, SENDERS, SUPPLIER
from shared.kernel.principal import STAFF

LOCALES = ("fr", "en")
MOST_IN_BULK = 500  # model.md 7


class TaxInput(Strict):
    """A tax inside a gross amount. Without `amount` it is worked out: gross · rate / (100 + rate), rounded half up."""

    rules: ClassVar[dict[str, str]] = {"code": "M3", "rate": "M3"}

    code = fields.String(required=True, validate=validate.Length(min=1, max=32))
    rate = fields.String(required=True, validate=validate.Regexp(r"^\d{1,3}(\.\d{1,4})?$"))
    amount = Minor()


class WearInput(Strict):
    """S4-25: when the product is used up: after so many days, or its units at so many a day (a decimal string).

    `offer_code` is the special offer that the reminder makes for another one.
    """

    lifetime_days = Whole(least=1, most=36_500)
    units_per_day = fields.String(validate=validate.Regexp(r"^(?!0+(\.0+)?$)\d{1,6}(\.\d{1,4})?$"))
    remind_days = Whole(least=0, most=365, load_default=7)
    offer_code = Id()

    @validates_schema
    def one_of_the_two(self, data: dict, **_: object) -> None:
        if ("lifetime_days" in data) == ("units_per_day" in data):
            raise ValidationError("Say lifetime_days or units_per_day.", "lifetime_days")


class LineInput(Strict):
    """A line: `unit_price` is tax included, in minor units. `discount` is this line's own; the order's is spread."""

    rules: ClassVar[dict[str, str]] = {"quantity": "ORD-01"}

    line_id = Id()
    product_id = Id(required=True)
    sku = Id(required=True)
    title = Text(most=200, required=True)
    quantity = Whole(least=1, most=100_000, required=True)
    unit_price = Minor(required=True)
    discount = Minor(load_default=0)
    taxes = fields.List(fields.Nested(TaxInput), load_default=list, validate=validate.Length(max=8))
    supplier_id = Id()
    linked_line_id = Id()
    covers = fields.Nested(CoverInput)
    wear = fields.Nested(WearInput)


class ShippingInput(Strict):
    """What the customer pays for shipping, tax included."""

    shipment_id = Id()
    gross = Minor(required=True)
    taxes = fields.List(fields.Nested(TaxInput), load_default=list, validate=validate.Length(max=8))


class CustomerInput(Strict):
    """Who bought. `ref` is the shop's own id; name and address stay in this service and on the private exchange."""

    ref = Id(required=True)
    name = Text(most=120, required=True)
    email = fields.Email(required=True, validate=validate.Length(max=254))
    phone = fields.String(validate=validate.Regexp(r"^\+[1-9]\d{6,14}$", error="Use the form +33612345678."))
    locale = fields.String(validate=validate.OneOf(LOCALES), load_default="en")


class PlaceOrder(Strict):
    """ORD-01. Σ lines + shipping must equal `total`."""

    order_id = Id()
    number = Id(required=True)
    marketplace = Id(required=True)
    profile = fields.String(load_default="issue", validate=validate.Length(min=1, max=32))
    seller_id = Id(required=True)
    customer = fields.Nested(CustomerInput, required=True)
    currency = CurrencyCode(required=True)
    lines = fields.List(fields.Nested(LineInput), required=True, validate=validate.Length(min=1, max=500))
    discount = Minor(load_default=0)
    shipping = fields.List(fields.Nested(ShippingInput), load_default=list, validate=validate.Length(max=20))
    total = Minor(required=True)
    placed_at = Moment()

    @validates_schema
    def ids_are_unique(self, data: dict, **_: object) -> None:
        given = [line["line_id"] for line in data["lines"] if "line_id" in line]
        if len(given) != len(set(given)):
            raise ValidationError("Two lines have the same line_id.", "lines")
        if len(data["shipping"]) > 1:
            fees = [fee["shipment_id"] for fee in data["shipping"] if "shipment_id" in fee]
            if len(fees) != len(set(fees)):
                raise ValidationError("Two shipments have the same shipment_id.", "shipping")


class OfOrder(Strict):
    order_id = Id(required=True)


class Payment(Strict):
    """What a payment provider captured."""

    payment_id = Id(required=True)
    provider = fields.String(required=True, validate=validate.OneOf(("stripe", "paypal", "manual", "instant")))
    provider_ref = Text(most=128, required=True)
    amount = fields.Nested(PositiveMoneySchema, required=True)
    instrument = fields.String(load_default="original", validate=validate.OneOf(("original", "paypal", "store_credit")))


class CapturePayment(OfOrder, Payment):
    """ORD-02/03: the payment provider captured this amount."""


class PlaceOfMany(PlaceOrder):
    """An order that comes from elsewhere may have been paid there: `payment` is booked along with it (ORD-02/03)."""

    payment = fields.Nested(Payment)


class Parcel(Strict):
    """`tracking_number` may be left out only where the marketplace says so (ORD-06)."""

    rules: ClassVar[dict[str, str]] = {"tracking_url": "ORD-07"}

    parcel_id = Id()
    carrier = Text(most=60, required=True)
    tracking_number = Text(most=80, allow_none=True, load_default=None)
    tracking_url = fields.Url(schemes={"https"}, validate=validate.Length(max=500))


class LineQuantity(Strict):
    rules: ClassVar[dict[str, str]] = {"quantity": "ORD-06"}

    line_id = Id(required=True)
    quantity = Whole(least=1, required=True)


class LineDecision(Strict):
    """One decision of ValidateOrderList: accept, refuse or ship so many units of a line."""

    rules: ClassVar[dict[str, str]] = {"quantity": "ORD-05"}

    line_id = Id(required=True)
    action = fields.String(required=True, validate=validate.OneOf(("accept", "refuse", "ship")))
    quantity = Whole(least=1)
    reason_code = Id()

    @validates_schema
    def refusal_has_a_reason(self, data: dict, **_: object) -> None:
        if data["action"] == "refuse" and "reason_code" not in data:
            raise ValidationError("Say why with a reason_code.", "reason_code")


class ValidateLines(OfOrder):
    """S0-17: accept, refuse or ship lines in one call; all of it or nothing."""

    lines = fields.List(fields.Nested(LineDecision), required=True, validate=validate.Length(min=1, max=500))
    parcel = fields.Nested(Parcel)


class ShipOrder(OfOrder):
    """ORD-06. Without `lines` everything that has not left yet is shipped."""

    parcel = fields.Nested(Parcel, required=True)
    lines = fields.List(fields.Nested(LineQuantity), validate=validate.Length(min=1, max=500))


class SetTracking(OfOrder):
    """ORD-07, S4-20/21: for the whole order, or per product by `line_ids`."""

    parcel = fields.Nested(Parcel, required=True)
    line_ids = fields.List(Id(), load_default=list, validate=validate.Length(max=500))


class Bulk(Strict):
    """Each entry is judged by itself, its fields too: one result per entry, in the order given (I17)."""

    orders = fields.List(fields.Dict(), required=True, validate=validate.Length(min=1, max=MOST_IN_BULK))


class PlaceMany(Strict):
    """Up to 500 orders, paid or not; each is placed or refused by itself."""

    orders = fields.List(fields.Nested(PlaceOfMany), required=True, validate=validate.Length(min=1, max=MOST_IN_BULK))


class ValidateMany(Strict):
    """Up to 500 orders, each with its decisions; each is done or refused by itself."""

    orders = fields.List(fields.Nested(ValidateLines), required=True, validate=validate.Length(min=1, max=MOST_IN_BULK))


class AddLine(OfOrder):
    """ORD-13 (S4-05): something more, in the order's currency; it leaves when `amount_due` was paid."""

    line = fields.Nested(LineInput, required=True)
    currency = CurrencyCode(required=True)


class OfLine(OfOrder):
    line_id = Id(required=True)


class CancelOrder(OfOrder):
    """ORD-09. refund_instrument: how what was paid comes back (S4-09, S4-10)."""

    reason_code = Id(required=True)
    refund_instrument = fields.String(load_default="original", validate=validate.OneOf(REFUND_INSTRUMENTS))


class SetState(OfOrder):
    code = Id(required=True)


class SettleOrder(OfOrder):
    """SET-05: propose to pay the seller out."""

    payout_ref = Id(required=True)


class ListOrders(Strict):
    """S0-08. Pages by cursor, newest change first."""

    has_open_claims = fields.Boolean()
    has_claims = fields.Boolean()
    phase = fields.String(validate=validate.Length(max=32))
    customer_ref = Id()
    seller_id = Id()
    number = Id()
    updated_after = Moment()
    limit = Whole(least=1, most=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=300))


PLACE = Operation("order.place", PlaceOrder(), may=SENDERS, on=NEW)
CAPTURE_PAYMENT = Operation("order.capture_payment", CapturePayment(), money=True, may=PLATFORM)
VALIDATE_LINES = Operation("order.validate_lines", ValidateLines(), money=True, may=SENDERS)
SHIP = Operation("order.ship", ShipOrder(), may=SENDERS)
SET_TRACKING = Operation("order.set_tracking", SetTracking(), may=SENDERS)
DELIVER = Operation("order.deliver", OfOrder(), may=SENDERS)
COMPLETE = Operation("order.complete", OfOrder(), may=STAFF)
CANCEL = Operation("order.cancel", CancelOrder(), money=True, may=SENDERS)
SET_PUBLIC_STATE = Operation("order.set_public_state", SetState(), may=HANDLERS)
SET_INTERNAL_STATE = Operation("order.set_internal_state", SetState(), may=HANDLERS)
PLACE_MANY = Operation("order.place_many", Bulk(), may=SENDERS, on=NEW)
VALIDATE_MANY = Operation("order.validate_many", Bulk(), money=True, may=SENDERS)
ADD_LINE = Operation("order.add_line", AddLine(), may=SENDERS)
WITHDRAW_LINE = Operation("order.withdraw_line", OfLine(), may=SENDERS)
SETTLE = Operation("order.settle", SettleOrder(), money=True, may=AGENT)
GET = Operation("order.get", OfOrder(), reads=True, may=OWNERS | SUPPLIER)
LIST = Operation("order.list", ListOrders(), reads=True, may=OWNERS)
