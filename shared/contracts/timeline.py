"""The history of a case: what each service's event log tells of it, to whoever may know it."""

from __future__ import annotations

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


OF_CLAIM = Operation("claim.timeline", CaseArgs(), reads=True, may=PARTIES)
OF_ORDER = Operation("order.timeline", OrderCaseArgs(), reads=True, may=OWNERS | SUPPLIER)
OF_THREAD = Operation("thread.timeline", CaseArgs(), reads=True, may=PARTIES)
OF_REFUNDS = Operation("refund.timeline", CaseArgs(), reads=True, may=OWNERS)
OF_NOTIFICATIONS = Operation("notification.timeline", CaseArgs(), reads=True, may=STAFF)
