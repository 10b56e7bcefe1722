"""Whole journeys: a customer reports an issue, the seller refunds, the customer is told that the money is on its way.

A journey ends when the notification of the refund is committed: a deferred trigger in the notification database notes
the clock at that moment, which costs a few µs for one row per journey.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bench.books import Books
from bench.line import Line, at_pace, keep_busy
from bench.shop import Shop

TOLD = """
create table if not exists bench_told (order_id text primary key, at double precision not null);
create or replace function bench_note() returns trigger language plpgsql as $$
begin
    insert into bench_told values (new.order_id, extract(epoch from clock_timestamp())) on conflict do nothing;
    return null;
end $$;
drop trigger if exists bench_note on notification;
create constraint trigger bench_note after insert on notification deferrable initially deferred for each row
    when (new.template = 'refund_succeeded' and new.kind = 'customer') execute function bench_note();
"""


class JourneyFailed(RuntimeError):
    """A request of a journey was not accepted."""


@dataclass
class Timings:
    """Seconds. accepted: of the POST that opens the claim. whole: from its answer to the notification's commit."""

    accepted: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    per_second: float = 0.0
    turned_away: int = 0  # told to come back later, because too many were waiting already


def watch(books: Books) -> None:
    """Note from now on when customers are told of refunds."""
    books.ask("notification", TOLD)


def told(books: Books, tag: str) -> int:
    return books.one("notification", "select count(*) from bench_told where order_id like %s", (f"ord_{tag}_%",))


async def sustained(
    shop: Shop, books: Books, port: int, numbers: range, in_flight: int = 300, lines: int = 16
) -> Timings:
    """As many journeys a second as come out at the end: no more than `in_flight` are under way at any time."""
    started, timings, opened = time.monotonic(), Timings(), {}

    async def one(line: Line, number: int) -> None:
        await _journey(line, shop, number, timings, opened)

    await keep_busy(port, numbers, lines, in_flight, one, lambda: told(books, shop.tag))
    timings.per_second = len(numbers) / (time.monotonic() - started)
    _finish(timings, books, shop, opened)
    return timings


async def at_rate(shop: Shop, books: Books, port: int, numbers: Iterable[int], rate: float) -> Timings:
    """So many journeys a second whatever happens, the next one never waits for the last."""
    timings, opened = Timings(), {}
    began = time.monotonic()

    async def one(line: Line, number: int) -> None:
        try:
            await _journey(line, shop, number, timings, opened)
        except JourneyFailed:
            timings.turned_away += 1

    numbers = list(numbers)
    await at_pace(port, rate, numbers, one)
    timings.per_second = len(numbers) / (time.monotonic() - began)
    deadline = time.monotonic() + 60
    whole = len(numbers) - timings.turned_away
    while await asyncio.to_thread(told, books, shop.tag) < whole and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    _finish(timings, books, shop, opened)
    return timings


async def _journey(line: Line, shop: Shop, number: int, timings: Timings, opened: dict[str, float]) -> None:
    sent = time.perf_counter()
    reply = await line.ask(shop.report(number))
    timings.accepted.append(time.perf_counter() - sent)
    opened[shop.order_id(number)] = time.time()
    if reply.status != 201:
        raise JourneyFailed(f"opening a claim: {reply.status} {reply.body[:300]!r}")
    reply = await line.ask(shop.refund(number, reply.json()["id"]))
    if reply.status != 200:
        raise JourneyFailed(f"choosing the refund: {reply.status} {reply.body[:300]!r}")


def _finish(timings: Timings, books: Books, shop: Shop, opened: dict[str, float]) -> None:
    rows = books.ask(
        "notification", "select order_id, at from bench_told where order_id like %s", (f"ord_{shop.tag}_%",)
    )
    timings.whole = [at - opened[order_id] for order_id, at in rows if order_id in opened]


def percentile(values: list[float], share: float) -> float:
    """In milliseconds."""
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def summary(timings: Timings) -> Iterator[tuple[str, float]]:
    yield "per_second", round(timings.per_second, 1)
    yield "turned_away", timings.turned_away
    for name, values in (("accepted", timings.accepted), ("whole", timings.whole)):
        for share in (0.5, 0.99):
            yield f"{name}_p{share * 100:.0f}_ms", round(percentile(values, share), 1)
