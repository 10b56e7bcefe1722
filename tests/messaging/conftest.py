"""A messaging service, with events as order and claim send them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from shared.contracts.registry import EVENTS
from shared.kernel.calls import Answer
from shared.kernel.clock import stamp
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal
from shared.runtime.envelope import Envelope
from tests.suite import Suite

START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
CUSTOMER = Principal("customer", "usr_c1", "shop", party="cus_1")
OTHER_CUSTOMER = Principal("customer", "usr_c2", "shop", party="cus_2")
SELLER = Principal("seller", "usr_s1", "shop", party="sel_1")
OTHER_SELLER = Principal("seller", "usr_s2", "shop", party="sel_2")
INTEGRATOR = Principal("integrator", "key_1", "shop", party="sel_1")
SUPPLIER = Principal("supplier", "usr_p1", "shop", party="sup_1")
OTHER_SUPPLIER = Principal("supplier", "usr_p2", "shop", party="sup_2")
OBSERVER = Principal("account_observer", "usr_o1", "shop")
COORDINATOR = Principal("coordinator", "usr_k1", "shop")
AGENT = Principal("platform_agent", "usr_a1", "shop")
ELSEWHERE = Principal("coordinator", "usr_k9", "another_shop")

CLAIM = {
    "claim_id": "clm_1",
    "number": "C-1001",
    "category": "after_sales",
    "profile": "coordinated",
    "order_id": "ord_1",
    "requester": {"type": "customer", "id": "cus_1"},
    "customer_ref": "cus_1",
    "seller_id": "sel_1",
    "handler": "coordinators",
    "reason_code": "damaged_items",
    "title": "Broken lamp",
    "message": {"message_id": "msg_00opening", "text": "The lamp arrived in pieces."},
    "supplier_ids": [],
}


class Desk:
    """The service, and the world around it."""

    def __init__(self, suite: Suite) -> None:
        self.suite, self.clock, self.app = suite, suite.clock, suite.apps["messaging"]
        suite.advance(seconds=(START - self.clock.now()).total_seconds())
        self._sequences: dict[tuple[str, str], int] = {}

    @property
    def published(self) -> list[Envelope]:
        """What the service has announced, oldest first."""
        return self.suite.events("messaging")

    def hear(self, type: str, aggregate_id: str, data: dict[str, Any], actor: str = "customer/usr_c1/ui") -> Envelope:
        """An event of another service arrives."""
        key = (type.split(".")[0], aggregate_id)
        self._sequences[key] = self._sequences.get(key, 0) + 1
        event = Envelope(
            id=new_id("evt"),
            type=type,
            aggregate_id=aggregate_id,
            seq=self._sequences[key],
            tenant="shop",
            time=self.clock.now(),
            actor=actor,
            correlation="req_1",
            causation=None,
            body=orjson.dumps(data),
        )
        self.app.inbox.receive([event])
        assert self.app.dead_letters() == 0
        return event

    def open_claim(self, **changes: Any) -> str:
        claim = CLAIM | changes
        self.hear("claim.opened", claim["claim_id"], claim)
        return "thr_" + claim["claim_id"].removeprefix("clm_")

    def place_order(self, order_id: str = "ord_1", **changes: Any) -> None:
        order = {
            "order_id": order_id,
            "customer_ref": "cus_1",
            "seller_id": "sel_1",
            "marketplace": "main",
            "profile": "discussion",
            "currency": "EUR",
            "total": {"amount": 9000, "currency": "EUR"},
            "placed_at": stamp(self.clock.now()),
            "lines": [{"line_id": "lin_1", "gross": 4000}, {"line_id": "lin_2", "gross": 5000}],
        }
        self.hear("order.placed", order_id, order | changes)

    def about_claim(self, type: str, actor: str = "coordinator/usr_k1/ui", **data: Any) -> None:
        self.hear(type, "clm_1", CLAIM | data, actor)

    def call(self, name: str, principal: Principal, /, version: int | None = None, **args: Any) -> Answer:
        return self.suite.call(name, principal, version=version, **args)

    def ask(self, name: str, principal: Principal, /, **args: Any) -> dict[str, Any]:
        answer = self.call(name, principal, **args)
        assert answer.ok, answer.body
        return answer.body

    def post(self, principal: Principal, text: str, **args: Any) -> dict[str, Any]:
        self.clock.advance(minutes=1)
        return self.ask("message.post", principal, thread_id="thr_1", text=text, **args)

    def texts(self, principal: Principal, thread_id: str = "thr_1") -> list[str]:
        return [m["text"] for m in self.ask("thread.messages", principal, thread_id=thread_id)["items"]]

    def types(self) -> list[str]:
        return [event.type for event in self.published]

    def last(self, type: str) -> dict[str, Any]:
        return next(event.data for event in reversed(self.published) if event.type == type)


@pytest.fixture
def desk(suite_of: Callable[..., Suite]) -> Iterator[Desk]:
    """Whatever a test makes the service say must be what its contract promises, and each stream without gaps."""
    found = Desk(suite_of("messaging"))
    yield found
    seen: dict[tuple[str, str], int] = {}
    for event in found.published:
        assert EVENTS[event.type].schema.validate(event.data) == {}, event.type
        key = (event.stream, event.aggregate_id)
        assert event.seq == seen.get(key, 0) + 1, event.type
        seen[key] = event.seq
