"""Subscriptions to support end with the product they are for, wherever each was bought (ENT-01 to ENT-05, M14)."""

from __future__ import annotations

import pytest

from tests.gateway.test_journey import shipped_order
from tests.gateway.test_orders import CARE, MODULE, supported_order
from tests.suite import agent, customer, integrator, seller

REASON = {"reason_code": "not_downloaded"}
COVERS = {"product_id": "prd_module", "url": "https://shop.example/fr", "days": 365}
LATER = {name: value for name, value in CARE.items() if name != "linked_line_id"} | {"covers": COVERS}


@pytest.fixture
def api(api_of):
    return api_of(instant_provider=True)


def subscription(api):
    [found] = api.get("/v1/entitlements", customer())["items"]
    return found["state"]


def refund_module(api, order, **wish):
    lines = [{"line_id": "lin_module"}]
    body = {"order_id": order["id"], "kind": "post_shipment_lines", "lines": lines, **REASON, **wish}
    made = api.post("/v1/refunds", seller(), body, status=201)
    api.suite.settle()
    return made


def execute(api, refund):
    api.post(f"/v1/refunds/{refund['id']}:execute", agent())
    api.suite.settle()


def refunds(api, order):
    found = api.get(f"/v1/refunds?order_id={order['id']}", agent())["items"]
    return sorted((one["kind"], one["state"], one["amount"]["amount"]) for one in found)


def two_orders(api):
    """The module first, and support for it half a year later."""
    module = {"lines": [MODULE], "discount": 0, "shipping": [], "total": 24000}
    first = shipped_order(api, profile="support", **module)
    api.suite.advance(days=100)
    care = {"lines": [LATER], "discount": 0, "shipping": [], "total": 12000}
    second = shipped_order(api, number="1002", profile="support", **care)
    return first, second


@pytest.mark.capability("S3-14", "S3-15", "I16")
def test_a_refunded_product_takes_its_subscription_with_it(api):
    order = supported_order(api)
    before = subscription(api)
    refund = refund_module(api, order)
    waiting = subscription(api)
    execute(api, refund)

    assert (before, waiting, subscription(api)) == ("active", "suspended", "terminated")
    assert refunds(api, order) == [
        ("linked_subscription", "succeeded", 12000), ("post_shipment_lines", "succeeded", 24000)
    ]  # fmt: skip
    ask = {"reason_code": "question", "text": "It does not start.", "url": "shop.example/fr"}
    api.refused("POST", f"/v1/orders/{order['id']}/issues", customer(), "ENTITLEMENT_REQUIRED", body=ask)


@pytest.mark.capability("S3-15")
def test_a_product_that_stays_keeps_its_subscription(api):
    order = supported_order(api)
    refund = refund_module(api, order)
    suspended = subscription(api)
    api.post(f"/v1/refunds/{refund['id']}:cancel", seller())
    api.suite.settle()

    assert (suspended, subscription(api)) == ("suspended", "active")


@pytest.mark.capability("S3-14", "S3-15", "I16")
def test_a_subscription_bought_in_another_order_ends_and_is_paid_back_with_its_product(api):
    first, second = two_orders(api)
    before = subscription(api)
    refund = refund_module(api, first)
    waiting = subscription(api)
    execute(api, refund)

    assert (before, waiting, subscription(api)) == ("active", "suspended", "terminated")
    assert refunds(api, first) == [("post_shipment_lines", "succeeded", 24000)]
    assert refunds(api, second) == [("linked_subscription", "succeeded", 12000)]
    assert [api.suite.waiting(name) for name in api.suite.apps] == [[]] * len(api.suite.apps)


def test_refunding_the_subscription_alone_leaves_the_product(api):
    first, second = two_orders(api)
    wish = {"order_id": second["id"], "kind": "post_shipment_order", **REASON}
    made = api.post("/v1/refunds", seller(), wish, status=201)
    api.suite.settle()
    execute(api, made)

    assert subscription(api) == "terminated"
    assert refunds(api, first) == []
    assert refunds(api, second) == [("post_shipment_order", "succeeded", 12000)]


def test_a_part_of_the_product_or_of_somebody_elses_order_touches_no_subscription(api):
    first, second = two_orders(api)
    part = [{"line_id": "lin_module", "amount": 23999}]
    execute(api, refund_module(api, first, lines=part))
    ada = {"ref": "cus_2", "name": "Bob", "email": "bob@customer.example", "locale": "en"}
    module = {"lines": [MODULE], "discount": 0, "shipping": [], "total": 24000, "customer": ada}
    other = shipped_order(api, number="1003", profile="support", **module)
    execute(api, refund_module(api, other))

    assert subscription(api) == "active"
    assert refunds(api, second) == []


def test_a_subscription_added_to_an_order_begins_when_it_is_paid(api):
    module = {"lines": [MODULE], "discount": 0, "shipping": [], "total": 24000}
    order = shipped_order(api, profile="support", **module)
    one = f"/v1/orders/{order['id']}"
    line = {**LATER, "linked_line_id": "lin_module"}
    api.post(f"{one}/lines", seller(), {"line": line, "currency": "EUR"}, status=201)
    nothing = api.get("/v1/entitlements", customer())["items"]
    paid = {"payment_id": "pay_care", "provider": "stripe", "provider_ref": "pi_care"}
    api.post(f"{one}/payments", integrator(), {**paid, "amount": {"amount": 12000, "currency": "EUR"}})
    api.suite.settle()
    active = subscription(api)
    execute(api, refund_module(api, order))

    assert (nothing, active, subscription(api)) == ([], "active", "terminated")
    assert refunds(api, order) == [
        ("linked_subscription", "succeeded", 12000), ("post_shipment_lines", "succeeded", 24000)
    ]  # fmt: skip
