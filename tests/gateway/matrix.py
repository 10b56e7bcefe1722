"""What each role may do with its own things, as a small table, and a world to try it in.

Letters: C customer, S seller, P supplier, K coordinator, A platform agent, O account observer, M mail observer,
I integrator. From spec 5.1; a route without a row here fails the matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.kernel.principal import Principal
from tests.gateway.conftest import Api
from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import PARCEL, TENANT, agent, coordinator, customer, integrator, order_args, seller, supplier

LETTERS = {
    "C": "customer",
    "S": "seller",
    "P": "supplier",
    "K": "coordinator",
    "A": "platform_agent",
    "O": "account_observer",
    "M": "mail_observer",
    "I": "integrator",
}
EVERYBODY, ON_CLAIM, HANDLERS = "CSPKAOMI", "CSPKAOI", "SKAI"


@dataclass(frozen=True)
class Row:
    """may: who may, on things of their own.

    kind: `thing` (path or body names something that exists), `list`, `many` (each id answered by itself), `new` (names
    nothing that exists), `same` (the same for everybody).
    """

    may: str
    kind: str = "thing"
    body: dict[str, Any] = field(default_factory=dict)


REASON = {"reason_code": "other"}
GESTURE = {
    "order_id": "{order_id}",
    "kind": "commercial_gesture",
    "amount": {"amount": 100, "currency": "EUR"},
    "reason_code": "goodwill",
}
QUOTE = {name: value for name, value in GESTURE.items() if name != "reason_code"}
ISSUE = {"reason_code": "missing_items", "text": "The rug is missing."}
PAYMENT = {
    "payment_id": "pay_x",
    "provider": "manual",
    "provider_ref": "x",
    "amount": {"amount": 1, "currency": "EUR"},
}
CONTACT = {"name": "Seller One", "email": "one@seller.example"}
LINES = {"lines": [{"line_id": "lin_1001_1", "action": "accept"}]}

TABLE: dict[str, Row] = {
    "POST /v1/orders": Row("SAI", "new", order_args("2002")),
    "GET /v1/orders": Row("CSKAI", "list"),
    "GET /v1/orders/{order_id}": Row("CSPKAI"),
    "POST /v1/orders/{order_id}/payments": Row("AI", body=PAYMENT),
    "POST /v1/orders/{order_id}/lines:validate": Row("SAI", body=LINES),
    "POST /v1/orders/{order_id}:ship": Row("SAI", body={"parcel": PARCEL}),
    "POST /v1/orders/{order_id}:deliver": Row("SAI"),
    "POST /v1/orders/{order_id}:complete": Row("KA"),
    "POST /v1/orders/{order_id}:cancel": Row("SAI", body=REASON),
    "POST /v1/orders/{order_id}:settle": Row("A", body={"payout_ref": "pay_1"}),
    "POST /v1/orders/{order_id}/tracking": Row("SAI", body={"parcel": PARCEL}),
    "PUT /v1/orders/{order_id}/public-state": Row(HANDLERS, body={"code": "awaiting_stock"}),
    "PUT /v1/orders/{order_id}/internal-state": Row(HANDLERS, body={"code": "clear"}),
    "POST /v1/orders/{order_id}/issues": Row("CKA", body=ISSUE),
    "GET /v1/orders/{order_id}/refund-envelope": Row("CSKAI"),
    "POST /v1/orders/{order_id}/messages": Row(HANDLERS, body={"text": "Hello"}),
    "POST /v1/claims": Row("CKA", body={"order_id": "{order_id}", **ISSUE}),
    "GET /v1/claims": Row(ON_CLAIM, "list"),
    "GET /v1/desk/claims": Row(ON_CLAIM, "list"),
    "GET /v1/claim-profiles": Row(EVERYBODY, "same"),
    "GET /v1/claims/{claim_id}": Row(ON_CLAIM),
    "PATCH /v1/claims/{claim_id}": Row("KA", body={"assignee": None}),
    "POST /v1/claims/{claim_id}:start": Row(HANDLERS),
    "POST /v1/claims/{claim_id}/resolutions": Row(HANDLERS, body={"kind": "replacement"}),
    "POST /v1/claims/{claim_id}:propose": Row(HANDLERS, body={"text": "We send another one."}),
    "POST /v1/claims/{claim_id}:confirm": Row("CKA"),
    "POST /v1/claims/{claim_id}:reject": Row("CKA", body={"reason": "No."}),
    "POST /v1/claims/{claim_id}:escalate": Row("CSAI", body={"reason": "Please decide."}),
    "POST /v1/claims/{claim_id}:hand-back": Row("A"),
    "POST /v1/claims/{claim_id}:resolve": Row(HANDLERS),
    "POST /v1/claims/{claim_id}:refuse": Row("A", body=REASON),
    "POST /v1/claims/{claim_id}:close": Row(HANDLERS),
    "POST /v1/claims/{claim_id}:reopen": Row("CKA"),
    "POST /v1/claims/{claim_id}:appeal": Row("C", body={"text": "It was not me."}),
    "POST /v1/claims/{claim_id}:withdraw": Row("C"),
    "POST /v1/claims/{claim_id}:merge": Row("KA", body={"target_id": "{claim_id}"}),
    "POST /v1/claims:close": Row(HANDLERS, "many", {"claim_ids": ["{claim_id}"]}),
    "GET /v1/claims/{claim_id}/observers": Row(ON_CLAIM),
    "POST /v1/claims/{claim_id}/observers": Row("KA", body={"kind": "supplier", "id": "sup_9"}),
    "DELETE /v1/claims/{claim_id}/observers/{kind}/{id}": Row("KA"),
    "POST /v1/claims/{claim_id}/messages": Row(ON_CLAIM, body={"text": "Hello"}),
    "GET /v1/threads": Row(ON_CLAIM, "list"),
    "GET /v1/threads/{thread_id}": Row(ON_CLAIM),
    "GET /v1/threads/{thread_id}/messages": Row(ON_CLAIM, "list"),
    "POST /v1/threads/{thread_id}/messages": Row(ON_CLAIM, body={"text": "Hello"}),
    "POST /v1/threads:close": Row(HANDLERS, "many", {"thread_ids": ["{thread_id}"]}),
    "PATCH /v1/messages/{message_id}": Row("SKA", body={"visibility": "private"}),
    "POST /v1/messages/{message_id}:handled": Row(HANDLERS),
    "POST /v1/refunds:quote": Row(HANDLERS, body=QUOTE),
    "POST /v1/refunds": Row(HANDLERS, body=GESTURE),
    "GET /v1/refunds": Row("CSKAI", "list"),
    "GET /v1/refunds/{refund_id}": Row("CSKAI"),
    "POST /v1/refunds/{refund_id}:approve": Row("KA"),
    "POST /v1/refunds/{refund_id}:reject": Row("KA"),
    "POST /v1/refunds/{refund_id}:cancel": Row(HANDLERS),
    "POST /v1/refunds/{refund_id}:execute": Row("KA"),
    "POST /v1/refunds/{refund_id}:retry": Row(HANDLERS),
    "GET /v1/credit-notes/{credit_note_id}": Row("CSKAI"),
    "GET /v1/notifications": Row("KA", "list"),
    "PUT /v1/contacts/{party}/{ref}": Row("SKA", "new", CONTACT),
    "GET /v1/me": Row(EVERYBODY, "same"),
}


def caller(role: str, standing: str) -> Principal | None:
    """`own`, `foreign` (another customer, seller… of the tenant) or `elsewhere` (another tenant). Staff are of all."""
    tenant, number = ("other" if standing == "elsewhere" else TENANT), 2 if standing == "foreign" else 1
    if role in ("coordinator", "platform_agent"):
        return None if standing == "foreign" else Principal(role, f"staff_{role}", tenant)
    makers = {"customer": (customer, "cus"), "seller": (seller, "sel"), "supplier": (supplier, "sup")}
    if role in makers:
        make, prefix = makers[role]
        return make(f"{prefix}_{number}", tenant)
    if role == "integrator":
        return integrator(f"sel_{number}", tenant)
    return Principal(role, f"obs_{number}", tenant)


class World:
    """One of everything: an order, its claim with observers and a private comment, a refund, its credit note."""

    def __init__(self, api: Api) -> None:
        self.api = api
        order = shipped_order(api)
        claim = open_claim(api, order)
        one = f"/v1/claims/{claim['id']}"
        for kind, id in (("supplier", "sup_1"), ("account", "obs_1"), ("supplier", "sup_9")):
            api.post(f"{one}/observers", coordinator(), {"kind": kind, "id": id})
        api.suite.settle()
        thread = api.get(one, seller())["thread"]["id"]
        posts = f"/v1/threads/{thread}/messages"
        said = api.post(posts, seller(), {"text": "We look into it.", "visibility": "public"})
        api.post(posts, seller(), {"text": "PRIVATE-CANARY", "visibility": "private"})
        api.post("/v1/refunds", seller(), {**GESTURE, "order_id": order["id"]})
        api.suite.settle()
        refund = api.get("/v1/refunds", agent())["items"][0]
        opening = api.get(posts, customer())["items"][0]["id"]
        self.ids = {
            "order_id": order["id"],
            "claim_id": claim["id"],
            "thread_id": thread,
            "message_id": said["id"],
            "refund_id": refund["id"],
            "credit_note_id": refund["credit_note_id"],
            "kind": "supplier",
            "id": "sup_9",  # whom nobody of the matrix is: removing him takes nobody's rights
            "party": "seller",
            "ref": "sel_1",
        }
        self.opening = opening

    def filled(self, value: Any, route: str) -> Any:
        """The ids of this world in a path or body."""
        ids = {**self.ids, "message_id": self.opening} if route.endswith(":handled") else self.ids
        if isinstance(value, dict):
            return {name: self.filled(each, route) for name, each in value.items()}
        if isinstance(value, list):
            return [self.filled(each, route) for each in value]
        return value.format_map(ids) if isinstance(value, str) else value
