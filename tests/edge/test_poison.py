"""No single message stops a service: what cannot be read is set aside, and its neighbours are handled."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from shared.edge import topology_plan
from shared.kernel.clock import stamp
from shared.kernel.ids import new_id
from tests.edge.conftest import Line
from tests.runtime.backends import START, until
from tests.servers import Servers
from tests.stack import WITH_DATA, Stack

pytestmark = pytest.mark.servers
JSON = "application/json"
KINDS = 25
FOLLOWED = {  # one stream that each service hears
    "order": "claim",
    "claim": "order",
    "messaging": "claim",
    "refund": "claim",
    "notification": "claim",
}


def headers(stream: str, id: str, **changes: Any) -> dict[str, Any]:
    """Of the first event of a stream, of a type that nobody handles: it only moves the position."""
    good = {
        "ce-specversion": "1.0",
        "ce-id": new_id("evt"),
        "ce-type": f"{stream}.unheard",
        "ce-subject": id,
        "ce-time": stamp(START),
        "ce-tenant": "shop",
        "ce-sequence": "1",
    }
    return {**good, **changes}


def poison(stream: str) -> dict[str, tuple[bytes, dict[str, Any]]]:
    """The 19 kinds of N05, N06 and N24, and what is only ours: headers that no column can take."""

    def event(body: bytes = b"{}", changes: dict[str, Any] | None = None, **properties: Any) -> tuple[bytes, dict]:
        found = headers(stream, new_id("x"), **(changes or {}))
        return body, {"content_type": JSON, "application_headers": found, **properties}

    plain = {"content_type": JSON}
    return {
        "bad JSON": event(b'{"a": '),
        "bad UTF-8": event(b'{"a": "\xff\xfe"}'),
        "pickle": event(pickle.dumps({"a": 1}), content_type="application/x-python-serialize"),
        "unknown content type": event(content_type="application/x-strange"),
        "no content type": event(content_type=None),
        "unknown encoding": event(content_encoding="klingon"),
        "bad compression": event(changes={"compression": "application/x-nothing"}),
        "30,000 deep": event(b"[" * 30_000 + b"]" * 30_000),
        "a type tag of kombu": event(b'[{"__type__": "nobody", "__value__": 1}]'),
        "NaN": event(b'{"a": NaN}'),
        "call stack is a text": (b"{}", {**plain, "application_headers": {"nameko.call_id_stack": "x"}}),
        "call stack is a number": (b"{}", {**plain, "application_headers": {"nameko.call_id_stack": 5}}),
        "call stack of numbers": (b"{}", {**plain, "application_headers": {"nameko.call_id_stack": [1, 2]}}),
        "call stack is a table": (b"{}", {**plain, "application_headers": {"nameko.call_id_stack": {"a": 1}}}),
        "a call without an answer address": (b'{"args": [], "kwargs": {}}', plain),
        "a call of unknown content": (b"x", {"content_type": "text/x-call", "reply_to": "nowhere"}),
        "larger than 1 MiB": event(b'{"a": "' + b"x" * 2**20 + b'"}'),
        "no headers": (b"{}", plain),
        "empty": (b"", {}),
        "an endless subject": event(changes={"ce-subject": "x" * 150}),
        "a subject with NUL": event(changes={"ce-subject": "a\x00b"}),
        "a sequence beyond 64 bits": event(changes={"ce-sequence": "9" * 25}),
        "a sequence of zero": event(changes={"ce-sequence": "0"}),
        "a time without offset": event(changes={"ce-time": "2026-11-02T09:00:00"}),
        "a stream of 100 letters": event(changes={"ce-type": "x" * 100 + ".y"}),
    }


@pytest.mark.capability("R15", "T14", "T35")
def test_every_poison_message_is_set_aside_by_every_service_and_nothing_else_is(
    servers: Servers, line_to: Callable[..., Line]
) -> None:
    with Stack(servers, "poison", WITH_DATA) as stack:
        line, good = line_to(stack), {}
        for service in WITH_DATA:
            queue, stream = topology_plan.inbox(service), FOLLOWED[service]
            good[service] = [new_id("good") for _ in range(KINDS + 1)]
            kinds = poison(stream)
            assert len(kinds) == KINDS
            for id, (body, properties) in zip(good[service], kinds.values(), strict=False):
                line.put(queue, b"{}", content_type=JSON, application_headers=headers(stream, id))
                line.put(queue, body, **properties)
            line.put(queue, b"{}", content_type=JSON, application_headers=headers(stream, good[service][-1]))
        for service in WITH_DATA:
            set_aside, own = partial(line.depth, topology_plan.dead(service)), good[service]
            handled = partial(positions, stack, service, own)
            until(lambda look=set_aside: look() >= KINDS, f"dead letters of {service}")
            until(lambda look=handled: look() == [1] * (KINDS + 1), f"effects in {service}")
            assert stack.processes[service].poll() is None
            assert set_aside() == KINDS
            assert line.depth(topology_plan.inbox(service)) == 0
            assert waiting(stack, service) == 0


def positions(stack: Stack, service: str, ids: list[str]) -> list[int]:
    found = dict(tuple(row) for row in query(stack, service, "select aggregate_id, seq from inbox_position"))
    return [found.get(id, 0) for id in ids]


def waiting(stack: Stack, service: str) -> int:
    return query(stack, service, "select count(*) from inbox_waiting")[0][0]


def query(stack: Stack, service: str, statement: str) -> list[Any]:
    engine = sa.create_engine(stack.databases[service].replace("postgresql:", "postgresql+psycopg2:"))
    try:
        with engine.connect() as connection:
            return list(connection.execute(sa.text(statement)))
    finally:
        engine.dispose()
