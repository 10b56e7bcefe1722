"""The load: customers and sellers whose requests get through in the end, and a record of each that was not answered."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bench.chaos.scene import Scene
from bench.line import Caller, Reply
from bench.shop import Shop


@dataclass
class Record:
    """What the clients met. excused: unusable answers while the gateway or the service asked was being restarted."""

    requests: int = 0
    excused: int = 0
    unexcused: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    latencies: list[tuple[float, float]] = field(default_factory=list)  # when sent (monotonic), how long
    accepted: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


class Client(Caller):
    """One connection. Asks again under the same key until the answer is final; remembers why it had to."""

    def __init__(self, scene: Scene, record: Record, patience: float = 100.0) -> None:
        super().__init__(scene.stack.ports["gateway"], self._noticed, timeout=8)
        self._patience = patience  # seconds that it goes on asking for what it is too early for
        self._scene, self._record = scene, record
        self._owner, self._what, self._began = "", "", 0.0

    async def tell(
        self, owner: str, what: str, number: int, request: bytes, *good: int, again: tuple[str, ...] = ()
    ) -> Any:
        """The answer's JSON, None when it was never accepted. again: codes that mean `too early` to this client."""
        self._owner, self._what = owner, what
        self._record.requests += 1
        until, pause = time.monotonic() + self._patience, 0.3
        reply = await self.ask(request)
        while reply.status not in good and _code(reply) in again and time.monotonic() < until:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 5.0)
            reply = await self.ask(request)
        if reply.status in good:
            self._record.accepted[what].append(number)
            return reply.json()
        self._record.given_up.append(f"{what}: {reply.status} {reply.body[:200].decode(errors='replace')}")
        return None

    async def once(self, owner: str, what: str, number: int, request: bytes, *good: int) -> bool:
        """Ask a single time: whatever is not good counts as failed. Notes how long it took."""
        self._owner, self._what = owner, what
        self._record.requests += 1
        sent = time.monotonic()
        reply = await self._once(request)
        self._record.latencies.append((sent, time.monotonic() - sent))
        if reply is not None and reply.status in good:
            self._record.accepted[what].append(number)
            return True
        if reply is not None and reply.status < 500:
            self._record.unexcused.append(f"{what}: {reply.status} {reply.body[:200].decode(errors='replace')}")
        return False

    async def _once(self, request: bytes) -> Reply | None:
        self._began = time.monotonic()
        return await super()._once(request)

    def _noticed(self, trouble: str) -> None:
        if self._scene.havoc.was_away(("gateway", self._owner), self._began, time.monotonic()):
            self._record.excused += 1
        else:
            self._record.unexcused.append(f"{self._what}: {trouble}")


def _code(reply: Reply) -> str:
    return reply.json().get("code", "") if reply.status in (404, 409, 422) else ""


# too early to agree: the money has not gone out yet
BEFORE_REFUND = ("NOT_IN_THIS_STATE", "RESOLUTION_EXECUTING")


AT_ONCE = 250  # sales under way: more than one service may hold, so that its share in the gateway is put to the test


class Sales:
    """Orders from placing to the confirmed solution, so many a second, until told to stop."""

    def __init__(self, scene: Scene, shop: Shop, rate: float, patience: float) -> None:
        self.scene, self.shop, self.rate, self.patience = scene, shop, rate, patience
        self.record = Record()
        self.begun = self.finished = 0
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Begin no others; `run` ends when those in hand are finished."""
        self._stopping.set()

    async def run(self) -> None:
        running: set[asyncio.Task] = set()
        for number in itertools.count():
            await asyncio.sleep(1 / self.rate)
            while len(running) >= AT_ONCE:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            if self._stopping.is_set():
                break
            running.add(task := asyncio.create_task(self._sale(number)))
            task.add_done_callback(running.discard)
        if running:
            await asyncio.gather(*running)

    async def _sale(self, number: int) -> None:
        self.begun += 1
        shop, client = self.shop, Client(self.scene, self.record, self.patience)
        await asyncio.to_thread(self.scene.payment, shop.payment_ref(number))
        for what, request in (("place", shop.place), ("pay", shop.pay), ("ship", shop.ship)):
            if await client.tell("order", what, number, request(number), 200, 201) is None:
                return
        early = ("ORDER_NOT_SYNCED", "REASON_NOT_AVAILABLE")
        claim = await client.tell("claim", "report", number, shop.report(number), 201, again=early)
        if claim is None:
            return
        text = "Here is what the foot looks like."
        write = shop.write(number, claim["id"], text, f"{shop.tag}-{number}-write")
        await client.tell("messaging", "write", number, write, 201, again=("NOT_FOUND",))
        if await client.tell("claim", "refund", number, shop.refund(number, claim["id"]), 200) is None:
            return
        # paid back first: only then there is something to agree with
        confirm = shop.confirm(number, claim["id"])
        if await client.tell("claim", "confirm", number, confirm, 200, again=BEFORE_REFUND) is not None:
            self.finished += 1


Write = Callable[[Client, int], Awaitable[bool]]


async def steady(scene: Scene, record: Record, writes: tuple[Write, ...], rate: float, stop: asyncio.Event) -> None:
    """So many writes a second whatever happens: the next one never waits for the last."""
    free: list[Client] = []
    running: set[asyncio.Task] = set()
    began = time.monotonic()

    async def one(number: int) -> None:
        client = free.pop() if free else Client(scene, record)
        await writes[number % len(writes)](client, number // len(writes))
        free.append(client)

    for number in itertools.count():
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        if stop.is_set():
            break
        running.add(task := asyncio.create_task(one(number)))
        task.add_done_callback(running.discard)
    if running:
        await asyncio.gather(*running)
