"""Whole orders at random, on the joined services, with failures in any order: `make histories` plays thousands."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bench.histories import checks
from bench.histories.crowd import Crowd, Tally
from services.order.storage import STORAGE as ORDER
from services.refund.storage import credit_notes, ledgers, refunds
from shared.runtime import unit_of_work

COUNT, SEED = 40, 20


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Forty orders at rest. Faults on purpose stay in this fixture."""
    before, dice = unit_of_work.UnitOfWork, random.getstate()
    played = Crowd(tmp_path_factory.mktemp("histories"), COUNT, SEED)
    played.play()
    unit_of_work.UnitOfWork = before
    random.setstate(dice)
    yield played
    played.suite.close()


@pytest.mark.joined_only("the driver plays on services that it joined itself")
@pytest.mark.capability("I1", "I2", "I11", "I12")
def test_whatever_happens_to_forty_orders_no_cent_no_unit_and_no_number_is_there_twice(crowd):
    tally = crowd.tally

    assert (dict(tally.violations), tally.details) == ({}, [])
    assert tally.in_full >= COUNT / 4
    for type in (
        "refund.succeeded",
        "refund.failed",
        "refund.outcome_unknown",
        "refund.reversed",
        "coupon.redeemed",
        "chargeback.opened",
        "return.closed",
        "order.cancelled",
        "order.stock_released",
        "invoice.issued",
    ):
        assert tally.happened[type], f"no history had a {type}: they show nothing of it"


def found_after(crowd: Crowd, service: str, statement: sa.Update | sa.Delete) -> set[str]:
    """Which invariants the counts call broken when one row says something else; undone afterwards."""
    database, tally = crowd.suite.apps[service].database, Tally()
    with database.engine.connect() as connection:
        connection.exec_driver_sql("pragma ignore_check_constraints=on")
        assert connection.execute(statement).rowcount == 1
        books = [dict(row) for row in connection.execute(sa.select(ledgers)).mappings()] if service == "refund" else []
        tally.note(checks.caps(books))
        if service == "refund":
            made = [dict(row) for row in connection.execute(sa.select(refunds)).mappings()]
            paid = [paid for sale in crowd.sales for paid in sale.payments]
            tally.note(checks.paid_once(made, paid, crowd.provider))
            notes = [dict(row) for row in connection.execute(sa.select(credit_notes)).mappings()]
            tally.note(checks.numbers(notes, "tenant"))
        else:
            bills = connection.execute(sa.select(ORDER.by_table["invoice"].table)).mappings()
            tally.note(checks.numbers([dict(row) for row in bills], "seller_id"))
        connection.rollback()
        connection.exec_driver_sql("pragma ignore_check_constraints=off")
    return set(tally.violations)


def one_of(crowd: Crowd, table: sa.Table, *where: sa.ColumnElement[bool], service: str = "refund") -> str:
    with crowd.suite.apps[service].database.transaction() as connection:
        return connection.execute(sa.select(table.c.id).where(*where).order_by(table.c.id)).scalars().first()


@pytest.mark.joined_only("the driver plays on services that it joined itself")
def test_the_counts_see_a_euro_too_many_a_refund_that_was_not_paid_and_a_missing_number(crowd):
    ledger = one_of(crowd, ledgers, ledgers.c.captured > 0)
    paid = one_of(crowd, refunds, refunds.c.state == "succeeded", refunds.c.provider == "stripe")
    note = one_of(crowd, credit_notes, credit_notes.c.number.like("%000001"))
    bills = ORDER.by_table["invoice"].table
    bill = one_of(crowd, bills, bills.c.number.like("%000001"), service="order")

    too_much = sa.update(ledgers).where(ledgers.c.id == ledger).values(succeeded=ledgers.c.captured + 1)
    failed = sa.update(refunds).where(refunds.c.id == paid).values(state="failed")
    gap = sa.update(credit_notes).where(credit_notes.c.id == note).values(number="AV-2026-009999")
    gone = sa.delete(bills).where(bills.c.id == bill)

    assert found_after(crowd, "refund", too_much) == {"I1"}
    assert found_after(crowd, "refund", failed) == {"I3"}
    assert found_after(crowd, "refund", gap) == {"I12"}
    assert found_after(crowd, "order", gone) == {"I12"}


def test_stock_that_comes_back_twice_is_seen(crowd):
    ordered = {line: 0 for sale in crowd.sales for line, _ in sale.lines}

    assert {invariant for invariant, _ in checks.stock(crowd.suite, ordered)} == {"I11"}
