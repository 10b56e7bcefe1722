"""Timers fire once; outward effects are performed under one key for ever, whoever crashes in between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from shared.kernel.calls import Call
from shared.kernel.clock import ManualClock
from shared.kernel.ids import new_id
from shared.runtime.app import App
from shared.runtime.unit_of_work import JOB_LEASE
from tests.runtime import toys
from tests.runtime.backends import START, WHO, Backend, Brokered, at_once
from tests.servers import shared_by_the_run


def pay(backend: Backend, amount: int = 5) -> tuple[str, str]:
    """A counter whose payment is asked for; its id and the payment's key."""
    id, payment = backend.opened(), new_id("pay")
    backend.do("counter.pay", new_id("key"), id=id, payment=payment, amount=amount)
    return id, payment


def types(backend: Backend, id: str) -> list[str]:
    return [event.type.removeprefix("counter.") for event in backend.log(id)]


def test_a_timer_fires_when_it_is_due_and_once(backend: Backend) -> None:
    id = backend.opened()
    due = backend.clock.now() + timedelta(hours=2)
    backend.do("counter.remind", id=id, at=due.isoformat(), by=1)
    backend.advance(minutes=119)
    assert types(backend, id) == ["opened"]
    backend.advance(minutes=1)
    backend.advance(days=3)
    assert types(backend, id) == ["opened", "reminded"]
    assert backend.effects(id) == [1, 2]


def test_a_timer_scheduled_again_moves(backend: Backend) -> None:
    id = backend.opened()
    for hours in (1, 5):
        at = backend.clock.now() + timedelta(hours=hours)
        backend.do("counter.remind", id=id, at=at.isoformat(), by=hours)
    backend.advance(hours=4)
    assert types(backend, id) == ["opened"]
    backend.advance(hours=1)
    assert [event.data for event in backend.log(id)][1:] == [{"by": 5}]


@pytest.mark.servers
def test_timers_fire_once_with_several_workers(brokered: Brokered) -> None:
    ids = [brokered.opened() for _ in range(30)]
    due = brokered.clock.now() + timedelta(seconds=1)
    for id in ids:
        brokered.do("counter.remind", id=id, at=due.isoformat(), by=1)
    brokered.clock.advance(seconds=1)
    at_once(4, lambda _: brokered.counter.timers.fire_due())
    brokered.settle()
    assert [types(brokered, id) for id in ids] == [["opened", "reminded"]] * 30


def test_a_payment_is_performed_after_the_commit_and_once(backend: Backend) -> None:
    id, payment = pay(backend)
    backend.settle()
    assert backend.moods.paid == [payment]
    assert types(backend, id) == ["opened", "paid"]
    backend.advance(days=2)
    assert backend.moods.paid == [payment]


def test_a_payment_that_fails_is_repeated_under_the_same_key(backend: Backend) -> None:
    tried: list[str] = []

    def flaky(key: str, payload: dict[str, Any]) -> None:
        tried.append(key)
        if len(tried) < 4:
            raise TimeoutError("no answer")

    backend.moods.pay = flaky
    id, payment = pay(backend)
    backend.settle()
    for _ in range(3):
        backend.advance(minutes=15)
    assert tried == [payment] * 4
    assert types(backend, id) == ["opened", "paid"]


def test_a_payment_that_is_pending_is_asked_about_again_later(backend: Backend) -> None:
    id, payment = pay(backend, amount=13)
    backend.settle()
    assert types(backend, id) == ["opened"]
    backend.advance(minutes=1)
    assert backend.moods.paid == [payment] * 2
    assert types(backend, id) == ["opened", "paid"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def alone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[App]:
    """The counter on a fresh database, with nobody working beside the test."""
    fresh = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'alone.db'}" if fresh else shared_by_the_run().database("toy_alone")
    app = toys.build("counter", url, ManualClock(START))
    app.create_tables()
    yield app
    app.database.dispose()


@pytest.mark.capability("R22")
def test_a_crash_after_paying_pays_again_under_the_same_key_when_the_lease_ends(alone: App) -> None:
    calls = [Call("counter.open", {"id": "cnt_1"}, WHO)]
    calls.append(Call("counter.pay", {"id": "cnt_1", "payment": "pay_1", "amount": 5}, WHO, "key_1"))
    assert all(answer.ok for answer in alone.execute(calls))  # … and the process dies: only the row knows
    assert alone.jobs.claim_due() == []
    alone.clock.advance(seconds=JOB_LEASE.total_seconds())
    [row] = alone.jobs.claim_due()
    alone.jobs.perform(row)  # … and this one dies before it stores the outcome
    alone.clock.advance(seconds=JOB_LEASE.total_seconds() - 1)
    assert alone.jobs.claim_due() == []
    alone.clock.advance(seconds=1)
    [row] = alone.jobs.claim_due()
    alone.jobs.settle([alone.jobs.perform(row)])
    alone.clock.advance(days=1)
    assert alone.jobs.claim_due() == []
    assert alone.ports.paid == ["pay_1", "pay_1"]
    with alone.database.transaction() as connection:
        assert connection.execute(sa.select(toys.counters.c.paid)).scalar_one() == 1


@pytest.mark.servers
def test_workers_that_look_at_the_same_moment_share_the_jobs(brokered: Brokered) -> None:
    ids = [pay(brokered)[0] for _ in range(20)]
    brokered.settle()
    assert len(brokered.moods.paid) == len(set(brokered.moods.paid)) == 20
    assert [types(brokered, id) for id in ids] == [["opened", "paid"]] * 20


def test_a_payment_whose_outcome_cannot_be_settled_gives_up_like_any_other(backend: Backend) -> None:
    """Its counter does not exist: settling raises each time."""
    payment = new_id("pay")
    backend.do("counter.pay", new_id("key"), id="cnt_unknown", payment=payment, amount=5)
    backend.settle()
    for _ in range(8):
        backend.advance(hours=6)
    assert backend.moods.paid == [payment] * 7
    with backend.counter.database.transaction() as connection:
        job = toys.counter_runtime.job
        [state] = connection.execute(job.select().where(job.c.key == payment).with_only_columns(job.c.state)).scalars()
    assert state == "dead"
