"""History for a new subscriber: past events go to one queue while live ones already arrive there (3.9).

Bind the queue first. What commits from then on arrives live; what committed before is in the event log now. Both
together are everything; what comes twice or in disorder is sorted out by the subscriber's inbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from shared.contracts.registry import EVENTS
from shared.runtime.app import App
from shared.runtime.envelope import Envelope
from shared.runtime.outbox import history

BATCH = 500


def replay(
    app: App,
    send: Callable[[Sequence[Envelope]], object],
    streams: Iterable[str] = (),
    since: datetime | None = None,
) -> int:
    """Hand the past events of these streams (all of the service without one) to `send`, oldest first; how many.

    since: leave out whole streams that ended before; a stream that goes on is sent from its beginning, since a
    subscriber cannot start in the middle of one.
    """
    wanted = sorted(set(streams) or {event.stream for event in EVENTS.values() if _of(app, event.exchange)})
    log, after, sent = app.storage.runtime.event_log, "", 0
    while True:
        with app.database.transaction() as connection:
            found = history(connection, log, wanted, after, BATCH)
            live = _alive(connection, log, found, since) if since and found else None
        if not found:
            return sent
        after = found[-1].id
        events = [event for event in found if live is None or (event.stream, event.aggregate_id) in live]
        if events:
            send(events)
        sent += len(events)


def _of(app: App, exchange: str) -> bool:
    return exchange.split(".", 1)[0] == app.name


def _alive(
    connection: sa.Connection, log: sa.Table, found: Sequence[Envelope], since: datetime
) -> set[tuple[str, str]]:
    """Which of these aggregates have an event since then."""
    ids = sorted({event.aggregate_id for event in found})
    statement = sa.select(log.c.stream, log.c.aggregate_id).distinct()
    rows = connection.execute(statement.where(log.c.aggregate_id.in_(ids), log.c.occurred_at >= since))
    return {(stream, id) for stream, id in rows}
