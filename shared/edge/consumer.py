"""From the broker to the inbox: what has arrived is taken in together and acknowledged only after the commit.

Starts cautiously, one message at a time, until it meets one that was never delivered before: a message that kills the
process is then met alone, and the broker's delivery limit removes it without its neighbours (R16).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import amqp
import orjson
import sqlalchemy as sa

from shared.edge.linger import linger
from shared.edge.link import BROKEN, Link
from shared.ops import metrics
from shared.runtime.envelope import Envelope, MalformedEvent

log = logging.getLogger(__name__)
BATCH, PREFETCH = 200, 400
MAX_BODY = 1024 * 1024
LONGEST = 0.03  # seconds to wait for more to arrive
DENSE = 2 * LONGEST  # seconds between two batches: then another event is likely to come while one waits
IDLE = 0.5  # seconds; also how often a stop is noticed


class DatabaseAway(Exception):
    """The inbox cannot be written just now: nothing may be acknowledged, nothing counts as an attempt (R14)."""


class Consumer:
    """Reads one queue. `receive` takes a batch of events in; when it returns they are acknowledged.

    prompt: the routing keys whose events end the waiting for company.
    """

    def __init__(
        self,
        uri: str,
        service: str,
        receive: Callable[[Sequence[Envelope]], None],
        prompt: frozenset[str] = frozenset(),
    ) -> None:
        self.service, self.queue, self.receive, self._prompt = service, f"{service}.inbox", receive, prompt
        self.link = Link(uri, f"{service} consumer")
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._arrived: list[amqp.Message] = []
        self._cautious = True
        self._linger = 0.0
        self._gathered = 0.0
        self.busy = False

    def run(self) -> None:
        """Consume until `stop`; reconnects for ever."""
        try:
            while not self._stopping.is_set():
                try:
                    self._consume()
                except BROKEN as broken:
                    log.warning("%s: line to the broker lost: %s", self.link.name, type(broken).__name__)
                    metrics.RECONNECTS.labels(self.service).inc()
                except Exception:
                    log.exception("%s: batch failed, it will be delivered again", self.service)
                self.link.cut()
                self._arrived.clear()
                self.busy = False
                self._stopping.wait(0.5)
        finally:
            self._stopped.set()

    def stop(self, timeout: float = 30.0) -> None:
        """Finish and acknowledge the batch in hand, give the rest back, end."""
        self._stopping.set()
        self._stopped.wait(timeout)

    def _consume(self) -> None:
        channel = self.link.open()
        self._cautious = True
        tag = self._subscribe(channel, 1)
        while not self._stopping.is_set():
            self.link.beat()
            self._gather()
            if not self._arrived:
                continue
            self.busy = True
            if self._cautious and not any(_was_delivered(message) for message in self._arrived):
                self._cautious = False
                with self.link.guard(10):
                    channel.basic_cancel(tag)
                tag = self._subscribe(channel, PREFETCH)
            self._take_in(channel)
            self.busy = False

    def _subscribe(self, channel: amqp.Channel, prefetch: int) -> str:
        with self.link.guard(10):
            channel.basic_qos(0, prefetch, False)
            return channel.basic_consume(self.queue, callback=self._arrived.append)

    def _hurries(self) -> bool:
        return any(message.delivery_info["routing_key"] in self._prompt for message in self._arrived)

    def _gather(self) -> None:
        """Wait for a first message, then take what is there already; when they come densely, what comes in a moment."""
        with self.link.guard(30):
            if not self._arrived and not self.link.drain(timeout=IDLE):
                return
            began = time.monotonic()
            company = not self._cautious and began - self._gathered < DENSE
            while len(self._arrived) < BATCH:
                patience = LONGEST if company and not self._hurries() else self._linger
                if (left := began + patience - time.monotonic()) <= 0:
                    break
                self.link.drain(timeout=left)
            self._gathered = time.monotonic()

    def _take_in(self, channel: amqp.Channel) -> None:
        messages, self._arrived[:] = self._arrived[:BATCH], self._arrived[BATCH:]
        events, taken = [], 0
        for message in messages:
            try:
                events.append(read(message))
                taken = message.delivery_tag
            except MalformedEvent as wrong:
                log.error("message on %s refused: %s", self.queue, wrong)
                metrics.REJECTED.labels(self.service).inc()
                with self.link.guard(10):
                    channel.basic_reject(message.delivery_tag, requeue=False)
        if events:
            self._receive(events)
            with self.link.guard(10):
                channel.basic_ack(taken, multiple=True)  # never the tag of a refused one: it is unknown by now
            metrics.RECEIVED.labels(self.service).inc(len(events))
            self._linger = linger(events, LONGEST)

    def _receive(self, events: list[Envelope]) -> None:
        """Take the batch in; while the database is away, wait with it, the line kept alive."""
        pause = 0.2
        while True:
            try:
                self.receive(events)
                return
            except (DatabaseAway, sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as away:
                log.warning("%s: database away, consuming paused: %s", self.service, type(away).__name__)
            if self._stopping.wait(pause):
                raise OSError("stopping while the database is away")
            pause = min(pause * 2, 5)
            self.link.beat()


def _was_delivered(message: amqp.Message) -> bool:
    return bool(message.delivery_info.get("redelivered")) or "x-delivery-count" in (message.headers or {})


def read(message: amqp.Message) -> Envelope:
    """The event in a message; MalformedEvent for anything that is not one (N05)."""
    properties: dict[str, Any] = message.properties
    if properties.get("content_type") != "application/json":
        raise MalformedEvent("the content type is not application/json")
    if properties.get("content_encoding", "utf-8").lower() not in ("utf-8", ""):
        raise MalformedEvent("the content encoding is not utf-8")
    headers = properties.get("application_headers") or {}
    if "compression" in headers:
        raise MalformedEvent("compressed bodies are not taken")
    body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
    if len(body) > MAX_BODY:
        raise MalformedEvent("the body is larger than 1 MiB")
    try:
        data = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError):
        raise MalformedEvent("the body is not JSON") from None
    if not isinstance(data, dict):
        raise MalformedEvent("the body is not an object")
    return Envelope.from_headers(headers, body)
