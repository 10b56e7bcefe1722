"""The history of a case: what each service's event log tells of it, to whoever may know it."""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.fields import Id, Strict
from shared.contracts.registry import Operation
from shared.contracts.roles import OWNERS, PARTIES, SUPPLIER
from shared.kernel.principal import STAFF


class CaseArgs(Strict):
    """A claim, and the order that it is about."""

    claim_id = Id(required=True)
    order_id = Id(allow_none=True, load_default=None)


class OrderCaseArgs(Strict):
    order_id = Id(required=True)


AUDIENCES = ("customer", "seller", "authority")


class CaseFileArgs(Strict):
    """audience: whose eyes the file is for (the customer's, unless said); it holds what they may read, nothing else."""

    claim_id = Id(required=True)
    audience = fields.String(load_default="customer", validate=validate.OneOf(AUDIENCES))


CASE_FILE = Operation("claim.case_file", CaseFileArgs(), reads=True, may=OWNERS)
OF_CLAIM = Operation("claim.timeline", CaseArgs(), reads=True, may=PARTIES)
OF_ORDER = Operation("order.timeline", OrderCaseArgs(), reads=True, may=OWNERS | SUPPLIER)
OF_THREAD = Operation("thread.timeline", CaseArgs(), reads=True, may=PARTIES)
OF_REFUNDS = Operation("refund.timeline", CaseArgs(), reads=True, may=OWNERS)
OF_NOTIFICATIONS = Operation("notification.timeline", CaseArgs(), reads=True, may=STAFF)
