"""What the API answers about returns, the claim module and what claims may be about."""

from __future__ import annotations

from marshmallow import fields

from services.gateway.view_parts import Labels, Versioned, View
from shared.contracts.fields import Id, Moment, Whole


class Return(Versioned):
    """lines: units announced, arrived whole, damaged, missing, inspected, found good, put back into stock.

    note, reasons (per line): what inspection says of it, not to customers.
    """

    claim_id = Id(required=True)
    order_id = Id(required=True)
    rma = Id(required=True, allow_none=True)
    state = fields.String(required=True)
    label = fields.Nested(Labels, required=True)
    method = fields.String(required=True)
    lines = fields.List(fields.Dict(), required=True)
    cost_bearer = fields.String(required=True, allow_none=True)
    refund_id = Id(required=True, allow_none=True)
    note = fields.String(allow_none=True)
    reasons = fields.Dict(keys=fields.String(), values=fields.String())
    requested_at = Moment(required=True)
    updated_at = Moment(required=True)


class Withdrawal(Versioned):
    """state: stated, until its second step makes it received. lines: `{line_id, qty, title, not_accepted}`.

    deadline: null while nothing was delivered. claim_id, return_id: what followed from it.
    """

    state = fields.String(required=True)
    order_id = Id(required=True)
    order_number = Id(required=True)
    name = fields.String(required=True)
    lines = fields.List(fields.Dict(), required=True)
    whole = fields.Boolean(required=True)
    deadline = Moment(required=True, allow_none=True)
    stated_at = Moment(required=True)
    received_at = Moment(required=True, allow_none=True)
    refund_due_at = Moment(required=True, allow_none=True)
    claim_id = Id(required=True, allow_none=True)
    return_id = Id(required=True, allow_none=True)


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
    no_withdrawal = fields.String(required=True, allow_none=True)


class OrderPart(View):
    """One delivery or product of an order."""

    order_id = Id(required=True)
    order_number = Id(required=True)
