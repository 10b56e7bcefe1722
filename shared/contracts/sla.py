"""What the claim service says of promises about time, of sellers' issue rates, and of profiles; all of it internal."""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.fields import Id, Moment, Strict, Whole
from shared.contracts.registry import INTERNAL, Operation, announce
from shared.contracts.roles import HANDLERS


class ClockFact(Strict):
    """A promise about time. due_at: when it ends. period: how often this clock has started on this claim.

    party: whose turn it is. started_at and target_s tell how long the promise was.
    """

    claim_id = Id(required=True)
    order_id = Id(required=True, allow_none=True)
    seller_id = Id(required=True, allow_none=True)
    customer_ref = Id(required=True)
    handler = fields.String(required=True)
    assignee = Id(required=True, allow_none=True)
    clock = fields.String(
        required=True, validate=validate.OneOf(("first_answer", "next_answer", "resolution", "platform_decision"))
    )
    period = Whole(least=1, required=True)
    started_at = Moment(required=True)
    due_at = Moment(required=True)
    target_s = Whole(required=True)
    elapsed_s = Whole(required=True)
    party = fields.String(required=True)


announce("claim", {"sla.warning": ClockFact(), "sla.breached": ClockFact()}, audience=INTERNAL)


class ProfileActivated(Strict):
    """Claims that this tenant opens from now on follow this version. former: the key of the one before."""

    profile = Id(required=True)
    profile_version = Whole(required=True)
    key = fields.String(required=True)
    former = fields.String(required=True, allow_none=True)


announce("claim", {"profile.activated": ProfileActivated()}, audience=INTERNAL)


class CountedReason(Strict):
    reason_code = Id(required=True)
    issues = Whole(required=True)


class CountedProduct(Strict):
    product_id = Id(required=True)
    issues = Whole(required=True)


class Interval(Strict):
    """95 % (Wilson), in per cent."""

    low = fields.String(required=True)
    high = fields.String(required=True)


class Forecast(Strict):
    """rate: when the open issues are decided as the seller's usually are; best: when none of them counts."""

    open_issues = Whole(required=True)
    rate = fields.String(required=True)
    best = fields.String(required=True)


class IssueRate(Strict):
    """Orders with counted issues among those delivered or completed, of the orders placed in the window, in per cent.

    budget: how many further orders may get an issue before the threshold is exceeded.
    """

    seller_id = Id(required=True)
    rate = fields.String(required=True)
    issues = Whole(required=True)
    orders = Whole(required=True)
    window_days = Whole(required=True)
    threshold = fields.String(required=True)
    least_orders = Whole(required=True)
    interval = fields.Nested(Interval, required=True)
    budget = Whole(required=True)
    forecast = fields.Nested(Forecast, required=True)
    level = fields.String(required=True, validate=validate.OneOf(("fine", "at_risk", "exceeded", "unrated")))
    by_reason = fields.List(fields.Nested(CountedReason), required=True)
    by_product = fields.List(fields.Nested(CountedProduct), required=True)


announce(
    "claim",
    {
        "seller.issue_rate_changed": IssueRate(),
        "seller.issue_rate_at_risk": IssueRate(),
        "seller.issue_rate_exceeded": IssueRate(),
        "seller.issue_rate_recovered": IssueRate(),
    },
    audience=INTERNAL,
)


class OneSeller(Strict):
    seller_id = Id(required=True)


SELLER_SCORE = Operation("claim.seller_score", OneSeller(), reads=True, may=HANDLERS)
