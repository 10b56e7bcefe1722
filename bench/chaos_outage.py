"""R04, R05: the broker dies while customers go on; nobody notices, and the backlog is gone soon after its return."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bench.havoc import Havoc
from bench.journeys import percentile
from bench.line import Line, LineLost, connect
from bench.scene import Scene
from bench.seeding import seed
from bench.shop import Shop

RATE = 40  # claims opened per second
FIRST_WITHIN, EMPTY_WITHIN, SLOWER = 5.0, 30.0, 1.2
NOISE_MS = 10.0  # two cores share the work with a broker that starts: less than this is no difference


class Openers:
    """Claims opened at a steady rate, one attempt each: what fails, failed."""

    def __init__(self, shop: Shop, port: int) -> None:
        self._shop, self._port = shop, port
        self.seconds: list[tuple[float, float]] = []  # when it was sent, how long it took
        self.failed: list[str] = []
        self._free: list[Line] = []

    async def run(self, count: int) -> None:
        began, running = time.monotonic(), set()
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
            running.add(task := asyncio.create_task(self._one(number)))
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)

    async def _one(self, number: int) -> None:
        sent = time.monotonic()
        try:
            line = self._free.pop() if self._free else await connect(self._port)
            reply = await line.ask(self._shop.report(number))
        except LineLost as lost:
            self.failed.append(f"connection: {lost}")
            return
        self.seconds.append((sent, time.monotonic() - sent))
        self._free.append(line)
        if reply.status != 201:
            self.failed.append(f"{reply.status} {reply.body[:200].decode()}")

    def p99(self, since: float, until: float) -> float:
        return percentile([took for sent, took in self.seconds if since <= sent < until], 0.99)


async def outage(scene: Scene, size: Any) -> dict[str, dict[str, Any]]:
    await asyncio.to_thread(scene.restart, FAULTS="")
    shop, havoc = Shop(scene.stack, "outage"), Havoc(scene.stack, scene.servers)
    before, after = 6.0, 8.0
    count = int(RATE * (before + size.outage + 10 + after))
    await asyncio.to_thread(seed, scene.stack, shop, scene.books, range(count))
    openers = Openers(shop, scene.gateway)
    running = asyncio.create_task(openers.run(count))
    began = time.monotonic()
    await asyncio.sleep(before)
    gone = time.monotonic()
    opened = await havoc.broker(away=size.outage)
    heard = await asyncio.to_thread(_heard, scene)
    while await asyncio.to_thread(_heard, scene) <= heard and time.monotonic() - opened < 60:
        await asyncio.sleep(0.05)
    first = time.monotonic() - opened
    while sum((await asyncio.to_thread(_backlog, scene)).values()) > RATE * 4 and time.monotonic() - opened < 120:
        await asyncio.sleep(0.1)
    empty = time.monotonic() - opened
    await running
    await asyncio.to_thread(scene.settle, 120)
    calm, rough = openers.p99(began, gone), openers.p99(gone, opened)
    return {
        "R04": {
            "port_closed_seconds": round(opened - gone, 1),
            "first_handled_after": round(first, 1),
            "backlog_empty_after": round(empty, 1),
            "goals": {"first_late": first > FIRST_WITHIN, "backlog_late": empty > EMPTY_WITHIN},
        },
        "R05": {
            "requests": count,
            "p99_before_ms": round(calm, 1),
            "p99_during_ms": round(rough, 1),
            "goals": {"failed_requests": len(openers.failed), "slower": rough > max(SLOWER * calm, calm + NOISE_MS)},
            "failures": openers.failed[:5],
        },
    }


def _heard(scene: Scene) -> int:
    return scene.books.one("messaging", "select coalesce(sum(seq), 0) from inbox_position where stream = 'claim'")


def _backlog(scene: Scene) -> dict[str, int]:
    """Events that have not left or were not heard; four steps of the journey are always under way."""
    return {kind: count for kind, count in scene.books.waiting().items() if kind in ("unsent", "unheard")}
