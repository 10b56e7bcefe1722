"""How many claims a second a slice of the journey makes as nameko's examples write it, on the same servers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from types import TracebackType

import orjson
import psycopg2

from bench.line import Line, LineLost, connect
from tests.servers import Servers
from tests.stack import ROOT, free_port

SERVICES = ("notifications", "refunds", "claims")  # who listens starts first
PATIENCE = 120.0  # seconds
CLAIM = {"line_no": 1, "reason": "damaged", "amount_cents": 1000, "currency": "EUR", "body": "The glass is broken."}


class Peer:
    """The three services of `nameko_slice.py`, as processes."""

    def __init__(self, servers: Servers) -> None:
        self._urls = {service: servers.database(f"peer_{service}") for service in SERVICES}
        self._broker = servers.amqp_uri(vhost=servers.vhost("peer"))
        self._port = free_port()
        self._processes: list[subprocess.Popen] = []

    def __enter__(self) -> Peer:
        for service in SERVICES:
            port = self._port if service == "claims" else free_port()
            command = [sys.executable, "-W", "ignore", "-m", "bench.nameko_slice", service, str(port)]
            settings = {"DATABASE_URL": self._urls[service], "AMQP_URI": self._broker, "PYTHONPATH": str(ROOT)}
            self._processes.append(subprocess.Popen(command, cwd=ROOT, env=settings))
        self._books = psycopg2.connect(self._urls["notifications"])
        self._books.autocommit = True
        asyncio.run(self._ready())
        return self

    def __exit__(self, _kind: type | None, _error: BaseException | None, _where: TracebackType | None) -> None:
        self._books.close()
        for process in self._processes:
            process.kill()
            process.wait()

    def per_second(self, claims: int, in_flight: int, lines: int) -> float:
        """Claims a second from the first request to the last notification; as `journeys.sustained` counts."""
        began = time.monotonic()
        asyncio.run(self._made(claims, lines, in_flight))
        return claims / (time.monotonic() - began)

    async def _ready(self) -> None:
        """Until a claim went through: those opened before its listeners had queues are lost, as nameko loses them."""
        line, until = await _patiently(self._port), time.monotonic() + PATIENCE
        while not self._told():
            if time.monotonic() > until:
                raise RuntimeError("the peer tells nobody of a claim")
            await line.ask(_request(0))
            await asyncio.sleep(0.5)
        line.close()
        await asyncio.sleep(1)

    async def _made(self, claims: int, lines: int, in_flight: int) -> None:
        room, numbers, before, told = asyncio.Semaphore(in_flight), iter(range(claims)), self._told(), 0

        async def work(line: Line) -> None:
            for number in numbers:
                await room.acquire()
                reply = await line.ask(_request(number))
                if reply.status != 201:
                    raise RuntimeError(f"the peer refused a claim: {reply.status} {reply.body[:300]!r}")

        async def make_room() -> None:
            nonlocal told
            while told < claims:
                now = await asyncio.to_thread(self._told) - before
                for _ in range(now - told):
                    room.release()
                told = now
                await asyncio.sleep(0.05)

        connected = [await connect(self._port) for _ in range(lines)]
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(make_room(), *(work(line) for line in connected))
        for line in connected:
            line.close()

    def _told(self) -> int:
        with self._books.cursor() as cursor:
            cursor.execute("select to_regclass('notifications') is not null")
            if not cursor.fetchone()[0]:
                return 0
            cursor.execute("select count(*) from notifications")
            return cursor.fetchone()[0]


async def _patiently(port: int) -> Line:
    """A line to a process that is still starting."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return await connect(port)
        except LineLost:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)


def _request(number: int) -> bytes:
    body = orjson.dumps({"order_ref": f"order-{number}", **CLAIM})
    head = f"POST /claims HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body
