"""The public language of subscriptions to support (ENT-01…05) and of reminders before a product is used up (S4-25)."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate

from shared.contracts.fields import Id, Moment, Strict, Whole
from shared.contracts.registry import INTERNAL, Operation, announce
from shared.contracts.roles import NEW, OWNERS, PLATFORM, REQUESTERS
from shared.kernel.web_address import NotAnAddress, normalised


class WebAddress(fields.String):
    """A web site's address; what is loaded is its normalised form, by which two are compared (A23)."""

    rule = "A23"

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return normalised(text)
        except NotAnAddress:
            raise ValidationError("Not the address of a web site. Write it like shop.example/fr.") from None


class CoverInput(Strict):
    """A line that is a subscription: support for this product on this URL, for so many days from its payment."""

    product_id = Id(required=True)
    url = WebAddress(required=True)
    days = Whole(least=1, most=3660, required=True)


# commands and queries


class GrantEntitlement(CoverInput):
    """A subscription that was bought elsewhere. `line_id` is the line of this order whose refund ends it."""

    order_id = Id(required=True)
    line_id = Id(required=True)


class ListEntitlements(Strict):
    customer_ref = Id()
    product_id = Id()
    state = fields.String(validate=validate.OneOf(("active", "suspended", "terminated", "expired")))
    limit = Whole(least=1, most=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=300))


class ChooseReminders(Strict):
    """Whether a customer wants to be reminded; a customer decides for himself."""

    customer_ref = Id(required=True)
    wanted = fields.Boolean(required=True, truthy={True}, falsy={False})


class StopByLink(Strict):
    """The link in a reminder: whoever holds it may stop the reminders of its reader, and do nothing else."""

    plan_id = Id(required=True)
    token = fields.String(required=True, validate=validate.Length(min=1, max=64))


GRANT = Operation("entitlement.grant", GrantEntitlement(), may=PLATFORM)
LIST = Operation("entitlement.list", ListEntitlements(), reads=True, may=OWNERS)
CHOOSE_REMINDERS = Operation("lifecycle.choose", ChooseReminders(), may=REQUESTERS, on=NEW)
STOP_BY_LINK = Operation("lifecycle.stop_by_link", StopByLink(), may=frozenset({"system"}))


# events


class EntitlementFact(Strict):
    """url: normalised."""

    entitlement_id = Id(required=True)
    customer_ref = Id(required=True)
    seller_id = Id(required=True)
    order_id = Id(required=True)
    product_id = Id(required=True)
    url = fields.String(required=True)
    ends_at = Moment(required=True)


class OwedLine(Strict):
    order_id = Id(required=True)
    line_id = Id(required=True)


class Terminated(EntitlementFact):
    """owed: lines of other orders by which it was bought, to be refunded with the product (M14)."""

    owed = fields.List(fields.Nested(OwedLine), required=True)


class PlanFact(Strict):
    """end_date: when the product is used up."""

    plan_id = Id(required=True)
    order_id = Id(required=True)
    line_id = Id(required=True)
    product_id = Id(required=True)
    customer_ref = Id(required=True)
    seller_id = Id(required=True)
    end_date = Moment(required=True)


class Planned(PlanFact):
    remind_at = Moment(required=True)


class ReminderDue(PlanFact):
    """stop_token: for the link that stops such reminders; it is for the mail to the customer only."""

    title = fields.String(required=True)
    offer_code = Id(required=True, allow_none=True)
    stop_token = fields.String(required=True)


class PlanCancelled(PlanFact):
    reason = fields.String(required=True)


class Choice(Strict):
    customer_ref = Id(required=True)


announce(
    "order",
    {
        **{f"entitlement.{fact}": EntitlementFact() for fact in ("activated", "suspended", "resumed", "expired")},
        "entitlement.terminated": Terminated(),
    },
)
announce(
    "order",
    {
        "lifecycle.planned": Planned(),
        "lifecycle.reminder_due": ReminderDue(),
        "lifecycle.cancelled": PlanCancelled(),
        "lifecycle.opted_out": Choice(),
        "lifecycle.opted_in": Choice(),
    },
    audience=INTERNAL,
)
