"""R04, R05: the broker dies while customers go on: they notice nothing, and soon after its return nothing waits."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from bench.chaos.customers import Client, Record, steady
from bench.chaos.havoc import BROKER_AWAY
from bench.chaos.plan import Plan
from bench.chaos.report import Case, say
from bench.chaos.scene import Scene
from bench.journeys import percentile
from bench.seeding import seed
from bench.shop import Shop

PART = 100  # minor units of each refund
AFTER = 3.0  # seconds of writes once the backlog is gone
GIVE_UP = 120.0
FIRST_WITHIN, EMPTY_WITHIN = 5, 30  # seconds, R04
WRITES = 5  # kinds of writes
SLOWEST = 45  # seconds until the backlog is gone; orders are made ready for so long


class Outage:
    """Five kinds of writes, each to another service or step, that go on while the broker is away."""

    def __init__(self, scene: Scene, plan: Plan) -> None:
        self.scene, self.plan = scene, plan
        # orders placed in the run, and others that were shipped before it: what they need is known everywhere
        self.fresh, self.ready = Shop(scene.stack, "new"), Shop(scene.stack, "old")
        self.record = Record()
        self.claims: list[str] = []
        self.placed: deque[int] = deque()  # orders that wait for their payment
        self.backlog = 0
        self.prepared = int(plan.writes / WRITES * (plan.calm + SLOWEST))

    async def run(self) -> Case:
        plan, scene = self.plan, self.scene
        await self._prepare()
        say(f"{plan.writes:g} writes a second, {plan.calm:g} s with the broker, then without")
        stop = asyncio.Event()
        writes = (self._place, self._pay, self._report, self._write, self._refund)
        load = asyncio.create_task(steady(scene, self.record, writes, plan.writes, stop))
        began = time.monotonic()
        usual = await self._watch(plan.calm)
        gone = time.monotonic()
        await asyncio.to_thread(scene.havoc.kill_broker)
        await asyncio.sleep(BROKER_AWAY)
        starts = time.monotonic()
        opening = asyncio.create_task(asyncio.to_thread(scene.havoc.start_broker))
        before = await asyncio.to_thread(self._handled)
        opened = await opening
        first, empty = await self._recovery(opened, before, usual)
        await asyncio.sleep(AFTER)
        stop.set()
        await load
        left = await asyncio.to_thread(scene.rest, plan.settle)
        p99 = {
            "p99_before_ms": self._p99(began, gone),
            "p99_away_ms": self._p99(gone, starts),
            "p99_starting_ms": self._p99(starts, opened),
            "p99_after_ms": self._p99(opened, time.monotonic()),
        }
        return self._case(p99, round(opened - gone, 1), first, empty, left)

    def _case(self, p99: dict[str, float], closed: float, first: float, empty: float, left: dict[str, int]) -> Case:
        failed = self.record.unexcused + self.record.given_up
        figures = p99 | {
            "requests": self.record.requests,
            "failed_requests": len(failed) + self.record.excused,
            "port_closed_seconds": closed,
            "seconds_to_first_event": first,
            "seconds_to_empty_backlog": empty,
            "backlog": self.backlog,
            "p99_away_to_before": round(p99["p99_away_ms"] / max(p99["p99_before_ms"], 0.1), 2),
            "left_waiting": sum(left.values()),
            "failures": failed[:5],
        }
        most = {
            "failed_requests": 0,
            "left_waiting": 0,
            "seconds_to_first_event": FIRST_WITHIN,
            "seconds_to_empty_backlog": EMPTY_WITHIN,
        }
        return Case("broker killed under steady writes", ("R04", "R05"), figures, most, {"backlog": 1})

    def _p99(self, since: float, until: float) -> float:
        """Milliseconds; 0 when nothing was asked in that time."""
        took = [seconds for sent, seconds in self.record.latencies if since <= sent < until]
        return round(percentile(took, 0.99), 1) if took else 0.0

    async def _prepare(self) -> None:
        """Orders that were shipped, and on some of them a claim to write on."""
        count = self.prepared
        say(f"making {2 * count} orders ready")
        for number in range(count):
            self.scene.payment(self.ready.payment_ref(2 * number + 1))
        await asyncio.to_thread(seed, self.scene.stack, self.ready, self.scene.books, range(2 * count))
        client = Client(self.scene, Record())
        for number in range(2 * count, 2 * count + 10):
            await self._claim(client, number)
        await asyncio.to_thread(self.scene.books.settle, 60)

    async def _claim(self, client: Client, number: int) -> None:
        await asyncio.to_thread(seed, self.scene.stack, self.ready, self.scene.books, [number])
        claim = await client.tell("claim", "report", number, self.ready.report(number), 201)
        self.claims.append(claim["id"])

    # the writes; the order with an even number gets a claim, the next one a refund

    async def _place(self, client: Client, turn: int) -> bool:
        placed = await client.once("order", "place", turn, self.fresh.place(turn), 201)
        if placed:
            self.placed.append(turn)
        return placed

    async def _pay(self, client: Client, turn: int) -> bool:
        """The order that was placed longest ago."""
        if not self.placed:
            return True
        number = self.placed.popleft()
        return await client.once("order", "pay", number, self.fresh.pay(number), 200, 201)

    async def _report(self, client: Client, turn: int) -> bool:
        if turn >= self.prepared:
            return await self._write(client, turn, "late")
        return await client.once("claim", "report", turn, self.ready.report(2 * turn), 201)

    async def _refund(self, client: Client, turn: int) -> bool:
        if turn >= self.prepared:
            return await self._write(client, turn, "later")
        return await client.once("refund", "refund", turn, self.ready.part_refund(2 * turn + 1, PART, 0), 201)

    async def _write(self, client: Client, turn: int, name: str = "note") -> bool:
        """Where a broker is away for long, this takes the place of the writes whose orders are used up."""
        which = turn % len(self.claims)
        number = 2 * self.prepared + which
        request = self.ready.write(number, self.claims[which], f"Message {turn}", f"old-{turn}-{name}")
        return await client.once("messaging", "write", turn, request, 201)

    # the backlog

    async def _watch(self, seconds: float) -> int:
        """How much waits at most while all is well."""
        until, most = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            most = max(most, await asyncio.to_thread(self._waiting))
            await asyncio.sleep(0.25)
        return most

    async def _recovery(self, opened: float, before: int, usual: int) -> tuple[float, float]:
        """Seconds from the open port to the first event handled, and to a backlog as small as before."""
        first = 0.0
        while time.monotonic() - opened < GIVE_UP:
            if not first and await asyncio.to_thread(self._handled) > before:
                first = time.monotonic() - opened
            waiting = await asyncio.to_thread(self._waiting)
            self.backlog = max(self.backlog, waiting)
            if first and waiting <= usual:
                return round(first, 1), round(time.monotonic() - opened, 1)
            await asyncio.sleep(0.05)
        return round(first or GIVE_UP, 1), GIVE_UP

    def _handled(self) -> int:
        books = self.scene.books
        return sum(int(books.one(s, "select coalesce(sum(seq), 0) from inbox_position")) for s in books.services)

    def _waiting(self) -> int:
        waiting = self.scene.books.waiting()
        return waiting.get("unsent", 0) + waiting.get("unheard", 0)
