"""A world to try every operation and route in, who tries, and with what.

Who may is declared beside each operation (`may`, `on` in shared/contracts). What is sent is made from its schema; only
where a schema does not say enough is there an example here.
"""

from __future__ import annotations

import hashlib
from typing import Any

from marshmallow import Schema, fields, validate

from shared.contracts.claim_lists import SAVE_VIEW
from shared.contracts.fields import MoneySchema
from shared.kernel import principal
from shared.kernel.principal import Principal
from shared.ops.seals import seal, unseal
from tests.gateway.conftest import Api
from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import PARCEL, TENANT, agent, coordinator, customer, integrator, order_args, seller, supplier

STANDINGS = ("own", "foreign", "former", "elsewhere")
ROLES = tuple(role for role in principal.ROLES if role != "system")
AMOUNT = {"amount": 100, "currency": "EUR"}
GESTURE = {"kind": "commercial_gesture", "amount": AMOUNT}
STATEMENT = "provider_ref,payment_ref,refund_id,amount,currency,at\nre_x,pi_x,,100,EUR,2026-01-02T00:00:00Z\n"
# By operation, or by route where it takes something else than its operation.
EXAMPLES: dict[str, dict[str, Any]] = {
    "order.place": order_args("2002"),
    "order.validate_lines": {"lines": [{"line_id": "lin_1001_1", "action": "accept"}]},
    "order.ship": {"parcel": PARCEL},
    "order.set_tracking": {"parcel": PARCEL},
    "order.set_public_state": {"code": "awaiting_stock"},
    "order.set_internal_state": {"code": "clear"},
    "order.place_many": {"orders": [order_args("2003")]},
    "order.validate_many": {
        "orders": [{"order_id": "{order_id}", "lines": [{"line_id": "lin_1001_1", "action": "accept"}]}]
    },
    "order.add_line": {
        "currency": "EUR",
        "line": {"product_id": "prd_cup", "sku": "CUP", "title": "Cup", "quantity": 1, "unit_price": 1900},
    },
    "order.withdraw_line": {"line_id": "lin_1001_1"},
    "marketplace.get": {"marketplace": "main"},
    "marketplace.configure": {"marketplace": "main", "stock_managed": True},
    "entitlement.grant": {"line_id": "lin_1001_1", "url": "shop.example"},
    "lifecycle.choose": {"customer_ref": "cus_1"},
    "claim.open": {"order_id": "{order_id}", "reason_code": "missing_items"},
    "claim.assign": {"assignee": None},
    "claim.set_awaiting": {"party": "seller"},
    "claim.set_state": {"target": "in_progress"},
    # whom nobody of the matrix is: removing him takes nobody's rights
    "claim.add_observer": {"kind": "supplier", "id": "sup_9"},
    "claim.remove_observer": {"kind": "supplier", "id": "sup_9"},
    "claim.merge": {"target_id": "{claim_id}"},
    "message.post": {"thread_id": "{thread_id}"},
    "message.set_visibility": {"visibility": "private"},
    "message.mark_handled": {"message_id": "{opening}"},
    "template.save": {"scope": "user"},
    "signature.save": {"scope": "user"},
    "access.request": {"thread_id": "{thread_id}", "kind": "screen_share", "until": "2026-11-10T00:00:00Z"},
    "attachment.offer": {"name": "photo.png"},
    "attachment.received": {"sha256": "0" * 64},
    "draft.attend": {"thread_id": "{thread_id}"},
    "draft.present": {"thread_id": "{thread_id}"},
    "thread.get": {"thread_id": "{thread_id}"},
    "thread.messages": {"thread_id": "{thread_id}"},
    "claim.bulk": {"action": "start"},
    "saved_view.save": {"key": "mine", "name": "Mine", "filters": {"awaiting": "me"}},
    "saved_view.remove": {"key": "other"},
    "claim_module.configure": {"marketplace": "elsewhere", "profile": "issue"},
    "claim_module.get": {"marketplace": "site", "profile": "issue"},
    "claim_reason.list": {"order_id": "{order_id}"},
    "claim.seller_score": {"seller_id": "sel_1"},
    "offer.record": {"offer_id": "off_2", "seller_id": "sel_1"},
    "offer.get": {"offer_id": "off_1"},
    "customer.list": {"customer_refs": ["cus_1"]},
    "customer.get": {"customer_ref": "cus_1", "email": "ada@customer.example"},
    "return.request": {"lines": [{"line_id": "lin_1001_2", "qty": 1}]},
    "return.attach_label": {"label_id": "att_1"},
    "GET /v1/orders/{order_id}/deliveries/{parcel_id}": {"parcel_id": "{parcel_id}"},
    "GET /v1/orders/{order_id}/products/{product_id}": {"product_id": "prd_lamp"},
    "GET /v1/reported-issues": {"has_claims": "true"},
    "refund.quote": GESTURE,
    "refund.request": {**GESTURE, "reason_code": "goodwill"},
    "coupon.get": {"coupon_id": "{coupon_id}"},
    "coupon.redeem": {"coupon_id": "{coupon_id}", "used_for": "1002", "amount": {"amount": 1, "currency": "EUR"}},
    "refund_policy.put": {"profile": "issue", "rules": {"late_days": 4}},
    "refund_policy.simulate": {"profile": "issue", "rules": {}, "since": "2026-01-01T00:00:00Z"},
    "reconciliation.upload": {"provider": "stripe", "csv": STATEMENT},
    "reconciliation.fetch": {
        "provider": "stripe",
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-02-01T00:00:00Z",
    },
    "identity.set": {
        "seller_id": "sel_1",
        "legal_name": "Lamps SAS",
        "vat_number": "FR32552100554",
        "address": {"lines": ["1 rue Haute"], "postcode": "75004", "city": "Paris", "country": "FR"},
    },
    "identity.get": {"seller_id": "sel_1"},
    "payment_request.list": {"order_id": "{unpaid_order_id}"},
    "payment_request.get": {"request_id": "{payment_request_id}"},
    "payment_request.revoke": {"request_id": "{payment_request_id}"},
    "payment_request.look": {"token_hash": "{token_hash}"},
    "payment_request.restart": {"token_hash": "{token_hash}"},
    "payment_request.start": {
        "token_hash": "{token_hash}",
        "return_to": seal("", "payment return", b"https://shop.example/pay/1"),
    },
    "contact.record": {"party": "seller", "ref": "sel_1"},
    "sender.register": {"party": "seller", "ref": "sel_1"},
    "alias.renew": {"token": f"mail_{'0' * 24}.{'x' * 24}"},
    "mail.receive": {"content_hash": "0" * 64},
    "notification.bounce": {"status": "5.1.1"},
    "POST /v1/claims/{claim_id}/messages": {"text": "Hello"},
    "GET /v1/claims/{claim_id}/present": {},
    "PUT /v1/claims/{claim_id}/present": {},
    "PATCH /v1/claims/{claim_id}": {"assignee": None},
}


def caller(role: str, standing: str) -> Principal | None:
    """`own`: whose things these are, or who takes part in them. `foreign`: another of the tenant. `former`: who took
    part once. `elsewhere`: the same ids in another tenant. None: this role has no such standing."""
    tenant = "other" if standing == "elsewhere" else TENANT
    number = {"foreign": 2, "former": 3}.get(standing, 1)
    if standing == "former" and role not in ("supplier", "account_observer"):
        return None
    if role in ("coordinator", "platform_agent"):
        return None if standing == "foreign" else Principal(role, f"staff_{role}", tenant)
    makers = {"customer": (customer, "cus"), "seller": (seller, "sel"), "supplier": (supplier, "sup")}
    if role in makers:
        make, prefix = makers[role]
        return make(f"{prefix}_{number}", tenant)
    if role == "integrator":
        return integrator(f"sel_{number}", tenant)
    return Principal(role, f"obs_{number}", tenant)


def unproved_mail(address: str) -> dict[str, Any]:
    """A mail that says it is Ada's and does not prove it: it waits in the quarantine."""
    told = {"sender": "ada@customer.example", "authentic": False, "text": "The lamp arrived broken.", "size": 100}
    return {"recipient": address, "message_id": "<1@customer.example>", "content_hash": "0" * 64, **told}


class World:
    """One of everything: an order, its claim with observers and a private comment, a refund, its credit note."""

    def __init__(self, api: Api) -> None:
        self.api = api
        order = shipped_order(api)
        claim = open_claim(api, order)
        one = f"/v1/claims/{claim['id']}"
        seats = ("supplier", "sup_1"), ("account", "obs_1"), ("supplier", "sup_9"), ("supplier", "sup_3")
        for kind, id in (*seats, ("account", "obs_3")):
            api.post(f"{one}/observers", coordinator(), {"kind": kind, "id": id})
        for former in ("supplier/sup_3", "account/obs_3"):
            api.post(f"{one}/observers/{former}", coordinator(), method="DELETE")
        api.suite.settle()
        thread = api.get(one, seller())["thread"]["id"]
        posts = f"/v1/threads/{thread}/messages"
        said = api.post(posts, seller(), {"text": "We look into it.", "visibility": "public"})
        api.post(posts, seller(), {"text": "PRIVATE-CANARY", "visibility": "private"})
        covered = {"line_id": "lin_1001_1", "product_id": "prd_lamp", "url": "shop.example", "days": 30}
        api.post(f"/v1/orders/{order['id']}/entitlements", agent(), covered)
        asked = {**GESTURE, "reason_code": "goodwill", "order_id": order["id"], "claim_id": claim["id"]}
        api.post("/v1/refunds", seller(), asked)
        api.suite.settle()
        refund = api.get("/v1/refunds", agent())["items"][0]
        alias = api.post(f"/v1/orders/{order['id']}/alias", customer())
        mail = unproved_mail(alias["address"])
        received = api.suite.do("mail.receive", Principal("system", "mail", TENANT, via="email"), **mail)
        lamp = {"lines": [{"line_id": "lin_1001_1", "qty": 1}], "reason_code": "damaged_items"}
        back = api.post(f"{one}/returns", customer(), lamp)
        api.post("/v1/claim-modules/site/issue", coordinator(), {"mode": "enabled"}, method="PUT")
        offer = {"seller_id": "sel_1", "product_id": "prd_lamp", "marketplace": "main", "title": "Brass lamp"}
        api.post("/v1/offers/off_1", seller(), offer, method="PUT")
        parcel = api.get(f"/v1/orders/{order['id']}", seller())["parcels"][0]["parcel_id"]
        promise = {**GESTURE, "reason_code": "goodwill", "order_id": order["id"], "instrument": "coupon"}
        api.post("/v1/refunds", agent(), promise)
        api.post("/v1/reconciliation/statements", agent(), {"provider": "stripe", "csv": STATEMENT})
        without_seller = {name: value for name, value in EXAMPLES["identity.set"].items() if name != "seller_id"}
        api.post("/v1/sellers/sel_1/identity", seller(), without_seller, method="PUT")
        invoice = api.post(f"/v1/orders/{order['id']}/invoice", seller())
        unpaid, request, token = self._link()
        template = {"name": "Hello", "locale": "en", "scope": "seller", "body": "Hello", "variables": []}
        screen = {"kind": "screen_share", "purpose": "To look", "until": "2026-11-10T00:00:00Z"}
        api.post("/v1/signatures", seller(), {"scope": "user", "text": "The shop"}, method="PUT")
        file = api.post(f"/v1/threads/{thread}/attachments", seller(), {"name": "a.png", "size": 1})
        for who in (seller(), coordinator()):
            api.post(f"/v1/threads/{thread}/draft", who, {"text": "We were about to"}, method="PUT")
        for role in ROLES:
            if role in SAVE_VIEW.may and (who := caller(role, "own")):
                api.post("/v1/desk/views/mine", who, {"name": "Mine", "filters": {}}, method="PUT")
        statement = api.post(f"/v1/orders/{order['id']}/withdrawals", customer(), {"name": "Ada Byron"}, status=201)
        self.ids = {
            "withdrawal_id": statement["id"],
            "alias_id": alias["alias_id"],
            "mail_id": received["mail_id"],
            "unpaid_order_id": unpaid,
            "invoice_id": invoice["id"],
            "payment_request_id": request,
            "token_hash": hashlib.sha256(token.encode()).hexdigest(),
            "order_id": order["id"],
            "claim_id": claim["id"],
            "thread_id": thread,
            "message_id": said["id"],
            "notification_id": self._told(said["id"]),
            "opening": api.get(posts, customer())["items"][0]["id"],
            "return_id": back["id"],
            "parcel_id": parcel,
            "refund_id": refund["id"],
            "template_id": api.post("/v1/templates", seller(), template, method="PUT")["id"],
            "request_id": api.post(f"/v1/threads/{thread}/access-requests", seller(), screen)["id"],
            "attachment_id": file["id"],
            "credit_note_id": refund["credit_note_id"],
            "coupon_id": api.get("/v1/coupons", agent())["items"][0]["id"],
        }

    def _told(self, message_id: str) -> str:
        """The notification that tells the customer of this message."""
        told = self.api.get("/v1/notifications?limit=200", agent())["items"]
        return next(n["id"] for n in told if (n["message_id"], n["recipient"]["kind"]) == (message_id, "customer"))

    def _link(self) -> tuple[str, str, str]:
        """A payment link on an order that was not paid: its id, its request's, and the token from the private event."""
        order = self.api.post("/v1/orders", seller(), order_args("3003"))
        request = self.api.post(f"/v1/orders/{order['id']}/payment-requests", seller())
        [link] = self.api.suite.events("order", "payment_link.issued")
        return order["id"], request["id"], unseal("", "payment link", link.data["sealed"]).decode()

    def args(self, schema: Schema, *examples: str) -> dict[str, Any]:
        """Valid arguments: what the schema requires, with this world's ids, and the first example there is."""
        chosen = next((EXAMPLES[name] for name in examples if name in EXAMPLES), {})
        made = {} if chosen and examples[0] in EXAMPLES and examples[0][0].isupper() else self._required(schema)
        return self._filled({**made, **chosen})

    def path(self, path: str, args: dict[str, Any]) -> str:
        return path.format_map({**self.ids, **args})

    def _required(self, schema: Schema) -> dict[str, Any]:
        return {name: self._value(name, field) for name, field in schema.fields.items() if field.required}

    def _value(self, name: str, field: fields.Field) -> Any:
        if name in self.ids:
            return self.ids[name]
        if isinstance(field, fields.List):
            return [self._value(name.removesuffix("s"), field.inner)]
        if isinstance(field, fields.Nested):
            return AMOUNT if isinstance(field.schema, MoneySchema) else self._required(field.schema)
        choices = [each.choices for each in field.validators if isinstance(each, validate.OneOf)]
        if choices:
            return next(iter(choices[0]))
        simple = {fields.Boolean: True, fields.Integer: 1, fields.Email: "one@seller.example", fields.Dict: {}}
        return next((value for kind, value in simple.items() if isinstance(field, kind)), "other")

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._filled(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._filled(each) for each in value]
        return value.format_map(self.ids) if isinstance(value, str) else value
