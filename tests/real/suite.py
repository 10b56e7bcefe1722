"""The suite of the tests on running processes: what `tests.suite.Suite` offers, over HTTP and the broker."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import sqlalchemy as sa

from services.gateway.app import build
from services.gateway.clients import HttpClients
from shared.contracts.registry import EVENTS
from shared.edge.calls import CallClient
from shared.edge.link import BROKEN
from shared.edge.relay import Publisher
from shared.kernel.calls import Answer, Call
from shared.kernel.ids import new_id
from shared.runtime.app import App
from shared.runtime.envelope import Envelope
from tests.real.front import Front
from tests.real.quiet import Quiet
from tests.real.stack import RealStack
from tests.suite import Suite

PATIENCE = 30.0  # seconds that a call may take


class MovedClock:
    """Moves all processes at once, after what the moment before has brought about is done."""

    def __init__(self, stack: RealStack, quiet: Quiet) -> None:
        self._stack, self._quiet = stack, quiet

    def now(self) -> datetime:
        return self._stack.clock.now()

    def advance(self, **delta: float) -> datetime:
        self._quiet.wait()
        self._quiet.moved(self.now())
        self._stack.clock.move_to(self.now() + timedelta(**delta))
        return self.now()


class RemoteInbox:
    """A service's inbox, filled by the broker: what a test lets the service hear is put into its queue."""

    def __init__(self, app: App, publisher: Publisher, quiet: Quiet) -> None:
        self._app, self._publisher, self._quiet = app, publisher, quiet

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app.inbox, name)

    def receive(self, events: Sequence[Envelope]) -> None:
        self.put(events)
        self._quiet.wait()

    def put(self, events: Sequence[Envelope]) -> None:
        """Behind all that waits in the queue; `quiet` waits until they are taken in."""
        self._reconnect_if_forgotten()
        self._publisher.publish(events)
        self._quiet.told(self._app.name, [(e.key, e.stream, e.aggregate_id, e.seq) for e in events])

    def _reconnect_if_forgotten(self) -> None:
        """The broker hangs up on a line that was silent for long: nobody sends heartbeats between two uses."""
        link = self._publisher.link
        try:
            while link.is_open and link.drain(timeout=0.001):
                pass
        except BROKEN:
            link.cut()

    def put_a_fence(self) -> None:
        """An event that the service takes in and does nothing about."""
        ignored = next(type for type in sorted(EVENTS) if type not in self._app.inbox.reactions)
        id, now = new_id("fence"), self._app.clock.now()
        self.put([Envelope(id, ignored, id, 1, "fence", now, "system/test/import", id, None, b"{}")])


class RemoteApp:
    """A service in its own process. What only looks (its tables, its contents) is asked of one joined here."""

    def __init__(self, local: App, line: CallClient, stack: RealStack, quiet: Quiet) -> None:
        self._local, self._line = local, line
        self.inbox = RemoteInbox(local, stack.publisher_to(local.name), quiet)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._local, name)

    def execute(self, calls: Sequence[Call]) -> list[Answer]:
        for call in calls:
            call.deadline = time.time() + PATIENCE
        return self._line.post(list(calls), PATIENCE)


class RemoteJoined:
    """The services, as the gateway's direct clients reach them."""

    def __init__(self, apps: dict[str, Any], quiet: Quiet) -> None:
        self.apps, self._quiet = apps, quiet

    def call(self, service: str, call: Call) -> Answer:
        return self.apps[service].execute([call])[0]

    def settle(self) -> None:
        self._quiet.wait()


class RealSuite(Suite):
    """`settle` waits until the processes are quiet, and whoever looks at events waits for that first."""

    def __init__(self, stack: RealStack) -> None:
        self.stack, self.settings = stack, stack.given
        self._logged_before = {service: len(stack.log(service).encode()) for service in stack.services}
        apps = {name: self._app(name) for name in stack.names}
        self.quiet = Quiet(stack, {name: app.contents.heard for name, app in apps.items()})
        self.clock = MovedClock(stack, self.quiet)
        self.apps = {name: self._remote(app) for name, app in apps.items()}
        self.joined = RemoteJoined(self.apps, self.quiet)

    def _app(self, name: str) -> App:
        settings = replace(self.settings, database=self.stack.databases[name], pool_size=2)
        return import_module(f"services.{name}.app").build(settings, self.stack.clock)

    def _remote(self, app: App) -> Any:
        line = CallClient(app.name, self.stack.url(app.name), self.stack.secrets[app.name])
        return RemoteApp(app, line, self.stack, self.quiet)

    def gateway(self) -> Any:
        described = build(self.settings, HttpClients(self.settings))
        return Front("127.0.0.1", self.stack.ports["gateway"], described)

    def settle(self) -> None:
        self.quiet.wait()

    def events(self, service: str, type: str | None = None) -> list[Envelope]:
        self.settle()
        return super().events(service, type)

    def event_count(self) -> int:
        self.settle()
        return sum(self._count(app) for app in self.apps.values())

    @staticmethod
    def _count(app: Any) -> int:
        with app.database.transaction() as connection:
            return connection.execute(
                sa.select(sa.func.count()).select_from(app.storage.runtime.event_log)
            ).scalar_one()

    def environment(self) -> dict[str, str]:
        databases = self.stack.databases
        service = next(iter(databases))
        return {**super().environment(), "DATABASE_URL": databases[service].replace(f"_{service}_", "_{service}_")}

    def stored(self) -> bytes:
        self.settle()
        return b"\n".join(row.encode() for service in self.apps for row in self.stack.rows(service))

    def logged(self, here: str) -> str:
        return here + "".join(self.stack.log(service, after) for service, after in self._logged_before.items())

    def waiting(self, service: str) -> list[dict[str, Any]]:
        self.settle()
        return super().waiting(service)

    def begin_anew(self) -> None:
        """As if this test had never been. First what is under way has to arrive, also what a sweeper sends again: it
        would come in the middle of the next test."""
        self.settle()
        with self.stack.without_sweeps():
            for app in self.apps.values():
                app.inbox.put_a_fence()
            self.settle()
            self.stack.begin_anew()

    def close(self) -> None:
        for app in self.apps.values():
            app.database.dispose()
