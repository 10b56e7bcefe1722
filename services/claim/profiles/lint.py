"""What a profile must say to be usable, and what would leave claims stuck or nameless."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from services.claim.model.states import STATES
from services.claim.policies import EXECUTED_KINDS, HANDLERS, RESOLUTION_KINDS
from shared.contracts.fields import Id, Strict, Text, Whole
from shared.kernel.principal import ROLES

LOCALES = ("fr", "en")
CATEGORIES = ("after_sales", "contact", "prospect", "offer_question", "withdrawal")
PHASES = (
    "awaiting_payment",
    "paid",
    "preparing",
    "partially_shipped",
    "shipped",
    "delivered",
    "completed",
    "cancelled",
)


class BrokenProfile(ValueError):
    """A profile that must not be loaded; `faults` says why, one sentence each."""

    def __init__(self, code: str | None, faults: list[str]) -> None:
        self.faults = faults
        super().__init__(f"profile {code}: {'; '.join(faults)}")


class Labels(Strict):
    fr = Text(most=80, required=True)
    en = Text(most=80, required=True)


class ReasonSchema(Strict):
    code = Id(required=True)
    handler = fields.String(required=True, validate=validate.OneOf(HANDLERS))
    labels = fields.Nested(Labels, required=True)
    phases = fields.List(fields.String(validate=validate.OneOf(PHASES)))
    roles = fields.List(fields.String(validate=validate.OneOf(ROLES)))
    asks_cancellation = fields.Boolean()


class RefundWindow(Strict):
    right_months = Whole(least=1, most=120, required=True)
    limit_months = Whole(least=1, most=120, required=True)


def _labels_by(keys: tuple[str, ...]) -> fields.Dict:
    return fields.Dict(
        keys=fields.String(validate=validate.OneOf(keys)), values=fields.Nested(Labels), required=True
    )


class ProfileSchema(Strict):
    """The switches of spec 5.3; every one must be said."""

    code = Id(required=True)
    version = Whole(least=1, required=True)
    names = fields.Nested(Labels, required=True)
    category = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    who_may_open = fields.List(
        fields.String(validate=validate.OneOf(ROLES)), required=True, validate=validate.Length(min=1)
    )
    routing = fields.String(required=True, validate=validate.OneOf((*HANDLERS, "by_reason")))
    include_suppliers = fields.Boolean(required=True)
    manual_state = fields.Boolean(required=True)
    handler_may_resolve = fields.Boolean(required=True)
    requester_confirms = fields.Boolean(required=True)
    platform_arbitration = fields.Boolean(required=True)
    close_requires_answer = fields.Boolean(required=True)
    closes_unresolved = fields.Boolean(required=True)
    resolutions = fields.List(
        fields.String(validate=validate.OneOf(sorted(RESOLUTION_KINDS))),
        required=True,
        validate=validate.Length(min=1),
    )
    hold = fields.String(required=True, validate=validate.OneOf(("none", "order", "disputed")))
    refund_execution = fields.String(required=True, validate=validate.OneOf(("automatic", "platform", "merchant")))
    refund_window = fields.Nested(RefundWindow, required=True, allow_none=True)
    auto_resolve_on_refund = fields.Boolean(required=True)
    auto_confirm_business_days = Whole(least=1, most=90, required=True, allow_none=True)
    reopen_window_days = Whole(least=0, most=3650, required=True, allow_none=True)
    reasons = fields.List(fields.Nested(ReasonSchema), required=True, validate=validate.Length(min=1))
    state_labels = _labels_by(STATES)
    handler_labels = _labels_by(HANDLERS)


def faults(data: dict[str, Any]) -> list[str]:
    """What is wrong with a profile whose fields are all of the right shape."""
    found = []
    codes = [reason["code"] for reason in data["reasons"]]
    found += [f"reason {code} is there twice" for code in sorted({c for c in codes if codes.count(c) > 1})]
    found += [f"state {state} has no label" for state in STATES if state not in data["state_labels"]]
    used = {r["handler"] for r in data["reasons"]} if data["routing"] == "by_reason" else {data["routing"]}
    if data["platform_arbitration"]:
        used.add("platform")
    found += [f"handler {handler} has no label" for handler in sorted(used - set(data["handler_labels"]))]
    if not (data["handler_may_resolve"] or data["requester_confirms"] or data["manual_state"]):
        found.append("nobody can resolve a claim")
    if "platform" in used and not data["platform_arbitration"]:
        found.append("reasons route to the platform, which does not arbitrate")
    if data["auto_resolve_on_refund"] and not EXECUTED_KINDS & set(data["resolutions"]):
        found.append("claims resolve on refund, but no refund is offered")
    window = data["refund_window"]
    if window and window["right_months"] > window["limit_months"]:
        found.append("the refund right outlives the refund limit")
    return found
