"""How many claims a second a slice of the journey makes as nameko's examples write it, on the same servers."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from types import TracebackType

import orjson
import psycopg2

from bench.line import Line, keep_busy
from tests.servers import Servers
from tests.servers.processes import wait_until
from tests.servers.reach import broker_api
from tests.stack import ROOT, free_port

SERVICES = ("notifications", "refunds", "claims")  # the last one hears nobody
PATIENCE = 120.0  # seconds
CLAIM = {"line_no": 1, "reason": "damaged", "amount_cents": 1000, "currency": "EUR", "body": "The glass is broken."}


class Peer:
    """The three services of `nameko_slice.py`, as processes."""

    def __init__(self, servers: Servers) -> None:
        self._servers, self._vhost = servers, servers.vhost("peer")
        self._urls = {service: servers.database(f"peer_{service}") for service in SERVICES}
        self._port = free_port()
        self._processes: list[subprocess.Popen] = []

    def __enter__(self) -> Peer:
        broker = self._servers.amqp_uri(vhost=self._vhost)
        for service in SERVICES:
            port = self._port if service == "claims" else free_port()
            command = [sys.executable, "-W", "ignore", "-m", "bench.nameko_slice", service, str(port)]
            settings = {"DATABASE_URL": self._urls[service], "AMQP_URI": broker, "PYTHONPATH": str(ROOT)}
            self._processes.append(subprocess.Popen(command, cwd=ROOT, env=settings))
        wait_until(self._listens, "the peer")
        self._books = psycopg2.connect(self._urls["notifications"])
        self._books.autocommit = True
        self.per_second(1, in_flight=1, lines=1)
        return self

    def __exit__(self, _kind: type | None, _error: BaseException | None, _where: TracebackType | None) -> None:
        self._books.close()
        for process in self._processes:
            process.kill()
            process.wait()

    def per_second(self, claims: int, in_flight: int, lines: int) -> float:
        """Claims a second from the first request to the last notification; as `journeys.sustained` counts."""
        before, began = self._told(), time.monotonic()

        async def all_of_them() -> None:
            async with asyncio.timeout(PATIENCE):
                numbers = range(claims)
                await keep_busy(self._port, numbers, lines, in_flight, _open, lambda: self._told() - before)

        asyncio.run(all_of_them())
        return claims / (time.monotonic() - began)

    def _listens(self) -> bool:
        """Both listeners have their queues, since without one an event is lost, and claims are taken."""
        queues = broker_api(self._servers.broker, "GET", f"queues/{self._vhost}").json()
        socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        return len(queues) == len(SERVICES) - 1

    def _told(self) -> int:
        with self._books.cursor() as cursor:
            cursor.execute("select count(*) from notifications")
            return cursor.fetchone()[0]


async def _open(line: Line, number: int) -> None:
    body = orjson.dumps({"order_ref": f"order-{number}", **CLAIM})
    head = b"POST /claims HTTP/1.1\r\nHost: peer\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    reply = await line.ask(head % len(body) + body)
    if reply.status != 201:
        raise RuntimeError(f"the peer refused a claim: {reply.status} {reply.body[:300]!r}")
