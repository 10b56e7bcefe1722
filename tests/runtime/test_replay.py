"""A subscriber that joins late hears everything: the past by replay, the present live, in order per stream."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import amqp
import pytest
import sqlalchemy as sa

from shared.edge.consumer import Consumer
from shared.edge.relay import NoSuchQueue, Publisher
from shared.runtime.app import App
from shared.runtime.replay import replay
from tests.runtime import toys
from tests.runtime.backends import Brokered, until
from tests.servers import shared_by_the_run

pytestmark = pytest.mark.servers
COUNTERS, PAST, LIVE = 20, 25, 10


@pytest.fixture
def joiner(brokered: Brokered) -> Iterator[App]:
    """A second follower with an empty database and a queue of its own, bound and consuming."""
    app = toys.build("follower", shared_by_the_run().database("toy_joiner"), brokered.clock)
    app.create_tables()
    host = f"{brokered.broker.servers.broker.host}:{brokered.broker.servers.broker.amqp_port}"
    user, password = brokered.broker.servers.admin
    with amqp.Connection(host, user, password, virtual_host=brokered.broker.vhost) as connection:
        channel = connection.channel()
        channel.queue_declare("joiner.inbox", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        channel.queue_bind("joiner.inbox", "counter.events", "counter.#")
    consumer = Consumer(brokered.broker.admin_uri, "joiner", app.inbox.receive)
    threading.Thread(target=consumer.run, daemon=True).start()
    yield app
    consumer.stop()
    app.database.dispose()


def effects(app: App, ids: list[str]) -> dict[str, list[int]]:
    table = toys.effects
    found: dict[str, list[int]] = {id: [] for id in ids}
    with app.database.transaction() as connection:
        rows = connection.execute(sa.select(table.c.aggregate_id, table.c.seq).order_by(table.c.id))
        for id, seq in rows:
            found.setdefault(id, []).append(seq)
    return found


@pytest.mark.capability("R45", "U-13")
def test_a_late_subscriber_gets_the_past_and_the_present_complete_and_in_order(
    brokered: Brokered, request: pytest.FixtureRequest
) -> None:
    ids = [brokered.opened() for _ in range(COUNTERS)]
    for _ in range(PAST):
        for id in ids:
            brokered.do("counter.raise", id=id, by=1)
    brokered.settle()  # all of it has left the broker
    late: App = request.getfixturevalue("joiner")

    def go_on() -> None:
        for _ in range(LIVE):
            for id in ids:
                brokered.do("counter.raise", id=id, by=1)

    live = threading.Thread(target=go_on)
    live.start()
    publisher = Publisher(brokered.broker.admin_uri, "replay", queue="joiner.inbox")
    sent = replay(brokered.counter, publisher.publish, ["counter"])
    publisher.link.cut()
    live.join()
    assert sent >= COUNTERS * (1 + PAST)
    total = COUNTERS * (1 + PAST + LIVE)
    until(lambda: sum(len(seqs) for id, seqs in effects(late, ids).items() if id in ids) >= total, "complete history")
    heard = effects(late, ids)
    assert {id: heard[id] for id in ids} == {id: list(range(1, 2 + PAST + LIVE)) for id in ids}


@pytest.mark.capability("U-13")
def test_a_replay_fills_the_gap_that_a_lost_event_left(brokered: Brokered) -> None:
    id = brokered.opened()
    brokered.settle()
    lost = Publisher.publish
    with pytest.MonkeyPatch.context() as broker:
        broker.setattr(Publisher, "publish", lambda self, events: [event.id for event in events])
        brokered.do("counter.raise", id=id, by=1)
        until(lambda: brokered.counter.outbox.backlog()[0] == 0, "event lost on its way")
    assert Publisher.publish is lost
    brokered.do("counter.raise", id=id, by=1)
    until(lambda: [row["seq"] for row in brokered.waiting(id)] == [3], "gap")
    before = brokered.follower.gaps()
    brokered.clock.advance(seconds=61)
    assert brokered.follower.gaps() == before + 1
    publisher = Publisher(brokered.broker.admin_uri, "replay", queue="follower.inbox")
    replay(brokered.counter, publisher.publish, ["counter"])
    publisher.link.cut()
    until(lambda: brokered.effects(id) == [1, 2, 3], "effects in order")
    assert brokered.follower.gaps() == before


def test_a_replay_to_a_queue_that_is_not_there_says_so(brokered: Brokered) -> None:
    brokered.opened()
    publisher = Publisher(brokered.broker.admin_uri, "replay", queue="nobody.inbox")
    with pytest.raises(NoSuchQueue, match=r"nobody\.inbox"):
        replay(brokered.counter, publisher.publish)
    publisher.link.cut()
