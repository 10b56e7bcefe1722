"""A notification service with its mails in a folder, and events as the other services send them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.notification.adapters.folder import list_mails, read_mail
from services.notification.app import mail_folder
from shared.contracts import claim, invoicing, messaging, order, paying, refund  # noqa: F401  they fill the table of events
from shared.contracts.registry import EVENTS
from shared.kernel.clock import stamp
from shared.kernel.ids import new_id
from shared.runtime.envelope import Envelope
from tests.suite import START, TENANT, Suite, agent

WHOSE = {"order_id": "ord_1", "number": "1001", "seller_id": "sel_1", "customer_ref": "cus_1"}
EUR = "EUR"
PLACED = WHOSE | {
    "marketplace": "main",
    "profile": "issue",
    "currency": EUR,
    "lines": [
        {
            "line_id": "lin_1",
            "product_id": "prd_lamp",
            "sku": "LAMP",
            "title": "Brass lamp",
            "qty": 2,
            "gross": 8743,
            "taxes": [],
        }
    ],
    "shipments": [{"shipment_id": "shp_1", "gross": 490, "taxes": []}],
    "total": {"amount": 9233, "currency": EUR},
    "placed_at": stamp(START),
}
CLAIM = {
    "claim_id": "clm_1",
    "order_id": "ord_1",
    "seller_id": "sel_1",
    "customer_ref": "cus_1",
    "profile": "issue",
    "handler": "seller",
    "assignee": None,
    "hold": True,
    "from": "submitted",
    "to": "in_progress",
    "awaiting": "seller",
    "by": "requester",
}
OPENED = CLAIM | {
    "from": None,
    "to": "submitted",
    "number": "C-1001",
    "category": "after_sales",
    "profile_version": 1,
    "hold_mode": "order",
    "marketplace": "main",
    "order_number": "1001",
    "line_ids": [],
    "lines": [],
    "requester": {"type": "customer", "id": "cus_1"},
    "reason_code": "damaged_items",
    "title": "Broken lamp",
    "disputed_amount": {"amount": 0, "currency": EUR},
    "photos_count": 0,
    "supplier_ids": [],
    "message": {"message_id": "msg_00", "text": "The lamp arrived in pieces."},
}
MESSAGE = {
    "thread_id": "thr_1",
    "claim_id": "clm_1",
    "order_id": "ord_1",
    "seller_id": "sel_1",
    "customer_ref": "cus_1",
    "author": {"type": "seller", "id": "sel_1"},
    "visibility": "public",
    "via": "ui",
    "asks": None,
    "origin": "post",
    "posted_at": stamp(START),
}
REFUND = {
    "refund_id": "rfd_1",
    "order_id": "ord_1",
    "claim_id": "clm_1",
    "parent_id": None,
    "retry_of": None,
    "seller_id": "sel_1",
    "customer_ref": "cus_1",
    "kind": "claim_resolution",
    "return_id": None,
    "deductions": [],
    "instrument": "original",
    "amount": {"amount": 4372, "currency": EUR},
    "tax_total": 0,
    "lines": [],
    "shipping": 0,
    "reason_code": "damaged_items",
    "funding": [],
    "requested_by": {"type": "seller", "id": "sel_1"},
    "available_after": 4861,
}
SUCCEEDED = REFUND | {
    "provider_ref": "re_1",
    "succeeded_at": stamp(START),
    "credit_note_id": "crn_1",
    "order_refunded_total": {"amount": 4372, "currency": EUR},
    "order_available": {"amount": 4861, "currency": EUR},
    "fully_refunded": False,
}


class PostOffice:
    """The service, what reaches it, and what leaves it."""

    def __init__(self, suite: Suite) -> None:
        self.suite, self.app = suite, suite.apps["notification"]
        self.folder: Path = mail_folder(suite.settings)
        self._sequences: dict[tuple[str, str], int] = {}

    def envelope(self, type: str, aggregate_id: str, data: dict[str, Any], actor: str) -> Envelope:
        assert EVENTS[type].schema.validate(data) == {}, f"the test sends a {type} that nobody would"
        key = (type.split(".")[0], aggregate_id)
        self._sequences[key] = self._sequences.get(key, 0) + 1
        return Envelope(
            id=new_id("evt"),
            type=type,
            aggregate_id=aggregate_id,
            seq=self._sequences[key],
            tenant=TENANT,
            time=self.suite.clock.now(),
            actor=actor,
            correlation="req_1",
            causation=None,
            body=orjson.dumps(data),
        )

    def hear(self, type: str, aggregate_id: str, data: dict[str, Any], actor: str = "customer/usr/ui") -> Envelope:
        """An event arrives; nothing is sent before `settle`."""
        event = self.envelope(type, aggregate_id, data, actor)
        self.app.inbox.receive([event])
        return event

    def knows(self, party: str, ref: str, email: str, locale: str = "en", name: str = "Somebody") -> None:
        self.suite.do("contact.record", agent(), party=party, ref=ref, name=name, email=email, locale=locale)

    def knows_everybody(self) -> None:
        self.knows("customer", "cus_1", "ada@customer.example", "en", "Ada Byron")
        self.knows("seller", "sel_1", "shop@seller.example", "fr", "Maison Lune")
        self.knows("supplier", "sup_1", "desk@supplier.example")
        self.knows("coordinator", "coo_1", "kim@desk.example")
        self.knows("coordinator", "coo_2", "lou@desk.example")
        self.knows("platform", "agt_1", "agent@platform.example")

    def place_order(self) -> None:
        self.hear("order.placed", "ord_1", PLACED)

    def open_claim(self, **changes: Any) -> None:
        self.hear("claim.opened", "clm_1", OPENED | changes)

    def claim(self, type: str, actor: str = "seller/usr/ui", **changes: Any) -> Envelope:
        return self.hear(type, "clm_1", CLAIM | changes, actor)

    def message(self, text: str, id: str = "msg_1", **changes: Any) -> Envelope:
        private = changes.get("visibility") == "private"
        type = "private_message.posted" if private else "message.posted"
        return self.hear(type, "thr_1", MESSAGE | {"message_id": id, "text": text, **changes})

    def settle(self) -> None:
        self.suite.settle()

    def mails(self) -> list[EmailMessage]:
        """Every mail that left, oldest first."""
        return [read_mail(self.folder, stored.name) for stored in reversed(list_mails(self.folder, 1000))]

    def told(self) -> set[tuple[str, str]]:
        """(address, subject) of every mail that left since the last time this was asked."""
        found = {(mail["To"].addresses[0].addr_spec, str(mail["Subject"])) for mail in self.mails()}
        for path in self.folder.glob("*.eml"):
            path.unlink()
        return found

    def listed(self, **filters: Any) -> list[dict[str, Any]]:
        return self.suite.do("notification.list", agent(), **filters)["items"]

    def states(self) -> dict[tuple[str, str], str]:
        return {(n["template"], n["recipient"]["ref"]): n["state"] for n in self.listed()}


@pytest.fixture
def office(suite_of: Callable[..., Suite]) -> Iterator[PostOffice]:
    """Whatever a test makes the service say must be what its contract promises."""
    found = PostOffice(suite_of("notification", mail="folder"))
    yield found
    for event in found.suite.events("notification"):
        assert EVENTS[event.type].schema.validate(event.data) == {}, event.type
        if EVENTS[event.type].audience == "private":
            continue  # how to reach somebody, on an exchange of its own
        assert "@" not in event.body.decode().replace(f"@{found.suite.settings.mail_domain}>", ""), "an address left"
