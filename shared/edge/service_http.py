"""The HTTP face of a service inside the suite: calls, health and metrics. Only the gateway may reach it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.edge.calls import PATH, CallEndpoint
from shared.runtime.app import App

Start = Callable[[str, list[tuple[str, str]]], Any]


class Health:
    """What readiness says. ready is turned off before a stop, so that no new work arrives."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.stopping = False
        self._checked, self._database_answers = 0.0, False

    def problems(self) -> list[str]:
        """Why this process should get no work; empty when it may. Never the broker: an outage must not stop the API."""
        found = ["stopping"] if self.stopping else []
        if time.monotonic() - self._checked > 1:
            self._checked, self._database_answers = time.monotonic(), self.app.database.answers()
        return found if self._database_answers else [*found, "the database does not answer"]


class ServiceHttp:
    """The WSGI application of one service."""

    def __init__(self, app: App, endpoint: CallEndpoint, health: Health) -> None:
        self.app, self.endpoint, self.health = app, endpoint, health
        self._routes = {
            ("POST", PATH): self._calls,
            ("GET", "/livez"): lambda environ: ("200 OK", "application/json", b'{"status":"alive"}'),
            ("GET", "/readyz"): self._ready,
            ("GET", "/metrics"): self._metrics,
        }

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        route = self._routes.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        status, kind, body = route(environ) if route else ("404 Not Found", "application/json", b'{"code":"NOT_FOUND"}')
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _calls(self, environ: dict[str, Any]) -> tuple[str, str, bytes]:
        try:
            return "200 OK", "application/json", self.endpoint.answer(environ["wsgi.input"].read())
        except ValueError:
            return "400 Bad Request", "application/json", b'{"code":"MALFORMED_BODY"}'

    def _ready(self, _environ: dict[str, Any]) -> tuple[str, str, bytes]:
        problems = self.health.problems()
        status = "503 Service Unavailable" if problems else "200 OK"
        return status, "application/json", orjson.dumps({"ready": not problems, "problems": problems})

    def _metrics(self, _environ: dict[str, Any]) -> tuple[str, str, bytes]:
        backlog, age = self.app.outbox.backlog()
        gauges = {"outbox_backlog": backlog, "outbox_oldest_seconds": age, "dead_letters": self.app.dead_letters()}
        extra = "".join(
            f'# TYPE aftersale_{gauge} gauge\naftersale_{gauge}{{service="{self.app.name}"}} {value}\n'
            for gauge, value in gauges.items()
        )
        return "200 OK", CONTENT_TYPE_LATEST, generate_latest() + extra.encode()
