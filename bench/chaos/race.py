"""R20: twenty different refunds of 60 % of one order at the same moment, through two gateways."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import asdict

from bench.chaos.money import money
from bench.chaos.plan import Plan
from bench.chaos.report import Case, say
from bench.chaos.scene import Scene
from bench.line import Caller
from bench.seeding import seed
from bench.shop import Shop

CROWD, PART = 20, 10_494  # refunds at once; minor units of each, of 174.90


def race(scene: Scene, plan: Plan, second: int) -> Case:
    """second: the port of another gateway, whose refund service is a process of its own."""
    say(f"{plan.rounds} orders, each asked {CROWD} times at once for a refund of 60 %")
    shop = Shop(scene.stack, "race")
    for number in range(plan.rounds):
        scene.payment(shop.payment_ref(number))
    seed(scene.stack, shop, scene.books, range(plan.rounds))
    rounds = asyncio.run(_rounds(shop, plan.rounds, (scene.stack.ports["gateway"], second)))
    left = scene.rest(plan.settle)
    found = money(scene.books, scene.ledger(), f"ord_{shop.tag}_%")
    accepted = [statuses[201] for statuses in rounds]
    answers = sum(rounds, Counter())
    figures = asdict(found) | {
        "rounds": plan.rounds,
        "answers": {str(status): count for status, count in sorted(answers.items())},
        "rounds_over_refunded": sum(count > 1 for count in accepted) + found.over_refunded,
        "rounds_without_refund": accepted.count(0),
        "left_waiting": sum(left.values()),
    }
    nothing = (
        "rounds_over_refunded",
        "rounds_without_refund",
        "double_payments",
        "never_paid",
        "ledger_differences",
        "left_waiting",
    )
    return Case("twenty refunds of one order at once", ("R20",), figures, most=dict.fromkeys(nothing, 0))


async def _rounds(shop: Shop, rounds: int, ports: tuple[int, ...]) -> list[Counter[int]]:
    """For each order how often its twenty requests were answered with which status."""
    callers = [Caller(ports[turn % len(ports)]) for turn in range(CROWD)]
    found = []
    for number in range(rounds):
        requests = [caller.ask(shop.part_refund(number, PART, turn)) for turn, caller in enumerate(callers)]
        found.append(Counter(reply.status for reply in await asyncio.gather(*requests)))
    return found
