"""R26: sellers are paid out while customers take complaints back and make new ones, all at the same moment."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter, defaultdict

import orjson

from bench.books import Books
from bench.chaos.plan import Plan
from bench.chaos.report import Case, say
from bench.chaos.scene import Scene
from bench.line import Caller, Reply
from bench.seeding import seed
from bench.shop import Shop

AT_ONCE = 10  # orders that are raced for side by side
# Seconds: in which the first complaint is taken back, and while payers insist; and how long a payer waits, at most, who
# was told that a claim holds the order.
BACK, INSIST, PAUSE = 0.2, 2.5, 0.1
ENDS = frozenset({"claim.resolved", "claim.refused", "claim.withdrawn", "claim.merged", "claim.closed"})
TYPES = ("claim.opened", "claim.reopened", "claim.settlement_cleared", *ENDS)


def settling(scene: Scene, plan: Plan, dice: random.Random) -> Case:
    say(f"{plan.settlings} races of paying out against taking a complaint back and making another")
    shop = Shop(scene.stack, "settle")
    numbers = range(plan.settlings)
    seed(scene.stack, shop, scene.books, numbers, completed=True)
    answers = asyncio.run(_races(scene, shop, numbers, dice))
    left = scene.rest(plan.settle)
    settled = {id for (id,) in scene.books.ask("order", SETTLED)}
    figures = {
        "races": plan.settlings,
        "answers": {name: dict(found) for name, found in answers.items()},
        "settled": len(settled),
        "not_settled": plan.settlings - len(settled),
        "settled_while_open": len(too_early(_story(scene.books))),
        "settled_and_held": len(settled & {id for (id,) in scene.books.ask("claim", HOLDING)}),
        "settled_twice": scene.books.one("order", TWICE),
        "left_waiting": sum(left.values()),
    }
    nothing = ("settled_while_open", "settled_and_held", "settled_twice", "left_waiting")
    # races that only one side ever wins would show nothing
    least = {"settled": plan.settlings // 20, "not_settled": plan.settlings // 20}
    return Case("paying out while complaints come and go", ("R26",), figures, dict.fromkeys(nothing, 0), least)


SETTLED = "select id from settlement where id like 'ord_settle_%' and state = 'settled'"
HOLDING = (
    "select order_id from claim where order_id like 'ord_settle_%' and hold"
    " and state in ('submitted', 'in_progress', 'solution_proposed', 'platform_review')"
)
TWICE = (
    "select count(*) from (select aggregate_id from event_log where type = 'settlement.settled'"
    " and aggregate_id like 'ord_settle_%' group by 1 having count(*) > 1) twice"
)


class Head:
    """By how many seconds the payers are ahead of the next complaint: less after they won a race, more after they lost.

    So the two stay close, whatever the machine's speed: a fixed figure lets one side win them all on a fast one.
    """

    SHORTEST, LONGEST, STEP = 0.01, 2.0, 1.5

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._seconds = 0.5

    def draw(self) -> float:
        return self._seconds * self._dice.uniform(0, 2)

    def won(self, settled: bool) -> None:
        seconds = self._seconds / self.STEP if settled else self._seconds * self.STEP
        self._seconds = min(max(seconds, self.SHORTEST), self.LONGEST)


async def _races(scene: Scene, shop: Shop, numbers: range, dice: random.Random) -> dict[str, Counter[str]]:
    """How often each side of the races was answered with what."""
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    side_by_side, head = asyncio.Semaphore(AT_ONCE), Head(dice)
    port = scene.stack.ports["gateway"]

    async def one(number: int) -> None:
        async with side_by_side:
            callers = [Caller(port) for _ in range(4)]
            first = (await callers[0].ask(shop.report(number))).json()["id"]
            # by now or not: whether the order service has heard of it is part of the race
            await asyncio.gather(
                _send(callers[0], shop.withdraw(number, first), "withdraw", dice.uniform(0, BACK), answers),
                _send(callers[1], shop.report_again(number), "report", head.draw(), answers),
                _insist(callers[2], shop, number, "a", dice, answers),
                _insist(callers[3], shop, number, "b", dice, answers),
            )
            page = await callers[0].ask(shop.page(number))
            head.won(page.status == 200 and page.json()["settlement"]["state"] == "settled")

    await asyncio.gather(*(one(number) for number in numbers))
    return answers


async def _send(caller: Caller, request: bytes, name: str, after: float, answers: dict[str, Counter[str]]) -> None:
    await asyncio.sleep(after)
    reply = await caller.ask(request)
    answers[name][_said(reply)] += 1


async def _insist(
    caller: Caller, shop: Shop, number: int, payer: str, dice: random.Random, answers: dict[str, Counter[str]]
) -> None:
    until = time.monotonic() + INSIST
    for attempt in itertools.count():
        reply = await caller.ask(shop.settle(number, f"po_{payer}_{attempt}"))
        answers["settle"][_said(reply)] += 1
        if reply.status < 300 or time.monotonic() > until:
            return
        await asyncio.sleep(dice.uniform(0, PAUSE))


def _said(reply: Reply) -> str:
    return str(reply.status) if reply.status < 300 else str(reply.json().get("code"))


def _story(books: Books) -> list[tuple[str, str, str, bool]]:
    """What the claim service recorded, in its order: (order, type, claim, does it hold)."""
    statement = "select type, data from event_log where type = any(%s) and data like %s order by event_id"
    rows = books.ask("claim", statement, (list(TYPES), '%"ord_settle_%'))
    told = [(type, orjson.loads(data)) for type, data in rows]
    return [(data["order_id"], type, data.get("claim_id", ""), bool(data.get("hold"))) for type, data in told]


def too_early(story: list[tuple[str, str, str, bool]]) -> list[str]:
    """Orders that were cleared for paying out while a claim on them was open and held them (I8)."""
    holding: dict[str, set[str]] = defaultdict(set)
    found = []
    for order_id, type, claim_id, holds in story:
        if type == "claim.settlement_cleared":
            found += [order_id] if holding[order_id] else []
        elif type in ENDS:
            holding[order_id].discard(claim_id)
        elif holds:
            holding[order_id].add(claim_id)
    return found
