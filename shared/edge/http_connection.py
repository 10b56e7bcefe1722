"""One client's connection: requests in, what the WSGI application says of them out, one after the other."""

from __future__ import annotations

import io
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from itertools import chain
from socket import IPPROTO_TCP, SHUT_RDWR, SHUT_WR, TCP_NODELAY
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import eventlet
import orjson

from shared.edge.http_reader import CHUNK, READ_SECONDS, Refused, Request, Requests, too_large
from shared.kernel.ids import new_id

if TYPE_CHECKING:
    from shared.edge.http_server import HttpServer

log = logging.getLogger(__name__)
LISTEN_ON = 1.0  # seconds to a client that still sends when it was answered
MAX_WAITING = 256  # requests being worked on or waiting; more are told to come back
TOGETHER = 32 * 1024  # bytes of an answer that are sent in one go
NO_BODY = ("204", "304")


@dataclass
class Answer:
    """What the application said. parts: of the body, `first` taken already. close: to be called at the end."""

    status: str
    headers: list[tuple[str, str]]
    first: bytes
    parts: Iterator[bytes]
    close: Callable[[], None]


class Connection:
    """One client's connection: answers its requests one after the other."""

    def __init__(self, server: HttpServer, line: Any, address: str) -> None:
        self._server, self._line, self._address = server, line, address
        self._requests = Requests(line)
        self._idle = True
        line.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)

    def serve(self) -> None:
        """Until the client goes away, is silent for too long, or is hung up on."""
        keep = True
        while keep and not self._server.stopping:
            try:
                self._idle = True
                request = self._requests.next()
                self._idle = False
                if request is None:
                    return
                keep = self._answer(request) and request.complete
            except Refused as refused:
                self._line.settimeout(READ_SECONDS)
                self._line.sendall(_problem(refused))
                keep = False
        self._listen_on()

    def hang_up_when_idle(self) -> None:
        if self._idle:
            with suppress(OSError):
                self._line.shutdown(SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._line.close()

    def _answer(self, request: Request) -> bool:
        """Answer; may the connection stay open? Raises Refused when the application does not see it, or failed."""
        server = self._server
        if server.in_flight >= MAX_WAITING:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "OVERLOADED", "Too busy: try again in a second.")
        server.in_flight += 1
        try:
            answer = _asked(server.application, self._environ_of(request))
        finally:
            server.in_flight -= 1
        try:
            return self._send(request, answer)
        finally:
            answer.close()

    def _environ_of(self, request: Request) -> dict[str, Any]:
        """The request in WSGI's words (PEP 3333)."""
        server = self._server
        path, _, query = request.target.partition(b"?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1") if b"%" in path else path.decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "SERVER_PROTOCOL": f"HTTP/{request.version}",
            "SERVER_NAME": server.host,
            "SERVER_PORT": str(server.port),
            "REMOTE_ADDR": self._address,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.input_terminated": True,  # it ends where the body ends
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in request.headers:
            if key := _key(name):
                text = value.decode("latin-1")
                environ[key] = f"{environ[key]},{text}" if key in environ else text
        if environ["PATH_INFO"] in server.streamed:
            environ["wsgi.input"] = Body(self._requests, request)
            return environ
        if int(environ.get("CONTENT_LENGTH") or 0) > server.max_body:
            raise too_large(server.max_body)
        body = self._requests.body(request, server.max_body)
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return environ

    def _send(self, request: Request, answer: Answer) -> bool:
        """Send head and body, together when they are small; may the connection stay open?"""
        bodiless = request.method == "HEAD" or answer.status[:3] in NO_BODY
        measured = bodiless or any(name.lower() == "content-length" for name, _ in answer.headers)
        chunked = not measured and request.version == "1.1"
        keep = request.keep and (measured or chunked) and not self._server.stopping
        waiting = [_head(request, answer, keep, chunked)]
        size = 0
        self._line.settimeout(READ_SECONDS)
        for part in () if bodiless else chain((answer.first,), answer.parts):
            waiting += (b"%x\r\n" % len(part), part, b"\r\n") if chunked and part else (part,)
            size += len(part)
            if size >= TOGETHER:
                self._line.sendall(b"".join(waiting))
                waiting, size = [], 0
        if chunked:
            waiting.append(b"0\r\n\r\n")
        self._line.sendall(b"".join(waiting))
        return keep

    def _listen_on(self) -> None:
        """A socket that is closed before all was read is reset, and the client may never see the answer."""
        with suppress(OSError), eventlet.Timeout(LISTEN_ON, False):
            self._line.shutdown(SHUT_WR)
            while self._line.recv(CHUNK):
                pass


class Body:
    """The body of a request whose path is streamed, as it arrives."""

    def __init__(self, requests: Requests, request: Request) -> None:
        self._requests, self._request = requests, request
        self._left = b""

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""
        found = self._left or self._requests.part(self._request)
        self._left = found[size:]
        return found[:size]


def _asked(application: Callable, environ: dict[str, Any]) -> Answer:
    """What the application answers, up to the first part of its body: it may start its response only with that."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        started[:] = status, headers

    found: Any = ()
    try:
        found = application(environ, start_response)
        parts = iter(found)
        first = next(parts, b"")
        status, headers = started
        return Answer(status, headers, first, parts, getattr(found, "close", _nothing))
    except Exception:
        log.exception("the application failed")
        getattr(found, "close", _nothing)()
        sentence = "Something went wrong here; it is being looked at."
        raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", sentence) from None


def _nothing() -> None:
    """An application that has nothing to close."""


def _head(request: Request, answer: Answer, keep: bool, chunked: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status}", *(f"{name}: {value}" for name, value in answer.headers)]
    lines.append(_date(int(time.time())))
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    if not keep:
        lines.append("Connection: close")
    elif request.version == "1.0":
        lines.append("Connection: keep-alive")
    return "\r\n".join((*lines, "", "")).encode("latin-1")


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return f"Date: {formatdate(second, usegmt=True)}"


@lru_cache(maxsize=512)
def _key(name: bytes) -> str | None:
    """A header's key in WSGI. A name with an underscore is left out: it would pass for another header (T09)."""
    if b"_" in name:
        return None
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def _problem(refused: Refused) -> bytes:
    """The whole answer to what the application does not see."""
    kind = f"urn:aftersale:problem:{refused.code.lower().replace('_', '-')}"
    status, request = refused.status, new_id("req")
    body = orjson.dumps(
        {"type": kind, "title": refused.title, "status": status.value, "code": refused.code, "request_id": request}
    )
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", "Content-Type: application/problem+json"]
    lines += [f"Content-Length: {len(body)}", f"X-Request-Id: {request}", "Connection: close"]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        lines.append("Retry-After: 1")
    return "\r\n".join((*lines, "", "")).encode() + body
