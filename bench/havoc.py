"""Killing: processes at random every second or so, and the broker."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import requests

from tests.servers import Servers
from tests.stack import Stack

EVERY = 1.5  # seconds between two kills


class Havoc:
    """kill -9 of the suite's processes and of its broker; everything is started again at once."""

    def __init__(self, stack: Stack, servers: Servers) -> None:
        self.stack, self.servers = stack, servers
        self.kills: Counter[str] = Counter()
        self.broker_kills = 0

    async def processes(self, times: int, services: Sequence[str], every: float = EVERY) -> None:
        """Kill one of these at random, `times` times; never one that is not up again since its last death."""
        for _ in range(times):
            await asyncio.sleep(random.uniform(0.5, 1.5) * every)
            service = await self._somebody_alive(services)
            await asyncio.to_thread(self.stack.kill, service)
            self.kills[service] += 1
            await asyncio.to_thread(self.stack.start, service, wait=False)
        for service in services:
            await asyncio.to_thread(self.stack.wait_ready, service, 60)

    async def _somebody_alive(self, services: Sequence[str]) -> str:
        while True:
            service = random.choice(services)
            if await asyncio.to_thread(self._ready, service):
                return service
            await asyncio.sleep(0.05)

    def _ready(self, service: str) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.stack.url(service)}/readyz", timeout=2).ok
        return False

    async def broker(self, away: float) -> float:
        """Kill the broker, start it again after `away` seconds; answers when its port opened (monotonic)."""
        self.broker_kills += 1
        await asyncio.to_thread(self.servers.kill_broker)
        await asyncio.sleep(away)
        starting = asyncio.create_task(asyncio.to_thread(self.servers.start_broker))
        address = (self.servers.broker.host, self.servers.broker.amqp_port)
        while not await asyncio.to_thread(_answers, address):
            await asyncio.sleep(0.05)
        opened = time.monotonic()
        await starting
        return opened


def _answers(address: tuple[str, int]) -> bool:
    with suppress(OSError), socket.create_connection(address, timeout=1):
        return True
    return False
