"""What the claim service says of promises about time, of sellers' issue rates, and of profiles; all of it internal."""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.fields import Id, Moment, Strict, Whole
from shared.contracts.registry import INTERNAL, announce


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
