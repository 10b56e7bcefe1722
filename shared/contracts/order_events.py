"""What the order service announces: events of orders, settlements and contacts."""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.customer import Replaces
from shared.contracts.fields import CurrencyCode, Id, Minor, Moment, MoneySchema, Strict, TaxSchema, Whole
from shared.contracts.registry import INTERNAL, PRIVATE, Narrow, announce

REFUND_INSTRUMENTS = ("original", "paypal", "coupon", "store_credit")


class Covered(Strict):
    """A subscription to support: for which product, on which normalised URL."""

    product_id = Id(required=True)
    url = fields.String(required=True)


class PlacedLine(Strict):
    line_id = Id(required=True)
    product_id = Id(required=True)
    sku = Id(required=True)
    title = fields.String(required=True)
    supplier_id = Id(allow_none=True)
    linked_line_id = Id(allow_none=True)
    qty = Whole(required=True)
    gross = Minor(required=True)
    taxes = fields.List(fields.Nested(TaxSchema), required=True)
    covers = fields.Nested(Covered)


class PlacedShipment(Strict):
    shipment_id = Id(required=True)
    gross = Minor(required=True)
    taxes = fields.List(fields.Nested(TaxSchema), required=True)


class OrderFact(Strict):
    """What every order event says of whose order it is."""

    order_id = Id(required=True)
    number = Id(required=True)
    seller_id = Id(required=True)
    customer_ref = Id(required=True)


class Placed(OrderFact):
    """locale: the customer's language, for what is written to him; none in events of earlier versions."""

    marketplace = Id(required=True)
    profile = fields.String(required=True)
    currency = CurrencyCode(required=True)
    lines = fields.List(fields.Nested(PlacedLine), required=True)
    shipments = fields.List(fields.Nested(PlacedShipment), required=True)
    total = fields.Nested(MoneySchema, required=True)
    placed_at = Moment(required=True)
    replaces = fields.Nested(Replaces)
    locale = fields.String()


class PaymentCaptured(OrderFact):
    payment_id = Id(required=True)
    provider = fields.String(required=True)
    provider_ref = fields.String(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    captured_total = fields.Nested(MoneySchema, required=True)
    instrument = fields.String(required=True)


class Reached(OrderFact):
    at = Moment(required=True)


class LineAccepted(OrderFact):
    line_id = Id(required=True)
    qty = Whole(required=True)
    left_unshipped = Whole(required=True)


class LineRefused(LineAccepted):
    reason_code = Id(required=True)
    paid = fields.Boolean(required=True)


class LineAdded(OrderFact):
    """amount_due: of the whole order, with this line."""

    line = fields.Nested(PlacedLine, required=True)
    amount_due = fields.Nested(MoneySchema, required=True)


class LineWithdrawn(OrderFact):
    """An added line that was never paid left the order again."""

    line_id = Id(required=True)
    qty = Whole(required=True)
    amount_due = fields.Nested(MoneySchema, required=True)


class StockReleased(OrderFact):
    """`key` names the cause: applied once by whoever keeps the stock (M20)."""

    line_id = Id(required=True)
    product_id = Id(required=True)
    qty = Whole(required=True)
    key = fields.String(required=True)


class EventLine(Strict):
    line_id = Id(required=True)
    qty = Whole(required=True)


class ParcelAdded(OrderFact):
    parcel_id = Id(required=True)
    carrier = fields.String(required=True)
    tracking_number = fields.String(required=True, allow_none=True)
    tracking_url = fields.String(allow_none=True)
    scope = fields.String(required=True, validate=validate.OneOf(("order", "lines")))
    line_ids = fields.List(Id(), required=True)


class Shipped(OrderFact):
    parcel_id = Id(required=True)
    lines = fields.List(fields.Nested(EventLine), required=True)
    complete = fields.Boolean(required=True)


class Cancelled(OrderFact):
    reason_code = Id(required=True)
    lines = fields.List(fields.Nested(EventLine), required=True)
    captured = fields.Nested(MoneySchema, required=True)
    refund_instrument = fields.String(required=True, validate=validate.OneOf(REFUND_INSTRUMENTS))


class StateChanged(OrderFact):
    from_ = Id(required=True, data_key="from", allow_none=True)
    to = Id(required=True)
    label = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class Bearer(Strict):
    """Who bears how much of a refund (M21)."""

    party = fields.String(required=True)
    id = Id(required=True)
    amount = Minor(required=True)


class SettlementFact(Strict):
    """`amount` is what is held, settled or clawed back; payout systems need nothing else.

    mode: `order` or `disputed_amount` (N11). held_claim_ids: with a pay-out proposed of all that these do not hold.
    ends_payout: of a hold: a pay-out was under way, and is given up by it.
    """

    order_id = Id(required=True)
    seller_id = Id(required=True)
    claim_id = Id(allow_none=True)
    mode = fields.String(allow_none=True)
    amount = fields.Nested(MoneySchema, allow_none=True)
    payout_ref = Id(allow_none=True)
    held_claim_ids = fields.List(Id())
    ends_payout = fields.Boolean()
    funding = fields.List(fields.Nested(Bearer))


class ContactRecorded(Strict):
    """How to reach a person. Private exchange only; nothing else in the suite carries an address."""

    party = fields.String(
        required=True, validate=validate.OneOf(("customer", "seller", "supplier", "coordinator", "platform"))
    )
    ref = Id(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    phone = fields.String(allow_none=True)
    locale = fields.String(required=True)


announce(
    "order",
    {
        "order.placed": Placed(),
        "order.payment_captured": PaymentCaptured(),
        "order.paid": Reached(),
        "order.line_accepted": LineAccepted(),
        "order.line_refused": LineRefused(),
        "order.line_added": LineAdded(),
        "order.line_withdrawn": LineWithdrawn(),
        "order.stock_released": StockReleased(),
        "order.parcel_added": ParcelAdded(),
        "order.tracking_updated": ParcelAdded(),
        "order.shipped": Shipped(),
        "order.delivered": Reached(),
        "order.completed": Reached(),
        "order.cancelled": Cancelled(),
        "order.public_state_changed": StateChanged(),
        "settlement.hold_placed": SettlementFact(),
        "settlement.hold_released": SettlementFact(),
        "settlement.releasable": SettlementFact(),
        "settlement.proposed": SettlementFact(),
        "settlement.settled": SettlementFact(),
        "settlement.clawback_due": SettlementFact(),
    },
    narrow={"settlement.hold_placed": Narrow("settlement.payout_held", "ends_payout", (True,))},
)
announce("order", {"order.internal_state_changed": StateChanged()}, audience=INTERNAL)
announce("order", {"contact.recorded": ContactRecorded()}, audience=PRIVATE, exchange="order.private")
