"""What the API answers of claims as the desk works on them: whole, with returns, counts and switches."""

from __future__ import annotations

from marshmallow import fields

from services.gateway.views import Claim, Labels, Message, Refund, Thread, Versioned, View, Warning
from shared.contracts.fields import Id, Moment, Whole


class Return(Versioned):
    """lines: units announced, arrived whole, damaged, missing, found good, put back into stock."""

    claim_id = Id(required=True)
    order_id = Id(required=True)
    rma = Id(required=True, allow_none=True)
    state = fields.String(required=True)
    label = fields.Nested(Labels, required=True)
    method = fields.String(required=True)
    lines = fields.List(fields.Dict(), required=True)
    cost_bearer = fields.String(required=True, allow_none=True)
    refund_id = Id(required=True, allow_none=True)
    requested_at = Moment(required=True)
    updated_at = Moment(required=True)


class Counts(View):
    """Claims that are not over, per state; mine: those that wait for the caller. more: names counted no further."""

    states = fields.Dict(required=True)
    mine = Whole(required=True)
    more = fields.List(fields.String(), required=True)


class Module(Versioned):
    """mode: off, enabled, or auto_include: the main supplier of the product joins by itself."""

    marketplace = Id(required=True)
    profile = Id(required=True)
    mode = fields.String(required=True)
    reasons_off = fields.List(Id(), required=True)
    reasons_added = fields.List(fields.Dict(), required=True)


class Offer(Versioned):
    seller_id = Id(required=True)
    product_id = Id(required=True)
    marketplace = Id(required=True)
    title = fields.String(required=True)
    published = fields.Boolean(required=True)


class OrderPart(View):
    """One delivery or product of an order."""

    order_id = Id(required=True)
    order_number = Id(required=True)


class ClaimPage(Claim):
    """The claim with its thread, the messages that the caller may read, and its refunds."""

    thread = fields.Nested(Thread, required=True, allow_none=True)
    messages = fields.List(fields.Nested(Message), required=True, allow_none=True)
    refunds = fields.List(fields.Nested(Refund), required=True, allow_none=True)
    returns = fields.List(fields.Nested(Return), required=True, allow_none=True)
    warnings = fields.List(fields.Nested(Warning), required=True)


class Observer(View):
    kind = fields.String(required=True)
    id = Id(required=True)
    scope = fields.String(required=True)


class Observers(View):
    items = fields.List(fields.Nested(Observer), required=True)


class Profiles(View):
    """What a form needs: reasons, resolutions and labels in French and English."""

    items = fields.List(fields.Dict(), required=True)
