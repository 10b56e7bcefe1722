"""A service's part of a case's history, read from its event log and cut to what the reader may know (T02, T08, T38).

The event log is the audit trail, so nothing is written for this. A service says which of its streams belong to the
case for this reader, and which events a customer may hear of; everything else is closed to customers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from shared.contracts.registry import EVENTS, INTERNAL
from shared.kernel.clock import stamp
from shared.kernel.principal import Principal
from shared.runtime.envelope import Envelope
from shared.runtime.outbox import from_log_row, raw_log_columns
from shared.runtime.unit_of_work import Context

Key = tuple[str, str]  # stream, aggregate id
INSIDE = frozenset({"seller", "integrator", "coordinator", "platform_agent"})
_THINGS = ("message_id", "refund_id", "credit_note_id", "payment_id", "parcel_id", "line_id", "return_id")
ABOUT = (*_THINGS, "clock", "due_at")  # the last two: of a promise about time
BEFORE, AFTER = ("from",), ("to", "code", "visibility")
# what an event is about that leaves the state as it is: it tells `<name>_from` beside it
BESIDE_THE_STATE = ("assignee", "awaiting")


def history(ctx: Context, service: str, keys: Iterable[Key], for_customers: frozenset[str]) -> dict[str, Any]:
    """`{"items": […]}`, oldest first: the events of these streams that the caller may know of."""
    return {"items": [entry(service, event, ctx.principal) for event in told(events_of(ctx, keys), ctx, for_customers)]}


def events_of(ctx: Context, keys: Iterable[Key]) -> list[Envelope]:
    """Everything that happened on these streams, oldest first, whoever may know of it."""
    log, wanted = ctx.work.storage.runtime.event_log, sorted(set(keys))
    if not wanted:
        return []
    statement = (
        sa.select(*raw_log_columns(log))
        .where(log.c.tenant == ctx.tenant, sa.tuple_(log.c.stream, log.c.aggregate_id).in_(wanted))
        .order_by(log.c.event_id)
    )
    return [from_log_row(row) for row in ctx.connection.execute(statement).mappings()]


def told(events: Iterable[Envelope], ctx: Context, for_customers: frozenset[str]) -> list[Envelope]:
    """Those of the events that the caller may know of."""
    return [event for event in events if _open_to(event, ctx.principal, for_customers)]


def _open_to(event: Envelope, who: Principal, for_customers: frozenset[str]) -> bool:
    if who.role == "customer":
        return event.type in for_customers
    known = EVENTS.get(event.type)
    return who.role in INSIDE or (known is not None and known.audience != INTERNAL)


def entry(service: str, event: Envelope, who: Principal) -> dict[str, Any]:
    """The event as a line of the history that this reader is shown."""
    data = event.data
    role, id, via = [*event.actor.split("/", 2), "", ""][:3]
    outside = who.role == "customer"
    mine = outside and role == "customer"
    # a person's own words are theirs; why somebody inside did something is told by its code
    words = None if outside and not mine else data.get("reason")
    beside = next((name for name in BESIDE_THE_STATE if f"{name}_from" in data), None)
    return {
        "id": event.id,
        "at": stamp(event.time),
        "service": service,
        "type": event.type,
        "actor": {"type": role, "id": None if outside and not mine else id, "via": via},
        "reason": data.get("decline_reason") or data.get("reason_code") or (words if isinstance(words, str) else None),
        "before": _first(data, (f"{beside}_from",) if beside else BEFORE),
        "after": _first(data, (beside,) if beside else AFTER),
        "amount": data.get("amount") if isinstance(data.get("amount"), dict) else None,
        "about": {name: data[name] for name in ABOUT if data.get(name)},
    }


def _first(data: dict[str, Any], names: Iterable[str]) -> str | None:
    return next((str(data[name]) for name in names if data.get(name) is not None), None)
