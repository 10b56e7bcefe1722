"""R01, R02, R03: every process and the broker are killed at random while customers buy, complain and are paid back."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import asdict
from typing import Any

from bench.chaos.accounts import Account, account
from bench.chaos.customers import Sales
from bench.chaos.money import money
from bench.chaos.plan import Plan
from bench.chaos.report import Case, say
from bench.chaos.scene import Scene
from bench.shop import Shop
from tests.stack import ALL

LONGEST = 900.0  # seconds: the number of events is reached in three minutes on two cores


class Everything:
    """Sales go on until everything was killed as often as planned and enough events were committed."""

    def __init__(self, scene: Scene, plan: Plan, dice: random.Random) -> None:
        self.scene, self.plan, self.dice = scene, plan, dice
        self.shop = Shop(scene.stack, "all")
        self.sales = Sales(scene, self.shop, plan.sales, plan.patience)
        self.last_kill = 0.0

    async def run(self) -> None:
        plan = self.plan
        say(f"{plan.sales:g} sales a second; {plan.kills} kills of processes, {plan.broker_kills} of the broker")
        deadline = time.monotonic() + LONGEST
        load = asyncio.create_task(self.sales.run())
        try:
            await asyncio.gather(self._kill_processes(), self._kill_broker())
            self.last_kill = time.monotonic()
            while await asyncio.to_thread(self.scene.books.committed) < self.plan.events:
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(1)
        finally:
            self.sales.stop()
        await asyncio.to_thread(self.scene.havoc.ready, ALL)
        say(f"{self.sales.begun} sales begun; waiting for their ends")
        await load

    async def _kill_processes(self) -> None:
        """Everyone at least once, then anyone."""
        order = list(ALL)
        self.dice.shuffle(order)
        order += self.dice.choices(ALL, k=max(0, self.plan.kills - len(order)))
        await asyncio.to_thread(self.scene.havoc.processes, order, self.dice, self.plan.pause)

    async def _kill_broker(self) -> None:
        lasting = self.plan.kills * sum(self.plan.pause) / 2
        for _ in range(self.plan.broker_kills):
            await asyncio.sleep(lasting / (self.plan.broker_kills + 1))
            await asyncio.to_thread(self.scene.havoc.broker)

    def case(self, at_rest: float, left: dict[str, int]) -> Case:
        """What came of it. at_rest: when nothing waited any more (monotonic); left: what still did."""
        say("counting")
        found = account(self.scene.books)
        self._accepted(found)
        paid = money(self.scene.books, self.scene.ledger())
        record, havoc = self.sales.record, self.scene.havoc
        failed = record.unexcused + record.given_up
        figures: dict[str, Any] = asdict(found) | {
            "sales": self.sales.begun,
            "sales_finished": self.sales.finished,
            "process_kills": sum(havoc.kills.values()),
            "kills": dict(havoc.kills),
            "broker_kills": havoc.broker_kills,
            "requests": record.requests,
            "failed_requests": len(failed),
            "excused_requests": record.excused,
            "failures": failed[:5],
            "double_payments": paid.double_payments,
            "never_paid": paid.never_paid,
            "money_differences": paid.differences + paid.ledger_differences + paid.over_refunded + paid.unsettled,
            "unfinished_sales": self.sales.begun - self.sales.finished,
            "not_restarted": len(havoc.trouble),
            "left_waiting": sum(left.values()),
            "seconds_to_settle": round(at_rest - self.last_kill, 1),
        }
        figures["details"] += paid.details
        nothing = (
            "lost",
            "duplicated",
            "ghosts",
            "order_breaks",
            "dead",
            "failed_requests",
            "double_payments",
            "never_paid",
            "money_differences",
            "unfinished_sales",
            "not_restarted",
            "left_waiting",
        )
        least = {
            "committed": self.plan.events,
            "process_kills": self.plan.kills + self.plan.refund_kills,
            "broker_kills": self.plan.broker_kills + 1,
        }
        return Case("everything killed", ("R01", "R02", "R03"), figures, dict.fromkeys(nothing, 0), least)

    def _accepted(self, found: Account) -> None:
        """What a client was told is there, once, however often it had to ask."""
        books, shop, mine = self.scene.books, self.shop, (f"ord_{self.shop.tag}_%",)
        for what, service, there in (
            ("place", "order", "select id from orders where id like %s"),
            ("report", "claim", "select order_id from claim where order_id like %s"),
            ("write", "messaging", "select order_id from message where order_id like %s and origin = 'post'"),
            ("refund", "refund", "select order_id from refund where order_id like %s"),
            ("confirm", "claim", "select order_id from claim where order_id like %s and state = 'resolved'"),
        ):
            wanted = [shop.order_id(number) for number in self.sales.record.accepted[what]]
            found.compare(f"accepted {what}", wanted, [row[0] for row in books.ask(service, there, mine)])
