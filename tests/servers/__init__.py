"""RabbitMQ and PostgreSQL for tests, benchmark and chaos: given, in containers, or local, whichever is there first.

1. `TEST_AMQP_URI`, `TEST_RABBIT_MGMT` and `TEST_DATABASE_URL` (a superuser) name running servers.
2. A Docker engine that has, or can pull, `rabbitmq:4-management` and `postgres:17`.
3. Installed `rabbitmq-server` and `postgresql`, got with apt-get where they are missing and we are root.

`TEST_SERVERS=env|containers|local` forces one way. `python -m tests.servers` starts them and prints the first way's
variables. Plain use: `with obtain() as servers: ...`; in pytest: `shared_by_the_run()`.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.servers.processes import ServerError, birth, wait_until
from tests.servers.reach import Broker, Database, broker_answers, broker_api, query, versions

__all__ = ["ServerError", "Servers", "describe_run", "obtain", "shared_by_the_run"]

ROOT = Path(__file__).resolve().parents[2]
GIVEN = ("TEST_AMQP_URI", "TEST_RABBIT_MGMT", "TEST_DATABASE_URL")
START_SECONDS = 900  # pulling images or installing packages the first time


class Servers:
    """A RabbitMQ and a PostgreSQL, whoever runs them."""

    def __init__(self, broker: Broker, database: Database, way: str, control: str | None = None) -> None:
        self.broker, self._database, self._way, self._control = broker, database, way, control
        self._run = secrets.token_hex(3)  # keeps the databases of two runs on given servers apart
        self._databases: set[str] = set()
        self._vhosts: set[str] = set()

    @property
    def management(self) -> str:
        """Base URL of RabbitMQ's management API; its credentials are `admin`."""
        return self.broker.management

    @property
    def admin(self) -> tuple[str, str]:
        """Name and password of RabbitMQ's administrator."""
        return self.broker.user, self.broker.password

    def amqp_uri(self, user: str | None = None, password: str | None = None, vhost: str = "/") -> str:
        """AMQP URI of `user`, of the administrator if none is given."""
        return self.broker.amqp_uri(user, password, vhost)

    def vhost(self, name: str) -> str:
        """Create an empty virtual host, open to the administrator, and answer its full name."""
        full = f"{name}-{self._run}"
        broker_api(self.broker, "DELETE", f"vhosts/{full}")
        broker_api(self.broker, "PUT", f"vhosts/{full}", {}).raise_for_status()
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        broker_api(self.broker, "PUT", f"permissions/{full}/{self.broker.user}", everything).raise_for_status()
        self._vhosts.add(full)
        return full

    def database(self, name: str, template: str = "template0") -> str:
        """Create an empty database (or a copy), in place of one of that name, and answer its URL as superuser."""
        full = f"{name}_{self._run}"
        query(self._database, f'drop database if exists "{full}" with (force)')
        query(self._database, f'create database "{full}" template "{template}" encoding utf8')
        self._databases.add(full)
        return self._database.url(full)

    def restart_broker(self) -> None:
        """Stop RabbitMQ in order and start it again; returns when it serves."""
        self._order("restart_broker")

    def kill_broker(self) -> None:
        """kill -9 RabbitMQ; `start_broker` brings it back with what it had on disk."""
        self._order("kill_broker")

    def start_broker(self) -> None:
        """Start a killed RabbitMQ; returns when it serves."""
        self._order("start_broker")

    def alarm_broker(self) -> None:
        """Raise RabbitMQ's memory alarm: it blocks whoever publishes until `calm_broker`."""
        self._order("alarm_broker")

    def calm_broker(self) -> None:
        """End the memory alarm."""
        self._order("calm_broker")

    def stop(self) -> None:
        """End servers of ours; on given ones, remove the databases and virtual hosts made here. May be called twice."""
        if self._control:
            if Path(self._control).exists():
                self._order("stop")
                wait_until(lambda: not Path(self._control).exists(), "the end of the servers", 60)
            return
        while self._databases:
            query(self._database, f'drop database if exists "{self._databases.pop()}" with (force)')
        while self._vhosts:
            broker_api(self.broker, "DELETE", f"vhosts/{self._vhosts.pop()}")

    def describe(self) -> str:
        """One line: what runs on what."""
        return self._way

    def environment(self) -> dict[str, str]:
        """The variables by which another process finds these servers."""
        user, password = self.admin
        management = self.management.replace("://", f"://{user}:{password}@")
        return dict(zip(GIVEN, (self.amqp_uri(), management, self._database.url()), strict=True))

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _order(self, order: str) -> None:
        if not self._control:
            raise ServerError(f"{order}: these servers were given by the environment; use TEST_SERVERS=local")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(180)
            connection.connect(self._control)
            connection.sendall(order.encode())
            answer = connection.recv(65536).decode()
        if answer != "done":
            raise ServerError(answer or f"{order}: the process that keeps the servers is gone")


def obtain(owner: int | None = None) -> Servers:
    """Servers of one's own, which end with `stop()` or with process `owner`, this one if none is given."""
    with tempfile.TemporaryDirectory(prefix="aftersale-state-") as folder:
        return _given() or _kept(Path(folder) / "servers.json", owner or os.getpid())


def shared_by_the_run() -> Servers:
    """The servers of this pytest run: the first worker to ask starts them, they end with the run itself."""
    given = _given()
    if given:
        return given
    state, owner = _run_state()
    with state.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _kept(state, owner)


def describe_run() -> str | None:
    """What this pytest run used, or `None` if it needed no server; for its last lines."""
    given = _given()
    if given:
        return given.describe()
    content = _read(_run_state()[0])
    return content.get("way") if content else None


def _run_state() -> tuple[Path, int]:
    """Where this pytest run keeps its state, and the process that owns it: under xdist the workers' parent."""
    owner = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    return Path(tempfile.gettempdir()) / f"aftersale-run-{os.getuid()}-{owner}-{birth(owner)}.json", owner


def _given() -> Servers | None:
    """Servers that the environment names, if it does."""
    way, values = _way(), {name: os.environ.get(name, "") for name in GIVEN}
    absent = [name for name, value in values.items() if not value]
    if way != "env" and (way or len(absent) == len(GIVEN)):
        return None
    if absent:
        raise ServerError(f"servers from the environment: {', '.join(absent)} not set")
    amqp, http, sql = (urlsplit(values[name]) for name in GIVEN)
    account = unquote(http.username or amqp.username or "guest"), unquote(http.password or amqp.password or "guest")
    broker = Broker(amqp.hostname or "localhost", amqp.port or 5672, http.port or 15672, *account)
    account = unquote(sql.username or "postgres"), unquote(sql.password or "")
    database = Database(sql.hostname or "localhost", sql.port or 5432, *account, sql.path.strip("/") or "postgres")
    wait_until(lambda: broker_answers(broker), "the RabbitMQ of TEST_RABBIT_MGMT", 30)
    return Servers(broker, database, f"given servers: {versions(broker, database)}")


def _way() -> str:
    way = os.environ.get("TEST_SERVERS", "")
    if way not in ("", "env", "containers", "local"):
        raise ServerError(f"TEST_SERVERS is {way!r}: take env, containers or local")
    return way


def _kept(state: Path, owner: int) -> Servers:
    """The servers of the keeper that `state` names, of a new one if there is none."""
    content = _read(state)
    if content is None:
        state.unlink(missing_ok=True)
        _start_keeper(state, owner)
        content = json.loads(state.read_text(encoding="utf-8"))
    if "error" in content:
        raise ServerError(content["error"])
    return Servers(Broker(**content["broker"]), Database(**content["database"]), content["way"], content["control"])


def _read(state: Path) -> dict | None:
    """What a living keeper wrote, or why the one of this run could not start."""
    if not state.exists():
        return None
    content = json.loads(state.read_text(encoding="utf-8"))
    return content if "error" in content or birth(content["pid"]) == content["born"] else None


def _start_keeper(state: Path, owner: int) -> None:
    command = [sys.executable, "-m", "tests.servers.keeper", _way(), str(state), str(owner)]
    # A session of its own: Ctrl-C and the end of a worker must not take it along, the end of the owner does.
    keeper = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True)

    def started() -> bool:
        if keeper.poll() is not None and not state.exists():
            raise ServerError(f"the process that keeps the servers ended with status {keeper.returncode}")
        return state.exists()

    wait_until(started, "the servers", START_SECONDS)
