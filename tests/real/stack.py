"""Stacks that wait to be used: each begins anew between two tests instead of being started for each."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import psycopg2

from shared.edge import topology
from shared.edge.relay import Publisher
from shared.ops.settings import SERVICES, Settings
from tests.real.clock import StoppedClock
from tests.real.nursery import Nursery
from tests.servers import Servers, shared_by_the_run
from tests.stack import ROOT, Stack
from tests.suite import START

SECRET = "a-secret-of-the-tests-that-is-long-enough"
UNLIMITED = {"rate_per_minute": 0, "rate_per_minute_address": 0, "rate_per_minute_tenant": 0}
# Tests of these play the neighbours themselves: with the real ones beside them everything would be told twice.
ALONE = {("order", "claim"), ("messaging",), ("notification",)}
MOST_WAITING = 2  # stacks that are kept for later tests, per worker
WAITS = 45.0  # seconds: by then an idle stack has cost as much processor time as its next start would
GIVEN = frozenset({"database", "amqp_uri", "call_secret", "call_secrets", "service_urls", "data_dir", "host", "port"})
EMPTY = """
set session_replication_role = replica;
do $$ declare one record; begin
  for one in select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version' loop
    execute format('delete from %I', one.tablename);
  end loop;
end $$;
set session_replication_role = origin
"""


class RealStack(Stack):
    """Processes on a clock that stands still, with a folder of their own and databases that can be emptied."""

    def __init__(
        self, servers: Servers, nursery: Nursery, name: str, services: tuple[str, ...], settings: Settings
    ) -> None:
        self.nursery = nursery
        self.folder = Path(tempfile.mkdtemp(prefix="aftersale-real-"))
        self.given = replace(settings, data_dir=self.folder)
        super().__init__(servers, name, (*services, "gateway"))
        self.names = services
        self.clock_file = self.folder / "clock"
        self.clock = StoppedClock(self.clock_file)
        self.clock.move_to(START)
        self.connections: dict[str, Any] = {}
        self._publishers: dict[str, Publisher] = {}

    def prepare(self) -> None:
        user, password = self.servers.admin
        topology.apply(self.servers.management, user, password, self.vhost, self.passwords)
        for service, url in self.databases.items():
            self.connections[service] = psycopg2.connect(url)
            self.connections[service].autocommit = True

    def database(self, name: str, service: str) -> str:
        return self.servers.database(name, template=_templates(self.servers)[service])

    def process(self, service: str) -> Any:
        return self.nursery.fork(service, self.environment(service), self.log_folder / f"{service}.log")

    def environment(self, service: str) -> dict[str, str]:
        found = super().environment(service)
        for setting in fields(Settings):
            if setting.name not in GIVEN:
                found[setting.name.upper()] = _text(getattr(self.given, setting.name))
        return {**found, "DATA_DIR": str(self.folder), "TEST_CLOCK": str(self.clock_file)}

    def serves(self, services: tuple[str, ...], settings: Settings) -> bool:
        """Is it what a test asks for that wants these services, so set?"""
        fit = services == self.names if services in ALONE else set(services) <= set(self.names)
        return fit and replace(self.given, data_dir=settings.data_dir) == settings

    def wait_ready(self, service: str, seconds: float = 120) -> None:
        super().wait_ready(service, seconds)

    def publisher_to(self, service: str) -> Publisher:
        """Fills the queue of this service; its line is kept from test to test."""
        uri = self.servers.amqp_uri(vhost=self.vhost)
        name = f"test to {service}"
        return self._publishers.setdefault(service, Publisher(uri, name, queue=f"{service}.inbox"))

    @contextmanager
    def without_sweeps(self) -> Iterator[None]:
        """What the relays' sweepers were sending has left, and they send nothing more (shared/edge/relay.py)."""
        self._each("select pg_advisory_lock(hashtext(%s))")
        try:
            yield
        finally:
            self._each("select pg_advisory_unlock(hashtext(%s))")

    def _each(self, statement: str) -> None:
        for service, connection in self.connections.items():
            with connection.cursor() as cursor:
                cursor.execute(statement, (f"sweep:{service}",))

    def begin_anew(self) -> None:
        """Nothing has ever happened here, and it is START again. Only when all is quiet."""
        for connection in self.connections.values():
            with connection.cursor() as cursor:
                cursor.execute(EMPTY)
        for kept in self.folder.iterdir():
            if kept.is_dir():
                shutil.rmtree(kept, ignore_errors=True)
        self.clock.begin_anew(START)

    def rows(self, service: str) -> Iterator[str]:
        """All rows of all tables, as text."""
        with self.connections[service].cursor() as cursor:
            cursor.execute("select tablename from pg_tables where schemaname = 'public'")
            for (table,) in cursor.fetchall():
                cursor.execute(f'select t::text from "{table}" t')
                yield from (row for (row,) in cursor.fetchall())

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()  # nobody needs anything of it any more
        for process in self.processes.values():
            process.wait()
        for connection in self.connections.values():
            connection.close()
        for publisher in self._publishers.values():
            publisher.link.cut()
        shutil.rmtree(self.folder, ignore_errors=True)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _templates(servers: Servers, _made: dict[str, str] = {}) -> dict[str, str]:  # noqa: B006 - once per process
    """A migrated, empty database per service, to copy: five times quicker than to migrate again."""
    if not _made:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
        for service in SERVICES:
            url = servers.database(f"template_{worker}_{service}")
            command = [sys.executable, "-m", "services.cli", "migrate", service]
            subprocess.run(command, cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, check=True, capture_output=True)
            _made[service] = url.rsplit("/", 1)[1]
    return _made


class Pool:
    """The stacks of one worker, by what they were started with."""

    def __init__(self) -> None:
        self.nursery: Nursery | None = None
        self.waiting: list[RealStack] = []
        self.started, self.seconds = 0, 0.0
        self._all: list[RealStack] = []
        self._since: dict[RealStack, float] = {}  # when it began to wait
        atexit.register(self.close)

    def take(self, names: tuple[str, ...], given: dict[str, Any]) -> RealStack:
        """One that is as if it had just been started: with these services (all without a name), perhaps with more."""
        settings = Settings(**{"jwt_secret": SECRET, **UNLIMITED, **given})
        for stack in self.waiting:
            if stack.serves(names or SERVICES, settings):
                self.waiting.remove(stack)
                return stack
        began = time.monotonic()
        self.started += 1
        worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
        self.nursery = self.nursery or Nursery()
        name = f"real_{worker}_{self.started}"
        stack = RealStack(shared_by_the_run(), self.nursery, name, names or SERVICES, settings)
        self._all.append(stack)
        try:
            stack.prepare()
            stack.start()
        except BaseException:
            stack.stop()
            raise
        self.seconds += time.monotonic() - began
        return stack

    def give_back(self, stack: RealStack) -> None:
        now = time.monotonic()
        self._since[stack] = now
        self.waiting.append(stack)
        while len(self.waiting) > MOST_WAITING or self._since[self.waiting[0]] < now - WAITS:
            self.throw_away(self.waiting.pop(0))

    def throw_away(self, stack: RealStack) -> None:
        self._all.remove(stack)
        stack.stop()

    def close(self) -> None:
        for stack in list(self._all):
            self.throw_away(stack)
        self.waiting.clear()
        if self.nursery:
            self.nursery.close()
            self.nursery = None
