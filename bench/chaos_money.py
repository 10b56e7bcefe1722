"""Refunds while the one who pays them is killed, while the provider's line is cut, and many at once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from bench.accounts import money
from bench.customers import Load
from bench.havoc import Havoc
from bench.line import Caller
from bench.scene import Scene
from bench.seeding import seed
from bench.shop import Shop
from tests.servers.processes import wait_until
from tests.stack import ROOT, Stack, free_port

CROWD, PART = 20, 10_494  # refunds at once, each of 60 % of an order


async def killed_refunds(scene: Scene, size: Any) -> dict[str, dict[str, Any]]:
    """R22, R23: the provider cuts the line in every fifth call, after the work or before; the payer dies at random."""
    shop, havoc = Shop(scene.stack, "payer"), Havoc(scene.stack, scene.servers)
    load = Load(shop, scene.gateway, scene.opens_payments(shop))
    scene.world.faults(cut="after", probability=0.1, seed=2)
    scene.world.faults(cut="before", probability=0.1, seed=3)
    running = asyncio.create_task(load.run())
    await havoc.processes(size.refund_kills, ("refund",), every=0.8)
    while len(load.claims) < size.refunds and not running.done():
        await asyncio.sleep(0.2)
    load.stop()
    await running
    scene.world.clear_faults()
    settled = await asyncio.to_thread(scene.settle, 300)
    found = asdict(await asyncio.to_thread(money, scene.books, scene.ledger(shop)))
    cut = sum(1 for call in scene.world.calls() if call["outcome"] == "cut")
    common = {
        "refunds": len(load.claims),
        "lines_cut_of_last_2000_calls": cut,
        "refund_kills": havoc.kills["refund"],
        "seconds_to_settle": round(settled, 1),
    }
    paid = {name: found[name] for name in ("double_payments", "never_paid", "unsettled")}
    agree = {name: found[name] for name in ("differences", "over_refunded", "ledger_differences")}
    return {
        "R22": {**common, "goals": {**paid, "failed_requests": len(load.failed)}, "failures": load.failed[:5]},
        "R23": {**common, "goals": agree},
    }


async def crowded_refunds(scene: Scene, size: Any) -> dict[str, dict[str, Any]]:
    """R20: twenty different refunds of 60 % at once, through two gateways to two refund processes."""
    shop = Shop(scene.stack, "crowd")
    numbers = range(size.rounds)
    for number in numbers:
        scene.opens_payments(shop)(number)
    await asyncio.to_thread(seed, scene.stack, shop, scene.books, numbers)
    answers: Counter[int] = Counter()
    over = 0
    with _second_pair(scene.stack) as port:
        callers = [Caller(scene.gateway if turn % 2 else port) for turn in range(CROWD)]
        for number in numbers:
            requests = [caller.ask(shop.part_refund(number, PART, turn)) for turn, caller in enumerate(callers)]
            replies = await asyncio.gather(*requests)
            answers.update(reply.status for reply in replies)
            over += sum(reply.status < 300 for reply in replies) > 1
        await asyncio.to_thread(scene.settle, 300)
    spent = scene.books.one(
        "refund",
        "select count(*) from refund_ledger where succeeded + reserved > captured and id like 'ord_crowd_%'",
    )
    found = await asyncio.to_thread(money, scene.books, scene.ledger(shop))
    nobody = sum(1 for number in numbers if not _refunded(scene, shop, number))
    goals = {
        "rounds_over_refunded": over + spent + found.over_refunded,
        "rounds_without_any": nobody,
        "double_payments": found.double_payments,
    }
    return {"R20": {"rounds": len(numbers), "answers": dict(answers), "goals": goals}}


def _refunded(scene: Scene, shop: Shop, number: int) -> bool:
    made = "select count(*) from refund where order_id = %s and state in ('succeeded', 'approval_required')"
    return scene.books.one("refund", made, (shop.order_id(number),)) == 1


@contextmanager
def _second_pair(stack: Stack) -> Iterator[int]:
    """Another refund process on the same database and another gateway that asks it; the gateway's port."""
    ports = {"refund": free_port(), "gateway": free_port()}
    running = []
    for service, port in ports.items():
        env = {**stack.environment(service), "PORT": str(port)}
        if service == "gateway":
            env["REFUND_URL"] = f"http://127.0.0.1:{ports['refund']}"
        command = [sys.executable, "-m", "services.cli", "run", service]
        running.append(subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}, stderr=subprocess.DEVNULL))
    try:
        for port in ports.values():
            wait_until(lambda port=port: stack_ready(port), f"the second process on {port}", 60)
        yield ports["gateway"]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


def stack_ready(port: int) -> bool:
    import requests

    return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=2).ok
