"""A service, joined: its storage, its ports, what it does, and where its events go."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from shared.kernel.calls import Answer, Call
from shared.kernel.clock import Clock, SystemClock
from shared.runtime.calls import Executor
from shared.runtime.envelope import Envelope
from shared.runtime.inbox import Inbox
from shared.runtime.jobs import Jobs
from shared.runtime.outbox import Outbox
from shared.runtime.seals import Seals
from shared.runtime.tables import Contents
from shared.runtime.timers import Timers
from shared.runtime.unit_of_work import Storage, UnitOfWork
from shared.storage.engine import Database
from shared.storage.rows import look

log = logging.getLogger(__name__)
DUE = """
SELECT EXISTS (SELECT 1 FROM timer WHERE due_at <= :now),
    EXISTS (SELECT 1 FROM inbox_waiting WHERE state = 'retry' AND next_at <= :now),
    EXISTS (SELECT 1 FROM job WHERE state = 'ready' AND due_at <= :now)
"""
GAP_PATIENCE = timedelta(minutes=1)  # disorder on the wire lasts seconds; after a minute something is lost


class Due(NamedTuple):
    """Is there a timer to fire, an event to try again, a job to perform?"""

    timers: bool
    retries: bool
    jobs: bool


class App:
    """One service in one process. The edge (nameko, HTTP) and the direct joining drive it; it starts no thread itself.

    on_events: where committed events are handed in memory (the relay, or the direct joining).
    on_jobs: where jobs that are due at once are handed in memory.
    on_tend: what happens each time before this process looks for what is due.
    """

    def __init__(
        self,
        name: str,
        storage: Storage,
        contents: Contents,
        database: Database,
        clock: Clock | None = None,
        ports: Any = None,
        settings: Any = None,
    ) -> None:
        self.name, self.storage, self.contents, self.database = name, storage, contents, database
        self.clock = clock or SystemClock()
        self.ports, self.settings = ports, settings
        self.on_events: Callable[[Sequence[Envelope]], None] = lambda events: None
        self.on_jobs: Callable[[Sequence[dict[str, Any]]], None] = lambda jobs: None
        self.on_tend: Callable[[], None] = lambda: None
        self.executor = Executor(self)
        self.inbox = Inbox(self)
        self.outbox = Outbox(self)
        self.jobs = Jobs(self)
        self.timers = Timers(self)
        self.seals = Seals(database, storage.runtime, name)

    def execute(self, calls: Sequence[Call]) -> list[Answer]:
        """Answer commands and queries, as one batch."""
        return self.executor.execute(calls)

    def committed(self, work: UnitOfWork) -> None:
        """Called after each commit: hand on what it produced. Losing this hand-over loses time, never an event."""
        if work.events:
            self.on_events(work.events)
        due = [job for job in work.jobs if job["due_at"] <= work.now]
        if due:
            self.on_jobs(due)

    def due(self) -> Due:
        """What waits for this moment: one question four times a second, where each worker asking would be three."""
        with self.database.transaction() as connection:
            return Due(*map(bool, look(connection, DUE, now=self.clock.now())))

    def create_tables(self) -> None:
        """Bring an empty database to the newest schema without migrations (tests and throw-away databases)."""
        self.storage.metadata.create_all(self.database.engine)

    def dead_letters(self) -> int:
        """Events and jobs that wait for a person."""
        waiting, job = self.storage.runtime.inbox_waiting, self.storage.runtime.job
        with self.database.transaction() as connection:
            dead = sa.select(sa.func.count()).select_from(waiting).where(waiting.c.state == "dead")
            stuck = sa.select(sa.func.count()).select_from(job).where(job.c.state == "dead")
            return connection.execute(dead).scalar_one() + connection.execute(stuck).scalar_one()

    def gaps(self) -> int:
        """Streams that have waited over a minute for an event that did not come: replay them from their producer."""
        waiting = self.storage.runtime.inbox_waiting
        failing = sa.func.max(sa.case((waiting.c.state == "gap", 0), else_=1))
        streams = (
            sa.select(waiting.c.stream)
            .group_by(waiting.c.stream, waiting.c.aggregate_id)
            .having(sa.func.min(waiting.c.received_at) < self.clock.now() - GAP_PATIENCE, failing == 0)
        )
        with self.database.transaction() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(streams.subquery())).scalar_one()


class Handover:
    """A queue in memory between threads: put many, take all. Bounded by dropping: the database has every item too."""

    def __init__(self, most: int = 20_000) -> None:
        self._items: deque[Any] = deque(maxlen=most)
        self._changed = threading.Condition()
        self._ended = False

    def put(self, items: Sequence[Any]) -> None:
        """Wakes as many takers as there are items."""
        with self._changed:
            self._items.extend(items)
            self._changed.notify(len(items))

    def end(self) -> None:
        """Nobody waits from now on."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._items)

    def clear(self) -> None:
        self._items.clear()

    def take(self, timeout: float, most: int = 500) -> list[Any]:
        """Up to `most` items; waits at most `timeout` seconds for the first."""
        with self._changed:
            if not self._items and not self._ended:
                self._changed.wait(timeout)
            return [self._items.popleft() for _ in range(min(most, len(self._items)))]
