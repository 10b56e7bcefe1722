"""An HTTP server with limits: eventlet's, kept from being held by slow, half-sent, huge or too many requests."""

from __future__ import annotations

import io
import logging
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import eventlet
import greenlet
import orjson
from eventlet import wsgi

from shared.kernel.ids import new_id

log = logging.getLogger(__name__)
MAX_BODY = 1024 * 1024
MAX_LINE = 8192  # characters of a request line
LISTEN_ON = 1.0  # seconds to a client that still sends when it was refused
READ_SECONDS = 8  # a request line with its headers, or a body, must be there by then
IDLE_SECONDS = 15  # a kept-alive connection without a request
MAX_CONNECTIONS = 1000
MAX_WAITING = 256  # requests being worked on or waiting; more are told to come back


class TooSlow(eventlet.Timeout):
    """The client did not send its request in time."""


class Protocol(wsgi.HttpProtocol):
    """Reads a request line and headers within READ_SECONDS of their first byte, or hangs up.

    What is not HTTP or too long is answered with a problem here, before there is a request.
    """

    def _read_request_line(self) -> bytes:
        try:
            with TooSlow(IDLE_SECONDS):
                self.connection.settimeout(IDLE_SECONDS)
                if not self.rfile.closed:
                    self.rfile.peek(1)
            self._until = time.monotonic() + READ_SECONDS
            with TooSlow(READ_SECONDS):
                line = super()._read_request_line()
        except (TooSlow, OSError):
            return b""
        if len(line) < MAX_LINE:
            return line
        self._refuse("414 URI Too Long", "URI_TOO_LONG", f"The path and query are longer than {MAX_LINE} characters.")
        return b""

    def parse_request(self) -> bool:
        try:
            with TooSlow(max(0.1, self._until - time.monotonic())):
                return super().parse_request()
        except TooSlow:
            self.close_connection = True
        except (wsgi.HeaderLineTooLong, wsgi.HeadersTooLarge):
            sentence = "A header is longer than 8 kB, or all of them are than 64 kB."
            self._refuse("400 Bad Request", "HEADERS_TOO_LARGE", sentence)
        return False

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Called by the base class, which would answer with a page."""
        status = HTTPStatus(code)
        self._refuse(f"{status.value} {status.phrase}", "MALFORMED_REQUEST", "The request is not well-formed HTTP.")

    def _refuse(self, status: str, code: str, title: str) -> None:
        """Answer without the application, then listen for a moment: a socket that is closed before all was read is
        reset, and the client may never see the answer."""
        headers, body = _as_problem(status, code, title)
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "", ""]
        self.close_connection = True
        with suppress(OSError), TooSlow(LISTEN_ON, False):
            self.wfile.write("\r\n".join(lines).encode() + body)
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            while self.connection.recv(65536):
                pass


class Limits:
    """WSGI middleware: counts requests, reads the whole body before the application sees it, answers problems."""

    def __init__(self, application: Callable, max_body: int = MAX_BODY, streamed: frozenset[str] = frozenset()) -> None:
        self.application, self.max_body = application, max_body
        self.streamed = streamed  # paths whose bodies the application reads itself, with limits of its own
        self.in_flight = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        if self.in_flight >= MAX_WAITING:
            return _problem(start_response, "503 Service Unavailable", "OVERLOADED", "Too busy: try again in a second.")
        self.in_flight += 1
        try:
            return self._limited(environ, start_response)
        finally:
            self.in_flight -= 1

    def _limited(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        if environ["PATH_INFO"] in self.streamed:
            return self.application(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > self.max_body:
            return self._too_large(start_response)
        try:
            with TooSlow(READ_SECONDS):
                body = environ["wsgi.input"].read(self.max_body + 1) if _has_body(environ) else b""
        except TooSlow:
            return _problem(
                start_response, "408 Request Timeout", "REQUEST_TOO_SLOW", "The body did not arrive in time."
            )
        except (OSError, ValueError):
            return _problem(start_response, "400 Bad Request", "MALFORMED_BODY", "The body is not as its headers say.")
        if len(body) > self.max_body:
            return self._too_large(start_response)
        if len(body) < length:
            return _problem(start_response, "400 Bad Request", "INCOMPLETE_BODY", "The body is shorter than announced.")
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return self.application(environ, start_response)

    def _too_large(self, start_response: Callable) -> Iterable[bytes]:
        sentence = f"The body is larger than {self.max_body} bytes."
        return _problem(start_response, "413 Content Too Large", "BODY_TOO_LARGE", sentence)


def _has_body(environ: dict[str, Any]) -> bool:
    return bool(environ.get("CONTENT_LENGTH")) or "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()


def _problem(start_response: Callable, status: str, code: str, title: str) -> Iterable[bytes]:
    headers, body = _as_problem(status, code, title)
    start_response(status, headers)
    return [body]


def _as_problem(status: str, code: str, title: str) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body."""
    kind = f"urn:aftersale:problem:{code.lower().replace('_', '-')}"
    request = new_id("req")
    body = orjson.dumps({"type": kind, "title": title, "status": int(status[:3]), "code": code, "request_id": request})
    headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
    headers.append(("X-Request-Id", request))
    headers.append(("Connection", "close"))
    if status.startswith("503"):
        headers.append(("Retry-After", "1"))
    return headers, body


class HttpServer:
    """Serves one WSGI application in green threads; `stop` lets requests in flight finish."""

    def __init__(
        self,
        application: Callable,
        host: str,
        port: int,
        max_body: int = MAX_BODY,
        streamed: frozenset[str] = frozenset(),
    ) -> None:
        self.limits = Limits(application, max_body, streamed)
        self._socket = eventlet.listen((host, port), backlog=512, reuse_port=False)
        self.host, self.port = self._socket.getsockname()[:2]
        self._acceptor: Any = None

    def start(self) -> None:
        self._acceptor = eventlet.spawn(
            wsgi.server,
            self._socket,
            self.limits,
            log=logging.getLogger("aftersale.http"),
            log_output=False,
            protocol=Protocol,
            max_size=MAX_CONNECTIONS,
            socket_timeout=READ_SECONDS,
            keepalive=IDLE_SECONDS,
            url_length_limit=MAX_LINE,
            debug=False,
        )

    def stop(self, timeout: float = 30.0) -> None:
        """Accept no more, finish what is in flight, close idle connections."""
        if self._acceptor is not None:
            self._acceptor.kill()
            with eventlet.Timeout(timeout, False), suppress(greenlet.GreenletExit):
                self._acceptor.wait()
