"""The HTTP face of a service inside the suite: calls, health and metrics. Only the gateway may reach it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import sqlalchemy as sa
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.edge.call_endpoint import CallEndpoint
from shared.edge.calls import PATH
from shared.edge.link import BROKEN
from shared.runtime.app import App
from shared.storage.schema import behind

Start = Callable[[str, list[tuple[str, str]]], Any]


class Health:
    """What readiness says. ready is turned off before a stop, so that no new work arrives."""

    def __init__(self, app: App, topology: Callable[[], list[str]] = list) -> None:
        self.app = app
        self.stopping = False
        self._topology = topology
        self._drift: list[str] = []
        self._schema: str | None = None
        self._looked = False
        self._checked, self._database_answers = 0.0, False

    def problems(self) -> list[str]:
        """Why this process should get no work; empty when it may.

        Never that the broker is away: an outage must not stop the API (R05). But a broker that lacks what the topology
        says (R36), or a database that lacks what the code needs (U-09), is told until it is mended.
        """
        found = ["stopping"] if self.stopping else []
        if time.monotonic() - self._checked > 1:
            self._checked = time.monotonic()
            self._look()
        if not self._database_answers:
            return [*found, "the database does not answer"]
        return [*found, *([self._schema] if self._schema else []), *self._drift]

    def _look(self) -> None:
        self._database_answers = self.app.database.answers()
        if self._database_answers and (self._schema or not self._looked):
            with self.app.database.transaction() as connection:
                self._schema = behind(self.app.name, connection)
        if self._drift or not self._looked:
            try:
                self._drift = self._topology()
            except BROKEN:
                return  # away: nothing known yet, asked again
        self._looked = self._database_answers


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
        try:
            gauges = self._gauges()
        except sa.exc.SQLAlchemyError:
            gauges = {}  # the database is away: the counters are still worth reading
        extra = "".join(
            f'# TYPE aftersale_{gauge} gauge\naftersale_{gauge}{{service="{self.app.name}"}} {value}\n'
            for gauge, value in gauges.items()
        )
        return "200 OK", CONTENT_TYPE_LATEST, generate_latest() + extra.encode()

    def _gauges(self) -> dict[str, float]:
        backlog, age = self.app.outbox.backlog()
        waiting = {"dead_letters": self.app.dead_letters(), "inbox_gaps": self.app.gaps()}
        return {"outbox_backlog": backlog, "outbox_oldest_seconds": age, **waiting}
