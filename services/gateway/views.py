"""What the API answers, for its document: the fields that clients may rely on. Services add fields, they take none.

Tests hold every answer of the suite against these schemas.
"""

from __future__ import annotations

from functools import cache

from marshmallow import Schema, fields

from services.gateway.claim_views import Counts, Module, Offer, OrderPart, Return
from services.gateway.thread_views import (
    AccessRequest,
    Attachment,
    Disclosures,
    FilledTemplate,
    Message,
    OpenedThread,
    Party,
    Signature,
    Signatures,
    Template,
    Thread,
)
from services.gateway.view_parts import Labels, State, Versioned, View
from shared.contracts.fields import Id, Minor, Moment, MoneySchema, TaxSchema, Whole

__all__ = [
    "AccessRequest",
    "Attachment",
    "Disclosures",
    "FilledTemplate",
    "Message",
    "OpenedThread",
    "Party",
    "Signature",
]
__all__ += ["Counts", "Module", "Offer", "OrderPart", "Return", "Signatures", "Template", "Thread"]


class OrderLine(View):
    line_id = Id(required=True)
    product_id = Id(required=True)
    sku = Id(required=True)
    title = fields.String(required=True)
    ordered = Whole(required=True)
    unshipped = Whole(required=True)
    shipped = Whole(required=True)
    cancelled = Whole(required=True)
    gross = Minor(required=True)
    taxes = fields.List(fields.Nested(TaxSchema), required=True)


class OrderSummary(View):
    """A row of the order list. display_status: `issue_reported` while a claim is open."""

    id = Id(required=True)
    number = Id(required=True)
    version = Whole(required=True)
    marketplace = Id(required=True)
    profile = fields.String(required=True)
    seller_id = Id(required=True)
    customer_ref = Id(required=True)
    phase = fields.String(required=True)
    public_state = fields.Nested(State, required=True)
    display_status = fields.Nested(State, required=True)
    open_claims = Whole(required=True)
    total = fields.Nested(MoneySchema, required=True)
    captured = fields.Nested(MoneySchema, required=True)
    placed_at = Moment(required=True)
    updated_at = Moment(required=True)


class Issue(View):
    """A reported problem in the order list (S2-06)."""

    claim_id = Id(required=True)
    number = fields.String(required=True)
    state = fields.String(required=True)
    label = fields.Dict(required=True)
    handler = fields.Dict(required=True)
    open = fields.Boolean(required=True)


class OrderRow(OrderSummary):
    """A row with its issue column; null, with a warning, when the claim service did not answer.

    contact_alias: where the caller writes about the order by mail; null where masked mail is switched off.
    """

    contact_alias = fields.String(required=True, allow_none=True)
    issues = fields.List(fields.Nested(Issue), required=True, allow_none=True)


class Order(OrderSummary):
    """internal_state and settlement: for sellers and staff only."""

    lines = fields.List(fields.Nested(OrderLine), required=True)
    shipments = fields.List(fields.Dict(), required=True)
    parcels = fields.List(fields.Dict(), required=True)
    payments = fields.List(fields.Dict(), required=True)
    settlement = fields.Dict()
    allowed_actions = fields.List(fields.String(), required=True)


class Warning(View):
    """Why a part is null: NO_ANSWER, or the code of its refusal; CUT: there is more than the page holds."""

    part = fields.String(required=True)
    code = fields.String(required=True)
    service = fields.String(required=True)


class Resolution(View):
    kind = fields.String(required=True)


class Awaiting(View):
    """Whose turn it is, since when, and whether a person set it."""

    party = fields.String(required=True)
    since = Moment(required=True, allow_none=True)
    manual = fields.Boolean(required=True)


class Claim(Versioned):
    """attention: is it this caller's turn? assignee, observers and the hold: not for customers."""

    number = fields.String(required=True)
    category = fields.String(required=True)
    profile = fields.String(required=True)
    profile_version = Whole(required=True)
    order_id = Id(required=True, allow_none=True)
    order_number = fields.String(required=True, allow_none=True)
    seller_id = Id(required=True, allow_none=True)
    customer_ref = Id(required=True)
    product_id = Id(required=True, allow_none=True)
    offer_id = Id(required=True, allow_none=True)
    delivery_id = Id(required=True, allow_none=True)
    links = fields.Dict(required=True)
    rating = fields.Dict(required=True, allow_none=True)
    state = fields.String(required=True)
    label = fields.Nested(Labels, required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    reason = fields.Nested(State, required=True)
    handler = fields.Nested(State, required=True)
    awaiting = fields.Nested(Awaiting, required=True, allow_none=True)
    attention = fields.Boolean(required=True)
    resolution = fields.Dict(required=True, allow_none=True)
    opened_at = Moment(required=True)
    updated_at = Moment(required=True)
    allowed_resolutions = fields.List(fields.String(), required=True)
    sla = fields.List(fields.Dict())


class ClaimWithMessages(Claim):
    """messages: with `expand=messages`."""

    messages = fields.List(fields.Nested(Message), allow_none=True)


class Refund(Versioned):
    order_id = Id(required=True)
    claim_id = Id(required=True, allow_none=True)
    seller_id = Id(required=True)
    customer_ref = Id(required=True)
    kind = fields.String(required=True)
    instrument = fields.String(required=True)
    state = fields.String(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    tax_total = Minor(required=True)
    lines = fields.List(fields.Dict(), required=True)
    shipping = fields.List(fields.Dict(), required=True)
    taxes = fields.List(fields.Dict(), required=True)
    reason = fields.Dict(required=True)
    requested_at = Moment(required=True)
    updated_at = Moment(required=True)
    succeeded_at = Moment(required=True, allow_none=True)
    credit_note_id = Id(required=True, allow_none=True)


class RefundEnvelope(View):
    """What the order, each line and each shipment can still give back, in minor units."""

    order_id = Id(required=True)
    version = Whole(required=True)
    currency = fields.String(required=True)
    captured = Minor(required=True)
    succeeded = Minor(required=True)
    reserved = Minor(required=True)
    available = Minor(required=True)
    lines = fields.List(fields.Dict(), required=True)
    shipments = fields.List(fields.Dict(), required=True)
    taxes = fields.List(fields.Dict(), required=True)
    allowed_actions = fields.List(fields.String(), required=True)


class OrderPage(Order):
    """The order with its claims and what can still be refunded; a part that did not answer is null, with a warning."""

    claims = fields.List(fields.Nested(Claim), required=True, allow_none=True)
    refund_envelope = fields.Nested(RefundEnvelope, required=True, allow_none=True)
    warnings = fields.List(fields.Nested(Warning), required=True)


class Notification(View):
    id = Id(required=True)
    channel = fields.String(required=True)
    state = fields.String(required=True)


class Contact(View):
    party = fields.String(required=True)
    ref = Id(required=True)


class Result(View):
    """result: CLOSED, or the code of the refusal."""

    result = fields.String(required=True)


class Results(View):
    results = fields.List(fields.Nested(Result), required=True)


class Me(View):
    """Who the credentials stand for. No scopes: all that the role may."""

    role = fields.String(required=True)
    id = fields.String(required=True)
    tenant = fields.String(required=True)
    party = fields.String(required=True, allow_none=True)
    name = fields.String(required=True, allow_none=True)
    scopes = fields.List(fields.String(), required=True)


class Received(View):
    received = fields.Boolean(required=True)


class Health(View):
    status = fields.String(required=True)


class Problem(View):
    """RFC 9457. code: stable, for programs. title: a sentence for people. request_id: name it when you report this."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = Whole(required=True)
    code = fields.String(required=True)
    rule = fields.String()
    details = fields.Dict()
    retry_after = Whole()
    request_id = fields.String(required=True)


@cache
def listing(item: type[View]) -> Schema:
    """A page of a list: `next_cursor` is null on the last one."""
    name = f"{item.__name__}List"
    members = {
        "items": fields.List(fields.Nested(item), required=True),
        "next_cursor": fields.String(required=True, allow_none=True),
        "warnings": fields.List(fields.Nested(Warning)),
        "__doc__": listing.__doc__,
        "__module__": __name__,
    }
    return type(name, (View,), members)()
