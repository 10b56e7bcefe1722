"""Many at once: the cap holds, and the same request is one refund."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from services.refund.storage import entries, ledgers
from shared.kernel.calls import Call
from tests.suite import order_args, seller


def hundred(shop, number):
    """A shipped order of 100.00."""
    line = {"line_id": f"lin_{number}", "product_id": "p", "sku": "S", "title": "Lamp", "quantity": 10}
    lines = [{**line, "unit_price": 1000, "taxes": [{"code": "FR_VAT_20", "rate": "20"}]}]
    return shop.order(number, shipped=True, **_only(lines))


def _only(lines):
    return {name: value for name, value in order_args(lines=lines, discount=0, shipping=[], total=10000).items()
            if name in ("lines", "discount", "shipping", "total")}  # fmt: skip


def all_at_once(shop, calls):
    app = shop.suite.apps["refund"]
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: app.execute([call])[0], calls))


def a_refund_of_60(order, key, line):
    lines = [{"line_id": line, "amount": 6000}]
    args = {"order_id": order["id"], "reason_code": "damaged_items", "kind": "post_shipment_lines", "lines": lines}
    return Call("refund.request", args, seller(), idempotency_key=key)


@pytest.mark.capability("R20", "T18")
def test_of_twenty_refunds_of_60_at_once_on_an_order_of_100_one_passes_in_each_of_thirty_rounds(crowded_shop):
    passed = []
    for round in range(30):
        order = hundred(crowded_shop, f"{3000 + round}")
        calls = [a_refund_of_60(order, f"{round}-{n}", f"lin_{3000 + round}") for n in range(20)]

        answers = all_at_once(crowded_shop, calls)

        passed.append(sum(answer.ok for answer in answers))
        refused = {answer.body["code"] for answer in answers if not answer.ok}
        assert refused == {"AMOUNT_EXCEEDS_REFUNDABLE"}
        assert crowded_shop.envelope(order)["available"] == 4000
    assert passed == [1] * 30


@pytest.mark.capability("R20")
def test_of_twenty_refunds_of_60_in_one_batch_one_passes(crowded_shop):
    order = hundred(crowded_shop, "3100")
    calls = [a_refund_of_60(order, f"batch-{n}", "lin_3100") for n in range(20)]

    answers = crowded_shop.suite.apps["refund"].execute(calls)

    assert [answer.ok for answer in answers].count(True) == 1


@pytest.mark.capability("R21", "I3")
def test_the_same_key_a_hundred_times_at_once_is_one_refund_with_one_answer(crowded_shop):
    order = hundred(crowded_shop, "3200")
    calls = [a_refund_of_60(order, "the-key", "lin_3200") for _ in range(100)]

    answers = all_at_once(crowded_shop, calls)
    other_body = crowded_shop.suite.call(
        "refund.request",
        seller(),
        "the-key",
        order_id=order["id"],
        kind="post_shipment_lines",
        lines=[{"line_id": "lin_3200", "amount": 5000}],
        reason_code="damaged_items",
    )
    crowded_shop.suite.settle()

    (first, *others) = [answer.body for answer in answers if answer.status != 409]
    assert all(other == first for other in others)
    assert {answer.body["code"] for answer in answers if answer.status == 409} <= {"IDEMPOTENCY_IN_PROGRESS"}
    assert {answer.status for answer in answers} <= {200, 409}
    assert (other_body.status, other_body.body["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert [refund["id"] for refund in crowded_shop.refunds(order)] == [first["id"]]
    assert len(crowded_shop.told("refund.processing")) == 1


def test_a_request_without_an_idempotency_key_is_refused(shop):
    order = shop.order(shipped=True)
    call = a_refund_of_60(order, None, "lin_1001_2")

    (answer,) = shop.suite.apps["refund"].execute([call])

    assert (answer.status, answer.body["code"]) == (400, "IDEMPOTENCY_KEY_REQUIRED")
    assert shop.suite.events("refund") == []


@pytest.mark.capability("I1")
def test_the_database_itself_refuses_a_ledger_that_gives_back_more_than_was_captured(crowded_shop):
    order = hundred(crowded_shop, "3300")
    database = crowded_shop.suite.apps["refund"].database

    with pytest.raises(sa.exc.IntegrityError), database.transaction() as connection:
        connection.execute(ledgers.update().where(ledgers.c.id == order["id"]).values(reserved=10001))


@pytest.mark.capability("I1", "R24")
def test_the_counters_and_the_double_entry_agree_after_a_day_of_everything(crowded_shop):
    dice = random.Random(7)
    for number in range(12):
        order = hundred(crowded_shop, f"{3400 + number}")
        line = f"lin_{3400 + number}"
        calls = [a_refund_of_60(order, f"{number}-{n}", line) for n in range(2)]
        for n in range(3):
            args = {"kind": "commercial_gesture", "amount": {"amount": dice.randint(1, 9000), "currency": "EUR"}}
            whole = {"order_id": order["id"], "reason_code": "goodwill", **args}
            calls.append(Call("refund.request", whole, seller(), idempotency_key=f"{number}-g{n}"))
        made = [answer.body for answer in all_at_once(crowded_shop, calls) if answer.ok]
        for refund in made:
            if refund["state"] == "pending_approval" and dice.random() < 0.5:
                crowded_shop.suite.do("refund.reject", crowded_shop.agent, refund_id=refund["id"])
    crowded_shop.suite.settle()

    for order_id, counters, booked in reconciled(crowded_shop):
        assert counters == booked, order_id


def reconciled(shop):
    """Per order: what the ledger's counters say, and what its entries add up to."""
    sums = sa.select(entries.c.order_id, entries.c.account, sa.func.sum(entries.c.amount)).group_by(
        entries.c.order_id, entries.c.account
    )
    with shop.suite.apps["refund"].database.transaction() as connection:
        rows = connection.execute(sa.select(ledgers)).all()
        booked: dict = {}
        for order_id, account, amount in connection.execute(sums):
            booked.setdefault(order_id, {})[account] = int(amount)
    assert len(rows) == 12
    for row in rows:
        found = booked[row.id]
        accounts = [found.get(name, 0) for name in ("captured", "refunds_reserved", "refunds_paid", "customer_funds")]
        left = row.captured - row.succeeded - row.reserved
        yield row.id, [-row.captured, row.reserved, row.succeeded, left], accounts
