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
from shared.edge.linger import linger
from shared.edge.link import BROKEN, Link
from shared.ops import metrics
from shared.runtime.app import App, Handover
from shared.runtime.envelope import Envelope

log = logging.getLogger(__name__)
BATCH = 500
# Rows younger than this are on their way by the publisher that committed them.
SWEEP_AFTER = timedelta(seconds=2)
SWEEP_EVERY = 0.5
LONGEST = 0.02  # seconds to wait for more to publish
FORGET_EVERY = 0.25  # seconds: what was sent leaves the outbox together; the sweeper looks at rows eight times as old


class NotConfirmed(OSError):
    """The broker refused or did not confirm a message in time."""


class NoSuchQueue(LookupError):
    """The queue that events were sent to is not there."""


class Publisher:
    """Publishes batches with pipelined confirms over one link: to the events' exchanges, or replayed to one queue."""

    def __init__(self, uri: str, name: str, must_route: frozenset[str] = frozenset(), queue: str | None = None) -> None:
        self.link, self.queue = Link(uri, name), queue
        self.must_route = must_route  # keys, or whole streams, that somebody hears: unroutable is a broken topology
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
        if unrouted:
            metrics.UNROUTED.inc(len(unrouted))
            log.error("%d events found no queue: apply the topology", len(unrouted))
        return [event.id for event in events if event.id not in unrouted]

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
        if self.queue:
            return publication(self.link.channel, "", self.queue, event.id, headers, event.body, mandatory=True)
        key = event.key
        mandatory = not self.must_route.isdisjoint((event.type, key, event.stream))
        also = key if key != event.type else ""
        return publication(
            self.link.channel, event.exchange, event.type, event.id, headers, event.body, mandatory, also
        )

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
        self._sent: list[str] = []
        self._forget_at = 0.0
        app.on_events = self.handover.put

    def start(self) -> None:
        for name, work in (("publisher", self._publish_loop), ("sweeper", self._sweep_loop)):
            thread = threading.Thread(target=work, name=f"{self.app.name}-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout: float = 5.0) -> None:
        """Send what is in hand, then end."""
        self._stopping.set()
        self.handover.end()
        for thread in self._threads:
            thread.join(timeout)
        self._publisher.link.cut()
        self._sweeper.link.cut()

    def _publish_loop(self) -> None:
        while not self._stopping.is_set() or self.handover:
            if events := self.handover.take(timeout=FORGET_EVERY if self._sent else 1.0, most=BATCH):
                self._send(self._publisher, events)
                time.sleep(linger(events, LONGEST))
            else:
                self._idle(self._publisher)
            self._forget()
        self._forget(at_once=True)

    def _send(self, publisher: Publisher, events: Sequence[Envelope]) -> None:
        """Publish; on trouble drop the line and leave the rows to the sweeper."""
        try:
            sent = publisher.publish(events)
        except BROKEN as broken:
            self._line_lost(publisher, broken)
        except Exception as strange:  # whatever it is, the thread that publishes must live on
            log.exception("%s: events could not be published", self.app.name)
            self._line_lost(publisher, strange)
        else:
            self._sent += sent
            metrics.PUBLISHED.labels(self.app.name).inc(len(sent))

    def _forget(self, at_once: bool = False) -> None:
        """Take what was sent from the outbox, not for every batch: a crash before that means sent again, no more."""
        now = time.monotonic()
        if not self._sent or (now < self._forget_at and len(self._sent) < BATCH and not at_once):
            return
        sent, self._sent, self._forget_at = self._sent, [], now + FORGET_EVERY
        try:
            self.app.outbox.sent(sent)
        except Exception as failed:  # left to the sweeper, which sends them again: the inboxes know them by then
            log.warning("%s: outbox not reachable: %s", self.app.name, type(failed).__name__)

    def _idle(self, publisher: Publisher) -> None:
        """Nothing to send: keep the line alive and notice when it is gone."""
        if publisher.link.is_open:
            try:
                while publisher.link.drain(timeout=0.001):
                    pass
                publisher.link.beat()
            except BROKEN as broken:
                self._line_lost(publisher, broken)

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
        if not outbox.has_unsent(SWEEP_AFTER):
            self._idle(self._sweeper)
            return 0
        with self.app.database.transaction() as connection:
            if not _my_turn(connection, self.app.name):
                return 0
            events = outbox.unsent(BATCH, SWEEP_AFTER)
            sent = self._sweeper.publish(events) if events else []
            if sent:
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
