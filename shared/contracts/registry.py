"""The public language of the suite, declared once: events, commands and queries with their schemas.

OpenAPI, AsyncAPI, JSON Schema and the validation at the edge all read these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from marshmallow import Schema

from shared.contracts.roles import OWN

PUBLIC, INTERNAL, PRIVATE = "public", "internal", "private"


class Narrow(NamedTuple):
    """A second routing key of those events of a type with one of these values in a field: who needs no others binds it.

    One that lacks the field, as in what an older version recorded, has the key.
    """

    key: str
    field: str
    values: tuple[str | bool, ...]


@dataclass(frozen=True, slots=True)
class EventType:
    """A fact that a service announces. Its stream is the first segment of its type; the routing key is the type.

    audience: public (anybody on the case may learn it), internal (staff and services), private (text or addresses:
    its own exchange, read by named services only).
    narrow: what some of its events are sent by as well (ADR 0023).
    """

    type: str
    schema: Schema
    exchange: str
    audience: str = PUBLIC
    narrow: Narrow | None = None

    @property
    def stream(self) -> str:
        return self.type.split(".", 1)[0]


@dataclass(frozen=True, slots=True)
class Operation:
    """A command or query of a service: its name (`claim.open`) and the schema of its arguments.

    may: the roles that may ask for it, and `on` what (contracts/roles.py): what the matrix of every role, operation and
    route holds the services to. An operation without it is refused by that test.
    """

    name: str
    schema: Schema
    money: bool = False  # moves money: an Idempotency-Key is required
    reads: bool = False  # a query: changes nothing, and never waits behind commands
    may: frozenset[str] = frozenset()
    on: str = OWN

    def __post_init__(self) -> None:
        OPERATIONS[self.name] = self


OPERATIONS: dict[str, Operation] = {}

EVENTS: dict[str, EventType] = {}


def announce(
    producer: str,
    types: dict[str, Schema],
    audience: str = PUBLIC,
    exchange: str | None = None,
    narrow: Mapping[str, Narrow] | None = None,
) -> None:
    """Register the event types of one producer. A type has one producer; naming it twice is a mistake."""
    for type, schema in types.items():
        if type in EVENTS:
            raise ValueError(f"{type} is announced twice")
        EVENTS[type] = EventType(
            type, schema, exchange or f"{producer}.events", audience, (narrow or {}).get(type)
        )


def stream_of(type: str) -> str:
    """`claim.opened` → `claim`."""
    return type.split(".", 1)[0]


def narrow_of(type: str) -> Narrow | None:
    """None for a type without one, and for one that is not ours."""
    return EVENTS[type].narrow if type in EVENTS else None


def narrowest_key(type: str, data: Mapping[str, Any]) -> str:
    """The narrow key of an event that has one, else its type."""
    narrow = narrow_of(type)
    return narrow.key if narrow and data.get(narrow.field, narrow.values[0]) in narrow.values else type
