"""A cheap HTTP/1.1 client for load: kept-alive connections, requests prepared as bytes, a parser of a few lines.

The load generator shares two cores with everything it measures, so each request should cost it about 50 µs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import NamedTuple

import orjson


class Reply(NamedTuple):
    status: int
    body: bytes

    def json(self) -> dict:
        return orjson.loads(self.body)


class LineLost(OSError):
    """The server hung up, or was never there."""


class Line(asyncio.Protocol):
    """One connection with one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._waiting: asyncio.Future[Reply] | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def open(self) -> bool:
        return self._transport is not None

    async def ask(self, request: bytes) -> Reply:
        """The reply; LineLost when there is none."""
        if self._transport is None:
            raise LineLost("closed")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(LineLost(str(error or "hung up")))

    def data_received(self, data: bytes) -> None:
        self._received += data
        reply = self._whole_reply()
        if reply is not None and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(reply)

    def _whole_reply(self) -> Reply | None:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self._received[:end]).lower()
        at = head.find(b"content-length:")
        stop = head.find(b"\r", at)
        length = int(head[at + 15 : stop if stop > 0 else None]) if at >= 0 else 0
        if len(self._received) < end + 4 + length:
            return None
        reply = Reply(int(head[9:12]), bytes(self._received[end + 4 : end + 4 + length]))
        self._received.clear()
        if b"connection: close" in head:
            self.close()
            self._transport = None
        return reply


async def connect(port: int) -> Line:
    """A line to this machine; LineLost when nobody listens."""
    try:
        _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", port)
    except OSError as refused:
        raise LineLost(str(refused)) from None
    return line


async def at_pace(
    port: int, rate: float, numbers: Iterable[int], work: Callable[[Line, int], Coroutine[None, None, None]]
) -> None:
    """So many works a second whatever happens, each on a line of its own: the next one never waits for the last."""
    free: list[Line] = []
    began = time.monotonic()

    async def one(number: int) -> None:
        line = free.pop() if free else await connect(port)
        await work(line, number)
        free.append(line)

    async with asyncio.TaskGroup() as running:
        for index, number in enumerate(numbers):
            await asyncio.sleep(max(0.0, began + index / rate - time.monotonic()))
            running.create_task(one(number))
    for line in free:
        line.close()


async def keep_busy(
    port: int,
    numbers: range,
    lines: int,
    most: int,
    work: Callable[[Line, int], Coroutine[None, None, None]],
    over: Callable[[], int],
) -> None:
    """All these works on so many lines, each as soon as there is room: `most` at a time are begun and not yet over.

    over: how many are, asked again and again in a thread of its own. Returns when all are.
    """
    room, waiting, done = asyncio.Semaphore(most), iter(numbers), 0

    async def one_after_the_other(line: Line) -> None:
        for number in waiting:
            await room.acquire()
            await work(line, number)

    async def make_room() -> None:
        nonlocal done
        while done < len(numbers):
            now = await asyncio.to_thread(over)
            for _ in range(now - done):
                room.release()
            done = now
            await asyncio.sleep(0.05)

    connected = [await connect(port) for _ in range(lines)]
    await asyncio.gather(make_room(), *(one_after_the_other(line) for line in connected))
    for line in connected:
        line.close()


class Caller:
    """A client as a careful integrator writes it: when no usable answer came it asks again, under the same key.

    on_trouble: told what each unusable answer was (`connection`, or the status with the problem's code).
    """

    PATIENCE = 120.0  # seconds until a request counts as failed

    def __init__(self, port: int, on_trouble: Callable[[str], None] = lambda what: None, timeout: float = 15.0) -> None:
        self.port, self._on_trouble, self._timeout = port, on_trouble, timeout
        self._line: Line | None = None

    async def ask(self, request: bytes) -> Reply:
        """The first answer that is final: below 500, and no `not yet`. The last one when patience ends."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + self.PATIENCE, 0.05
        while True:
            reply = await self._once(request)
            if reply is not None and not _not_yet(reply):
                return reply
            if loop.time() > until:
                return reply or Reply(0, b"{}")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 1.0)

    async def _once(self, request: bytes) -> Reply | None:
        try:
            if self._line is None or not self._line.open:
                self._line = await connect(self.port)
            reply = await asyncio.wait_for(self._line.ask(request), self._timeout)
        except (LineLost, TimeoutError) as lost:
            if self._line is not None:
                self._line.close()
                self._line = None
            self._on_trouble("connection" if isinstance(lost, LineLost) else "timeout")
            return None
        if reply.status >= 500:
            self._on_trouble(f"{reply.status} {reply.json().get('code')}")
        return reply


def _not_yet(reply: Reply) -> bool:
    """Asked too early, not wrongly: the owner is away, or has not heard of the order yet."""
    if reply.status >= 500 or reply.status == 429:
        return True
    return reply.status == 409 and reply.json().get("code") in ("ORDER_NOT_SYNCED", "IDEMPOTENCY_IN_PROGRESS", "BUSY")
