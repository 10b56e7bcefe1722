"""R21: the same refund asked for a hundred times at the same moment, through two gateways: one refund, one payment."""

from __future__ import annotations

import asyncio
from collections import Counter

from bench.chaos.money import money
from bench.chaos.plan import Plan
from bench.chaos.report import Case, say
from bench.chaos.scene import Scene
from bench.line import Caller, Reply
from bench.seeding import seed
from bench.shop import Shop

CROWD, PART = 100, 500  # requests at once; minor units


def twins(scene: Scene, plan: Plan, second: int) -> Case:
    """second: the port of another gateway, whose refund service is a process of its own."""
    say(f"{plan.twins} orders, each asked {CROWD} times at once for the same refund under the same key")
    shop = Shop(scene.stack, "twin", providers=("stripe", "paypal"))
    for number in range(plan.twins):
        scene.payment(shop.payment_ref(number), provider=shop.provider(number))
    seed(scene.stack, shop, scene.books, range(plan.twins))
    before = len(scene.simulator.calls())
    rounds = asyncio.run(_rounds(shop, plan.twins, (scene.stack.ports["gateway"], second)))
    left = scene.rest(plan.settle)
    found = money(scene.books, scene.ledger(), f"ord_{shop.tag}_%")
    calls = Counter(call["key"] for call in scene.simulator.calls()[before:] if call["method"] == "POST")
    refunds = [id for (id,) in scene.books.ask("refund", "select id from refund where order_id like 'ord_twin_%%'", ())]
    figures = {
        "rounds": plan.twins,
        "requests": plan.twins * CROWD,
        "answers": dict(sum((Counter(str(reply.status) for reply in replies) for replies in rounds), Counter())),
        "refunds": len(refunds),
        "rounds_with_other_answers": sum(len(_views(replies)) != 1 for replies in rounds),
        "rounds_without_one_refund": abs(len(refunds) - plan.twins),
        "provider_calls": sum(calls[id] for id in refunds),
        "refunds_without_one_call": sum(calls[id] != 1 for id in refunds),
        "double_payments": found.double_payments,
        "never_paid": found.never_paid,
        "ledger_differences": found.ledger_differences,
        "left_waiting": sum(left.values()),
    }
    nothing = (
        "rounds_with_other_answers",
        "rounds_without_one_refund",
        "refunds_without_one_call",
        "double_payments",
        "never_paid",
        "ledger_differences",
        "left_waiting",
    )
    return Case("one refund asked for a hundred times at once", ("R21",), figures, dict.fromkeys(nothing, 0))


async def _rounds(shop: Shop, rounds: int, ports: tuple[int, ...]) -> list[list[Reply]]:
    callers = [Caller(ports[turn % len(ports)]) for turn in range(CROWD)]
    found = []
    for number in range(rounds):
        request = shop.part_refund(number, PART, 0)
        found.append(await asyncio.gather(*(caller.ask(request) for caller in callers)))
    return found


def _views(replies: list[Reply]) -> set[bytes | int]:
    """The different answers; whoever is refused got another one, too."""
    return {reply.body if reply.status == 201 else reply.status for reply in replies}
