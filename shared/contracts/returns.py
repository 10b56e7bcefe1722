"""The public language of returns, RET-01 to RET-09. The claim service owns them; the refund service pays for them."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from shared.contracts.fields import Id, Minor, Strict, Text, Whole
from shared.contracts.registry import Operation, announce
from shared.contracts.roles import HANDLERS, OWNERS, PARTIES

METHODS = ("return", "returnless")
STATES = (
    "requested",
    "approved",
    "declined",
    "in_transit",
    "partially_received",
    "received",
    "inspected",
    "no_reception",
    "closed",
    "cancelled",
)
LABEL_SOURCES = ("seller", "platform", "customer")
LINES = 500


# events


class ReturnedLine(Strict):
    """Units of one line: announced (qty), arrived whole (received), damaged, missing; looked at of those that arrived
    whole (inspected; older events lack it), found good (compliant), and put back into stock (restock)."""

    line_id = Id(required=True)
    qty = Whole(least=1, required=True)
    received = Whole(required=True)
    damaged = Whole(required=True)
    missing = Whole(required=True)
    inspected = Whole()
    compliant = Whole(required=True)
    restock = Whole(required=True)


class Units(Strict):
    line_id = Id(required=True)
    qty = Whole(least=1, required=True)


class ReturnFact(Strict):
    """What every return event says. cost_bearer: who pays for the way back, none before the label."""

    return_id = Id(required=True)
    rma = Id(required=True, allow_none=True)
    claim_id = Id(required=True)
    order_id = Id(required=True)
    seller_id = Id(required=True)
    customer_ref = Id(required=True)
    method = fields.String(required=True, validate=validate.OneOf(METHODS))
    reason_code = Id(required=True)
    from_ = fields.String(data_key="from", required=True, allow_none=True)
    to = fields.String(required=True, validate=validate.OneOf(STATES))
    lines = fields.List(fields.Nested(ReturnedLine), required=True)
    label_id = Id(required=True, allow_none=True)
    cost_bearer = fields.String(required=True, allow_none=True)


class Declined(ReturnFact):
    decline_reason = Id(required=True)


class Shipped(ReturnFact):
    carrier = fields.String(required=True)
    tracking_number = fields.String(required=True)


class Restocked(Units):
    """key: names the cause, so that whoever keeps the stock applies it once (M20)."""

    key = fields.String(required=True)


class Closed(ReturnFact):
    """RET-08. refundable: units to pay back by a refund of kind `return` under `refund_id`, which is null when there
    is nothing to pay or nobody wants it. deduction: minor units that the customer bears, for the way back (M13)."""

    refundable = fields.List(fields.Nested(Units), required=True)
    refund_id = Id(required=True, allow_none=True)
    shipping = fields.Boolean(required=True)
    deduction = Minor(required=True)
    restock = fields.List(fields.Nested(Restocked), required=True)


announce(
    "claim",
    {
        "return.requested": ReturnFact(),
        "return.approved": ReturnFact(),
        "return.declined": Declined(),
        "return.label_ready": ReturnFact(),
        "return.shipped": Shipped(),
        "return.received": ReturnFact(),
        "return.inspected": ReturnFact(),
        "return.not_received": ReturnFact(),
        "return.closed": Closed(),
        "return.cancelled": ReturnFact(),
    },
)


# commands


class OneReturn(Strict):
    return_id = Id(required=True)


class RequestArgs(Strict):
    """RET-01, on a claim. wants: a refund when the goods are back, or nothing more (a replacement was agreed)."""

    claim_id = Id(required=True)
    lines = fields.List(fields.Nested(Units), required=True, validate=validate.Length(min=1, max=LINES))
    reason_code = Id(required=True)
    method = fields.String(load_default="return", validate=validate.OneOf(METHODS))
    wants = fields.String(load_default="refund", validate=validate.OneOf(("refund", "nothing")))


class DeclineArgs(OneReturn):
    reason_code = Id(required=True)


class LabelArgs(OneReturn):
    """RET-03, S2-13: a file that was uploaded, or the address of one."""

    source = fields.String(required=True, validate=validate.OneOf(LABEL_SOURCES))
    cost_bearer = fields.String(required=True, validate=validate.OneOf(LABEL_SOURCES))
    label_id = Id()
    url = fields.Url(schemes={"https"}, validate=validate.Length(max=500))
    cost = Minor(load_default=0)
    instructions = Text(2000)

    @validates_schema
    def names_one(self, data: dict, **_: object) -> None:
        if ("label_id" in data) == ("url" in data):
            raise ValidationError("Give the label either as label_id or as url.", "label_id")


class ShippedArgs(OneReturn):
    carrier = Text(60, required=True)
    tracking_number = Text(80, required=True)


class ReceivedLine(Strict):
    line_id = Id(required=True)
    received = Whole(load_default=0)
    damaged = Whole(load_default=0)
    missing = Whole(load_default=0)


class ReceiveArgs(OneReturn):
    """RET-05: what this delivery brought; more deliveries may follow."""

    lines = fields.List(fields.Nested(ReceivedLine), required=True, validate=validate.Length(min=1, max=LINES))


class InspectedLine(Strict):
    """Of all units of the line that are here: those that are as they should be, and how many of them go back into
    stock. reason: why the others are not, for the house."""

    line_id = Id(required=True)
    compliant = Whole(required=True)
    restock = Whole(load_default=0)
    reason = Text(500)


class InspectArgs(OneReturn):
    """RET-06: these lines; others may follow. reason: a note on the whole return, which replaces the former."""

    lines = fields.List(fields.Nested(InspectedLine), required=True, validate=validate.Length(min=1, max=LINES))
    reason = Text(500)


class CloseArgs(OneReturn):
    shipping = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class ListArgs(Strict):
    """Newest change first."""

    claim_id = Id()
    order_id = Id()
    state = fields.String(validate=validate.OneOf(STATES))
    limit = Whole(least=1, most=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=300))


REQUEST = Operation("return.request", RequestArgs(), may=OWNERS)
APPROVE = Operation("return.approve", OneReturn(), may=HANDLERS)
DECLINE = Operation("return.decline", DeclineArgs(), may=HANDLERS)
ATTACH_LABEL = Operation("return.attach_label", LabelArgs(), may=HANDLERS)
MARK_SHIPPED = Operation("return.mark_shipped", ShippedArgs(), may=OWNERS)
RECEIVE = Operation("return.receive", ReceiveArgs(), may=HANDLERS)
INSPECT = Operation("return.inspect", InspectArgs(), may=HANDLERS)
CLOSE = Operation("return.close", CloseArgs(), money=True, may=HANDLERS)
CANCEL = Operation("return.cancel", OneReturn(), may=OWNERS)
GET = Operation("return.get", OneReturn(), reads=True, may=PARTIES)
LIST = Operation("return.list", ListArgs(), reads=True, may=PARTIES)
