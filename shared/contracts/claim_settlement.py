"""What the claim service answers when an order is to be paid out (SET-06, SET-07)."""

from __future__ import annotations

from marshmallow import fields

from shared.contracts.fields import Id, Moment, Strict
from shared.contracts.registry import announce


class SettlementAnswer(Strict):
    """Stream `claim` of the order's id: may the order be paid out? Clearing it is the cut-off for holds (SET-06).

    payout_ref: which proposal this answers.
    """

    order_id = Id(required=True)
    seller_id = Id(required=True)
    payout_ref = Id(required=True, allow_none=True)
    holding_claim_ids = fields.List(Id(), required=True)
    as_of = Moment(required=True)


announce(
    "claim",
    {"claim.settlement_cleared": SettlementAnswer(), "claim.settlement_blocked": SettlementAnswer()},
)
