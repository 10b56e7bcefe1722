"""`make bench`: rates and latencies of the suite beside the limits of this machine's database and broker.

`python -m bench.run [--quick]` starts its own servers and the suite as processes, interleaves limits and rates so that
both see the same machine, prints a table with ratios and writes it to `bench/results/`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import sys
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench import documents, imports, journeys, pages, refunds
from bench.books import Books
from bench.commands import accepted, accepted_at, copy_orders
from bench.limits import Limits
from bench.peer import Peer
from bench.processes import cpu_seconds, machine, memory
from bench.report import write
from bench.seeding import seed
from bench.shop import Shop
from tests.servers import Servers, obtain
from tests.stack import Stack

CONNECTIONS = (1, 16, 64)
# Of the sustained run: nearly as many callers as the gateway gives one service (ADR 0012), and what waits behind them.
LINES, IN_FLIGHT = 96, 600
PEER_LINES = 32  # nameko's workers are 10: more wait, and are answered no faster
RATES = (50, 100)
PACE = 100  # claims a second, with nothing else to do but what they cause
UNLIMITED = {"RATE_PER_MINUTE": "0", "RATE_PER_MINUTE_ADDRESS": "0", "RATE_PER_MINUTE_TENANT": "0"}


@dataclass(frozen=True)
class Size:
    """seconds: of each rate. journeys: of the sustained run. steady: journeys at each fixed rate, in seconds.

    imports: orders of the imported file.
    """

    seconds: float = 8
    rounds: int = 3
    journeys: int = 6000
    steady: int = 15
    pages: tuple[int, int] = (10_000, 1_000_000)
    imports: int = 100_000


QUICK = Size(seconds=2, rounds=1, journeys=600, steady=4, pages=(10_000, 100_000), imports=2_000)


class Run:
    """One run on one set of servers; `figures` is what it found."""

    def __init__(self, servers: Servers, size: Size) -> None:
        self.size, self.servers = size, servers
        self.figures: dict[str, Any] = {"machine": machine(), "servers": servers.describe(), "size": asdict(size)}
        self.stack = Stack(servers, "bench", LOG_LEVEL="WARNING", INSTANT_PROVIDER="true", **UNLIMITED)

    def measure(self) -> dict[str, Any]:
        with self.stack:
            self.books = Books(self.stack)
            journeys.watch(self.books)
            self.figures["memory_idle"] = memory(self.stack)
            self._seed_first()
            self._limits_and_commands()
            for rate in RATES:
                self.figures[f"journeys_at_{rate}"] = self._steady(rate)
            before = self._peer()
            self.figures["journeys"] = self._sustained()
            self.figures["peer"] = (before + self._peer()) / 2
            self.figures["refunds"] = refunds.rates(self.stack, self.books, self.size.seconds)
            self.figures["memory"] = memory(self.stack)
            self.figures["pages"] = self._pages()
            self.figures["documents"] = documents.pdfs_per_second(self.size.seconds)
            self.books.close()
        self.figures["imports"] = imports.rates(self.servers, self.size.imports)
        return self.figures

    @property
    def port(self) -> int:
        return self.stack.ports["gateway"]

    def _seed_first(self) -> None:
        """A few whole journeys: they warm every process up, and are the model of what the limits write."""
        self.first = Shop(self.stack, "first")
        seed(self.stack, self.first, self.books, range(100))
        asyncio.run(journeys.sustained(self.first, self.books, self.port, range(100), lines=4))
        self.books.settle(60)

    def _limits_and_commands(self) -> None:
        size = self.size
        limits = Limits(self.servers, self.books, self.stack.databases["claim"])
        shop, numbers = Shop(self.stack, "cmd"), itertools.count()
        copy_orders(self.books, shop, self.first.order_id(0), 400_000 if size.rounds > 1 else 40_000)
        found: dict[str, list[Any]] = {}
        for _ in range(size.rounds):
            for clients in (1, 16):
                found.setdefault(f"pgbench_{clients}", []).append(limits.commits(clients, size.seconds))
            found.setdefault("publishes", []).append(limits.publishes(size.seconds / 2))
            for connections in CONNECTIONS:
                work = accepted(shop, self.first, self.port, numbers, connections, size.seconds)
                found.setdefault(f"commands_{connections}", []).append(asdict(asyncio.run(work)))
                self.books.settle(300)
        paced = accepted_at(shop, self.first, self.port, numbers, PACE, size.steady)
        self.figures["paced"] = asdict(asyncio.run(paced))
        self.books.settle(300)
        self.figures["limits"] = {name: _median(values) for name, values in found.items() if name[0] == "p"}
        self.figures["commands"] = {name: _middle(values) for name, values in found.items() if name[0] == "c"}

    def _steady(self, rate: int) -> dict[str, float]:
        shop = Shop(self.stack, f"rate{rate}")
        numbers = range(rate * self.size.steady)
        seed(self.stack, shop, self.books, numbers)
        return dict(journeys.summary(asyncio.run(journeys.at_rate(shop, self.books, self.port, numbers, rate))))

    def _sustained(self) -> dict[str, Any]:
        shop, numbers = Shop(self.stack, "many"), range(self.size.journeys)
        seed(self.stack, shop, self.books, numbers)
        before, own, events = cpu_seconds(self.stack), time.process_time(), self.books.committed()
        timings = asyncio.run(journeys.sustained(shop, self.books, self.port, numbers, IN_FLIGHT, LINES))
        spent = {service: used - before[service] for service, used in cpu_seconds(self.stack).items()}
        spent["load generator"] = time.process_time() - own
        self.books.settle(120)
        return {
            **dict(journeys.summary(timings)),
            "events_per_journey": round((self.books.committed() - events) / len(numbers), 1),
            "cpu_us_per_journey": {name: round(1e6 * used / len(numbers)) for name, used in spent.items()},
        }

    def _peer(self) -> float:
        """Before our own journeys and after, and not running beside them: its timers poll all the time."""
        with Peer(self.servers) as peer:
            return peer.per_second(self.size.journeys // 6, IN_FLIGHT, PEER_LINES)

    def _pages(self) -> dict[str, dict[str, float]]:
        found = {}
        for count in self.size.pages:
            pages.fill(self.books, count, Shop(self.stack, "cmd").order_id(0)[:-1])
            found[str(count)] = asyncio.run(pages.latencies(self.first, self.port, 0, 200))
        return found


def _median(values: list[float]) -> float:
    return round(sorted(values)[len(values) // 2], 1)


def _middle(values: list[dict[str, float]]) -> dict[str, float]:
    """The round with the median rate."""
    chosen = sorted(values, key=lambda each: each["per_second"])[len(values) // 2]
    return {name: round(value, 2) for name, value in chosen.items()}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="about a minute; 100 thousand claims instead of a million")
    parser.add_argument("--journeys", type=int, help="how many the sustained run makes")
    arguments = parser.parse_args()
    size = QUICK if arguments.quick else Size()
    if arguments.journeys:
        size = replace(size, journeys=arguments.journeys)
    # the limits need pgbench and pg_dump of the server's own version, which a container does not bring along
    os.environ.setdefault("TEST_SERVERS", "local")
    with obtain() as servers:
        figures = Run(servers, size).measure()
    write(figures, quick=arguments.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
