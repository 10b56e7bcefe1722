"""Requests as they arrive on one connection: taken apart by httptools, bounded in size and time."""

from __future__ import annotations

import time
from collections import deque
from http import HTTPStatus
from typing import Any

import httptools

MAX_LINE = 8192  # characters of a path with its query, and of one header
MAX_HEAD = 64 * 1024  # bytes before a body
MAX_HEADERS = 100
READ_SECONDS = 8  # a request line with its headers, or a body, must be there by then
IDLE_SECONDS = 15  # a kept-alive connection without a request
CHUNK = 65536
VERSIONS = ("1.0", "1.1")


class Refused(Exception):
    """A request that the application never sees. code and title: of the problem that answers it."""

    def __init__(self, status: HTTPStatus, code: str, title: str) -> None:
        super().__init__(code)
        self.status, self.code, self.title = status, code, title


class Request:
    """One request: its head, then what has arrived of its body. keep: may the connection stay open after it?"""

    __slots__ = ("complete", "headers", "keep", "length", "method", "parts", "read_head", "target", "version", "waits")

    def __init__(self) -> None:
        self.method, self.target, self.version = "", b"", ""
        self.headers: list[tuple[bytes, bytes]] = []  # names in lower case
        self.parts: deque[bytes] = deque()
        self.length = 0  # bytes of the body so far
        self.read_head = self.complete = self.keep = False
        self.waits = False  # for a word that its body is wanted (RFC 9110, 10.1.1)


class Requests:
    """Reads one request after the other from a connection; some may have arrived together."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._parser = httptools.HttpRequestParser(self)
        self._arrived: deque[Request] = deque()
        self._newest = Request()
        self._head_bytes = 0  # since the newest request began
        self._broken: Refused | None = None  # what follows cannot be understood any more

    def next(self) -> Request | None:
        """The next request, its head read; None when the client went away or fell silent.

        Raises Refused for what is not HTTP or too long; OSError when the connection is lost.
        """
        try:
            if not self._arrived and not self._feed(IDLE_SECONDS):
                return None
            until = time.monotonic() + READ_SECONDS
            while not self._arrived or not self._arrived[0].read_head:
                if not self._feed(until - time.monotonic()):
                    return None
        except TimeoutError:
            return None
        return self._arrived.popleft()

    def body(self, request: Request, most: int) -> bytes:
        """The whole body. Raises Refused when it is longer than `most`, broken, half, or slow."""
        until = time.monotonic() + READ_SECONDS
        self._invite(request)
        try:
            while not request.complete and request.length <= most:
                if not self._feed(until - time.monotonic()):
                    raise _incomplete()
        except TimeoutError:
            raise _too_slow() from None
        if request.length > most:
            request.parts.clear()  # the connection may live on for a moment, this need not
            raise too_large(most)
        return b"".join(request.parts)

    def part(self, request: Request) -> bytes:
        """The next part of a body; empty at its end, or when the client went away before it."""
        self._invite(request)
        while not request.parts and not request.complete:
            if not self._feed(READ_SECONDS):
                return b""
        return request.parts.popleft() if request.parts else b""

    def _invite(self, request: Request) -> None:
        if request.waits and not request.length:
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.waits = False

    def _feed(self, seconds: float) -> bool:
        """Take in what arrives; False when the client sends no more. Raises TimeoutError, and why it broke before."""
        if self._broken:
            raise self._broken
        if seconds <= 0:
            raise TimeoutError
        self._connection.settimeout(seconds)
        data = self._connection.recv(CHUNK)
        self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # asked to speak something else: answered in HTTP, then hung up
            self._newest.keep = False
        except httptools.HttpParserCallbackError as failed:
            self._break(failed.__context__ if isinstance(failed.__context__, Refused) else _malformed())
        except httptools.HttpParserError:
            spoken = self._newest.read_head or self._parser.get_http_version() in ("0.0", *VERSIONS)
            self._break(_malformed() if spoken else _malformed(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED))
        if not self._newest.read_head and self._head_bytes > MAX_HEAD:
            self._break(_head_too_large())
        return bool(data)

    def _break(self, why: Refused) -> None:
        """What was understood before is answered first."""
        self._broken = self._broken or why
        if self._arrived and not self._arrived[-1].read_head:
            self._arrived.pop()

    # called by httptools

    def on_message_begin(self) -> None:
        self._newest, self._head_bytes = Request(), 0
        self._arrived.append(self._newest)

    def on_url(self, part: bytes) -> None:
        self._newest.target += part
        if len(self._newest.target) >= MAX_LINE:
            sentence = f"The path and query are longer than {MAX_LINE} characters."
            raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, "URI_TOO_LONG", sentence)

    def on_header(self, name: bytes, value: bytes) -> None:
        newest = self._newest
        if newest.read_head:
            return  # behind the last chunk: nobody asked for it
        if len(name) + len(value) >= MAX_LINE:
            raise _head_too_large()
        newest.headers.append((name.lower(), value.strip()))
        if len(newest.headers) > MAX_HEADERS:
            raise _malformed(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        newest, parser = self._newest, self._parser
        newest.version = parser.get_http_version()
        if newest.version not in VERSIONS:
            raise _malformed(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
        newest.method = parser.get_method().decode()
        newest.waits = (b"expect", b"100-continue") in newest.headers
        newest.keep, newest.read_head = parser.should_keep_alive(), True

    def on_body(self, part: bytes) -> None:
        self._newest.parts.append(part)
        self._newest.length += len(part)

    def on_message_complete(self) -> None:
        self._newest.complete = True


def too_large(most: int) -> Refused:
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "BODY_TOO_LARGE", f"The body is larger than {most} bytes.")


def _malformed(status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Refused:
    return Refused(status, "MALFORMED_REQUEST", "The request is not well-formed HTTP.")


def _head_too_large() -> Refused:
    sentence = "A header is longer than 8 kB, or all of them are than 64 kB."
    return Refused(HTTPStatus.BAD_REQUEST, "HEADERS_TOO_LARGE", sentence)


def _too_slow() -> Refused:
    return Refused(HTTPStatus.REQUEST_TIMEOUT, "REQUEST_TOO_SLOW", "The body did not arrive in time.")


def _incomplete() -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, "INCOMPLETE_BODY", "The body is shorter than announced.")
