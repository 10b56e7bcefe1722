"""What the gateway answers, as fast as it is answered, at several numbers of connections; claims first of all."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.books import Books
from bench.journeys import JourneyFailed, percentile
from bench.line import Line, Reply, at_pace, connect
from bench.shop import Shop


@dataclass(frozen=True)
class Accepted:
    """own_cpu: the share of one core that the load generator took."""

    per_second: float
    p50_ms: float
    p99_ms: float
    own_cpu: float


def copy_orders(books: Books, shop: Shop, model: str, count: int) -> None:
    """Orders that only the claim service knows, copied from a real one: enough to open claims on, cheap to make."""
    columns = [name for (name,) in books.ask("claim", COLUMNS)]
    chosen = ", ".join("%(tag)s || n" if name == "id" else name for name in columns)
    copies = "from order_case, generate_series(0, %(last)s) n where id = %(model)s"
    statement = f"insert into order_case select {chosen} {copies}"
    books.ask("claim", statement, {"tag": shop.order_id(0)[:-1], "last": count - 1, "model": model})


async def accepted(
    shop: Shop, first: Shop, port: int, numbers: itertools.count, connections: int, seconds: float
) -> Accepted:
    """Open claims on copies of the first order of `first`: its lines, its customer."""
    body = first.issue(0)
    return await answered(port, lambda n: shop.report_as(0, n, body), 201, numbers, connections, seconds)


async def accepted_at(
    shop: Shop, first: Shop, port: int, numbers: itertools.count, rate: int, seconds: float
) -> Accepted:
    """So many claims opened a second whatever happens: the next one never waits for the last."""
    times: list[float] = []
    body = first.issue(0)
    began, cpu = time.monotonic(), time.process_time()

    async def one(line: Line, number: int) -> None:
        request = shop.report_as(0, number, body)
        sent = time.perf_counter()
        _expect(await line.ask(request), 201, request)
        times.append(time.perf_counter() - sent)

    await at_pace(port, rate, itertools.islice(numbers, int(rate * seconds)), one)
    took = time.monotonic() - began
    own = (time.process_time() - cpu) / took
    return Accepted(len(times) / took, percentile(times, 0.5), percentile(times, 0.99), own)


async def answered(
    port: int, make: Callable[[int], bytes], good: int, numbers: itertools.count, connections: int, seconds: float
) -> Accepted:
    """Ask for `make` of one number after the other, on so many lines, each as soon as it was answered `good`."""
    times: list[float] = []
    until = time.monotonic() + seconds
    cpu = time.process_time()

    async def client(line: Line) -> None:
        while time.monotonic() < until:
            request = make(next(numbers))
            sent = time.perf_counter()
            _expect(await line.ask(request), good, request)
            times.append(time.perf_counter() - sent)

    lines = [await connect(port) for _ in range(connections)]
    began = time.monotonic()
    await asyncio.gather(*(client(line) for line in lines))
    took = time.monotonic() - began
    for line in lines:
        line.close()
    own = (time.process_time() - cpu) / took
    return Accepted(len(times) / took, percentile(times, 0.5), percentile(times, 0.99), own)


def _expect(reply: Reply, good: int, request: bytes) -> None:
    if reply.status != good:
        what = request.partition(b" HTTP")[0].decode()
        raise JourneyFailed(f"{what}: {reply.status} {reply.body[:300]!r}")


COLUMNS = """select column_name from information_schema.columns where table_name = 'order_case'
    order by ordinal_position"""
