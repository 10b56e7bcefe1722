"""The public language of reconciliation: settlement lines of providers beside our own books (N10)."""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.fields import Id, Moment, MoneySchema, Strict, Whole
from shared.contracts.registry import INTERNAL, Operation, announce
from shared.contracts.roles import NEW
from shared.kernel.principal import STAFF

PROVIDERS = ("stripe", "paypal")
DIFFERENCES = ("missing", "extra", "amount", "late")
STATEMENT_LENGTH = 900_000  # characters: some ten thousand lines


class Upload(Strict):
    """A statement as CSV with a header: provider_ref, payment_ref, refund_id, amount, currency, at.

    amount: minor units. refund_id: ours, where the provider kept it. start, end: the time that the statement covers, to
    find what is missing in it; without them nothing is called missing.
    """

    provider = fields.String(required=True, validate=validate.OneOf(PROVIDERS))
    csv = fields.String(required=True, validate=validate.Length(min=1, max=STATEMENT_LENGTH))
    start = Moment()
    end = Moment()


class Fetch(Strict):
    """Ask the provider itself for its refunds of this time."""

    provider = fields.String(required=True, validate=validate.OneOf(PROVIDERS))
    start = Moment(required=True)
    end = Moment(required=True)


class ListItems(Strict):
    """Newest first. kind: of the difference; without one, all that was looked at and differs."""

    provider = fields.String(validate=validate.OneOf(PROVIDERS))
    kind = fields.String(validate=validate.OneOf((*DIFFERENCES, "matched")))
    limit = Whole(least=1, most=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=300))


UPLOAD = Operation("reconciliation.upload", Upload(), money=True, may=STAFF, on=NEW)
FETCH = Operation("reconciliation.fetch", Fetch(), money=True, may=STAFF, on=NEW)
LIST = Operation("reconciliation.list", ListItems(), reads=True, may=STAFF)


class Difference(Strict):
    """item: the line of the statement, or our refund that is missing in it. late_days: whole days between."""

    item = Id(required=True)
    provider = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(DIFFERENCES))
    provider_ref = fields.String(required=True, allow_none=True)
    refund_id = Id(required=True, allow_none=True)
    order_id = Id(required=True, allow_none=True)
    seller_id = Id(required=True, allow_none=True)
    expected = fields.Nested(MoneySchema, required=True, allow_none=True)
    found = fields.Nested(MoneySchema, required=True, allow_none=True)
    late_days = Whole(required=True, allow_none=True)


announce("refund", {"reconciliation.difference": Difference()}, audience=INTERNAL)
