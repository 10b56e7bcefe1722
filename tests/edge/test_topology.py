"""The broker stands as `topology.yaml` says, every difference has a name, and nobody may do more than is written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import amqp
import pytest
import yaml
from amqp.exceptions import AccessRefused

from shared.edge import topology, topology_plan, topology_seen
from shared.edge.management import Management
from tests.servers import shared_by_the_run
from tests.servers.suite import SuiteBroker, suite_broker

pytestmark = pytest.mark.servers
PLAN = topology_plan.load()


@pytest.fixture(scope="module")
def broker() -> SuiteBroker:
    return suite_broker(shared_by_the_run(), "topology")


@pytest.fixture
def api(broker: SuiteBroker) -> Iterator[Management]:
    """Management of the broker, which is put right again after the test."""
    management = Management(*broker.management)
    yield management
    management.close()
    topology.apply(*broker.management, broker.passwords)


def connect(broker: SuiteBroker, user: str | None = None) -> amqp.Connection:
    return topology_seen.connector(broker.uri(user) if user else broker.admin_uri, seconds=10)()


def check(broker: SuiteBroker) -> list[str]:
    return topology.check(*broker.management, broker.passwords)


def test_applying_twice_changes_nothing_the_second_time(broker: SuiteBroker) -> None:
    assert topology.apply(*broker.management, broker.passwords) == []
    assert check(broker) == []


def test_an_empty_broker_gets_everything_and_no_password_is_shown(broker: SuiteBroker) -> None:
    empty = broker.servers.vhost("empty")
    changed = topology.apply(*broker.management[:3], empty, broker.passwords)
    assert "declared queue order.inbox" in changed
    assert "bound messaging.private -[private_message.posted]-> notification.inbox" in changed
    assert not any(password in line for password in broker.passwords.values() for line in changed)
    assert topology.check(*broker.management[:3], empty, broker.passwords) == []


@pytest.mark.capability("R36")
def test_a_missing_queue_is_named_to_the_operator_and_to_its_service(broker: SuiteBroker, api: Management) -> None:
    api.delete("queues", broker.vhost, "claim.inbox")
    found = check(broker)
    assert "queue claim.inbox is missing" in found
    assert "binding refund.events -[refund.succeeded]-> claim.inbox is missing" in found
    assert topology_seen.check_passively(lambda: connect(broker, "claim"), "claim") == ["queue claim.inbox is missing"]


@pytest.mark.capability("R36")
def test_a_classic_queue_in_place_of_a_quorum_queue_is_named(broker: SuiteBroker, api: Management) -> None:
    api.delete("queues", broker.vhost, "refund.inbox")
    api.put("queues", broker.vhost, "refund.inbox", body={"durable": True, "arguments": {"x-queue-type": "classic"}})
    assert "queue refund.inbox is classic instead of quorum" in check(broker)
    seen = topology_seen.check_passively(lambda: connect(broker, "refund"), "refund")
    assert seen == ["queue refund.inbox is classic instead of quorum"]
    assert "replaced queue refund.inbox" in topology.apply(*broker.management, broker.passwords)
    assert check(broker) == []


@pytest.mark.capability("R36")
def test_a_classic_queue_that_holds_messages_is_left_to_a_person(broker: SuiteBroker, api: Management) -> None:
    api.delete("queues", broker.vhost, "refund.dead")
    api.put("queues", broker.vhost, "refund.dead", body={"durable": True, "arguments": {"x-queue-type": "classic"}})
    with contextlib.closing(connect(broker)) as connection:
        channel = connection.channel()
        channel.confirm_select()
        channel.basic_publish_confirm(amqp.Message("kept"), routing_key="refund.dead")
        with pytest.raises(topology.TopologyError, match=r"refund\.dead is classic instead of quorum and not empty"):
            topology.apply(*broker.management, broker.passwords)
        assert channel.basic_get("refund.dead", no_ack=True).body == "kept"


@pytest.mark.capability("R36")
def test_a_policy_that_is_gone_changed_or_overruled_is_named(broker: SuiteBroker, api: Management) -> None:
    api.delete("policies", broker.vhost, "order.inbox")
    changed = {"pattern": "^claim\\.inbox$", "priority": 100, "apply-to": "queues", "definition": {"delivery-limit": 3}}
    api.put("policies", broker.vhost, "claim.inbox", body=changed)
    api.put("policies", broker.vhost, "shouting", body={**changed, "pattern": "refund", "priority": 999})
    found = check(broker)
    assert "policy order.inbox is missing" in found
    assert "policy claim.inbox is not as written" in found
    assert "policy shouting applies to queue refund.inbox instead of ours: lower it" in found
    with pytest.raises(topology.TopologyError, match="shouting"):
        topology.apply(*broker.management, broker.passwords)
    api.delete("policies", broker.vhost, "shouting")
    assert check(broker) == []


@pytest.mark.capability("R36", "T13")
def test_a_binding_that_is_gone_and_one_that_spies_are_named_and_mended(broker: SuiteBroker, api: Management) -> None:
    api.delete("bindings", broker.vhost, "e", "claim.events", "q", "refund.inbox", "claim.opened")
    api.put("queues", broker.vhost, "spy", body={"durable": True})
    path = ("bindings", broker.vhost, "e", "messaging.private", "q", "spy")
    api.post(*path, body={"routing_key": "#"})
    wanted = [
        "binding claim.events -[claim.opened]-> refund.inbox is missing",
        "binding messaging.private -[#]-> spy must not be",
    ]
    assert check(broker) == wanted
    assert topology.apply(*broker.management, broker.passwords) == [
        "bound claim.events -[claim.opened]-> refund.inbox",
        "unbound messaging.private -[#]-> spy",
    ]
    assert check(broker) == []
    api.delete("queues", broker.vhost, "spy")


@pytest.mark.capability("R36", "T13")
def test_rights_that_grew_are_named_and_cut_back(broker: SuiteBroker, api: Management) -> None:
    api.put("permissions", broker.vhost, "order", body={"configure": ".*", "write": ".*", "read": ".*"})
    api.put("topic-permissions", broker.vhost, "claim", body={"exchange": "order.private", "write": ".*", "read": ".*"})
    assert check(broker) == [
        "permissions of order are not as written",
        "topic permissions of claim on order.private are not as written",
    ]
    topology.apply(*broker.management, broker.passwords)
    assert check(broker) == []


def test_a_user_with_another_password_or_with_tags_is_named(broker: SuiteBroker) -> None:
    document = yaml.safe_load(topology_plan.FILE.read_text(encoding="utf-8"))
    plan = topology_plan.plan_of({**document, "operator": "night-watch"})
    passwords = {**broker.passwords, "night-watch": "first"}
    where = (*broker.management[:3], broker.servers.vhost("users"))
    assert "set user night-watch" in topology.apply(*where, passwords, plan)
    assert topology.check(*where, {**passwords, "night-watch": "second"}, plan) == [
        "user night-watch has another password"
    ]
    with contextlib.closing(Management(*where)) as api:
        api.put("users", "night-watch", body={"password": "first", "tags": "administrator"})
        assert topology.check(*where, passwords, plan) == ["user night-watch has the tags administrator"]
        api.delete("users", "night-watch")
        assert "user night-watch is missing" in topology.check(*where, passwords, plan)


def test_a_service_sees_with_its_own_rights_that_it_may_start(broker: SuiteBroker) -> None:
    for service in PLAN.services:
        assert topology_seen.check_passively(lambda service=service: connect(broker, service), service) == []


def test_a_broker_that_is_away_is_no_difference() -> None:
    with pytest.raises(OSError, match="refused"):
        topology_seen.check_passively(topology_seen.connector("amqp://order:x@127.0.0.1:1/%2F"), "order")


def test_what_an_inbox_rejects_is_kept_in_its_dead_queue(broker: SuiteBroker) -> None:
    with contextlib.closing(connect(broker, "order")) as writer, contextlib.closing(connect(broker, "claim")) as reader:
        channel = writer.channel()
        channel.confirm_select()
        channel.basic_publish_confirm(amqp.Message("unreadable"), "order.events", "order.placed")
        inbox = reader.channel()
        message = _first(inbox, "claim.inbox")
        inbox.basic_reject(message.delivery_tag, requeue=False)
    with contextlib.closing(connect(broker, "operator")) as operator:
        kept = _first(operator.channel(), "claim.dead")
    assert kept.body == "unreadable"
    assert kept.headers["x-first-death-queue"] == "claim.inbox"


def _first(channel: amqp.Channel, queue: str) -> amqp.Message:
    """The first message of a queue, waiting for it as a subscriber would."""
    arrived: list[amqp.Message] = []
    channel.basic_consume(queue, callback=arrived.append)
    while not arrived:
        channel.connection.drain_events(timeout=10)
    return arrived[0]


class Attempts:
    """Tries every operation as one user, each on a channel of its own, and notes what the broker allowed."""

    def __init__(self, connection: amqp.Connection) -> None:
        self._connection = connection
        self.allowed: set[tuple[str, ...]] = set()

    def attempt(self, name: tuple[str, ...], operation: str, *arguments: object, **options: object) -> None:
        channel = self._connection.channel()
        try:
            if operation == "basic_publish_confirm":
                channel.confirm_select()
            getattr(channel, operation)(*arguments, **options)
            self.allowed.add(name)
            channel.close()
        except AccessRefused:
            pass  # the broker closed the channel

    def all(self) -> set[tuple[str, ...]]:
        nowhere = "no-such-stream"
        for exchange in ("", *PLAN.exchanges):
            for key in (f"{nowhere}.x", "contact.changed", "private_message.posted"):
                options = {"exchange": exchange, "routing_key": f"{key}.{nowhere}"}
                self.attempt(("write", exchange, key), "basic_publish_confirm", amqp.Message("forged"), **options)
        for exchange in PLAN.exchanges:
            self.attempt(("declare", exchange), "exchange_declare", exchange, "topic", durable=True, auto_delete=False)
            self.attempt(("delete", exchange), "exchange_delete", exchange)
        arguments = {"x-queue-type": "quorum"}
        for queue in (*PLAN.queues, "mine", ""):
            own = {"durable": True, "auto_delete": False, "arguments": arguments} if queue else {"exclusive": True}
            self.attempt(("declare", queue), "queue_declare", queue, **own)
        for queue in PLAN.queues:
            self.attempt(("read", queue), "basic_get", queue)
            self.attempt(("consume", queue), "basic_consume", queue)
            self.attempt(("purge", queue), "queue_purge", queue)
            self.attempt(("delete", queue), "queue_delete", queue, if_empty=False)
            for exchange in PLAN.exchanges:
                self.attempt(("bind", queue, exchange), "queue_bind", queue, exchange, "#")
                self.attempt(("unbind", queue, exchange), "queue_unbind", queue, exchange, "#")
        for exchange in PLAN.exchanges:
            self.attempt(("bind", exchange, "to order.events"), "exchange_bind", "order.events", exchange, "#")
        return self.allowed


def listed(user: str) -> set[tuple[str, ...]]:
    """What the design allows a user, written out: nothing is derived from the patterns under test."""
    keys = ("no-such-stream.x", "contact.changed", "private_message.posted")
    if user == "operator":
        queues = [topology_plan.dead(service) for service in PLAN.services]
        written = {("write", exchange, key) for exchange in ("", "dlx") for key in keys}
    else:
        queues = [topology_plan.inbox(user)]
        written = {("write", f"{user}.events", key) for key in keys}
    if user == "order":
        written.add(("write", "order.private", "contact.changed"))
    if user == "messaging":
        written.add(("write", "messaging.private", "private_message.posted"))
    return written | {(what, queue) for queue in queues for what in ("read", "consume", "purge")}


@pytest.mark.capability("R44", "T13")
@pytest.mark.parametrize("user", PLAN.users)
def test_a_broker_user_may_do_what_is_listed_and_nothing_else(user: str, broker: SuiteBroker) -> None:
    connection = connect(broker, user)
    try:
        allowed = Attempts(connection).all()
    finally:
        connection.collect()
    assert allowed - listed(user) == set()
    assert listed(user) - allowed == set()
    assert check(broker) == []
