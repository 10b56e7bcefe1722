"""The two joinings that the behaviour suite runs on: SQLite joined directly, and PostgreSQL with RabbitMQ.

Both drive the same apps in this process. `settle()` returns when nothing is left to do at the clock's time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from shared.edge.consumer import Consumer
from shared.edge.relay import Relay
from shared.edge.workers import Workers
from shared.kernel.calls import Answer, Call
from shared.kernel.clock import ManualClock
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal
from shared.runtime.app import App
from shared.runtime.direct import Joined
from shared.runtime.envelope import Envelope
from shared.runtime.outbox import history
from shared.runtime.unit_of_work import JOB_LEASE
from tests.runtime import toys
from tests.servers import Servers
from tests.servers.suite import suite_broker

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
WHO = Principal("platform_agent", "agt_1", "shop")
PATIENCE = 30  # seconds until a suite that does not come to rest is a failure


class Backend:
    """The toys, joined somehow. Tests share it: each works on counters of its own."""

    name: str

    def __init__(self, urls: dict[str, str]) -> None:
        self.clock, self.moods = ManualClock(START), toys.Moods()
        self.apps = {name: toys.build(name, urls[name], self.clock, self.moods) for name in toys.NAMES}
        for app in self.apps.values():
            app.create_tables()

    @property
    def counter(self) -> App:
        return self.apps["counter"]

    @property
    def follower(self) -> App:
        return self.apps["follower"]

    def call(self, name: str, key: str | None = None, who: Principal = WHO, **args: Any) -> Answer:
        return self.counter.execute([Call(name, args, who, idempotency_key=key)])[0]

    def do(self, name: str, key: str | None = None, **args: Any) -> dict[str, Any]:
        answer = self.call(name, key, **args)
        assert answer.ok, answer.body
        return answer.body

    def opened(self) -> str:
        """The id of a fresh counter; its stream stands at 1."""
        return self.do("counter.open", id=new_id("cnt"))["id"]

    def effects(self, id: str) -> list[int]:
        """The sequence numbers that the follower applied, in the order of applying."""
        table = toys.effects
        with self.follower.database.transaction() as connection:
            mine = sa.select(table.c.seq).where(table.c.aggregate_id == id).order_by(table.c.id)
            return list(connection.execute(mine).scalars())

    def total(self, id: str) -> int:
        """What the follower believes the counter stands at."""
        with self.follower.database.transaction() as connection:
            return connection.execute(sa.select(toys.mirrors.c.total).where(toys.mirrors.c.id == id)).scalar() or 0

    def log(self, id: str) -> list[Envelope]:
        """The counter's events as its service keeps them."""
        with self.counter.database.transaction() as connection:
            past = history(connection, toys.counter_runtime.event_log, ["counter"], limit=10**6)
        return [event for event in past if event.aggregate_id == id]

    def waiting(self, id: str) -> list[dict[str, Any]]:
        """What waits in the follower's inbox for this counter, by sequence."""
        table = toys.follower_runtime.inbox_waiting
        with self.follower.database.transaction() as connection:
            rows = connection.execute(sa.select(table).where(table.c.aggregate_id == id).order_by(table.c.seq))
            return [dict(row) for row in rows.mappings()]

    def settle(self) -> None:
        raise NotImplementedError

    def advance(self, **delta: float) -> None:
        self.clock.advance(**delta)
        self.settle()

    def close(self) -> None:
        for app in self.apps.values():
            app.database.dispose()


class Direct(Backend):
    """SQLite files, events handed from outbox to inbox in this thread."""

    name = "direct"

    def __init__(self, folder: Path) -> None:
        super().__init__({name: f"sqlite:///{folder / name}.db" for name in toys.NAMES})
        self._joined = Joined(self.apps.values())

    def settle(self) -> None:
        self._joined.settle()


class Brokered(Backend):
    """PostgreSQL and RabbitMQ; relay, consumer and workers run in plain threads."""

    name = "broker"

    def __init__(self, servers: Servers) -> None:
        super().__init__({name: servers.database(f"toy_{name}") for name in toys.NAMES})
        self.broker = suite_broker(servers, "toys", toys.TOPOLOGY)
        must_route = frozenset({"counter"})
        self.relays = [Relay(app, self.broker.admin_uri, must_route) for app in self.apps.values()]
        self.workers = [Workers(app) for app in self.apps.values()]
        self.consumer = Consumer(self.broker.admin_uri, "follower", self.follower.inbox.receive)
        for each in (*self.relays, *self.workers):
            each.start()
        threading.Thread(target=self.consumer.run, daemon=True).start()

    def settle(self) -> None:
        until(lambda: all(self._rests(app) for app in self.apps.values()) and self._caught_up(), "rest")

    def _rests(self, app: App) -> bool:
        """Nothing of this app is due and nothing of it is under way."""
        tables, now = app.storage.runtime, self.clock.now()
        job = tables.job
        due = (
            sa.select(tables.outbox.c.event_id),
            sa.select(tables.timer.c.id).where(tables.timer.c.due_at <= now),
            # one in hand is leased from this moment on, until its outcome is stored; one put off is not due then
            sa.select(job.c.id).where(
                job.c.state == "ready", (job.c.due_at <= now) | (job.c.due_at == now + JOB_LEASE)
            ),
            sa.select(tables.inbox_waiting.c.seq).where(
                tables.inbox_waiting.c.state == "retry", tables.inbox_waiting.c.next_at <= now
            ),
        )
        with app.database.transaction() as connection:
            return not any(connection.execute(statement.limit(1)).first() for statement in due)

    def _caught_up(self) -> bool:
        """Every stream was heard to its end, or to an event that waits for its retry or for a person."""
        log, follower = toys.counter_runtime.event_log, toys.follower_runtime
        written = self._by_id(self.counter, log, sa.func.max(log.c.seq), log.c.stream == "counter")
        heard = self._by_id(self.follower, follower.inbox_position, sa.func.max(follower.inbox_position.c.seq))
        behind = self._by_id(self.follower, follower.inbox_waiting, sa.func.count())
        return all(heard.get(id, 0) + behind.get(id, 0) >= seq for id, seq in written.items())

    @staticmethod
    def _by_id(app: App, table: sa.Table, value: Any, *where: Any) -> dict[str, int]:
        with app.database.transaction() as connection:
            found = sa.select(table.c.aggregate_id, value).where(*where).group_by(table.c.aggregate_id)
            rows = connection.execute(found)
            return {row[0]: row[1] for row in rows}

    def close(self) -> None:
        self.consumer.stop()
        for each in (*self.workers, *self.relays):
            each.stop()
        super().close()


def until(ready: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Return as soon as `ready` answers something true; AssertionError after that many seconds."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"no {what} within {seconds:.0f} s"
        time.sleep(0.02)


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """`work(0)` … `work(count - 1)` in threads that start together; their results in order."""
    barrier, results = threading.Barrier(count), [None] * count

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = work(number)
        except BaseException as failure:  # the test shall see it
            results[number] = failure

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
