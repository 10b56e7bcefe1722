"""R22, R23: the refund service dies again and again while Stripe and PayPal are slow and cut lines."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import asdict
from datetime import UTC, datetime

from bench.chaos.customers import Client, Record
from bench.chaos.money import money
from bench.chaos.plan import Plan
from bench.chaos.report import Case, say
from bench.chaos.scene import Scene
from bench.seeding import seed
from bench.shop import Shop

PART = 1_000  # minor units of each refund: policy approves it alone
# What happens to calls of the provider, in shares of all of them.
SWITCHES = (
    {"slow": 0.4, "probability": 0.5},
    {"slow": 4, "probability": 0.03},  # longer than the refund service waits
    {"cut": "before", "probability": 0.15},
    {"cut": "after", "probability": 0.15},
)


class Payer:
    """Asks for the refunds, and kills who pays them at random points while it goes on."""

    def __init__(self, scene: Scene, plan: Plan, dice: random.Random) -> None:
        self.scene, self.plan, self.dice = scene, plan, dice
        self.shop, self.record = Shop(scene.stack, "pay", providers=("stripe", "paypal")), Record()
        self.kills = 0
        self.last_kill = datetime.now(UTC)

    async def run(self) -> None:
        plan, scene = self.plan, self.scene
        say(f"{plan.refunds} refunds at two providers that cut lines; {plan.refund_kills} kills of the refund service")
        for number in range(plan.refunds):
            await asyncio.to_thread(scene.payment, self.shop.payment_ref(number), provider=self.shop.provider(number))
        await asyncio.to_thread(seed, scene.stack, self.shop, scene.books, range(plan.refunds))
        for index, switch in enumerate(SWITCHES):
            scene.simulator.faults(**switch, seed=self.dice.randrange(10**6) + index)
        try:
            await asyncio.gather(self._ask(), self._kill())
        finally:
            scene.simulator.clear_faults()

    async def _ask(self) -> None:
        """Evenly over the time of the killing."""
        began, running = time.monotonic(), []
        for number in range(self.plan.refunds):
            pause = began + number / self.plan.refunds_per_second - time.monotonic()
            await asyncio.sleep(max(0.0, pause))
            running.append(asyncio.create_task(self._one(number)))
        await asyncio.gather(*running)

    async def _one(self, number: int) -> None:
        client = Client(self.scene, self.record)
        await client.tell("refund", "refund", number, self.shop.part_refund(number, PART, 0), 201)

    async def _kill(self) -> None:
        """Always one that works: ready again, and then at any moment of the next second."""
        for _ in range(self.plan.refund_kills):
            await asyncio.to_thread(self.scene.havoc.ready, ("refund",))
            await asyncio.sleep(self.dice.uniform(0.1, 1.5))
            await asyncio.to_thread(self.scene.havoc.kill, "refund")
            self.kills, self.last_kill = self.kills + 1, datetime.now(UTC)
        await asyncio.to_thread(self.scene.havoc.ready, ("refund",))

    def case(self) -> Case:
        """What came of it, once everything is at rest."""
        found = money(self.scene.books, self.scene.ledger(), f"ord_{self.shop.tag}_%")
        last = "select max(updated_at) from refund where order_id like %s"
        settled = self.scene.books.one("refund", last, (f"ord_{self.shop.tag}_%",)) - self.last_kill
        calls = self.scene.simulator.calls()
        figures = asdict(found) | {
            "refund_kills": self.kills,
            "lost_refunds": len(self.record.accepted["refund"]) - found.refunds,
            "calls_cut": sum(call["outcome"] == "cut" for call in calls),
            "refunds_by_paypal": found.by_paypal,
            "failed_requests": len(self.record.unexcused) + len(self.record.given_up),
            "excused_requests": self.record.excused,
            "seconds_to_settle": round(max(0.0, settled.total_seconds()), 1),
            "failures": (self.record.unexcused + self.record.given_up)[:5],
        }
        nothing = (
            "double_payments",
            "never_paid",
            "differences",
            "unsettled",
            "over_refunded",
            "ledger_differences",
            "lost_refunds",
            "failed_requests",
        )
        least = {
            "refund_kills": self.plan.refund_kills,
            "refunds": self.plan.refunds,
            "refunds_by_paypal": self.plan.refunds // 2,
        }
        name = "refund service killed, providers cut lines"
        return Case(name, ("R22", "R23"), figures, dict.fromkeys(nothing, 0), least)
