"""Commands: one effect per key, no lost update, and in a batch a bad one fails alone."""

from __future__ import annotations

import threading

import pytest

from shared.kernel.calls import Answer, Call
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal
from tests.runtime.backends import WHO, Backend, Brokered, at_once, until


def raised(id: str, by: int = 1, key: str | None = None, mood: str = "", version: int | None = None) -> Call:
    return Call("counter.raise", {"id": id, "by": by, "mood": mood}, WHO, key, version)


POISON = {
    "bug": lambda id: raised(id, mood="explode"),
    "refusal": lambda id: raised(id, by=2_000_000),
    "unknown argument": lambda id: Call("counter.raise", {"id": id, "by": 1, "value": 9}, WHO),
    "unknown operation": lambda id: Call("counter.drop", {"id": id}, WHO),
    "foreign tenant": lambda id: Call("counter.raise", {"id": id, "by": 1}, Principal("customer", "c", "other")),
    "stale version": lambda id: raised(id, version=7),
    "late": lambda id: Call("counter.raise", {"id": id, "by": 1}, WHO, deadline=1.0),
    "key of two lines": lambda id: raised(id, key="a\nb"),
    "endless key": lambda id: raised(id, key="k" * 5000),
    "key that is no text": lambda id: raised(id, key=5),  # type: ignore[arg-type]
}
STATUS = {
    "bug": 500,
    "refusal": 409,
    "unknown argument": 422,
    "unknown operation": 404,
    "foreign tenant": 404,
    "stale version": 412,
    "late": 504,
}


@pytest.mark.parametrize("kind", POISON)
def test_one_bad_command_fails_alone_in_its_batch(backend: Backend, kind: str) -> None:
    ids = [backend.opened() for _ in range(4)]
    bad = backend.opened()
    answers = backend.counter.execute(
        [raised(ids[0]), raised(ids[1]), POISON[kind](bad), raised(ids[2]), raised(ids[3])]
    )
    assert [answer.status for answer in answers] == [200, 200, STATUS.get(kind, 422), 200, 200]
    assert len(backend.log(bad)) == 1
    assert [backend.do("counter.get", id=id)["value"] for id in ids] == [1, 1, 1, 1]


@pytest.mark.parametrize("text", ["x" * 50, "a\x00b"], ids=["too long", "nul"])
@pytest.mark.servers
def test_a_command_that_the_database_refuses_fails_alone_in_its_batch(brokered: Brokered, text: str) -> None:
    ids, bad = [brokered.opened() for _ in range(3)], brokered.opened()
    batch = [raised(ids[0]), Call("counter.note", {"id": bad, "text": text}, WHO), raised(ids[1]), raised(ids[2])]
    answers = brokered.counter.execute(batch)
    assert [answer.status for answer in answers] == [200, 500, 200, 200]
    assert answers[1].body["code"] == "INTERNAL_ERROR"
    assert set(answers[1].body["details"]) == {"incident"}
    assert len(brokered.log(bad)) == 1


@pytest.mark.servers
def test_a_query_that_the_database_refuses_fails_alone_in_its_batch(brokered: Brokered) -> None:
    id = brokered.opened()
    batch = [Call("counter.get", {"id": id}, WHO), Call("counter.sum", {"modulus": 0}, WHO)]
    assert [answer.status for answer in brokered.counter.execute([*batch, batch[0]])] == [200, 500, 200]


def test_no_exception_text_reaches_the_caller(backend: Backend) -> None:
    answer = backend.call("counter.raise", id=backend.opened(), by=1, mood="explode")
    assert "secret" not in str(answer.body)


@pytest.mark.capability("R21")
def test_the_same_key_fifty_times_at_once_has_one_effect_and_equal_answers(backend: Backend) -> None:
    id, key = backend.opened(), new_id("key")
    answers: list[Answer] = at_once(50, lambda _: backend.counter.execute([raised(id, 3, key)])[0])
    done = [answer for answer in answers if answer.ok]
    assert {answer.status for answer in answers} <= {200, 409, 503}
    assert {str(answer.body) for answer in done} == {str({"id": id, "value": 3, "version": 2})}
    assert sum(not answer.replayed for answer in done) == 1
    again = backend.counter.execute([raised(id, 3, key) for _ in range(3)])
    assert [(answer.body["value"], answer.replayed) for answer in again] == [(3, True)] * 3
    assert len(backend.log(id)) == 2


@pytest.mark.capability("R21")
def test_a_key_with_another_body_or_caller_is_refused(backend: Backend) -> None:
    id, key = backend.opened(), new_id("key")
    assert backend.counter.execute([raised(id, 3, key)])[0].ok
    other = Call("counter.raise", {"id": id, "by": 3, "mood": ""}, Principal("platform_agent", "agt_2", "shop"), key)
    for call in (raised(id, 4, key), other):
        [answer] = backend.counter.execute([call])
        assert (answer.status, answer.body["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert len(backend.log(id)) == 2


def test_a_refused_command_may_be_repeated_with_its_key(backend: Backend) -> None:
    id, key = backend.opened(), new_id("key")
    assert backend.call("counter.raise", key, id=id, by=2_000_000).status == 409
    assert backend.call("counter.raise", key, id=id, by=2_000_000).status == 409
    assert backend.call("counter.pay", None, id=id, payment="p", amount=1).body["code"] == "IDEMPOTENCY_KEY_REQUIRED"


@pytest.mark.servers
@pytest.mark.capability("R21")
def test_a_key_whose_first_request_is_still_running_is_in_progress(brokered: Brokered) -> None:
    """The first request has written its key and has not committed when the second arrives."""
    id, key = brokered.opened(), new_id("key")
    written, go_on = threading.Event(), threading.Event()
    committed = brokered.counter.executor._remember

    def slow(context, *rest) -> None:  # type: ignore[no-untyped-def]
        committed(context, *rest)
        if not written.is_set():
            context.work.merge(context.step)
            context.step = type(context.step)()
            context.work.flush()
            written.set()
            go_on.wait(20)

    brokered.counter.executor._remember = slow  # type: ignore[method-assign]
    answers: list[Answer] = []
    first = threading.Thread(target=lambda: answers.extend(brokered.counter.execute([raised(id, 3, key)])))
    try:
        first.start()
        assert written.wait(10)
        [second] = brokered.counter.execute([raised(id, 3, key)])
    finally:
        go_on.set()
        first.join()
        del brokered.counter.executor._remember
    assert (second.status, second.body["code"], second.body["retry_after"]) == (409, "IDEMPOTENCY_IN_PROGRESS", 1)
    assert answers[0].ok
    assert len(brokered.log(id)) == 2


@pytest.mark.parametrize("writers", [20])
def test_many_writers_of_one_counter_lose_no_update(backend: Backend, writers: int) -> None:
    id = backend.opened()
    answers = at_once(writers, lambda _: backend.counter.execute([raised(id)])[0])
    done = [answer.body["value"] for answer in answers if answer.ok]
    assert sorted(done) == list(range(1, len(done) + 1))
    assert [answer.body["code"] for answer in answers if not answer.ok] == ["BUSY"] * (writers - len(done))
    assert backend.do("counter.get", id=id)["value"] == len(done)
    assert [event.seq for event in backend.log(id)] == list(range(1, len(done) + 2))
    assert len(done) >= writers * 3 // 4  # normally all; a busy machine may refuse some, aloud


def test_numbers_of_a_series_have_no_gap_under_fifty_callers_at_once(backend: Backend) -> None:
    id = new_id("cnt")
    at_once(50, lambda _: until(lambda: backend.call("counter.number", id=id).ok, "number"))
    assert sorted(event.data["by"] for event in backend.log(id)) == list(range(1, 51))


def test_two_commands_on_one_counter_in_one_batch_both_count(backend: Backend) -> None:
    id = backend.opened()
    answers = backend.counter.execute([raised(id, 1), raised(id, 2, mood="explode"), raised(id, 4)])
    assert [answer.body.get("value") for answer in answers] == [1, None, 5]
    backend.settle()
    assert backend.effects(id) == [1, 2, 3]
    assert backend.total(id) == 5
