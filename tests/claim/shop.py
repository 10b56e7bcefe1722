"""A shop with an order service and a claim service; refunds and comments are told to it as their services tell them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson

from shared.contracts import messaging, notification, refund  # noqa: F401 - their event schemas check what is told here
from shared.contracts.registry import EVENTS
from shared.kernel.clock import stamp
from shared.kernel.ids import new_id
from shared.runtime.envelope import Envelope
from tests.suite import PARCEL, Suite, agent, customer, integrator, order_args, payment_args, seller

DAMAGED = {"reason_code": "damaged_items", "text": "Two plates arrived broken."}


class Shop:
    """Callers, orders and claims of one suite. `tell` checks each event against its contract."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self._seq: Counter[tuple[str, str]] = Counter()
        for ref in ("coo_1", "coo_2"):
            self.tell("roster.joined", "ros_1", party="coordinator", ref=ref)

    def order(self, number: str = "1001", phase: str = "delivered", **changes: Any) -> dict[str, Any]:
        """An order of cus_1 at sel_1, placed and as far as asked, and known to the claim service."""
        order = self.suite.do("order.place", integrator(), **order_args(number, **changes))
        id, merchant = order["id"], seller(order["seller_id"])
        steps = {
            "paid": lambda: self.suite.do("order.capture_payment", integrator(), **payment_args(order)),
            "shipped": lambda: self.suite.do("order.ship", merchant, order_id=id, parcel=PARCEL),
            "delivered": lambda: self.suite.do("order.deliver", agent(), order_id=id),
        }
        for name, step in steps.items():
            step()
            if name == phase:
                break
        self.suite.settle()
        return order

    def claim(self, order: dict[str, Any] | None = None, who: Any = None, **complaint: Any) -> dict[str, Any]:
        order = order or self.order()
        claim = self.suite.do("claim.open", who or customer(), order_id=order["id"], **(DAMAGED | complaint))
        self.suite.settle()
        return claim

    def do(self, command: str, who: Any, claim: dict[str, Any], **args: Any) -> dict[str, Any]:
        """A command on a claim, and everything that follows from it."""
        view = self.suite.do(command, who, claim_id=claim["id"], **args)
        self.suite.settle()
        return view

    def refused(self, command: str, who: Any, claim: dict[str, Any], **args: Any) -> str:
        """The code with which a command on a claim is refused, nothing published."""
        return self.suite.refused(command, who, claim_id=claim["id"], **args)["code"]

    def get(self, claim: dict[str, Any], who: Any = None) -> dict[str, Any]:
        return self.suite.do("claim.get", who or agent(), claim_id=claim["id"])

    def types(self, claim: dict[str, Any]) -> list[str]:
        """The types of the claim's events, oldest first; their sequence must be gap-free."""
        told = [event for event in self.suite.events("claim") if event.aggregate_id == claim["id"]]
        assert [event.seq for event in told] == list(range(1, len(told) + 1))
        for event in told:
            assert not EVENTS[event.type].schema.validate(event.data), event.data
        return [event.type for event in told]

    # what other services say

    def tell(self, type: str, id: str, **data: Any) -> None:
        assert not EVENTS[type].schema.validate(data), EVENTS[type].schema.validate(data)
        stream = EVENTS[type].stream
        self._seq[stream, id] += 1
        event = Envelope(
            id=new_id("evt"),
            type=type,
            aggregate_id=id,
            seq=self._seq[stream, id],
            tenant="shop",
            time=self.suite.clock.now(),
            actor="system/system/api",
            correlation="test",
            causation=None,
            body=orjson.dumps(data),
        )
        self.suite.apps["claim"].inbox.receive([event])
        self.suite.settle()
        assert self.suite.waiting("claim") == []

    def comment(self, claim: dict[str, Any], author: str, author_id: str = "somebody", **changes: Any) -> None:
        """A comment of this role is posted on the claim's thread, in public unless told otherwise."""
        data = {
            "thread_id": f"thr_{claim['id'][4:]}",
            "message_id": new_id("msg"),
            "claim_id": claim["id"],
            "order_id": claim["order_id"],
            "seller_id": claim["seller_id"],
            "customer_ref": claim["customer_ref"],
            "author": {"type": author, "id": author_id},
            "visibility": "public",
            "via": "api",
            "text": "Hello.",
            "asks": None,
            "origin": "post",
            "posted_at": stamp(self.suite.clock.now()),
        }
        self.tell("message.posted", data["thread_id"], **(data | changes))

    def refund(self, outcome: str, claim: dict[str, Any], refund_id: str | None = None, **more: Any) -> None:
        """The refund service tells the outcome of the refund that the claim chose (or of another one)."""
        id = refund_id or self.get(claim)["resolution"]["refund_id"]
        zero = {"amount": 0, "currency": "EUR"}
        data = {
            "refund_id": id,
            "order_id": claim["order_id"],
            "claim_id": claim["id"],
            "parent_id": None,
            "return_id": None,
            "deductions": [],
            "retry_of": None,
            "seller_id": claim["seller_id"],
            "customer_ref": claim["customer_ref"],
            "kind": "claim_resolution",
            "instrument": "original",
            "amount": {"amount": 1000, "currency": "EUR"},
            "tax_total": 0,
            "lines": [],
            "shipping": 0,
            "reason_code": "damaged_items",
            "funding": [],
            "requested_by": {"type": "seller", "id": "user_sel_1"},
            "available_after": 0,
        }
        extra = {
            "refund.succeeded": {
                "provider_ref": "re_1",
                "succeeded_at": stamp(self.suite.clock.now()),
                "credit_note_id": "crn_1",
                "order_refunded_total": zero,
                "order_available": zero,
                "fully_refunded": False,
            },
            "refund.failed": {"code": "CARD_CLOSED", "retryable": False},
            "refund.rejected": {"code": "AMOUNT_EXCEEDS_REFUNDABLE"},
            "refund.cancelled": {"by": "platform_agent"},
        }
        self.tell(outcome, id, **(data | extra[outcome] | more))
