"""The counts of the chaos driver are worth something only if they see what is wrong: here it is made wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import pytest

from bench.chaos.accounts import Account, account
from bench.chaos.customers import Sales
from bench.chaos.money import money
from bench.chaos.scene import Scene
from bench.chaos.settling import too_early
from bench.shop import Shop
from tests.servers import shared_by_the_run

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]
WRONG = ("lost", "duplicated", "ghosts", "order_breaks", "dead")
MONEY = ("double_payments", "never_paid", "differences", "unsettled", "over_refunded", "ledger_differences")


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """A suite in which three sales went from the order to the confirmed refund, undisturbed."""
    with Scene(shared_by_the_run()) as scene:
        sales = Sales(scene, Shop(scene.stack, "calm"), rate=3, patience=60)
        asyncio.run(_three(sales))
        scene.books.settle(60)
        assert (sales.finished, sales.record.given_up) == (3, [])
        yield scene


async def _three(sales: Sales) -> None:
    running = asyncio.create_task(sales.run())
    while sales.begun < 3:
        await asyncio.sleep(0.01)
    sales.stop()
    await running


@contextmanager
def pretending(scene: Scene, service: str, *statements: str) -> Iterator[None]:
    """The databases as these statements leave them; undone afterwards."""
    scene.books.ask(service, "begin")
    try:
        scene.books.ask(service, "alter table event_log disable trigger append_only")
        for statement in statements:
            scene.books.ask(service, statement)
        yield
    finally:
        scene.books.ask(service, "rollback")


def wrong(found: Account) -> dict[str, int]:
    return {name: count for name, count in asdict(found).items() if name in WRONG and count}


def test_nothing_is_wrong_with_sales_that_nobody_disturbed(scene):
    found = account(scene.books)
    assert (wrong(found), found.details) == ({}, [])
    assert found.committed >= 3 * 20
    assert found.effects >= 3 * 20
    paid = asdict(money(scene.books, scene.ledger()))
    assert ({name: paid[name] for name in MONEY}, paid["refunds"]) == (dict.fromkeys(MONEY, 0), 3)


ONE = "(select {} from {} limit 1)"
TAMPERED = {
    "a thread that was never opened": (
        "messaging",
        f"delete from thread where id = {ONE.format('id', 'thread')}",
        {"lost": 1},
    ),
    "a payment that was not booked": (
        "refund",
        f"delete from payment_ref where payment_id = {ONE.format('payment_id', 'payment_ref')}",
        {"lost": 1},
    ),
    "a person who was not told": (
        "notification",
        "delete from notification where id = (select id from notification where template = 'claim_resolved' limit 1)",
        {"lost": 1},
    ),
    "an opening message posted twice": (
        "messaging",
        "update message set origin = 'claim.opened' where id = (select id from message where origin = 'post' limit 1)",
        {"duplicated": 1},
    ),
    "an event behind which a subscriber stays": (
        "claim",
        "update inbox_position set seq = seq - 1 where stream = 'refund' and aggregate_id = "
        "(select aggregate_id from inbox_position where stream = 'refund' limit 1)",
        {"lost": 1},
    ),
    "an event that was heard and never committed": (
        "claim",
        "update inbox_position set seq = seq + 1 where stream = 'refund' and aggregate_id = "
        "(select aggregate_id from inbox_position where stream = 'refund' limit 1)",
        {"ghosts": 1},
    ),
    "a refund that no claim asked for": (
        "refund",
        "update refund set id = 'rfd_ghost' where id = (select id from refund where claim_id is not null limit 1)",
        {"lost": 1, "ghosts": 1},
    ),
    "an event that waits for a person": (
        "claim",
        "insert into inbox_waiting select 'order', 'ord_x', 1, '{}', 'order.placed', 'dead', 6, now(), 'x', now()",
        {"dead": 1},
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_the_count_sees(what, scene):
    service, statement, expected = TAMPERED[what]
    with pretending(scene, service, statement):
        assert wrong(account(scene.books)) == expected


def test_the_count_sees_a_gap_in_a_log(scene):
    newest = "(select max(event_id) from event_log where stream = 'claim')"
    with pretending(scene, "claim", f"update event_log set seq = seq + 1 where event_id = {newest}"):
        assert account(scene.books).order_breaks == 1


def test_the_count_sees_an_effect_of_an_event_that_was_rolled_back(scene):
    one = "(select event_id from event_log where causation like 'evt_%' and stream = 'thread' limit 1)"
    with pretending(scene, "messaging", f"update event_log set causation = 'evt_rolled_back' where event_id = {one}"):
        assert wrong(account(scene.books)) == {"ghosts": 1}


def wrong_money(scene: Scene, payments: list | None = None) -> dict[str, int]:
    found = asdict(money(scene.books, scene.ledger() if payments is None else payments))
    return {name: found[name] for name in MONEY if found[name]}


def test_the_count_sees_a_refund_that_was_paid_twice_and_one_that_never_was(scene):
    payments = scene.ledger()
    first = next(payment for payment in payments if payment["refunds"])
    first["refunds"].append({**first["refunds"][0], "id": "re_again"})
    assert wrong_money(scene, payments) == {"double_payments": 1}
    first["refunds"].clear()
    assert wrong_money(scene, payments) == {"never_paid": 1, "differences": 1}


def test_the_count_sees_a_refund_whose_counter_was_not_kept(scene):
    one = "(select id from refund_ledger where succeeded > 0 limit 1)"
    with pretending(scene, "refund", f"update refund_ledger set succeeded = 0 where id = {one}"):
        assert wrong_money(scene) == {"ledger_differences": 1}


def test_clearing_a_pay_out_while_a_claim_holds_the_order_is_seen():
    opened, gone = ("ord_1", "claim.opened", "clm_1", True), ("ord_1", "claim.withdrawn", "clm_1", False)
    cleared, late = ("ord_1", "claim.settlement_cleared", "", False), ("ord_1", "claim.opened", "clm_2", False)

    assert too_early([opened, cleared, gone]) == ["ord_1"]
    assert too_early([opened, ("ord_2", "claim.withdrawn", "clm_1", False), cleared]) == ["ord_1"]
    assert too_early([opened, gone, cleared, late, cleared]) == []
