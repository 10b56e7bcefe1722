"""The public language of withdrawals from a contract (directive 2011/83, article 11a; EU 2023/2673). The claim service
owns them: a statement, its explicit confirmation, a receipt, and what follows from it."""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.claim import ClaimedLine, OpenLine
from shared.contracts.fields import Id, Moment, Strict, Text
from shared.contracts.registry import INTERNAL, Operation, announce
from shared.contracts.roles import CUSTOMER, OWNERS

# Why a line cannot be withdrawn from (article 16), beside the period that is over.
EXCLUSIONS = ("made_to_measure", "perishable", "sealed_hygiene", "sealed_media", "digital_content", "other")
PERIOD_OVER = "period_over"


class WithdrawnLine(ClaimedLine):
    """not_accepted: why this line is none that can be withdrawn from; null: it is."""

    title = fields.String(required=True, allow_none=True)
    not_accepted = fields.String(required=True, allow_none=True, validate=validate.OneOf((*EXCLUSIONS, PERIOD_OVER)))


class Fact(Strict):
    withdrawal_id = Id(required=True)
    order_id = Id(required=True)
    seller_id = Id(required=True)
    customer_ref = Id(required=True)


class Received(Fact):
    """Confirmed by the customer. accepted: for at least one line; else it became an ordinary claim.

    whole: of everything that was ordered. time_zone: of the marketplace. refund_due_at: the last moment to pay it back.
    """

    claim_id = Id(required=True)
    return_id = Id(required=True, allow_none=True)
    lines = fields.List(fields.Nested(WithdrawnLine), required=True)
    accepted = fields.Boolean(required=True)
    whole = fields.Boolean(required=True)
    received_at = Moment(required=True)
    time_zone = fields.String(required=True)
    refund_due_at = Moment(required=True, allow_none=True)


class DueSoon(Fact):
    claim_id = Id(required=True)
    refund_due_at = Moment(required=True)


announce("claim", {"withdrawal.received": Received(), "withdrawal.refund_due_soon": DueSoon()})
announce("claim", {"withdrawal.stated": Fact()}, audience=INTERNAL)


class StateArgs(Strict):
    """Step 1: who withdraws from what. Without lines: from the whole order; a line without qty: from all of it."""

    order_id = Id(required=True)
    name = Text(120, required=True)
    lines = fields.List(fields.Nested(OpenLine), load_default=list, validate=validate.Length(max=500))


class OneWithdrawal(Strict):
    withdrawal_id = Id(required=True)


STATE = Operation("withdrawal.state", StateArgs(), may=CUSTOMER)
CONFIRM = Operation("withdrawal.confirm", OneWithdrawal(), may=CUSTOMER)
GET = Operation("withdrawal.get", OneWithdrawal(), reads=True, may=OWNERS)
