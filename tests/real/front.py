"""The gateway's process as a WSGI application: what werkzeug's test client sends goes over HTTP, and so comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http.client import HTTPConnection
from typing import Any

from services.gateway.app import Gateway

OF_THE_CONNECTION = frozenset({"connection", "transfer-encoding", "keep-alive"})
PATIENCE = 30  # seconds


class Front:
    """Answers with what the process answers. Everything else about a gateway (its routes, its document) is asked of one
    that is joined in this process and serves nobody."""

    def __init__(self, host: str, port: int, described: Gateway) -> None:
        self._host, self._port = host, port
        self._described = described

    def __getattr__(self, name: str) -> Any:
        return getattr(self._described, name)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        target = _target(environ)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        connection = HTTPConnection(self._host, self._port, timeout=PATIENCE)
        try:
            connection.request(environ["REQUEST_METHOD"], target, body=body or None, headers=_headers(environ))
            answer = connection.getresponse()
            content = answer.read()
            headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in OF_THE_CONNECTION]
            start_response(f"{answer.status} {answer.reason}", headers)
            return [content]
        finally:
            connection.close()


def _target(environ: dict[str, Any]) -> str:
    """Path and query as they were asked for: werkzeug's client keeps a query that was given apart out of the URI."""
    path, query = environ["REQUEST_URI"].partition("?")[0], environ["QUERY_STRING"]
    return f"{path}?{query}" if query else path


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    given = {name[5:].replace("_", "-").title(): value for name, value in environ.items() if name.startswith("HTTP_")}
    for name, header in (("CONTENT_TYPE", "Content-Type"), ("CONTENT_LENGTH", "Content-Length")):
        if environ.get(name):
            given[header] = environ[name]
    return given
