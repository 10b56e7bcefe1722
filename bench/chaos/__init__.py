"""`make chaos`: load through the API while everything is killed, then a count of what it did to the books.

`python -m bench.chaos [--short] [--seconds N]` prints one JSON line per case of spec/faults.md and a summary, and
ends with 1 when a goal is missed. It needs servers of its own (`TEST_SERVERS=local` or `containers`): it kills them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from bench.accounts import Account, Money, account, money
from bench.chaos_money import crowded_refunds, killed_refunds
from bench.chaos_outage import outage
from bench.customers import Load
from bench.havoc import Havoc
from bench.scene import Scene
from bench.shop import Shop
from tests.servers import obtain
from tests.stack import ALL

FAULTS = "rollback:0.05,handler:0.02"
SETTLE_WITHIN = 300  # seconds: three retries of an event take 155


@dataclass(frozen=True)
class Size:
    """How much of everything. seconds: after which the load ends even when it has not made `events` yet."""

    events: int
    kills: int
    broker_kills: int
    refund_kills: int
    refunds: int
    rounds: int
    outage: float
    seconds: float


LONG = Size(events=20_000, kills=60, broker_kills=2, refund_kills=50, refunds=600, rounds=30, outage=8, seconds=1800)
SHORT = Size(events=1_000, kills=8, broker_kills=1, refund_kills=6, refunds=40, rounds=3, outage=4, seconds=45)


async def everything_killed(scene: Scene, size: Size) -> dict[str, dict[str, Any]]:
    """R01, R02, R03: every process at random and the broker, 5 % forced rollbacks, 2 % failing reactions."""
    shop, havoc = Shop(scene.stack, "kills"), Havoc(scene.stack, scene.servers)
    load = Load(shop, scene.gateway, scene.opens_payments(shop))
    scene.world.faults(cut="after", probability=0.05, seed=1)
    running = asyncio.create_task(load.run())
    until = time.monotonic() + size.seconds

    async def brokers() -> None:
        for number in range(size.broker_kills):
            await asyncio.sleep(size.kills * 1.5 * (number + 1) / (size.broker_kills + 1))
            await havoc.broker(away=3)

    await asyncio.gather(havoc.processes(size.kills, ALL), brokers())
    while await asyncio.to_thread(scene.books.committed) < size.events and time.monotonic() < until:
        await asyncio.sleep(1)
    load.stop()
    await running
    scene.world.clear_faults()
    settled = await asyncio.to_thread(scene.settle, SETTLE_WITHIN)
    found = await asyncio.to_thread(account, scene.books)
    paid = await asyncio.to_thread(money, scene.books, scene.ledger(shop))
    return _kill_lines(found, paid, havoc, load, settled)


def _kill_lines(found: Account, paid: Money, havoc: Havoc, load: Load, settled: float) -> dict[str, dict[str, Any]]:
    trouble = dict(load.trouble.most_common())
    common = {
        "committed": found.committed,
        "deliveries": found.deliveries,
        "process_kills": sum(havoc.kills.values()),
        "broker_kills": havoc.broker_kills,
    }
    internal = sum(count for what, count in trouble.items() if what.startswith("500"))
    return {
        "R01": {
            **common,
            "effects": found.effects,
            "requests": load.requests,
            "answered_late_because_of": trouble,
            "seconds_to_settle": round(settled, 1),
            "goals": {
                "lost": found.lost,
                "duplicated": found.duplicated,
                "ghosts": found.ghosts,
                "dead": found.dead,
                "failed_requests": len(load.failed),
                "internal_errors": internal,
                **{name: value for name, value in asdict(paid).items() if name != "refunds"},
            },
            "failures": load.failed[:5],
        },
        "R02": {**common, "faults": FAULTS, "goals": {"ghosts": found.ghosts, "log_gaps": found.log_gaps}},
        "R03": {**common, "goals": {"order_breaks": found.order_breaks}},
    }


async def _run(size: Size) -> dict[str, dict[str, Any]]:
    lines: dict[str, dict[str, Any]] = {}
    cases: list[Callable[[Scene, Size], Awaitable[dict[str, dict[str, Any]]]]]
    cases = [everything_killed, killed_refunds, crowded_refunds, outage]
    with obtain() as servers, Scene(servers, FAULTS) as scene:
        for case in cases:
            began = time.monotonic()
            for name, line in (await case(scene, size)).items():
                lines[name] = {"case": name, **line, "seconds": round(time.monotonic() - began, 1)}
                print(json.dumps(lines[name]), flush=True)
    return lines


def missed(lines: dict[str, dict[str, Any]]) -> list[str]:
    """The goals that are not zero."""
    return [f"{name} {goal}: {value}" for name, line in lines.items() for goal, value in line["goals"].items() if value]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="a few minutes, for CI")
    parser.add_argument("--seconds", type=float, help="the longest that the load of the first case may take")
    arguments = parser.parse_args()
    size = SHORT if arguments.short else LONG
    if arguments.seconds:
        size = Size(**{**asdict(size), "seconds": arguments.seconds})
    os.environ.setdefault("TEST_SERVERS", "local")
    began = time.monotonic()
    lines = asyncio.run(_run(size))
    wrong = missed(lines)
    print(json.dumps({"case": "summary", "seconds": round(time.monotonic() - began, 1), "missed": wrong}), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())


