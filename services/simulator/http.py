"""A small HTTP/1.1 server on asyncio: keep-alive, bounded requests, and the power to hang up without an answer.

Written by hand because cutting the line at a chosen moment is the point here, and frameworks never do that.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

_log = logging.getLogger(__name__)
MAX_HEAD = 32 * 1024  # bytes of request line and headers; curl and the SDKs send under 2 KiB
MAX_BODY = 1024 * 1024  # bytes; a refund request is under 4 KiB
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class LineCut(Exception):
    """Hang up now, without an answer."""


class MalformedRequest(Exception):
    """The request cannot be read; `args` are the status to answer with and a sentence."""


@dataclass(slots=True)
class Request:
    """One request; header names are lower case, `path` is undecoded and without the query."""

    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def query(self) -> dict[str, str]:
        """The query as a plain mapping; a repeated name keeps its last value."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    def json(self) -> dict:
        """The body as a JSON object; an empty body is an empty object; ValueError when it is anything else."""
        value = orjson.loads(self.body) if self.body.strip() else {}
        if not isinstance(value, dict):
            raise ValueError("The body must be a JSON object.")
        return value


@dataclass(slots=True)
class Response:
    """One answer, body already encoded."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The bytes for the wire."""
        head = [f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Unknown')}",
                f"Content-Type: {self.content_type}", f"Content-Length: {len(self.body)}"]
        head += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(head).encode("latin-1", "replace") + b"\r\n\r\n" + self.body


def json_response(value: object, status: int = 200, **headers: str) -> Response:
    """An answer in JSON; underscores in header names become hyphens."""
    return Response(status, orjson.dumps(value), headers={k.replace("_", "-"): v for k, v in headers.items()})


class Routes:
    """Finds the entry for a method and a path such as `/v1/refunds/{id}`."""

    def __init__(self, table: list[tuple[str, str, Any]]):
        self._table = [(method, path.split("/"), entry) for method, path, entry in table]

    def find(self, method: str, path: str) -> tuple[Any, dict[str, str]] | None:
        """The entry and the decoded path values, or None."""
        parts = path.split("/")
        for known, pattern, entry in self._table:
            if known == method and len(pattern) == len(parts):
                values = _matched(pattern, parts)
                if values is not None:
                    return entry, values
        return None


def _matched(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    values = {}
    for wanted, given in zip(pattern, parts, strict=True):
        if wanted.startswith("{"):
            values[wanted[1:-1]] = unquote(given)
        elif wanted != given:
            return None
    return values


class HttpServer:
    """Listens on one port and answers each request with `answer(request)`."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]):
        self._answer = answer
        self._talks: dict[asyncio.StreamWriter, asyncio.Task | None] = {}
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> int:
        """Start to listen and return the real port (0 asks for any free one)."""
        self._server = await asyncio.start_server(self._converse, host, port, limit=MAX_HEAD, backlog=256)
        return self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and hang up on everybody at once."""
        if self._server:
            self._server.close()
        talks = dict(self._talks)
        for writer, task in talks.items():
            writer.transport.abort()
            if task:
                task.cancel()
        await asyncio.gather(*filter(None, talks.values()), return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks[writer] = asyncio.current_task()
        try:
            while (request := await _read(reader, writer)) is not None:
                response = await self._answer(request)
                closes = request.headers.get("connection", "").lower() == "close"
                if closes:
                    response.headers["Connection"] = "close"
                writer.write(response.encoded())
                await writer.drain()
                if closes:
                    return
        except LineCut:
            writer.transport.abort()
        except MalformedRequest as error:
            status, sentence = error.args
            writer.write(json_response({"error": sentence}, status, Connection="close").encoded())
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left; nobody is there to be told
        except Exception:
            _log.exception("The simulator failed at a request")
            writer.write(json_response({"error": "The simulator failed; see its log."}, 500,
                                       Connection="close").encoded())
        except asyncio.CancelledError:
            pass  # only `close` cancels; asyncio would log it as a failure of the server
        finally:
            del self._talks[writer]
            writer.close()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """The next request of a connection, or None when the client closed it."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise MalformedRequest(431, "The headers are too long.") from None
    except asyncio.IncompleteReadError:
        return None
    request = _parsed(head)
    if "transfer-encoding" in request.headers:
        raise MalformedRequest(411, "Send a Content-Length; chunked bodies are not read here.")
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise MalformedRequest(400, "Content-Length must be a number.")
    if int(length) > MAX_BODY:
        raise MalformedRequest(413, "The body is too long.")
    if request.headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.body = await reader.readexactly(int(length))
    return request


def _parsed(head: bytes) -> Request:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    try:
        method, target, _version = first.split(" ")
        url = urlsplit(target)
        headers = {name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
    except ValueError:
        raise MalformedRequest(400, "The request cannot be read.") from None
    return Request(method, url.path, url.query, headers)
