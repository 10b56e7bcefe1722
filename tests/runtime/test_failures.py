"""A reaction that fails waits on a schedule, then for a person; nobody else waits with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.runtime import deadletters
from shared.runtime.inbox import DELAYS, Permanent
from tests.runtime.backends import Backend


class Failing:
    """A reaction that fails for one counter, so many times, and remembers when it was tried."""

    def __init__(self, backend: Backend, id: str, times: int = 10**6, failure: type[Exception] = RuntimeError) -> None:
        self.backend, self.id, self.left, self.failure = backend, id, times, failure
        self.tried_at: list[Any] = []

    def __call__(self, event: Any) -> None:
        if event.aggregate_id == self.id and event.data.get("mood") == "bad":
            self.tried_at.append(self.backend.clock.now())
            if self.left:
                self.left -= 1
                raise self.failure("the weather")


@pytest.fixture
def failing(backend: Backend) -> Callable[..., Failing]:
    def make(id: str, **how: Any) -> Failing:
        backend.moods.react = found = Failing(backend, id, **how)
        return found

    return make


def wait_for_retry(backend: Backend, id: str) -> None:
    """Move the clock to the next attempt, and not a moment further."""
    [due] = [row["next_at"] for row in backend.waiting(id) if row["state"] == "retry"]
    backend.clock.advance(seconds=(due - backend.clock.now()).total_seconds())
    backend.settle()


@pytest.mark.capability("R10")
def test_a_reaction_that_fails_three_times_succeeds_on_schedule_and_delays_nobody(
    backend: Backend, failing: Callable[..., Failing]
) -> None:
    sick, well = backend.opened(), backend.opened()
    mood = failing(sick, times=3)
    backend.do("counter.raise", id=sick, by=1, mood="bad")
    backend.do("counter.raise", id=sick, by=5)
    backend.do("counter.raise", id=well, by=1)
    backend.settle()
    assert backend.effects(well) == [1, 2]
    for _ in range(3):
        assert backend.effects(sick) == [1]
        wait_for_retry(backend, sick)
    assert backend.effects(sick) == [1, 2, 3]
    assert backend.waiting(sick) == []
    pauses = [later - earlier for earlier, later in zip(mood.tried_at, mood.tried_at[1:], strict=False)]
    assert len(pauses) == 3
    for pause, planned in zip(pauses, DELAYS, strict=False):
        assert 0.8 * planned <= pause <= 1.2 * planned


def dead(backend: Backend, failing: Callable[..., Failing], failure: type[Exception] = RuntimeError) -> tuple[str, Any]:
    """A counter with a dead second event and two more behind it."""
    id = backend.opened()
    mood = failing(id, failure=failure)
    backend.do("counter.raise", id=id, by=1, mood="bad")
    backend.settle()
    while any(row["state"] == "retry" for row in backend.waiting(id)):
        wait_for_retry(backend, id)
    for _ in range(2):
        backend.do("counter.raise", id=id, by=10)
    backend.settle()
    return id, mood


@pytest.mark.capability("R11")
def test_an_event_that_always_fails_is_dead_after_the_schedule_and_only_its_stream_waits(
    backend: Backend, failing: Callable[..., Failing]
) -> None:
    id, mood = dead(backend, failing)
    others = [backend.opened() for _ in range(5)]
    backend.settle()
    assert len(mood.tried_at) == 1 + len(DELAYS)
    assert [(row["seq"], row["state"]) for row in backend.waiting(id)] == [(2, "dead"), (3, "gap"), (4, "gap")]
    assert backend.effects(id) == [1]
    assert [backend.effects(other) for other in others] == [[1]] * 5
    assert [each.seq for each in deadletters.listed(backend.follower) if each.aggregate_id == id] == [2]
    backend.advance(days=30)
    assert backend.effects(id) == [1]


@pytest.mark.capability("R11")
def test_an_event_that_can_never_succeed_is_dead_at_once(backend: Backend, failing: Callable[..., Failing]) -> None:
    id, mood = dead(backend, failing, failure=Permanent)
    assert len(mood.tried_at) == 1
    assert backend.waiting(id)[0]["state"] == "dead"


@pytest.mark.capability("R12")
def test_redriven_events_apply_in_order_once_the_cause_is_gone(
    backend: Backend, failing: Callable[..., Failing]
) -> None:
    id, mood = dead(backend, failing)
    [letter] = [each for each in deadletters.listed(backend.follower) if each.aggregate_id == id]
    assert (letter.kind, letter.type, letter.seq, letter.waiting_behind) == ("event", "counter.raised", 2, 2)
    assert letter.error == "RuntimeError: the weather"
    mood.left = 0
    deadletters.redrive(backend.follower, letter.ref, by="ada")
    backend.settle()
    assert backend.effects(id) == [1, 2, 3, 4]
    assert backend.total(id) == 21
    assert backend.waiting(id) == []


@pytest.mark.capability("R13")
def test_a_skipped_event_is_passed_over_with_its_reason_on_record(
    backend: Backend, failing: Callable[..., Failing]
) -> None:
    id, _ = dead(backend, failing)
    [letter] = [each for each in deadletters.listed(backend.follower) if each.aggregate_id == id]
    deadletters.skip(backend.follower, letter.ref, by="ada", reason="the counter was a test")
    backend.settle()
    assert backend.effects(id) == [1, 3, 4]
    assert backend.waiting(id) == []
    [record] = [each for each in deadletters.audit(backend.follower) if each["aggregate_id"] == letter.ref]
    assert record["type"] == "deadletter.skipped"
    assert record["actor"] == "operator/ada/cli"
    assert record["data"]["reason"] == "the counter was a test"
    assert record["data"]["event"]["headers"]["ce-sequence"] == "2"


def test_skipping_asks_for_a_reason_and_for_a_dead_event(backend: Backend, failing: Callable[..., Failing]) -> None:
    id, _ = dead(backend, failing)
    [letter] = [each for each in deadletters.listed(backend.follower) if each.aggregate_id == id]
    with pytest.raises(deadletters.NotPossible, match="reason"):
        deadletters.skip(backend.follower, letter.ref, by="ada", reason=" ")
    with pytest.raises(deadletters.NotPossible, match="no dead letter"):
        deadletters.redrive(backend.follower, "evt_unknown", by="ada")
    assert [row["state"] for row in backend.waiting(id)] == ["dead", "gap", "gap"]


def test_a_dead_job_is_listed_and_performed_again_under_its_key(backend: Backend) -> None:
    id = backend.opened()

    def refuse(key: str, payload: dict[str, Any]) -> None:
        raise ConnectionError("the provider")

    backend.moods.pay = refuse
    backend.do("counter.pay", f"idem-{id}", id=id, payment=f"pay-{id}", amount=5)
    for _ in range(8):
        backend.advance(hours=6)
    [letter] = [each for each in deadletters.listed(backend.counter) if each.aggregate_id == f"pay-{id}"]
    assert (letter.kind, letter.type, letter.error) == ("job", "pay", "ConnectionError: the provider")
    backend.moods.pay = lambda key, payload: None
    deadletters.redrive(backend.counter, letter.ref, by="ada")
    backend.advance(seconds=1)
    assert backend.moods.paid == [f"pay-{id}"]
    assert backend.log(id)[-1].type == "counter.paid"
