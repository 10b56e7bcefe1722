"""Stopping and dying: work in flight ends once, an idle service obeys at once, a deadly message is set aside."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from shared.kernel.ids import new_id
from tests.edge.conftest import Line, ToyProcess, raised
from tests.patience import within
from tests.runtime.backends import until
from tests.servers import Servers
from tests.stack import ALL, Stack

pytestmark = pytest.mark.servers
LIMIT = 3  # of the toys' topology


@pytest.mark.capability("R17")
@pytest.mark.parametrize("seconds", [0.5, 3, 10])
def test_a_handler_in_flight_ends_once_and_is_acknowledged(
    toy: Callable[..., ToyProcess], line_to: Callable[..., Line], seconds: float
) -> None:
    follower, event = toy(), raised(new_id("cnt"), mood=f"sleep {seconds}")
    line = line_to(follower.broker)
    line.event("follower.inbox", event)
    until(lambda: f"handling {event.id}" in follower.log(), "start of the handler")
    behind = raised(new_id("cnt"))
    line.event("follower.inbox", behind)
    began = time.monotonic()
    assert follower.terminate() == 0
    took = time.monotonic() - began
    print(f"handler of {seconds} s: exit after {took:.1f} s")
    assert took <= seconds + within(2)
    assert follower.effects(event.aggregate_id) == [1]
    follower.start()
    until(lambda: follower.effects(behind.aggregate_id) == [1], "effect of the message behind")
    assert follower.log().count(f"handling {event.id}") == 1
    assert line.depth("follower.inbox") == 0


@pytest.mark.capability("R18")
def test_an_idle_service_of_every_kind_stops_at_once(servers: Servers) -> None:
    with Stack(servers, "idle") as stack:
        took = {}
        for service in ALL:
            began = time.monotonic()
            assert stack.terminate(service) == 0
            took[service] = time.monotonic() - began
    print("seconds until the exit:", {service: round(each, 1) for service, each in took.items()})
    assert max(took.values()) <= within(2)


@pytest.mark.capability("R16")
def test_a_message_that_kills_its_reader_is_set_aside_and_its_neighbours_are_handled_once(
    toy: Callable[..., ToyProcess], line_to: Callable[..., Line]
) -> None:
    follower, deadly = toy(), raised(new_id("cnt"), mood="die")
    before, after = [raised(new_id("cnt")) for _ in range(10)], [raised(new_id("cnt")) for _ in range(10)]
    line = line_to(follower.broker)
    for event in (*before, deadly, *after):
        line.event("follower.inbox", event)
    crashes = 0
    until_applied = [event.aggregate_id for event in (*before, *after)]
    deadline = time.monotonic() + 50
    while line.depth("follower.dead") == 0 or not all(follower.effects(id) for id in until_applied):
        assert time.monotonic() < deadline, follower.log()[-3000:]
        if follower.process.poll() is not None:
            assert follower.process.returncode == -signal.SIGSEGV
            crashes += 1
            restart(follower)
        time.sleep(0.05)
    print(f"{crashes} crashes at a delivery limit of {LIMIT}")
    assert crashes <= LIMIT + 1
    assert [follower.effects(id) for id in until_applied] == [[1]] * 20
    assert follower.effects(deadly.aggregate_id) == []
    [message] = [line.channel.basic_get("follower.dead", no_ack=True)]
    assert message.headers["ce-id"] == deadly.id
    assert message.headers["x-first-death-reason"] == "delivery_limit"


def restart(follower: ToyProcess) -> None:
    """As an orchestrator does; it may die again before it answers."""
    try:
        follower.start()
    except AssertionError:
        assert follower.process.poll() is not None
