"""An HTTP server for WSGI applications in green threads, that slow, half-sent, huge or too many requests cannot hold.

eventlet's own server took two fifths of the gateway's time on a request (ADR 0022). What happens on one connection is
in `http_connection.py`, how requests are read in `http_reader.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import eventlet

from shared.edge.http_connection import Connection

log = logging.getLogger(__name__)
MAX_BODY = 1024 * 1024
MAX_CONNECTIONS = 1000


class HttpServer:
    """Serves one WSGI application; `stop` lets requests in flight finish.

    streamed: paths whose bodies the application reads itself, with limits of its own. Every other body is read whole
    before the application sees the request.
    """

    def __init__(
        self,
        application: Callable,
        host: str,
        port: int,
        max_body: int = MAX_BODY,
        streamed: frozenset[str] = frozenset(),
    ) -> None:
        self.application, self.max_body, self.streamed = application, max_body, streamed
        self.in_flight, self.stopping = 0, False
        self._socket = eventlet.listen((host, port), backlog=512, reuse_port=False)
        self.host, self.port = self._socket.getsockname()[:2]
        self._pool = eventlet.GreenPool(MAX_CONNECTIONS)
        self._open: set[Connection] = set()
        self._acceptor: Any = None

    def start(self) -> None:
        self._acceptor = eventlet.spawn(self._accept)

    def stop(self, timeout: float = 30.0) -> None:
        """Accept no more, finish what is in flight, close idle connections."""
        self.stopping = True
        if self._acceptor is not None:
            self._acceptor.kill()
        self._socket.close()
        for connection in self._open:
            connection.hang_up_when_idle()
        with eventlet.Timeout(timeout, False):
            self._pool.waitall()

    def _accept(self) -> None:
        while True:
            try:
                line, address = self._socket.accept()
            except OSError as failed:  # the client is gone already, or no descriptor is free just now
                log.warning("a connection could not be accepted: %s", failed.strerror)
                eventlet.sleep(0.1)
                continue
            self._pool.spawn_n(self._serve, Connection(self, line, address[0]))

    def _serve(self, connection: Connection) -> None:
        self._open.add(connection)
        try:
            connection.serve()
        except OSError:
            pass  # lost: there is nobody left to answer
        except Exception:
            log.exception("a connection failed")
        finally:
            self._open.discard(connection)
            connection.close()
