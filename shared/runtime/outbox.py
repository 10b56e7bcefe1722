"""What was committed and has not left yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from shared.runtime.envelope import Envelope
from shared.storage.engine import ended
from shared.storage.lines import run
from shared.storage.rows import look
from shared.storage.types import RawJson

UNSENT = "SELECT EXISTS (SELECT 1 FROM outbox WHERE committed_at <= :before)"
FORGET = "SET LOCAL synchronous_commit TO off; DELETE FROM outbox WHERE event_id = ANY(%(ids)s); COMMIT"


class Outbox:
    """The outbox of one service: the relay reads it, sends, and removes what the broker confirmed."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.tables = app.storage.runtime

    def unsent(self, limit: int = 500, older_than: timedelta = timedelta()) -> list[Envelope]:
        """The oldest events that have not left. Never remembers a last id: that would skip late commits (3.5)."""
        outbox, log = self.tables.outbox, self.tables.event_log
        ids = sa.select(outbox.c.event_id).order_by(outbox.c.event_id).limit(limit)
        if older_than:
            ids = ids.where(outbox.c.committed_at <= self.app.clock.now() - older_than)
        statement = sa.select(*raw_log_columns(log)).where(log.c.event_id.in_(ids)).order_by(log.c.event_id)
        with self.app.database.transaction() as connection:
            return [from_log_row(row) for row in connection.execute(statement).mappings()]

    def has_unsent(self, older_than: timedelta) -> bool:
        """Is there an event that should have left by now?"""
        with self.app.database.transaction() as connection:
            return bool(look(connection, UNSENT, before=self.app.clock.now() - older_than)[0])

    def sent(self, event_ids: Sequence[str]) -> None:
        """The broker (or every local subscriber) has these: forget them.

        PostgreSQL need not wait for its disk: forgotten by a crash means sent again, and the inboxes know them by then.
        """
        outbox, ids = self.tables.outbox, sorted(event_ids)
        with self.app.database.transaction() as connection:
            if connection.dialect.name == "sqlite":
                connection.execute(outbox.delete().where(outbox.c.event_id.in_(ids)))
            else:
                run(connection, FORGET, {"ids": ids})
                ended(connection)

    def backlog(self) -> tuple[int, float]:
        """How many events have not left, and the age of the oldest in seconds."""
        outbox = self.tables.outbox
        statement = sa.select(sa.func.count(), sa.func.min(outbox.c.committed_at))
        with self.app.database.transaction() as connection:
            count, oldest = connection.execute(statement).one()
        if not count:
            return 0, 0.0
        if isinstance(oldest, str):
            oldest = datetime.fromisoformat(oldest)
        return count, max(0.0, (self.app.clock.now() - oldest).total_seconds())


def raw_log_columns(log: sa.Table) -> list[Any]:
    """The columns of the event log with the payload left as text."""
    return [sa.type_coerce(c, sa.Text).label("data") if c.name == "data" else c for c in log.c]


def to_log_row(event: Envelope) -> dict[str, Any]:
    """The row of the event log that holds this event."""
    return {
        "event_id": event.id,
        "stream": event.stream,
        "aggregate_id": event.aggregate_id,
        "seq": event.seq,
        "type": event.type,
        "tenant": event.tenant,
        "actor": event.actor,
        "correlation": event.correlation,
        "causation": event.causation,
        "prior": event.prior,
        "occurred_at": event.time,
        "data": RawJson(event.body.decode()),
    }


def from_log_row(row: Any) -> Envelope:
    return Envelope(
        id=row["event_id"],
        type=row["type"],
        aggregate_id=row["aggregate_id"],
        seq=row["seq"],
        tenant=row["tenant"],
        time=row["occurred_at"],
        actor=row["actor"],
        correlation=row["correlation"],
        causation=row["causation"],
        body=RawJson(row["data"]).encode(),
        prior=row["prior"],
    )


def history(
    connection: sa.Connection, log: sa.Table, streams: Iterable[str], after: str = "", limit: int = 500
) -> list[Envelope]:
    """Past events of these streams in the order of their ids, from `after` on: for replay to a new subscriber."""
    statement = (
        sa.select(*raw_log_columns(log))
        .where(log.c.stream.in_(sorted(streams)), log.c.event_id > after)
        .order_by(log.c.event_id)
        .limit(limit)
    )
    return [from_log_row(row) for row in connection.execute(statement).mappings()]
