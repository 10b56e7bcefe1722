"""Receiving events exactly once and in order per stream, in batches (messaging.md 3.4).

Every stream (type, aggregate id) has a position. A message at or before it is a duplicate, one before which something
is missing that this service should have had is kept as a gap, one that fails is kept for retry, and what follows it on
the same stream waits behind it. Other streams go on. A service hears only the types it reacts to (ADR 0015).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from shared.kernel.principal import system
from shared.runtime.envelope import Envelope
from shared.runtime.tables import Reaction
from shared.runtime.unit_of_work import Conflict, Context, UnitOfWork, unit_of_work
from shared.storage.engine import away
from shared.storage.rows import Read, Row, Write
from shared.storage.upsert import insert_for

log = logging.getLogger(__name__)

# One try at once, then these pauses (±20 %), then dead: an outage of an hour heals by itself, a bug waits for a person.
DELAYS = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 3600))
TRIES = 20  # a conflict means that somebody else came further: with growing pauses 20 pass 8 writers on one stream

Key = tuple[str, str]  # stream, aggregate id


class Permanent(Exception):
    """Raised by a reaction that will never succeed with this event: dead at once, no retries."""


class Position:
    """Where one stream stands in this service. revision: how often the row was written; waiting: rows kept for it."""

    __slots__ = ("changed", "key", "revision", "seq", "waiting")

    def __init__(self, key: Key, seq: int = 0, waiting: int = 0, revision: int = 0) -> None:
        self.key, self.seq, self.waiting, self.revision = key, seq, waiting, revision
        self.changed = False


class Inbox:
    """The inbox of one service."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.tables = app.storage.runtime
        self.reactions = {
            type: found if isinstance(found, Reaction) else Reaction(found)
            for type, found in app.contents.reactions.items()
        }
        self._heard = app.contents.heard

    def hears(self, event: Envelope) -> bool:
        """Does this service react to it?"""
        return event.key in self._heard

    def _reaction(self, event: Envelope) -> Reaction | None:
        return self.reactions[event.type] if self.hears(event) else None

    def receive(self, events: Sequence[Envelope]) -> None:
        """Take these events in, one transaction for all. After it returns they may be acknowledged.

        Raises what the database raises when it is away: then nothing was taken in and nothing may be acknowledged.
        """
        try:
            self._together(events)
            return
        except Exception as failed:
            if away(failed):
                raise
            log.info("batch of %d events runs again one by one: %s", len(events), type(failed).__name__)
        for event in events:
            _until_stored(partial(self._together, [event]))

    def _together(self, events: Sequence[Envelope], only: bool = False, refused: Exception | None = None) -> None:
        with unit_of_work(self.app.storage, self.app.database, self.app.clock.now()) as work:
            positions = self._prefetch(work, events)
            for event in events:
                self._take(work, positions[event.stream, event.aggregate_id], event, only, refused)
            self._store(work, positions.values())
        self.app.committed(work)

    # one event. only: handle no event that waits behind it. refused: what the database said to its last try

    def _take(
        self, work: UnitOfWork, position: Position, event: Envelope, only: bool, refused: Exception | None
    ) -> None:
        if event.seq <= position.seq:
            return
        if event.follows(self._heard) > position.seq:
            self._keep(work, position, event, "gap", attempts=0, next_at=work.now, error=None)
            return
        if position.waiting and self._waits_for_retry(work, event):
            return  # it came again; the schedule of its first delivery stands
        self._advance(work, position, event, 0, only, refused)

    def _advance(
        self,
        work: UnitOfWork,
        position: Position,
        event: Envelope | None,
        attempts: int,
        only: bool,
        refused: Exception | None,
    ) -> None:
        """Handle the next event, then those that waited behind it."""
        while event is not None:
            failure = refused or self._handle(work, event)
            if failure is not None:
                self._failed(work, position, event, failure, attempts)
                return
            position.seq, position.changed = event.seq, True
            attempts = 0
            event = self._next_waiting(work, position, only) if position.waiting else None

    def _handle(self, work: UnitOfWork, event: Envelope) -> Exception | None:
        reaction = self._reaction(event)
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
            return failure
        work.merge(context.step)
        return None

    def _failed(self, work: UnitOfWork, position: Position, event: Envelope, failure: Exception, attempts: int) -> None:
        log.warning("%s %s failed: %s", event.type, event.id, type(failure).__name__, exc_info=failure)
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
        position.waiting, position.changed = max(position.waiting, 1), True

    def _waits_for_retry(self, work: UnitOfWork, event: Envelope) -> bool:
        kept = self._waiting_row(work, (event.stream, event.aggregate_id), event.seq)
        return kept is not None and kept["state"] != "gap"

    def _waiting_row(self, work: UnitOfWork, key: Key, seq: int) -> dict[str, Any] | None:
        table = self.tables.inbox_waiting
        found = work.connection.execute(
            sa.select(table).where(table.c.stream == key[0], table.c.aggregate_id == key[1], table.c.seq == seq)
        ).mappings()
        return next((dict(row) for row in found), None)

    def _next_waiting(self, work: UnitOfWork, position: Position, only: bool) -> Envelope | None:
        """Drop the waiting row of the event just handled; the next one, when it waits as a gap and its turn came.

        only: the next one is left to the retry worker, in a transaction of its own.
        """
        table = self.tables.inbox_waiting
        mine = (table.c.stream == position.key[0], table.c.aggregate_id == position.key[1])
        work.connection.execute(table.delete().where(*mine, table.c.seq <= position.seq))
        position.changed = True
        left = sa.select(sa.func.count(), sa.func.min(table.c.seq)).where(*mine)
        position.waiting, lowest = work.connection.execute(left).one()
        row = self._waiting_row(work, position.key, lowest) if position.waiting else None
        if row is None or row["state"] != "gap" or not self._is_next(position, row):
            return None
        if only:
            following = table.update().where(*mine, table.c.seq == lowest)
            work.connection.execute(following.values(state="retry", next_at=work.now))
            return None
        return Envelope.from_stored(row["event"])

    def _is_next(self, position: Position, row: dict[str, Any]) -> bool:
        """Has this service had all it should have had before this waiting event?"""
        return position.seq < row["seq"] and Envelope.from_stored(row["event"]).follows(self._heard) <= position.seq

    def pass_over(self, work: UnitOfWork, key: Key, seq: int) -> None:
        """Go on without this event, which waits at the head of its stream; Conflict when it does not."""
        position = self._positions(work, {key})[key]
        row = self._waiting_row(work, key, seq)
        if row is None or not self._is_next(position, row):
            raise Conflict("inbox_position")
        position.seq = seq
        self._next_waiting(work, position, only=True)
        self._store(work, [position])

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
            _until_stored(partial(self._retry, row))
        return len(rows)

    def _retry(self, found: dict[str, Any], only: bool, refused: Exception | None) -> None:
        key = (found["stream"], found["aggregate_id"])
        with unit_of_work(self.app.storage, self.app.database, self.app.clock.now()) as work:
            positions = self._positions(work, {key})
            position = positions[key]
            row = self._waiting_row(work, key, found["seq"])
            if row is None or row["state"] != "retry" or row["next_at"] > work.now:
                return  # another worker was here
            if self._is_next(position, row):
                self._advance(work, position, Envelope.from_stored(row["event"]), row["attempts"], only, refused)
            elif position.seq >= row["seq"]:
                self._next_waiting(work, position, only)
            self._store(work, positions.values())
        self.app.committed(work)

    # positions

    def _positions(self, work: UnitOfWork, keys: set[Key]) -> dict[Key, Position]:
        return _by_key(keys, *work.prefetch((), [self._positions_of(keys)]))

    def _positions_of(self, keys: set[Key]) -> Read:
        streams, ids = zip(*keys, strict=True)
        return Read(self.tables.inbox_position, {"stream": streams, "aggregate_id": ids})

    def _store(self, work: UnitOfWork, positions: Any) -> None:
        """Write the positions back with the rest, each only if nobody wrote it since it was read (else Conflict).

        The revision decides and not the sequence: whoever keeps a gap leaves the sequence as it was, and whoever moves
        it at the same moment must learn that something waits now.
        """
        rows = [
            {"stream": p.key[0], "aggregate_id": p.key[1], "seq": p.seq, "prev": p.revision, "waiting": p.waiting}
            for p in sorted(positions, key=lambda p: p.key)
            if p.changed
        ]
        if rows:
            work.also(Write(self.tables.inbox_position, rows, "guard", "prev", step=1))

    def _prefetch(self, work: UnitOfWork, events: Sequence[Envelope]) -> dict[Key, Position]:
        """Read what the reactions will want; answers where the streams of these events stand."""
        wanted: list[tuple[type, str]] = []
        for event in events:
            reaction = self._reaction(event)
            if reaction and reaction.loads:
                try:
                    wanted += reaction.loads({"id": event.aggregate_id, **event.data})
                except (LookupError, TypeError, ValueError, AttributeError) as strange:
                    log.info("%s %s names nothing to load: %s", event.type, event.id, type(strange).__name__)
        keys = {(event.stream, event.aggregate_id) for event in events}
        found = work.prefetch(
            ((entity, id) for entity, id in wanted if isinstance(id, str)), [self._positions_of(keys)]
        )
        return _by_key(keys, *found)


def _by_key(keys: set[Key], rows: list[Row]) -> dict[Key, Position]:
    found = {key: Position(key) for key in keys}
    for row in rows:
        key = (row["stream"], row["aggregate_id"])
        if key in found:
            found[key] = Position(key, row["seq"], row["waiting"], row["prev"] + 1)
    return found


def _until_stored(run: Callable[[bool, Exception | None], None]) -> None:
    """Run until it commits. Refused by the database: once more without what waits behind, then as a failed attempt."""
    only, failure = False, None
    for attempt in range(TRIES):
        try:
            run(only, failure)
            return
        except Conflict:
            time.sleep(random.uniform(0, min(0.2, 0.002 * 2**attempt)))
        except Exception as refused:
            if away(refused):
                raise
            only, failure = True, refused if only else None
    raise Conflict("the inbox")
