"""One connection to the broker that can never hang its owner.

Every use happens under a guard; when the guard's time is over (a broker in alarm, a silent peer, a full socket), the
watchdog shuts the socket down, never the channel: closing a channel waits for an answer that may never come (N33, N34).
Plain threads or green ones: nothing in here knows.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import unquote, urlsplit

import amqp

from shared.edge.frames import FrameReader, frame_handler
from shared.edge.tls import verified_tls

log = logging.getLogger(__name__)
HEARTBEAT = 10
# what a broken connection raises, whoever broke it
BROKEN = (OSError, amqp.exceptions.AMQPError, EOFError)


class Watchdog:
    """Looks at every open link once a second and cuts those whose guard ran out."""

    def __init__(self) -> None:
        self._links: set[Link] = set()
        self._thread: threading.Thread | None = None

    def watch(self, link: Link) -> None:
        self._links.add(link)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="broker-watchdog", daemon=True)
            self._thread.start()

    def forget(self, link: Link) -> None:
        self._links.discard(link)

    def _run(self) -> None:
        while True:
            time.sleep(1)
            for link in list(self._links):
                link.cut_if_overdue()


WATCHDOG = Watchdog()


class Link:
    """A connection with one channel."""

    def __init__(self, uri: str, name: str) -> None:
        parts = urlsplit(uri)
        self._to = {
            "host": f"{parts.hostname}:{parts.port or (5671 if parts.scheme == 'amqps' else 5672)}",
            "userid": unquote(parts.username or "guest"),
            "password": unquote(parts.password or "guest"),
            "virtual_host": unquote(parts.path[1:]) or "/",
            "ssl": verified_tls(parts.hostname) if parts.scheme == "amqps" else False,
        }
        self.name = name
        self.connection: amqp.Connection | None = None
        self.channel: amqp.Channel | None = None
        self._until: float | None = None

    def open(self) -> amqp.Channel:
        """Connect and open the channel; raises one of BROKEN within a few seconds when the broker is not there."""
        WATCHDOG.watch(self)
        connection = amqp.Connection(
            **self._to,
            connect_timeout=3,
            heartbeat=HEARTBEAT,
            client_properties={"connection_name": self.name},
            frame_handler=frame_handler,
        )
        self.connection = connection
        with self.guard(10):
            connection.connect()
            self._frames = FrameReader(connection.transport)
            connection.transport.read_frame = self._frames.read_frame
            # bodies stay bytes: what is not JSON is ours to refuse, not the library's to guess
            self.channel = amqp.Channel(connection, auto_decode=False)
            self.channel.open()
            while not self.channel.is_open:
                connection.drain_events(timeout=5)
        return self.channel

    @contextmanager
    def guard(self, seconds: float) -> Iterator[None]:
        """What happens inside must end within `seconds`, else the socket is cut and the block raises."""
        self._until = time.monotonic() + seconds
        try:
            yield
        finally:
            self._until = None

    def cut_if_overdue(self) -> None:
        if self._until is not None and time.monotonic() > self._until:
            log.warning("%s: no answer from the broker in time, cutting the connection", self.name)
            self._until = None
            # Only shut down: who waits on the socket wakes and closes it. A socket closed under a green thread would
            # let it sleep on until its own timeout.
            self._shut_down()

    def beat(self) -> None:
        """Send and check heartbeats; call at least every few seconds. Raises when the broker missed too many."""
        if self.connection is not None:
            with self.guard(10):
                self.connection.heartbeat_tick()

    def drain(self, timeout: float) -> bool:
        """Handle what has arrived, all of it; False when nothing came within `timeout` seconds."""
        connection = self._connected()
        try:
            connection.drain_events(timeout=timeout)
        except TimeoutError:
            return False
        while self._frames.ready:
            connection.on_inbound_frame(self._frames.read_frame())
        return True

    def send(self, frames: Iterable[bytes]) -> None:
        """Write these frames at once. They count as traffic, so no heartbeat is due before the next pause."""
        connection = self._connected()
        connection.transport.write(b"".join(frames))
        connection.bytes_sent += 1

    def _connected(self) -> amqp.Connection:
        if self.connection is None:
            raise OSError("the connection was cut")
        return self.connection

    def cut(self) -> None:
        """Drop the connection at once, without asking the broker."""
        sock = self._shut_down()
        self.connection, self.channel = None, None
        WATCHDOG.forget(self)
        if sock is not None:
            with suppress(OSError):
                sock.close()

    def _shut_down(self) -> socket.socket | None:
        sock = getattr(getattr(self.connection, "_transport", None), "sock", None)
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        return sock

    @property
    def is_open(self) -> bool:
        return self.channel is not None
