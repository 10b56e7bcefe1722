"""The load of the chaos driver: customers and sellers whose requests always get through in the end."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable

from bench.line import Caller, Reply
from bench.shop import Shop


class Load:
    """Orders that are placed, paid, shipped, complained about and refunded, several at a time, until told to stop.

    trouble: what kept requests from being answered at once. failed: requests that never got a final good answer.
    """

    def __init__(self, shop: Shop, port: int, open_payment: Callable[[int], None], clients: int = 12) -> None:
        self.shop, self.port, self.clients = shop, port, clients
        self.trouble: Counter[str] = Counter()
        self.failed: list[str] = []
        self.claims: dict[int, str] = {}
        self.requests = 0
        self._open_payment = open_payment
        self._numbers = itertools.count()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Finish the orders in hand, begin no others."""
        self._stopping.set()

    async def run(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(self.clients)))

    async def _client(self) -> None:
        caller = Caller(self.port, lambda what: self.trouble.update((what,)))
        while not self._stopping.is_set():
            await self._order(caller, next(self._numbers))

    async def _order(self, caller: Caller, number: int) -> None:
        shop = self.shop
        await asyncio.to_thread(self._open_payment, number)
        for step in (shop.place, shop.pay, shop.ship):
            if not await self._asked(caller, step(number), (200, 201)):
                return
        opened = await self._asked(caller, shop.report(number), (201,), too_early=_no_order_yet)
        if opened is None:
            return
        claim_id = self.claims[number] = opened.json()["id"]
        text = "Here is what the foot looks like."
        await self._asked(caller, shop.write(number, claim_id, text, "write"), (201,), too_early=_no_thread_yet)
        await self._asked(caller, shop.refund(number, claim_id), (200,))

    async def _asked(
        self,
        caller: Caller,
        request: bytes,
        good: tuple[int, ...],
        too_early: Callable[[Reply], bool] = lambda reply: False,
    ) -> Reply | None:
        self.requests += 1
        reply = await caller.ask(request)
        for _ in range(600):
            if not too_early(reply):
                break
            await asyncio.sleep(0.1)
            reply = await caller.ask(request)
        if reply.status in good:
            return reply
        self.failed.append(f"{request.split(b' HTTP', 1)[0].decode()}: {reply.status} {reply.body[:200].decode()}")
        return None


def _no_order_yet(reply: Reply) -> bool:
    """The claim service has heard of the order, but not yet that it was shipped."""
    return reply.status in (409, 422) and reply.json().get("code") in ("ORDER_NOT_SYNCED", "REASON_NOT_AVAILABLE")


def _no_thread_yet(reply: Reply) -> bool:
    return reply.status == 404
