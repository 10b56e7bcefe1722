"""The public language of the claim service: what it announces, what it takes."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from shared.contracts import claim_settlement, sla  # noqa: F401 - announce what else the claim service tells
from shared.contracts.fields import Id, Minor, Moment, MoneySchema, PositiveMoneySchema, Strict, Text, Whole
from shared.contracts.registry import Narrow, Operation, announce
from shared.contracts.roles import AGENT, ANYTHING, CUSTOMER, EVERYBODY, HANDLERS, NEW, PARTIES, REQUESTERS, SELLERS
from shared.kernel.principal import STAFF

STATES = (
    "submitted",
    "in_progress",
    "solution_proposed",
    "platform_review",
    "resolved",
    "refused",
    "closed",
    "withdrawn",
    "merged",
)
CHOSEN = ("replacement", "refund", "gesture", "coupon", "paypal")  # carried out by a service, and not said in words
KINDS = (*CHOSEN, "proposal", "message")
INTERNAL = "internal"  # opened by the suite itself, for the coordinators alone
CATEGORIES = ("after_sales", "contact", "prospect", "offer_question", "withdrawal", INTERNAL)
OBSERVERS = ("account", "supplier", "mail")
BULK = 500  # ids per call (model 7)
TEXT_LENGTH = 10_000  # characters, as a message may have
PHOTOS = 10  # attachments per message (model 7)


# events


class ClaimFact(Strict):
    """What every claim event says. `hold`: does the claim hold the order's settlement after this event?

    awaiting: whose turn it is now: requester, seller, coordinators, platform, `supplier:<id>`, `account:<id>`, nobody.
    by: requester, seller, coordinator, platform or system. order_id: null for a question about an offer or the site,
    seller_id: null for one about the site. version: of the claim after this event, its ETag; older events lack it.
    """

    claim_id = Id(required=True)
    version = Whole(least=1)
    order_id = Id(required=True, allow_none=True)
    seller_id = Id(required=True, allow_none=True)
    customer_ref = Id(required=True)
    profile = fields.String(required=True)
    handler = fields.String(required=True)
    assignee = Id(required=True, allow_none=True)
    hold = fields.Boolean(required=True)
    from_ = fields.String(data_key="from", required=True, allow_none=True)
    to = fields.String(required=True, validate=validate.OneOf(STATES))
    awaiting = fields.String(required=True, allow_none=True)
    by = fields.String(required=True)


class ClaimedLine(Strict):
    line_id = Id(required=True)
    qty = Whole(least=1, required=True)


class PartySchema(Strict):
    type = fields.String(required=True)
    id = Id(required=True)


class MessageSchema(Strict):
    """A public comment that comes with the event; the messaging service posts it under this id."""

    message_id = Id(required=True)
    text = Text(TEXT_LENGTH, required=True)


class Holding(ClaimFact):
    """hold_mode: none, order or disputed (of the order, only `disputed_amount`)."""

    hold_mode = fields.String(required=True, validate=validate.OneOf(("none", "order", "disputed")))


class DueSchema(Strict):
    """Until when the profile promises a first answer and a solution, as things stand at the opening."""

    first_answer = Moment()
    resolution = Moment()


class Opened(Holding):
    number = fields.String(required=True)
    category = fields.String(required=True)
    profile_version = Whole(required=True)
    marketplace = Id(required=True)
    order_number = fields.String(required=True, allow_none=True)
    product_id = Id(allow_none=True)
    offer_id = Id(allow_none=True)
    delivery_id = Id(allow_none=True)
    line_ids = fields.List(Id(), required=True)
    lines = fields.List(fields.Nested(ClaimedLine), required=True)
    requester = fields.Nested(PartySchema, required=True)
    reason_code = Id(required=True)
    title = fields.String(required=True)
    disputed_amount = fields.Nested(MoneySchema, required=True)
    photos_count = Whole(required=True)
    supplier_ids = fields.List(Id(), required=True)
    message = fields.Nested(MessageSchema, required=True)
    due = fields.Nested(DueSchema)


class RefundLine(Strict):
    """qty: units; amount: minor units of the order's currency; neither: all that remains of the line."""

    line_id = Id(required=True)
    qty = Whole(least=1)
    amount = Minor(least=1)


class WantedRefund(Strict):
    """No lines and no amount: everything the order has left, with its shipping when `shipping`.

    instrument: how it is paid, where the solution says so; else to the original payment. quote_id: what it must be
    equal to, by the time at which it was chosen (REF-01).
    """

    kind = fields.String(required=True, validate=validate.OneOf(("claim_resolution", "commercial_gesture")))
    lines = fields.List(fields.Nested(RefundLine), required=True)
    shipping = fields.Boolean(required=True)
    amount = fields.Nested(PositiveMoneySchema)
    instrument = fields.String(validate=validate.OneOf(("coupon", "paypal")))
    reason_code = Id(required=True)
    quote_id = Id()


class CarriedOut(Strict):
    kind = fields.String(validate=validate.OneOf(KINDS))
    refund_id = Id()
    return_id = Id()
    replacement_order_id = Id()


class ResolutionFact(ClaimFact, CarriedOut):
    """What was chosen, and what carries it out."""


class ResolutionChosen(ResolutionFact):
    """With a refund: the refund service requests it under `refund_id`, for the actor of this event.

    With a replacement: the order service places it under `replacement_order_id`, at price 0. lines: what is replaced.
    """

    refund = fields.Nested(WantedRefund)
    return_instructions = Text(2000)
    lines = fields.List(fields.Nested(ClaimedLine))


class ResolutionFailed(ResolutionFact):
    """error: the stable code of the refund's refusal or failure."""

    error = fields.String(required=True)


class SolutionProposed(ResolutionFact):
    message = fields.Nested(MessageSchema, required=True)


class SolutionRejected(ResolutionFact):
    reason = Text(2000, required=True)


class Resolved(ClaimFact):
    """resolution: the last one chosen, if any. duration_s: seconds since the claim was opened."""

    resolution = fields.Nested(CarriedOut, required=True, allow_none=True)
    opened_at = Moment(required=True)
    duration_s = Whole(required=True)


class Refused(ClaimFact):
    reason_code = Id(required=True)
    counted = fields.Boolean(required=True)


class WithReason(ClaimFact):
    reason = Text(2000)


class TakenUpAgain(Holding):
    reason = Text(2000)


class Assigned(ClaimFact):
    assignee_from = Id(required=True, allow_none=True)


class AwaitingChanged(ClaimFact):
    awaiting_from = fields.String(required=True, allow_none=True)
    manual = fields.Boolean(required=True)


class ObserverSchema(Strict):
    """scope: sees `all` comments or only `public` ones. masked: of one who follows by mail, all that is shown of it."""

    kind = fields.String(required=True, validate=validate.OneOf(OBSERVERS))
    id = Id(required=True)
    scope = fields.String(required=True, validate=validate.OneOf(("all", "public")))
    masked = fields.String()


class ObserverChanged(ClaimFact):
    observer = fields.Nested(ObserverSchema, required=True)


class Merged(ClaimFact):
    target_id = Id(required=True)


announce(
    "claim",
    {
        "claim.opened": Opened(),
        "claim.started": ClaimFact(),
        "claim.resolution_chosen": ResolutionChosen(),
        "claim.resolution_executed": ResolutionFact(),
        "claim.resolution_failed": ResolutionFailed(),
        "claim.solution_proposed": SolutionProposed(),
        "claim.solution_rejected": SolutionRejected(),
        "claim.resolved": Resolved(),
        "claim.refused": Refused(),
        "claim.escalated": WithReason(),
        "claim.handed_back": ClaimFact(),
        "claim.appealed": TakenUpAgain(),
        "claim.reopened": TakenUpAgain(),
        "claim.closed": ClaimFact(),
        "claim.withdrawn": WithReason(),
        "claim.merged": Merged(),
        "claim.state_set": ClaimFact(),
        "claim.assigned": Assigned(),
        "claim.awaiting_changed": AwaitingChanged(),
        "claim.observer_added": ObserverChanged(),
        "claim.observer_removed": ObserverChanged(),
    },
    narrow={"claim.resolution_chosen": Narrow("claim.replacement_chosen", "kind", ("replacement",))},
)


# commands


class OpenLine(Strict):
    line_id = Id(required=True)
    qty = Whole(least=1)


class OpenArgs(Strict):
    """CLM-01. lines without qty: the whole line. photos: attachment ids.

    About an order by order_id, about an offer by offer_id (S0-01), else about the site of a marketplace (S1-01), where
    the reason may be left out. product_id, delivery_id: what else is named (S1-19). url: where the product is used.
    """

    order_id = Id()
    offer_id = Id()
    marketplace = Id()
    category = fields.String(validate=validate.OneOf(CATEGORIES[:4]))
    product_id = Id()
    delivery_id = Id()
    url = Text(300)
    reason_code = Id()
    text = Text(TEXT_LENGTH, required=True)
    title = Text(200)
    lines = fields.List(fields.Nested(OpenLine), load_default=list, validate=validate.Length(max=500))
    photos = fields.List(Id(), load_default=list, validate=validate.Length(max=PHOTOS))

    @validates_schema
    def is_about_one_thing(self, data: dict, **_: object) -> None:
        if sum(name in data for name in ("order_id", "offer_id", "marketplace")) != 1:
            raise ValidationError("Name one of order_id, offer_id and marketplace.", "order_id")
        if "order_id" in data and "reason_code" not in data:
            raise ValidationError("Missing data for required field.", "reason_code")
        if data["lines"] and "order_id" not in data:
            raise ValidationError("Only an order has lines.", "lines")


class OneClaim(Strict):
    claim_id = Id(required=True)


class RefundArgs(Strict):
    """Left out: the claim's lines, or the whole order with its shipping when the claim names none.

    quote_id: of a quote of the same (kind claim_resolution); when it is over or another, the claim goes on (CLM-06).
    """

    lines = fields.List(fields.Nested(RefundLine), load_default=list, validate=validate.Length(max=500))
    shipping = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    amount = fields.Nested(PositiveMoneySchema)
    reason_code = Id()
    quote_id = Id()


class ChooseResolutionArgs(OneClaim):
    """CLM-03, CLM-04. A gesture names its amount (S0-06); return instructions go with a replacement (S2-13).

    label_id: a file; what is replaced comes back with it, by a return that is accepted at once, at the handler's cost.
    coupon, paypal: a refund by that instrument (S4-09, S4-10).
    """

    kind = fields.String(required=True, validate=validate.OneOf(CHOSEN))
    refund = fields.Nested(RefundArgs)
    return_instructions = Text(2000)
    label_id = Id()

    @validates_schema
    def parts_fit_the_kind(self, data: dict, **_: object) -> None:
        if data["kind"] == "replacement" and "refund" in data:
            raise ValidationError("A replacement carries no refund.", "refund")
        if data["kind"] != "replacement" and "return_instructions" in data:
            raise ValidationError("Return instructions go with a replacement.", "return_instructions")
        if data["kind"] != "replacement" and "label_id" in data:
            raise ValidationError("A return label goes with a replacement.", "label_id")
        if data["kind"] == "gesture" and "amount" not in data.get("refund", {}):
            raise ValidationError("A gesture names its amount.", "refund")


class ProposeArgs(OneClaim):
    text = Text(TEXT_LENGTH, required=True)
    kind = fields.String(validate=validate.OneOf(("proposal", "message")))


class ReasonedArgs(OneClaim):
    reason = Text(2000, required=True)


class OptionalReasonArgs(OneClaim):
    reason = Text(2000)


class RefuseArgs(OneClaim):
    reason_code = Id(required=True)


class AppealArgs(OneClaim):
    text = Text(2000, required=True)


class CloseManyArgs(Strict):
    claim_ids = fields.List(Id(), required=True, validate=validate.Length(min=1, max=BULK))


class SetStateArgs(OneClaim):
    target = fields.String(required=True, validate=validate.OneOf(("submitted", "in_progress", "resolved")))


class MergeArgs(OneClaim):
    target_id = Id(required=True)


class AssignArgs(OneClaim):
    """assignee: a coordinator's user id; null gives the claim back to everyone (A4)."""

    assignee = Id(required=True, allow_none=True)


class SetAwaitingArgs(OneClaim):
    party = fields.String(required=True, validate=validate.Length(min=1, max=80))


class ObserverArgs(OneClaim):
    kind = fields.String(required=True, validate=validate.OneOf(OBSERVERS))
    id = Id(required=True)


class AddObserverArgs(OneClaim):
    """id: of an account or a supplier; email: of somebody without either (S1-36). scope, where none is given: `all`,
    but `public` for a mail observer outside of the coordinated profile (A5)."""

    kind = fields.String(required=True, validate=validate.OneOf(OBSERVERS))
    id = Id()
    email = fields.Email(validate=validate.Length(max=254))
    name = Text(120)
    locale = fields.String(load_default="en", validate=validate.OneOf(("fr", "en")))
    scope = fields.String(validate=validate.OneOf(("all", "public")))

    @validates_schema
    def is_named_one_way(self, data: dict, **_: object) -> None:
        by_mail = data["kind"] == "mail"
        if ("email" in data) != by_mail or ("id" in data) == by_mail:
            raise ValidationError("A mail observer has an email, any other an id.", "email" if by_mail else "id")


class ActivateProfileArgs(Strict):
    """profile: the whole of it, as `aftersale profile lint` accepts it."""

    profile = fields.Dict(keys=fields.String(), required=True)


OPEN = Operation("claim.open", OpenArgs(), may=REQUESTERS)
START = Operation("claim.start", OneClaim(), may=HANDLERS)
CHOOSE_RESOLUTION = Operation("claim.choose_resolution", ChooseResolutionArgs(), money=True, may=HANDLERS)
PROPOSE = Operation("claim.propose", ProposeArgs(), may=HANDLERS)
CONFIRM = Operation("claim.confirm", OneClaim(), may=REQUESTERS)
REJECT = Operation("claim.reject", ReasonedArgs(), may=REQUESTERS)
ESCALATE = Operation("claim.escalate", ReasonedArgs(), may=CUSTOMER | SELLERS | AGENT)
HAND_BACK = Operation("claim.hand_back", OneClaim(), may=AGENT)
RESOLVE = Operation("claim.resolve", OneClaim(), may=HANDLERS)
REFUSE = Operation("claim.refuse", RefuseArgs(), may=AGENT)
CLOSE = Operation("claim.close", OneClaim(), may=HANDLERS)
CLOSE_MANY = Operation("claim.close_many", CloseManyArgs(), may=HANDLERS)
SET_STATE = Operation("claim.set_state", SetStateArgs(), may=STAFF)
REOPEN = Operation("claim.reopen", OptionalReasonArgs(), may=REQUESTERS)
APPEAL = Operation("claim.appeal", AppealArgs(), may=CUSTOMER)
WITHDRAW = Operation("claim.withdraw", OptionalReasonArgs(), may=CUSTOMER)
MERGE = Operation("claim.merge", MergeArgs(), may=STAFF)
ASSIGN = Operation("claim.assign", AssignArgs(), may=STAFF)
SET_AWAITING = Operation("claim.set_awaiting", SetAwaitingArgs(), may=STAFF)
ADD_OBSERVER = Operation("claim.add_observer", AddObserverArgs(), may=STAFF)
ACTIVATE_PROFILE = Operation("claim.activate_profile", ActivateProfileArgs(), may=AGENT, on=NEW)
REMOVE_OBSERVER = Operation("claim.remove_observer", ObserverArgs(), may=STAFF)


# queries


class OfOrdersArgs(Strict):
    order_ids = fields.List(Id(), required=True, validate=validate.Length(min=1, max=BULK))


class NoArgs(Strict):
    """Takes nothing."""


GET = Operation("claim.get", OneClaim(), reads=True, may=PARTIES)
OF_ORDERS = Operation("claim.of_orders", OfOrdersArgs(), reads=True, may=PARTIES)
PROFILES = Operation("claim.profiles", NoArgs(), reads=True, may=EVERYBODY, on=ANYTHING)
