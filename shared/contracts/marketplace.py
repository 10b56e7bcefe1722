"""What a marketplace decides about its orders: states, stock, parcels, delays, tax codes (S4-03, S4-04, S4-12, M3)."""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.fields import Id, Strict, Text, Whole
from shared.contracts.registry import INTERNAL, Operation, announce
from shared.contracts.roles import AGENT, ANYTHING, HANDLERS, NEW

PHASES = (
    "awaiting_payment",
    "paid",
    "preparing",
    "partially_shipped",
    "shipped",
    "delivered",
    "completed",
    "cancelled",
)
MOST_STATES = 50
MOST_TAX_CODES = 200
TAX_CODE = validate.Length(min=1, max=32)
PHASE = validate.OneOf(PHASES)


class Label(Strict):
    fr = Text(most=80, required=True)
    en = Text(most=80, required=True)


class InternalState(Strict):
    code = Id(required=True)
    label = fields.Nested(Label, required=True)


class PublicState(InternalState):
    """phase: reaching it shows this state. by_hand: people may set it, during `phases` only when any are named."""

    phase = fields.String(validate=PHASE, allow_none=True, load_default=None)
    by_hand = fields.Boolean(load_default=True, truthy={True}, falsy={False})
    phases = fields.List(fields.String(validate=PHASE), load_default=list, validate=validate.Length(max=len(PHASES)))


class OfMarketplace(Strict):
    marketplace = Id(required=True)


class Configure(OfMarketplace):
    """What is left out stays as it is. complete_after_days: null = orders are completed by a person.

    They count from the delivery; where nobody tells of one, from 30 days after the last shipment. An open problem holds
    the order back. What had left, or was delivered, before a change keeps the delay of that day.

    tax_codes: those that a line or shipment may name; null = any. Rates are the order's own: they change with the law,
    and an order of last year keeps the one it was sold at (M3).
    """

    public_states = fields.List(fields.Nested(PublicState), validate=validate.Length(min=1, max=MOST_STATES))
    internal_states = fields.List(fields.Nested(InternalState), validate=validate.Length(max=MOST_STATES))
    stock_managed = fields.Boolean(truthy={True}, falsy={False})
    parcel_number_required = fields.Boolean(truthy={True}, falsy={False})
    complete_after_days = Whole(least=1, most=365, allow_none=True)
    tax_codes = fields.List(
        fields.String(validate=TAX_CODE), allow_none=True, validate=validate.Length(min=1, max=MOST_TAX_CODES)
    )


class Configured(OfMarketplace):
    public_states = fields.List(fields.Nested(PublicState), required=True)
    internal_states = fields.List(fields.Nested(InternalState), required=True)
    stock_managed = fields.Boolean(required=True)
    parcel_number_required = fields.Boolean(required=True)
    complete_after_days = Whole(required=True, allow_none=True)
    tax_codes = fields.List(fields.String(), allow_none=True)


CONFIGURE = Operation("marketplace.configure", Configure(), may=AGENT, on=NEW)
GET = Operation("marketplace.get", OfMarketplace(), reads=True, may=HANDLERS, on=ANYTHING)

announce("order", {"marketplace.configured": Configured()}, audience=INTERNAL)
