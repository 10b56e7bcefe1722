"""Webhooks of payment providers arrive as they were signed, or not at all."""

from __future__ import annotations

import hashlib
import hmac
import time

import orjson
import pytest

from tests.gateway.test_journey import shipped_order
from tests.suite import agent, seller

SECRET = "whsec_of_the_tests"


@pytest.fixture
def hooked(api_of):
    return api_of(stripe_webhook_secret=SECRET)


def event(refund_id: str, status: str = "succeeded", id: str = "evt_1") -> bytes:
    told = {"id": "re_1", "object": "refund", "amount": 500, "currency": "eur", "status": status}
    told |= {"payment_intent": "pi_1001", "metadata": {"refund_id": refund_id}, "created": int(time.time())}
    body = {"id": id, "object": "event", "type": "refund.updated", "data": {"object": told}}
    return orjson.dumps(body, option=orjson.OPT_INDENT_2)  # spaces and all: the signature is over these bytes


def signature(body: bytes, secret: str = SECRET, at: int | None = None) -> str:
    at = at or int(time.time())
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def post(api, body: bytes, signed: str | None):
    headers = {"Stripe-Signature": signed} if signed else {}
    return api.call("POST", "/hooks/stripe", data=body, headers=headers, content_type="application/json")


@pytest.mark.capability("T33")
def test_a_webhook_that_the_provider_did_not_sign_changes_nothing(hooked):
    order = shipped_order(hooked)
    body = {"order_id": order["id"], "kind": "commercial_gesture", "reason_code": "goodwill"}
    refund = hooked.post("/v1/refunds", seller(), {**body, "amount": {"amount": 500, "currency": "EUR"}})
    told = event(refund["id"])
    before = hooked.suite.event_count()
    wrong = {
        "unsigned": None,
        "another secret": signature(told, "whsec_of_another"),
        "another body": signature(told + b" "),
        "too old": signature(told, at=int(time.time()) - 301),
        "nonsense": "t=now,v1=yes",
    }
    for name, signed in wrong.items():
        response = post(hooked, told, signed)
        assert 400 <= response.status_code < 500, name
    assert post(hooked, b"\xff\xfe", signature(b"\xff\xfe")).json["code"] == "MALFORMED_BODY"
    assert hooked.suite.event_count() == before


@pytest.mark.capability("T33")
def test_a_signed_webhook_is_heard_once(hooked):
    order = shipped_order(hooked)
    body = {"order_id": order["id"], "kind": "commercial_gesture", "reason_code": "goodwill"}
    hooked.post("/v1/refunds", seller(), {**body, "amount": {"amount": 500, "currency": "EUR"}})
    told = event("rfd_unknown_here", status="pending")
    first, again = (post(hooked, told, signature(told)) for _ in range(2))
    assert (first.status_code, first.json) == (200, {"received": True, "duplicate": False})
    assert again.json == {"received": True, "duplicate": True}
    assert len(hooked.get("/v1/refunds", agent())["items"]) == 1
