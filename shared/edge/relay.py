"""From the outbox to the broker: committed rows handed over in memory, published together, confirmed once (3.5).

The publisher sends what this process just committed. The sweeper sends what is left: after a crash, a broker outage, a
full queue. Nothing else in a service ever talks to the broker to publish.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

import amqp
import sqlalchemy as sa

from shared.edge.frames import publication
from shared.edge.link import BROKEN, Link
from shared.ops import metrics
from shared.runtime.app import App, Handover
from shared.runtime.envelope import Envelope

log = logging.getLogger(__name__)
BATCH = 500
# Rows younger than this are on their way by the publisher that committed them.
SWEEP_AFTER = timedelta(seconds=2)
SWEEP_EVERY = 0.5
# Waits for more as long as the last batch was dense; a lone event leaves at once.
LINGER, LONGEST = 0.002, 0.02


class NotConfirmed(OSError):
    """The broker refused or did not confirm a message in time."""


class NoSuchQueue(LookupError):
    """The queue that events were sent to is not there."""


class Publisher:
    """Publishes batches with pipelined confirms over one link: to the events' exchanges, or replayed to one queue."""

    def __init__(self, uri: str, name: str, must_route: frozenset[str] = frozenset(), queue: str | None = None) -> None:
        self.link, self.queue = Link(uri, name), queue
        self.must_route = must_route  # streams somebody follows: an unroutable message of one is a broken topology
        self._tag = 0
        self._open: dict[int, Envelope] = {}
        self._refused = False
        self._returned: set[str] = set()

    def publish(self, events: Sequence[Envelope]) -> list[str]:
        """Send these events; returns the ids the broker now holds. Raises one of BROKEN when it cannot tell."""
        if not self.link.is_open:
            self._connect()
        self._returned.clear()
        with self.link.guard(10):
            self.link.send(frame for event in events for frame in self._frames(event))
            while self._open:
                self.link.drain(timeout=10)
        if self._refused:
            raise NotConfirmed("the broker refused a message")
        unrouted = self._returned
        if self.queue and unrouted:
            raise NoSuchQueue(self.queue)
        stuck = {event.id for event in events if event.id in unrouted and event.stream in self.must_route}
        metrics.UNROUTED.inc(len(unrouted))
        if stuck:
            log.error("%d events found no queue: apply the topology", len(stuck))
        return [event.id for event in events if event.id not in stuck]

    def _connect(self) -> None:
        channel = self.link.open()
        with self.link.guard(10):
            channel.confirm_select()
        channel.events["basic_ack"].add(self._acked)
        channel.events["basic_nack"].add(self._nacked)
        channel.events["basic_return"].add(self._came_back)
        self._tag, self._open, self._refused = 0, {}, False

    def _frames(self, event: Envelope) -> Iterator[bytes]:
        self._tag += 1
        self._open[self._tag] = event
        headers = {**event.headers(), "replay": "true"} if self.queue else event.headers()
        exchange, key = ("", self.queue) if self.queue else (event.exchange, event.type)
        return publication(self.link.channel, exchange, key, event.id, headers, event.body)

    def _acked(self, tag: int, multiple: bool) -> None:
        if multiple:
            for known in [known for known in self._open if known <= tag]:
                del self._open[known]
        else:
            self._open.pop(tag, None)

    def _nacked(self, tag: int, multiple: bool) -> None:
        self._refused = True
        self._acked(tag, multiple)

    def _came_back(self, _why: Exception, _exchange: str, _key: str, message: amqp.Message) -> None:
        self._returned.add(message.properties["message_id"])


class Relay:
    """The relay of one service in one process: a publisher thread and a sweeper thread."""

    def __init__(self, app: App, uri: str, must_route: frozenset[str] = frozenset()) -> None:
        self.app = app
        self.handover = Handover()
        self._stopping = threading.Event()
        self._publisher = Publisher(uri, f"{app.name} publisher", must_route)
        self._sweeper = Publisher(uri, f"{app.name} sweeper", must_route)
        self._threads: list[threading.Thread] = []
        app.on_events = self.handover.put

    def start(self) -> None:
        for name, work in (("publisher", self._publish_loop), ("sweeper", self._sweep_loop)):
            thread = threading.Thread(target=work, name=f"{self.app.name}-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout: float = 5.0) -> None:
        """Send what is in hand, then end."""
        self._stopping.set()
        self.handover.put([])
        for thread in self._threads:
            thread.join(timeout)
        self._publisher.link.cut()
        self._sweeper.link.cut()

    def _publish_loop(self) -> None:
        sent = 0
        while not self._stopping.is_set() or self.handover:
            if sent > 1:
                time.sleep(min(LONGEST, LINGER * sent))
            events = self.handover.take(timeout=1.0, most=BATCH)
            sent = self._send(self._publisher, events) if events else self._idle(self._publisher)

    def _send(self, publisher: Publisher, events: Sequence[Envelope]) -> int:
        """Publish and forget; on trouble drop the line and leave the rows to the sweeper."""
        try:
            sent = publisher.publish(events)
            if sent:
                self.app.outbox.sent(sent)
        except BROKEN as broken:
            self._line_lost(publisher, broken)
            return 0
        except sa.exc.SQLAlchemyError as failed:
            log.warning("%s: outbox not reachable: %s", self.app.name, type(failed).__name__)
            return 0
        except Exception as strange:  # whatever it is, the thread that publishes must live on
            log.exception("%s: events could not be published", self.app.name)
            self._line_lost(publisher, strange)
            return 0
        metrics.PUBLISHED.labels(self.app.name).inc(len(sent))
        return len(sent)

    def _idle(self, publisher: Publisher) -> int:
        """Nothing to send: keep the line alive and notice when it is gone."""
        if publisher.link.is_open:
            try:
                while publisher.link.drain(timeout=0.001):
                    pass
                publisher.link.beat()
            except BROKEN as broken:
                self._line_lost(publisher, broken)
        return 0

    def _line_lost(self, publisher: Publisher, broken: Exception) -> None:
        log.warning("%s: line to the broker lost: %s", publisher.link.name, type(broken).__name__)
        metrics.RECONNECTS.labels(self.app.name).inc()
        publisher.link.cut()
        self._stopping.wait(0.5)

    # the sweeper

    def _sweep_loop(self) -> None:
        while not self._stopping.wait(SWEEP_EVERY):
            try:
                while self.sweep() == BATCH and not self._stopping.is_set():
                    pass
            except BROKEN as broken:
                self._line_lost(self._sweeper, broken)
            except sa.exc.SQLAlchemyError as failed:
                log.info("%s: sweep failed: %s", self.app.name, type(failed).__name__)
                self._stopping.wait(1)
            except Exception as strange:
                log.exception("%s: sweep failed", self.app.name)
                self._line_lost(self._sweeper, strange)

    def sweep(self) -> int:
        """Send one batch of what is left over. One process per service at a time; a frozen holder loses its turn."""
        outbox = self.app.outbox
        with self.app.database.transaction() as connection:
            if not _my_turn(connection, self.app.name):
                return 0
            events = outbox.unsent(BATCH, SWEEP_AFTER)
            if not events:
                self._idle(self._sweeper)
                return 0
            sent = self._sweeper.publish(events)
            outbox.sent(sent)
        metrics.SWEPT.labels(self.app.name).inc(len(sent))
        return len(sent)  # rows that found no queue stay, and are no reason to hurry


def _my_turn(connection: sa.Connection, service: str) -> bool:
    """A lock that ends with this transaction, and with a holder that is frozen for two seconds (R06)."""
    if connection.dialect.name == "sqlite":
        return True
    connection.exec_driver_sql("set local idle_in_transaction_session_timeout = '2s'")
    lock = sa.func.pg_try_advisory_xact_lock(sa.func.hashtext(f"sweep:{service}"))
    return connection.execute(sa.select(lock)).scalar_one()
