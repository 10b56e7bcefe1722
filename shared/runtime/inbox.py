"""Receiving events exactly once and in order per stream, in batches (messaging.md 3.4).

Every stream (type, aggregate id) has a position. A message at or before it is a duplicate, one beyond the next is kept
as a gap, one that fails is kept for retry, and what follows it on the same stream waits behind it. Other streams go on.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from shared.kernel.principal import system
from shared.runtime.envelope import Envelope
from shared.runtime.tables import Reaction
from shared.runtime.unit_of_work import Conflict, Context, UnitOfWork, unit_of_work
from shared.storage.upsert import guarded_upsert, insert_for

log = logging.getLogger(__name__)

# One try at once, then these pauses (±20 %), then dead: an outage of an hour heals by itself, a bug waits for a person.
DELAYS = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 3600))
TRIES = 8

Key = tuple[str, str]  # stream, aggregate id


class Permanent(Exception):
    """Raised by a reaction that will never succeed with this event: dead at once, no retries."""


class Position:
    """Where one stream stands in this service."""

    __slots__ = ("key", "prev", "seq", "waiting")

    def __init__(self, key: Key, seq: int = 0, waiting: int = 0) -> None:
        self.key, self.seq, self.prev, self.waiting = key, seq, seq, waiting


class Inbox:
    """The inbox of one service."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.tables = app.storage.runtime
        self.reactions = {
            type: found if isinstance(found, Reaction) else Reaction(found)
            for type, found in app.contents.reactions.items()
        }

    @property
    def streams(self) -> set[str]:
        """The streams this service follows, whole."""
        return {type.split(".", 1)[0] for type in self.reactions}

    def receive(self, events: Sequence[Envelope]) -> None:
        """Take these events in, one transaction for all. After it returns they may be acknowledged.

        Raises what the database raises when it is away: then nothing was taken in and nothing may be acknowledged.
        """
        try:
            self._together(events)
            return
        except (Conflict, sa.exc.IntegrityError, sa.exc.DataError, sa.exc.ProgrammingError) as failed:
            log.info("batch of %d events runs again one by one: %s", len(events), type(failed).__name__)
        for event in events:
            self._alone(event)

    def _together(self, events: Sequence[Envelope]) -> None:
        with unit_of_work(self.app.storage, self.app.database, self.app.clock.now()) as work:
            positions = self._positions(work, {(e.stream, e.aggregate_id) for e in events})
            self._prefetch(work, events)
            for event in events:
                self._take(work, positions[event.stream, event.aggregate_id], event)
            self._store(work, positions.values())
        self.app.committed(work)

    def _alone(self, event: Envelope) -> None:
        """One event in a transaction of its own; what the database refuses for good is kept as a failed attempt."""
        failure: Exception = Conflict()
        for _ in range(TRIES):
            try:
                self._together([event])
                return
            except (Conflict, sa.exc.IntegrityError) as conflict:
                failure = conflict
            except (sa.exc.DataError, sa.exc.ProgrammingError) as refused:
                failure = refused
                break
        with unit_of_work(self.app.storage, self.app.database, self.app.clock.now()) as work:
            positions = self._positions(work, {(event.stream, event.aggregate_id)})
            position = positions[event.stream, event.aggregate_id]
            if event.seq == position.seq + 1:
                self._failed(work, position, event, failure, attempts=0)
            self._store(work, positions.values())

    # one event

    def _take(self, work: UnitOfWork, position: Position, event: Envelope) -> None:
        if event.seq <= position.seq:
            return
        if event.seq > position.seq + 1:
            self._keep(work, position, event, "gap", attempts=0, next_at=work.now, error=None)
            return
        if position.waiting and self._waits_for_retry(work, event):
            return  # it came again; the schedule of its first delivery stands
        self._advance(work, position, event, attempts=0)

    def _advance(self, work: UnitOfWork, position: Position, event: Envelope | None, attempts: int) -> None:
        """Handle the next event, then those that waited behind it."""
        while event is not None:
            failure = self._handle(work, event)
            if failure is not None:
                self._failed(work, position, event, failure, attempts)
                return
            position.seq = event.seq
            attempts = 0
            event = self._next_waiting(work, position) if position.waiting else None

    def _handle(self, work: UnitOfWork, event: Envelope) -> Exception | None:
        reaction = self.reactions.get(event.type)
        if reaction is None:
            return None
        context = Context(
            work,
            system(event.tenant),
            event.correlation,
            causation=event.id,
            settings=self.app.settings,
        )
        try:
            reaction.handler(context, event)
        except (Conflict, sa.exc.DBAPIError):
            raise
        except Exception as failure:
            log.warning("%s %s failed: %s", event.type, event.id, type(failure).__name__, exc_info=failure)
            return failure
        work.merge(context.step)
        return None

    def _failed(self, work: UnitOfWork, position: Position, event: Envelope, failure: Exception, attempts: int) -> None:
        attempts += 1
        dead = isinstance(failure, Permanent) or attempts > len(DELAYS)
        delay = timedelta() if dead else DELAYS[attempts - 1] * random.uniform(0.8, 1.2)
        error = f"{type(failure).__name__}: {failure}"[:1000]
        self._keep(work, position, event, "dead" if dead else "retry", attempts, work.now + delay, error)

    # what waits

    def _keep(
        self,
        work: UnitOfWork,
        position: Position,
        event: Envelope,
        state: str,
        attempts: int,
        next_at: datetime,
        error: str | None,
    ) -> None:
        table = self.tables.inbox_waiting
        insert = insert_for(work.connection.dialect.name)(table)
        row = {
            "stream": event.stream,
            "aggregate_id": event.aggregate_id,
            "seq": event.seq,
            "event": event.stored(),
            "type": event.type,
            "state": state,
            "attempts": attempts,
            "next_at": next_at,
            "last_error": error,
            "received_at": work.now,
        }
        changed = {name: insert.excluded[name] for name in ("state", "attempts", "next_at", "last_error")}
        statement = insert.on_conflict_do_update(
            index_elements=list(table.primary_key.columns), set_=changed, where=insert.excluded.state != "gap"
        )
        work.connection.execute(statement, row)
        position.waiting = max(position.waiting, 1)

    def _waits_for_retry(self, work: UnitOfWork, event: Envelope) -> bool:
        kept = self._waiting_row(work, (event.stream, event.aggregate_id), event.seq)
        return kept is not None and kept["state"] != "gap"

    def _waiting_row(self, work: UnitOfWork, key: Key, seq: int) -> dict[str, Any] | None:
        table = self.tables.inbox_waiting
        found = work.connection.execute(
            sa.select(table).where(table.c.stream == key[0], table.c.aggregate_id == key[1], table.c.seq == seq)
        ).mappings()
        return next((dict(row) for row in found), None)

    def _next_waiting(self, work: UnitOfWork, position: Position) -> Envelope | None:
        """Drop the waiting row of the event just handled, and return the next one when it waits as a gap."""
        table = self.tables.inbox_waiting
        mine = (table.c.stream == position.key[0], table.c.aggregate_id == position.key[1])
        work.connection.execute(table.delete().where(*mine, table.c.seq <= position.seq))
        position.waiting = work.connection.execute(sa.select(sa.func.count()).where(*mine)).scalar_one()
        following = self._waiting_row(work, position.key, position.seq + 1) if position.waiting else None
        return Envelope.from_stored(following["event"]) if following and following["state"] == "gap" else None

    def retry_due(self, limit: int = 50) -> int:
        """Try again what is due; called by the app's worker every 250 ms. Returns how many it tried."""
        table = self.tables.inbox_waiting
        now = self.app.clock.now()
        with self.app.database.transaction() as connection:
            due = connection.execute(
                sa.select(table)
                .where(table.c.state == "retry", table.c.next_at <= now)
                .order_by(table.c.next_at)
                .limit(limit)
            ).mappings()
            rows = [dict(row) for row in due]
        for row in rows:
            try:
                self._retry(row)
            except Conflict:
                log.info("retry of %s met another worker", row["type"])
            except sa.exc.DBAPIError as refused:
                self._postpone(row, refused)
        return len(rows)

    def _retry(self, row: dict[str, Any]) -> None:
        key = (row["stream"], row["aggregate_id"])
        with unit_of_work(self.app.storage, self.app.database, self.app.clock.now()) as work:
            positions = self._positions(work, {key})
            position = positions[key]
            if position.seq + 1 == row["seq"]:
                self._advance(work, position, Envelope.from_stored(row["event"]), row["attempts"])
            elif position.seq >= row["seq"]:
                self._next_waiting(work, position)
            self._store(work, positions.values())
        self.app.committed(work)

    def _postpone(self, row: dict[str, Any], failure: Exception) -> None:
        """The database itself refused the retry: count it like any failed attempt."""
        if isinstance(failure, sa.exc.OperationalError):
            raise failure
        with unit_of_work(self.app.storage, self.app.database, self.app.clock.now()) as work:
            position = Position((row["stream"], row["aggregate_id"]))
            self._failed(work, position, Envelope.from_stored(row["event"]), failure, row["attempts"])

    # positions

    def _positions(self, work: UnitOfWork, keys: set[Key]) -> dict[Key, Position]:
        table = self.tables.inbox_position
        ids = sorted({aggregate_id for _, aggregate_id in keys})
        statement = sa.select(table.c.stream, table.c.aggregate_id, table.c.seq, table.c.waiting).where(
            table.c.aggregate_id.in_(ids)
        )
        found = {key: Position(key) for key in keys}
        for stream, aggregate_id, seq, waiting in work.connection.execute(statement):
            if (stream, aggregate_id) in found:
                found[stream, aggregate_id] = Position((stream, aggregate_id), seq, waiting)
        return found

    def _store(self, work: UnitOfWork, positions: Any) -> None:
        """Write the positions back, each only if nobody moved it since it was read (else Conflict)."""
        rows = [
            {"stream": p.key[0], "aggregate_id": p.key[1], "seq": p.seq, "prev": p.prev, "waiting": p.waiting}
            for p in sorted(positions, key=lambda p: p.key)
            if p.seq != p.prev or p.waiting
        ]
        if not rows:
            return
        statement = guarded_upsert(self.tables.inbox_position, work.connection.dialect.name, "seq")
        if len(work.connection.execute(statement, rows).all()) != len(rows):
            raise Conflict("inbox_position")

    def _prefetch(self, work: UnitOfWork, events: Sequence[Envelope]) -> None:
        wanted = []
        for event in events:
            reaction = self.reactions.get(event.type)
            if reaction and reaction.loads:
                wanted += reaction.loads({"id": event.aggregate_id, **event.data})
        work.prefetch(wanted)
