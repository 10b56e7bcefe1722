"""What `topology.yaml` asks of the broker, as plain values; nothing here talks to one.

The file says who writes and who hears; queues, policies and permissions follow from it, so they cannot contradict it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FILE = Path(__file__).with_name("topology.yaml")
BINDINGS = Path(__file__).with_name("bindings.yaml")  # written from the services' tables of contents

# Keys that an older broker refuses with an error; there its `rabbitmq.conf` has to say the same.
POLICY_KEYS_SINCE = {"consumer-timeout": (3, 12)}

NOTHING = ""  # the pattern by which RabbitMQ grants no resource at all


class Binding(NamedTuple):
    """Events of `exchange` whose type matches `key` go to `queue`."""

    exchange: str
    queue: str
    key: str

    def __str__(self) -> str:
        return f"{self.exchange} -[{self.key}]-> {self.queue}"


class Rights(NamedTuple):
    """Patterns of the resources that a broker user may declare, write to and read from."""

    configure: str
    write: str
    read: str


class TopicRights(NamedTuple):
    """Patterns of the routing keys that a broker user may write to, and bind from, one topic exchange."""

    write: str
    read: str


@dataclass(frozen=True)
class Plan:
    """Everything the broker has to hold for the suite."""

    services: tuple[str, ...]
    exchanges: tuple[str, ...]
    private: frozenset[str]
    bindings: frozenset[Binding]
    queue_policies: Mapping[str, Mapping[str, Any]]  # queue -> the definition that must apply to it
    rights: Mapping[str, Rights]  # broker user -> what it may do
    topic_rights: Mapping[tuple[str, str], TopicRights]  # (broker user, private exchange) -> routing keys
    writes: Mapping[str, tuple[str, ...]]  # service -> its exchanges

    @property
    def heard(self) -> frozenset[str]:
        """Event types (and whole streams) that some service hears: one that reaches no queue is an alarm."""
        return frozenset(each.key.removesuffix(".#") for each in self.bindings if each.queue != each.key)

    @property
    def queues(self) -> tuple[str, ...]:
        """Names of all queues; each is a quorum queue."""
        return tuple(self.queue_policies)

    @property
    def users(self) -> tuple[str, ...]:
        """Names of all broker users, the operator included."""
        return tuple(self.rights)

    def policies_for(self, version: tuple[int, ...]) -> dict[str, dict[str, Any]]:
        """The policies as a broker of `version` takes them."""
        return {
            queue: {key: value for key, value in keys.items() if version >= POLICY_KEYS_SINCE.get(key, (0,))}
            for queue, keys in self.queue_policies.items()
        }


def inbox(service: str) -> str:
    """The queue that `service` reads."""
    return f"{service}.inbox"


def dead(service: str) -> str:
    """The queue that keeps what `service` could not read."""
    return f"{service}.dead"


@cache
def load() -> Plan:
    """The plan of the file beside this module."""
    documents = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in (FILE, BINDINGS))
    return plan_of(*documents)


def plan_of(document: Mapping[str, Any], reactions: Mapping[str, Iterable[str]] | None = None) -> Plan:
    """Work out the plan of a topology document; a contradiction in it is a `ValueError`.

    reactions: of each service the event types it reacts to; a stream it may hear is bound for these alone (else whole).
    """
    services, private = document["services"], document["private"]
    exchanges = (*document["exchanges"], *private, document["dead_letter_exchange"])
    _refuse_contradictions(services, private, exchanges)
    return Plan(
        services=tuple(services),
        exchanges=exchanges,
        private=frozenset(private),
        bindings=frozenset(_bindings(services, document["dead_letter_exchange"], reactions)),
        queue_policies=_policies(services, document["policies"], document["dead_letter_exchange"]),
        rights=_rights(services, document),
        topic_rights=_topic_rights(services, private, document["operator"]),
        writes={name: tuple(service["writes"]) for name, service in services.items()},
    )


def _refuse_contradictions(services: Mapping, private: Mapping, exchanges: Iterable[str]) -> None:
    for name, service in services.items():
        unknown = {*service["writes"], *service["hears"]} - set(exchanges)
        if unknown:
            raise ValueError(f"{name} names exchanges that are not declared: {sorted(unknown)}")
        for exchange in private.keys() & service["hears"].keys():
            if name not in private[exchange]["heard_by"]:
                raise ValueError(f"{name} may not hear {exchange}")


def _bindings(services: Mapping, dead_letter_exchange: str, reactions: Mapping | None) -> Iterable[Binding]:
    for name, service in services.items():
        yield Binding(dead_letter_exchange, dead(name), dead(name))
        bound: set[str] = set()
        for exchange, keys in service["hears"].items():
            for key in keys:
                wanted = [key] if reactions is None else _of_stream(reactions[name], key)
                bound |= set(wanted)
                yield from (Binding(exchange, inbox(name), each) for each in wanted)
        if reactions is not None and (deaf := set(reactions[name]) - bound):
            raise ValueError(f"{name} reacts to {sorted(deaf)} and hears no such stream: name it in topology.yaml")


def _of_stream(types: Iterable[str], key: str) -> list[str]:
    return [type for type in types if f"{type.split('.', 1)[0]}.#" == key]


def _policies(services: Mapping, policies: Mapping, dead_letter_exchange: str) -> dict[str, dict[str, Any]]:
    found = {}
    for name in services:
        goes_to = {"dead-letter-exchange": dead_letter_exchange, "dead-letter-routing-key": dead(name)}
        found[inbox(name)] = {**policies["inbox"], **goes_to}
        found[dead(name)] = dict(policies["dead"])
    return found


def _rights(services: Mapping, document: Mapping[str, Any]) -> dict[str, Rights]:
    rights = {
        name: Rights(NOTHING, exactly(service["writes"]), exactly([inbox(name)])) for name, service in services.items()
    }
    # `amq.default` is the exchange without a name: it delivers to the queue that the routing key names.
    redrive_to = exactly([document["dead_letter_exchange"], "amq.default"])
    rights[document["operator"]] = Rights(NOTHING, redrive_to, exactly(map(dead, services)))
    return rights


def _topic_rights(services: Mapping, private: Mapping, operator: str) -> dict[tuple[str, str], TopicRights]:
    found = {}
    for exchange, rule in private.items():
        streams = f"^({'|'.join(map(re.escape, rule['carries']))})\\."
        for name, service in services.items():
            write = streams if exchange in service["writes"] else NOTHING
            read = streams if name in rule["heard_by"] else NOTHING
            found[name, exchange] = TopicRights(write, read)
        found[operator, exchange] = TopicRights(NOTHING, NOTHING)
    return found


def exactly(names: Iterable[str]) -> str:
    """The pattern that matches these names and no other."""
    return f"^({'|'.join(map(re.escape, names))})$"
