"""Real processes on a real broker and database: the suite's services, and the toys of tests/runtime."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import amqp
import pytest
import requests
import sqlalchemy as sa

from shared.kernel.ids import new_id
from shared.runtime.envelope import Envelope
from tests.runtime import toys
from tests.runtime.backends import START, until
from tests.servers import Servers, shared_by_the_run
from tests.servers.suite import SuiteBroker, suite_broker
from tests.stack import ROOT, Stack, free_port

SECRET = "of the calls to the toy processes"


@pytest.fixture(scope="session")
def servers() -> Servers:
    return shared_by_the_run()


@pytest.fixture(scope="module")
def order(servers: Servers) -> Iterator[Stack]:
    """The order service as a process."""
    with Stack(servers, "edge", ["order"]) as stack:
        yield stack


class Line:
    """A test's own connection to the broker, as administrator."""

    def __init__(self, broker: SuiteBroker | Stack) -> None:
        found, (user, password) = broker.servers.broker, broker.servers.admin
        host = f"{found.host}:{found.amqp_port}"
        self.connection = amqp.Connection(host, user, password, virtual_host=broker.vhost)
        self.connection.connect()
        self.channel = amqp.Channel(self.connection, auto_decode=False)
        self.channel.open()

    def depth(self, queue: str) -> int:
        """How many messages wait in a queue, unacknowledged ones not counted."""
        return self.channel.queue_declare(queue, passive=True).message_count

    def put(self, queue: str, body: bytes, **properties: Any) -> None:
        """A persistent message straight into a queue."""
        self.channel.basic_publish(amqp.Message(body, delivery_mode=2, **properties), "", queue)

    def event(self, queue: str, event: Envelope) -> None:
        self.put(queue, event.body, content_type="application/json", application_headers=event.headers())

    def close(self) -> None:
        with suppress(OSError, amqp.exceptions.AMQPError):
            self.connection.close()


@pytest.fixture
def line_to() -> Iterator[Callable[..., Line]]:
    lines: list[Line] = []

    def connect(broker: SuiteBroker | Stack) -> Line:
        lines.append(Line(broker))
        return lines[-1]

    yield connect
    for line in lines:
        line.close()


class ToyProcess:
    """The follower (or counter) as a process on its own virtual host and database."""

    def __init__(self, servers: Servers, folder: Path, name: str = "follower", url: str | None = None) -> None:
        self.name, self.servers = name, servers
        self.broker = suite_broker(servers, "toy-process", toys.TOPOLOGY)
        self.own_url = servers.database("toy_process")  # as the test sees it
        self.url, self.port, self.log_file = url or self.own_url, free_port(), folder / f"{name}.log"
        self.engine = sa.create_engine(self.own_url.replace("postgresql://", "postgresql+psycopg2://"))
        self.start()

    def start(self) -> None:
        environment = {
            **os.environ,
            "DATABASE_URL": self.url,
            "AMQP_URI": self.broker.admin_uri,
            "PORT": str(self.port),
            "CALL_SECRET": SECRET,
        }
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.edge.toy_process", self.name],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        until(self.answers, f"answer of {self.name}")

    def answers(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{self.port}/livez", timeout=2).ok
        assert self.process.poll() is None, self.log()[-3000:]
        return False

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def effects(self, id: str) -> list[int]:
        table = toys.effects
        statement = sa.select(table.c.seq).where(table.c.aggregate_id == id).order_by(table.c.id)
        with self.engine.connect() as connection:
            return list(connection.execute(statement).scalars())

    def waiting(self) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(sa.select(toys.follower_runtime.inbox_waiting)).mappings())

    def terminate(self, seconds: float = 40) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.engine.dispose()


@pytest.fixture
def toy(servers: Servers, tmp_path: Path) -> Iterator[Callable[..., ToyProcess]]:
    """Starts toy processes: toy(), toy("counter"), toy(url=…) for another way to its database."""
    made: list[ToyProcess] = []

    def make(name: str = "follower", url: str | None = None) -> ToyProcess:
        made.append(ToyProcess(servers, tmp_path, name, url))
        return made[-1]

    with toys.announced():
        yield make
    for process in made:
        process.close()


def raised(id: str, seq: int = 1, mood: str = "") -> Envelope:
    """An event of a counter as it travels."""
    body = b'{"by": 1, "mood": "%s"}' % mood.encode()
    return Envelope(new_id("evt"), "counter.raised", id, seq, "shop", START, "system/system/test", "cor", None, body)
