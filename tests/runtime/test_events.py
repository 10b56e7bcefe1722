"""Events arrive exactly once and in order, whatever is delivered twice, late, or in disorder."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.kernel.ids import new_id
from shared.runtime.envelope import Envelope, told_before
from tests.runtime.backends import START, Backend, Brokered, Direct, at_once


@pytest.mark.capability("R03")
def test_every_event_reaches_the_subscriber_once_and_in_order(backend: Backend) -> None:
    ids = [backend.opened() for _ in range(5)]
    for _ in range(10):
        for id in ids:
            backend.do("counter.raise", id=id, by=2)
    backend.settle()
    assert [backend.effects(id) for id in ids] == [list(range(1, 12))] * 5
    assert [backend.total(id) for id in ids] == [20] * 5


@pytest.mark.capability("R02")
@pytest.mark.parametrize(("args", "status"), [({"by": 2_000_000}, 409), ({"by": 1, "mood": "explode"}, 500)])
def test_a_refused_or_failed_command_leaves_nothing(backend: Backend, args: dict, status: int) -> None:
    id = backend.opened()
    assert backend.call("counter.raise", id=id, **args).status == status
    backend.settle()
    assert backend.do("counter.get", id=id) == {"id": id, "value": 0, "version": 1}
    assert len(backend.log(id)) == 1
    assert backend.effects(id) == [1]


@pytest.mark.capability("I14")
def test_late_and_repeated_deliveries_change_nothing(backend: Backend) -> None:
    id = backend.opened()
    for _ in range(4):
        backend.do("counter.raise", id=id, by=1)
    backend.settle()
    for event in [*backend.log(id), *reversed(backend.log(id))]:
        backend.follower.inbox.receive([event])
    assert backend.effects(id) == [1, 2, 3, 4, 5]
    assert backend.waiting(id) == []


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Direct:
    return Direct(Path(tmp_path_factory.mktemp("permutations")))


@pytest.mark.capability("I14")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_with_repetitions_in_any_batches_ends_the_same(fresh: Direct, data: st.DataObject) -> None:
    streams = {new_id("cnt"): data.draw(st.integers(1, 6)) for _ in range(2)}
    events = [made(id, seq) for id, length in streams.items() for seq in range(1, length + 1)]
    repeated = events + data.draw(st.lists(st.sampled_from(events), max_size=6))
    arriving = data.draw(st.permutations(repeated))
    while arriving:
        size = data.draw(st.integers(1, 5))
        batch, arriving = arriving[:size], arriving[size:]
        fresh.follower.inbox.receive(batch)
    for id, length in streams.items():
        assert fresh.effects(id) == list(range(1, length + 1))
        assert fresh.total(id) == sum(range(1, length + 1))
        assert fresh.waiting(id) == []


@pytest.mark.capability("I14")
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_who_hears_only_some_types_handles_each_once_in_order_and_waits_for_none_of_the_others(
    fresh: Direct, data: st.DataObject
) -> None:
    verbs = data.draw(st.lists(st.sampled_from(["raised", "reminded", "unheard", "silent"]), min_size=1, max_size=9))
    id = new_id("cnt")
    heard = [event for event in history(id, verbs) if event.type in ("counter.raised", "counter.reminded")]
    again = data.draw(st.lists(st.sampled_from(heard), max_size=4)) if heard else []
    arriving = data.draw(st.permutations(heard + again))
    while arriving:
        size = data.draw(st.integers(1, 5))
        batch, arriving = arriving[:size], arriving[size:]
        fresh.follower.inbox.receive(batch)
    assert fresh.effects(id) == [event.seq for event in heard]
    assert fresh.waiting(id) == []


@pytest.mark.capability("I14")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_event_that_should_have_come_and_did_not_holds_up_all_that_follow_it(
    fresh: Direct, data: st.DataObject
) -> None:
    verbs = data.draw(st.lists(st.sampled_from(["raised", "reminded", "unheard"]), max_size=8))
    id = new_id("cnt")
    heard = [event for event in history(id, [*verbs, "raised", "unheard", "reminded"]) if "unheard" not in event.type]
    lost = data.draw(st.sampled_from(heard[:-1]))
    for event in data.draw(st.permutations([event for event in heard if event is not lost])):
        fresh.follower.inbox.receive([event])
    assert fresh.effects(id) == [event.seq for event in heard if event.seq < lost.seq]
    assert [row["seq"] for row in fresh.waiting(id)] == [event.seq for event in heard if event.seq > lost.seq]
    fresh.follower.inbox.receive([lost])
    assert fresh.effects(id) == [event.seq for event in heard]


@pytest.mark.servers
@pytest.mark.capability("R08")
def test_one_message_delivered_a_hundred_times_to_four_consumers_has_one_effect(brokered: Brokered) -> None:
    events = [made(new_id("cnt"), 1) for _ in range(20)]
    at_once(4, lambda _: [brokered.follower.inbox.receive([event] * 25) for event in events])
    assert [brokered.effects(event.aggregate_id) for event in events] == [[1]] * 20


@pytest.mark.servers
@pytest.mark.capability("I14")
def test_neighbouring_events_taken_in_at_the_same_moment_are_never_stuck(brokered: Brokered) -> None:
    """One process handles event n while another keeps n + 1 as a gap: whoever commits last must see the other."""
    for _ in range(15):
        id = new_id("cnt")
        events = [made(id, seq) for seq in range(1, 9)]
        random.shuffle(events)
        at_once(8, lambda number, events=events: brokered.follower.inbox.receive([events[number]]))
        assert brokered.effects(id) == list(range(1, 9))
        assert brokered.waiting(id) == []


@pytest.mark.servers
def test_events_that_the_database_takes_only_alone_are_taken_alone(brokered: Brokered) -> None:
    """A batch holds one event that the database refuses: the others of the batch are applied at once."""
    good, bad = [made(new_id("cnt"), 1) for _ in range(5)], made(new_id("cnt"), 1, mood="note " + "x" * 50)
    brokered.follower.inbox.receive([*good[:3], bad, *good[3:]])
    assert [brokered.effects(event.aggregate_id) for event in good] == [[1]] * 5
    assert brokered.effects(bad.aggregate_id) == []
    [row] = brokered.waiting(bad.aggregate_id)
    assert (row["state"], row["attempts"]) == ("retry", 1)
    assert "DataError" in row["last_error"]


def test_an_event_behind_a_gap_that_fails_does_not_blame_the_one_before_it(backend: Backend) -> None:
    """Event 2 waits for event 1 and cannot be stored: 1 is applied, 2 has the failed attempt."""
    id = new_id("cnt")
    backend.follower.inbox.receive([made(new_id("cnt"), 1, mood="note taken"), made(id, 2, mood="note taken")])
    backend.follower.inbox.receive([made(id, 1)])
    backend.settle()
    assert backend.effects(id) == [1]
    [row] = backend.waiting(id)
    assert (row["seq"], row["state"], row["attempts"]) == (2, "retry", 1)


@pytest.mark.parametrize(
    "data",
    [b'{"by": "a lot"}', b'{"by": null}', b"{}", b'{"by": 1, "id": ["x"]}', b'{"by": 1, "mood": "note \\u0000"}'],
    ids=["text", "null", "absent", "foreign id", "nul"],
)
def test_an_event_with_a_strange_payload_waits_and_disturbs_nobody(backend: Backend, data: bytes) -> None:
    good = [made(new_id("cnt"), 1) for _ in range(4)]
    strange = made(new_id("cnt"), 1, body=data)
    backend.follower.inbox.receive([*good[:2], strange, *good[2:]])
    assert [backend.effects(event.aggregate_id) for event in good] == [[1]] * 4
    if b"[" not in data and b"u0000" not in data:  # the first is only strange, SQLite takes the second
        assert backend.effects(strange.aggregate_id) == []
        assert [row["state"] for row in backend.waiting(strange.aggregate_id)] == ["retry"]


def history(id: str, verbs: list[str]) -> list[Envelope]:
    """The events of one counter of these types, each naming the last of each type before it."""
    told: dict[str, int] = {}
    events = []
    for seq, verb in enumerate(verbs, 1):
        events.append(replace(made(id, seq), type=f"counter.{verb}", prior=told_before(told)))
        told[verb] = seq
    return events


def made(id: str, seq: int, mood: str = "", body: bytes = b"") -> Envelope:
    """An event of a counter as another process would have sent it; event n raises by n."""
    data = body or b'{"by": %d, "mood": "%s"}' % (seq, mood.encode())
    return Envelope(new_id("evt"), "counter.raised", id, seq, "shop", START, "system/system/test", "cor", None, data)
