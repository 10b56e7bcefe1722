"""What the API answers about refunds beside the refund itself: quotes, explanations, coupons, rules, statements."""

from __future__ import annotations

from marshmallow import fields

from services.gateway.views import Labels, Versioned, View
from shared.contracts.fields import Id, Minor, Moment, MoneySchema, TaxSchema, Whole


class Rule(View):
    """verdict: passed, approval (a second person must agree) or refused. inputs: what the rule saw."""

    rule = fields.String(required=True)
    version = Whole(required=True)
    title = fields.Nested(Labels, required=True, allow_none=True)
    verdict = fields.String(required=True)
    inputs = fields.Dict(required=True)
    code = fields.String(required=True, allow_none=True)


class Explanation(View):
    """Why a refund was or would be decided as it is: each rule with its version, its inputs and its verdict."""

    order_id = Id(required=True)
    action = fields.String(required=True)
    rules = fields.List(fields.Nested(Rule), required=True)


class Coupon(Versioned):
    """code: for its owner and its seller only."""

    form = fields.String(required=True)
    state = fields.String(required=True)
    code = fields.String(required=True, allow_none=True)
    order_id = Id(required=True)
    refund_id = Id(required=True)
    seller_id = Id(required=True)
    customer_ref = Id(required=True)
    value = fields.Nested(MoneySchema, required=True)
    remaining = fields.Nested(MoneySchema, required=True)
    issued_at = Moment(required=True)
    expires_at = Moment(required=True, allow_none=True)


class RefundPolicy(Versioned):
    revision = Whole(required=True)
    rules = fields.Dict(required=True)


class RefundPolicies(View):
    items = fields.List(fields.Nested(RefundPolicy), required=True)


class BackTest(View):
    """Per seller: how many refunds and how much money each verdict would have had, under both sets of rules."""

    profile = fields.String(required=True)
    since = Moment(required=True)
    items = fields.List(fields.Dict(), required=True)


class Reconciled(View):
    """How many lines of each kind."""

    provider = fields.String(required=True)
    lines = Whole(required=True)
    matched = Whole(required=True)
    missing = Whole(required=True)
    extra = Whole(required=True)
    amount = Whole(required=True)
    late = Whole(required=True)


class StatementAsked(View):
    statement = Id(required=True)


class SettlementLine(View):
    id = Id(required=True)
    provider = fields.String(required=True)
    kind = fields.String(required=True)
    provider_ref = fields.String(required=True, allow_none=True)
    refund_id = Id(required=True, allow_none=True)
    order_id = Id(required=True, allow_none=True)
    expected = Minor(required=True, allow_none=True)
    found = Minor(required=True, allow_none=True)
    seen_at = Moment(required=True)


class Quote(View):
    """What the same request would do now; nothing is reserved. One with this `quote_id` is just that, or refused."""

    quote_id = Id(required=True)
    order_id = Id(required=True)
    kind = fields.String(required=True)
    instrument = fields.String(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    tax_total = Minor(required=True)
    lines = fields.List(fields.Dict(), required=True)
    shipping = fields.List(fields.Dict(), required=True)
    taxes = fields.List(fields.Dict(), required=True)
    available_after = Minor(required=True)
    valid_until = Moment(required=True)


class CreditNote(Versioned):
    number = fields.String(required=True)
    order_id = Id(required=True)
    refund_id = Id(required=True)
    total = fields.Nested(MoneySchema, required=True)
    taxes = fields.List(fields.Nested(TaxSchema), required=True)
    issued_at = Moment(required=True)
