"""What was committed leaves, whoever is frozen; what finds no queue stays and is told."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import requests
import sqlalchemy as sa
from amqp import Message

from shared.contracts.registry import EVENTS, Narrow
from shared.edge.calls import CallClient
from shared.edge.relay import Relay
from shared.kernel.calls import Call
from shared.ops import metrics
from shared.runtime.app import App
from tests.edge.conftest import SECRET, Line, ToyProcess
from tests.patience import within
from tests.runtime import toys
from tests.runtime.backends import WHO, until
from tests.servers import Servers
from tests.servers.suite import SuiteBroker, suite_broker

pytestmark = pytest.mark.servers
SECONDS = 5  # R06: how long what a frozen process committed may wait


@pytest.fixture
def broker(servers: Servers) -> SuiteBroker:
    return suite_broker(servers, "relay", toys.TOPOLOGY)


@pytest.fixture
def counter(servers: Servers) -> Iterator[App]:
    with toys.announced():
        app = toys.build("counter", servers.database("toy_relay"))
        app.create_tables()
        yield app
        app.database.dispose()


def unsent(app: App) -> int:
    return app.outbox.backlog()[0]


@pytest.mark.capability("R06")
def test_another_process_sends_what_a_frozen_one_committed(
    toy: Callable[..., ToyProcess], line_to: Callable[..., Line]
) -> None:
    """The frozen process holds its connections, the sweeper's turn perhaps included."""
    process = toy("counter")
    line = line_to(process.broker)
    client = CallClient("counter", f"http://127.0.0.1:{process.port}", SECRET)
    assert client.call(Call("counter.open", {"id": "cnt_1"}, WHO), 5).ok
    until(lambda: line.depth("follower.inbox") == 1, "first event")
    survivor = toys.build("counter", process.own_url)
    relay = Relay(survivor, process.broker.admin_uri)
    try:
        process.process.send_signal(signal.SIGSTOP)
        # what the frozen process committed just before: rows that nobody was handed in memory
        lost, survivor.on_events = survivor.on_events, lambda events: None
        calls = [Call("counter.raise", {"id": "cnt_1", "by": 1}, WHO) for _ in range(100)]
        assert all(answer.ok for answer in survivor.execute(calls))
        survivor.on_events = lost
        relay.start()
        began = time.monotonic()
        until(lambda: line.depth("follower.inbox") >= 101, "events of the frozen process", seconds=20)
        took = time.monotonic() - began
    finally:
        process.process.send_signal(signal.SIGCONT)
    print(f"taken over after {took:.1f} s")
    assert took <= within(SECONDS)
    until(lambda: unsent(survivor) == 0, "empty outbox")
    relay.stop()
    survivor.database.dispose()
    heard = []
    while message := line.channel.basic_get("follower.inbox", no_ack=True):
        heard.append(int(message.headers["ce-sequence"]))
    assert sorted(set(heard)) == list(range(1, 102))  # any duplicate on the wire is the inbox's to absorb


@pytest.mark.capability("R06")
def test_a_process_frozen_in_the_middle_of_its_turn_loses_it(counter: App, broker: SuiteBroker) -> None:
    """Another session holds the sweeper's lock in a transaction that does not move, as a stopped process would."""
    frozen = counter.database.engine.connect()
    transaction = frozen.begin()
    frozen.exec_driver_sql("set local idle_in_transaction_session_timeout = '2s'")
    frozen.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("sweep:counter"))))
    counter.execute([Call("counter.open", {"id": "cnt_1"}, WHO)])
    relay = Relay(counter, broker.admin_uri)
    began = time.monotonic()
    relay.start()
    until(lambda: unsent(counter) == 0, "empty outbox", seconds=20)
    took = time.monotonic() - began
    relay.stop()
    frozen.invalidate()
    transaction.close()
    frozen.close()
    print(f"turn taken after {took:.1f} s")
    assert took <= within(SECONDS)


@pytest.mark.capability("R09")
def test_an_event_that_nobody_of_ours_hears_leaves_without_an_alarm(counter: App, broker: SuiteBroker) -> None:
    unbind(broker)
    before = metrics.UNROUTED._value.get()
    relay = Relay(counter, broker.admin_uri)
    relay.start()
    counter.execute([Call("counter.open", {"id": "cnt_1"}, WHO)])
    until(lambda: unsent(counter) == 0, "empty outbox")
    relay.stop()
    assert metrics.UNROUTED._value.get() == before


@pytest.mark.capability("R09")
def test_an_event_that_must_be_heard_stays_until_somebody_is_bound(
    counter: App, broker: SuiteBroker, caplog: pytest.LogCaptureFixture, line_to: Callable[..., Line]
) -> None:
    unbind(broker)
    relay = Relay(counter, broker.admin_uri, frozenset({"counter"}))
    relay.start()
    counter.execute([Call("counter.open", {"id": "cnt_1"}, WHO)])
    until(lambda: "1 events found no queue: apply the topology" in caplog.text, "alert")
    assert unsent(counter) == 1
    line = line_to(broker)
    line.channel.queue_bind("follower.inbox", "counter.events", "counter.#")
    until(lambda: unsent(counter) == 0, "empty outbox")
    relay.stop()
    assert line.depth("follower.inbox") == 1


@pytest.mark.capability("R09")
def test_a_queue_bound_by_the_narrow_key_is_sent_those_events_alone_and_each_once(
    counter: App, broker: SuiteBroker, line_to: Callable[..., Line]
) -> None:
    loud = Narrow("counter.raised_loudly", "mood", ("loud",))
    EVENTS["counter.raised"] = replace(EVENTS["counter.raised"], narrow=loud)
    line = line_to(broker)
    for queue, keys in {"some": ["counter.raised_loudly"], "both": ["counter.raised", "counter.raised_loudly"]}.items():
        line.channel.queue_declare(queue, exclusive=True)
        for key in keys:
            line.channel.queue_bind(queue, "counter.events", key)
    relay = Relay(counter, broker.admin_uri, frozenset({"counter.raised_loudly"}))
    relay.start()
    counter.execute([Call("counter.open", {"id": "cnt_1"}, WHO)])
    for mood in ("loud", "quiet", "loud"):
        counter.execute([Call("counter.raise", {"id": "cnt_1", "by": 1, "mood": mood}, WHO)])
    until(lambda: unsent(counter) == 0, "empty outbox")
    relay.stop()
    assert [sequence(message) for message in taken(line, "some")] == ["2", "4"]
    both = taken(line, "both")
    assert [sequence(message) for message in both] == ["2", "3", "4"]
    assert {"BCC", "CC"}.isdisjoint(both[0].headers)


def taken(line: Line, queue: str) -> list[Message]:
    found = []
    while message := line.channel.basic_get(queue, no_ack=True):
        found.append(message)
    return found


def sequence(message: Message) -> str:
    return message.headers["ce-sequence"]


def unbind(broker: SuiteBroker) -> None:
    url = f"{broker.servers.management}/api/bindings/{broker.vhost}/e/counter.events/q/follower.inbox"
    for binding in requests.get(url, auth=broker.servers.admin, timeout=5).json():
        requests.delete(f"{url}/{binding['properties_key']}", auth=broker.servers.admin, timeout=5).raise_for_status()
