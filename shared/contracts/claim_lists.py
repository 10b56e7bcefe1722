"""The public language of lists of claims: filters, search, saved views, and how many there are."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate

from shared.contracts.claim import STATES, NoArgs
from shared.contracts.fields import Id, Moment, Strict, Text, Whole
from shared.contracts.registry import INTERNAL, Operation, announce
from shared.contracts.roles import ANYTHING, CUSTOMER, PARTIES

VIEWS = 100  # of one person
KEEPERS = PARTIES - CUSTOMER


def _says_something(text: str) -> None:
    if sum(each.isalnum() for each in text) < 2:
        raise ValidationError("Give at least two letters or digits.")


class Filters(Strict):
    """Which claims. awaiting: `me` or a party; assignee: `me`, `none` or a user id; seller_id: the brand.

    q: beginnings of words of the title, of the claim's and the order's number and of the customer's reference, all of
    them. due_before: something is promised until then; overdue: until now.
    """

    q = Text(100, validate=[validate.Length(min=2, max=100), _says_something])
    category = fields.String(validate=validate.Length(max=32))
    state = fields.List(fields.String(validate=validate.OneOf(STATES)), validate=validate.Length(min=1, max=9))
    handler = fields.String(validate=validate.OneOf(("seller", "coordinators", "platform")))
    reason_code = Id()
    marketplace = Id()
    order_id = Id()
    seller_id = Id()
    supplier_id = Id()
    customer_ref = Id()
    awaiting = fields.String(validate=validate.Length(min=1, max=80))
    assignee = Id()
    due_before = Moment()
    overdue = fields.Boolean(truthy={True}, falsy={False})
    updated_after = Moment()


class Chosen(Filters):
    """view: a saved view, its filters under those that are given beside it."""

    view = Id()


class ListArgs(Chosen):
    """Newest change first, or the one that nobody touched for longest."""

    order = fields.String(load_default="newest", validate=validate.OneOf(("newest", "oldest")))
    limit = Whole(least=1, most=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=300))


# saved views


class ViewSaved(Strict):
    """Filters that somebody keeps under a name. Whose they are says the event's actor."""

    view_id = Id(required=True)
    shared = fields.Boolean(required=True)


class ViewRemoved(Strict):
    view_id = Id(required=True)


announce(
    "claim",
    {"saved_view.saved": ViewSaved(), "saved_view.removed": ViewRemoved()},
    audience=INTERNAL,
)


class OneView(Strict):
    """key: chosen by its owner, one of his own."""

    key = Id(required=True)


class SaveViewArgs(OneView):
    """shared: his colleagues see it too: the marketplace's staff, or those of the same seller or supplier."""

    name = Text(80, required=True)
    filters = fields.Nested(Filters, required=True)
    shared = fields.Boolean(load_default=False, truthy={True}, falsy={False})


LIST = Operation("claim.list", ListArgs(), reads=True, may=PARTIES)
COUNT = Operation("claim_count.get", Chosen(), reads=True, may=PARTIES)
SAVE_VIEW = Operation("saved_view.save", SaveViewArgs(), may=KEEPERS, on=ANYTHING)
REMOVE_VIEW = Operation("saved_view.remove", OneView(), may=KEEPERS, on=ANYTHING)
VIEWS_OF = Operation("saved_view.list", NoArgs(), reads=True, may=KEEPERS, on=ANYTHING)
