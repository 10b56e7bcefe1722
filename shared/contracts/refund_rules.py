"""The rules of refunds as data: what a tenant may set per profile, and trying it on the past before (N9)."""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.fields import Id, Moment, Strict, Whole
from shared.contracts.registry import INTERNAL, Operation, announce
from shared.contracts.roles import AGENT, ANYTHING, NEW
from shared.kernel.principal import STAFF

ROLES = ("seller", "integrator", "coordinator", "platform_agent")
PROFILES = ("discussion", "coordinated", "issue", "support", "box")
EXECUTIONS = ("automatic", "platform", "merchant")
CHOSEN = ("paypal", "coupon", "store_credit", "bank_transfer", "manual")
MOST = 10**9  # whole units of currency


class LimitsInput(Strict):
    """Whole units of currency. refund: each. gestures: an order. daily, daily_count: one person's gestures a day."""

    refund = Whole(required=True, most=MOST)
    gestures = Whole(required=True, most=MOST)
    daily = Whole(required=True, most=MOST)
    daily_count = Whole(required=True, most=100_000)


class Rules(Strict):
    """What is not named stays as the profile ships it. Months: 0 is without end."""

    limits = fields.Dict(keys=fields.String(validate=validate.OneOf(ROLES)), values=fields.Nested(LimitsInput))
    instruments = fields.Dict(
        keys=fields.String(validate=validate.OneOf(ROLES)),
        values=fields.List(fields.String(validate=validate.OneOf(CHOSEN))),
    )
    requesters = fields.List(fields.String(validate=validate.OneOf(ROLES)))
    execution = fields.String(validate=validate.OneOf(EXECUTIONS))
    right_months = Whole(most=120)
    limit_months = Whole(most=120)
    coupon_days = Whole(least=1, most=36_500)
    late_days = Whole(least=1, most=365)


class OfProfile(Strict):
    profile = fields.String(required=True, validate=validate.OneOf(PROFILES))


class Put(OfProfile):
    """Replaces the tenant's rules of the profile, as its next revision. In force everywhere within ten seconds."""

    rules = fields.Nested(Rules, required=True)


class Simulate(OfProfile):
    """What would these rules have decided of the refunds that were asked for since then? Changes nothing."""

    rules = fields.Nested(Rules, required=True)
    since = Moment(required=True)


class ListRules(Strict):
    """Every profile's rules as they are in force."""


LIST = Operation("refund_policy.list", ListRules(), reads=True, may=STAFF, on=ANYTHING)
PUT = Operation("refund_policy.put", Put(), may=AGENT, on=NEW)
SIMULATE = Operation("refund_policy.simulate", Simulate(), reads=True, may=STAFF, on=ANYTHING)


class Changed(Strict):
    profile = fields.String(required=True)
    revision = Whole(required=True)
    rules = fields.Dict(required=True)
    changed_by = Id(required=True)


announce("refund", {"refund_policy.changed": Changed()}, audience=INTERNAL)
