"""Idempotency-Key, ETag, If-Match, If-None-Match, cursors, limits: what HTTP promises beside the answer itself."""

from __future__ import annotations

import threading

import pytest

from tests.gateway.conftest import token
from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import PARCEL, coordinator, customer, integrator, order_args, payment_args, seller


def placed(api, **changes):
    return api.post("/v1/orders", integrator(), order_args(**changes))


# reading only what changed, changing only what was read


def test_a_read_that_changed_nothing_answers_304(api):
    order = placed(api)
    api.suite.settle()
    first = api.call("GET", f"/v1/orders/{order['id']}", seller())
    again = api.call("GET", f"/v1/orders/{order['id']}", seller(), if_none_match=first.headers["ETag"])
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    api.post(f"/v1/orders/{order['id']}/payments", integrator(), _payment(order))
    changed = api.call("GET", f"/v1/orders/{order['id']}", seller(), if_none_match=first.headers["ETag"])
    assert (changed.status_code, changed.json["phase"]) == (200, "paid")


def _payment(order, **changes):
    return {name: value for name, value in payment_args(order, **changes).items() if name != "order_id"}


def test_a_condition_for_writes_does_not_disturb_a_read(api_of):
    api = api_of("order")
    for condition in ("*", '"1"'):
        assert api.call("GET", "/v1/me", seller(), if_match=condition).status_code == 200


def test_a_claim_on_an_order_is_a_change_of_its_page(api):
    """The version of the order itself would not tell: the page has other services' parts."""
    order = shipped_order(api)
    path = f"/v1/orders/{order['id']}"
    before = api.call("GET", path, customer()).headers["ETag"]
    open_claim(api, order)
    after = api.call("GET", path, customer(), if_none_match=before)
    assert (after.status_code, len(after.json["claims"])) == (200, 1)


def test_the_etag_that_was_read_guards_the_change(api):
    order = placed(api)
    path = f"/v1/orders/{order['id']}"
    read = api.call("GET", path, seller()).headers["ETag"]
    paid = api.call("POST", f"{path}/payments", integrator(), body=_payment(order), key="pay-1", if_match=read)
    assert (paid.status_code, paid.headers["ETag"]) == (200, '"2"')
    stale = api.refused("POST", f"{path}:ship", seller(), "STALE_VERSION", body={"parcel": PARCEL}, if_match=read)
    assert stale["status"] == 412
    assert api.call("POST", f"{path}:ship", seller(), body={"parcel": PARCEL}, if_match='W/"2"').status_code == 200


def test_a_claim_is_not_changed_unread(api):
    claim = open_claim(api, shipped_order(api))
    path = f"/v1/claims/{claim['id']}"
    api.refused("PATCH", path, coordinator(), "PRECONDITION_REQUIRED", body={"assignee": "coo_1"})
    read = api.call("GET", path, coordinator()).headers["ETag"]
    changed = api.call("PATCH", path, coordinator(), body={"assignee": "coo_1"}, if_match=read)
    assert changed.json["assignee"] == "coo_1"
    api.refused("PATCH", path, coordinator(), "STALE_VERSION", body={"assignee": "coo_2"}, if_match=read)


def test_a_patch_changes_one_thing(api):
    claim = open_claim(api, shipped_order(api))
    path = f"/v1/claims/{claim['id']}"
    for body in ({}, {"assignee": "coo_1", "awaiting": "seller"}):
        api.refused("PATCH", path, coordinator(), "INVALID_INPUT", body=body, if_match="*")


# keys


def test_money_needs_a_key(api):
    order = placed(api)
    path = f"/v1/orders/{order['id']}/payments"
    api.refused("POST", path, integrator(), "IDEMPOTENCY_KEY_REQUIRED", body=_payment(order), key=None)


def test_a_repeated_key_answers_the_same_and_says_so(api):
    first = api.call("POST", "/v1/orders", integrator(), body=order_args(), key="k1")
    again = api.call("POST", "/v1/orders", integrator(), body=order_args(), key="k1")
    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"] == f"/v1/orders/{first.json['id']}"
    assert "Idempotent-Replayed" not in first.headers
    other = api.refused("POST", "/v1/orders", integrator(), "IDEMPOTENCY_KEY_REUSED", body=order_args("2"), key="k1")
    assert other["status"] == 422
    assert len(api.get("/v1/orders", integrator())["items"]) == 1


@pytest.mark.capability("R21")
def test_one_key_fifty_times_at_once_is_one_refund(api):
    order = shipped_order(api)
    body = {"order_id": order["id"], "kind": "commercial_gesture", "reason_code": "goodwill"}
    body["amount"] = {"amount": 500, "currency": "EUR"}
    answers = []

    def ask():
        answers.append(api.call("POST", "/v1/refunds", seller(), body=body, key="refund-1"))

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json["code"] for answer in answers if answer.status_code == 409} <= {"IDEMPOTENCY_IN_PROGRESS"}
    assert len({answer.data for answer in done}) == 1
    assert [answer.headers.get("Idempotent-Replayed") for answer in done].count(None) == 1
    assert len(api.get(f"/v1/refunds?order_id={order['id']}", seller())["items"]) == 1
    body["amount"]["amount"] = 600
    api.refused("POST", "/v1/refunds", seller(), "IDEMPOTENCY_KEY_REUSED", body=body, key="refund-1")
    assert api.suite.event_types("refund").count("refund.requested") == 1


# lists


@pytest.mark.parametrize("limit", [1, 3, 200])
def test_pages_by_cursor_lose_and_repeat_nothing(api, limit):
    numbers = [placed(api, number=str(n))["number"] for n in range(7)]
    seen, path = [], f"/v1/orders?limit={limit}"
    while True:
        page = api.get(path, integrator())
        assert len(page["items"]) <= limit
        seen += [order["number"] for order in page["items"]]
        if not page["next_cursor"]:
            break
        path = f"/v1/orders?limit={limit}&cursor={page['next_cursor']}"
    assert sorted(seen) == sorted(numbers)


@pytest.mark.capability("S0-08")
def test_lists_are_filtered_in_the_types_of_their_contract(api):
    order = shipped_order(api)
    placed(api, number="2")
    open_claim(api, order)
    with_claims = api.get("/v1/orders?has_open_claims=true&updated_after=2020-01-01T00:00:00Z", integrator())
    assert [item["number"] for item in with_claims["items"]] == ["1001"]
    assert [item["number"] for item in api.get("/v1/orders?has_open_claims=false", integrator())["items"]] == ["2"]
    open_ones = api.get("/v1/claims?state=submitted,in_progress&state=platform_review", coordinator())
    assert len(open_ones["items"]) == len(api.get("/v1/desk/claims", coordinator())["items"]) == 1
    assert api.get("/v1/claims?state=closed", coordinator())["items"] == []
    api.refused("GET", "/v1/claims?state=lost", coordinator(), "INVALID_INPUT")
    api.refused("GET", "/v1/claims?expand=everything", coordinator(), "INVALID_INPUT")


# how often


@pytest.mark.capability("T34")
def test_a_caller_who_asks_too_often_waits_and_nobody_else_does(api_of):
    api = api_of("order", rate_per_minute=3)
    left = [api.call("GET", "/v1/me", seller()).headers["RateLimit"].split(";")[1] for _ in range(3)]
    assert left == ["r=2", "r=1", "r=0"]
    refused = api.call("GET", "/v1/me", seller())
    assert (refused.status_code, refused.json["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Policy"] == '"principal";q=3;w=60'
    assert api.call("GET", "/v1/me", seller("sel_2")).status_code == 200


@pytest.mark.capability("T34")
def test_an_address_and_a_tenant_have_their_limits_too(api_of):
    api = api_of("order", rate_per_minute_address=2, trusted_proxies=1)
    for expected in (401, 401, 429):  # guessing tokens counts
        assert api.call("GET", "/v1/me", headers={"X-Forwarded-For": "9.9.9.9, 203.0.113.7"}).status_code == expected
    assert api.call("GET", "/v1/me", seller(), headers={"X-Forwarded-For": "203.0.113.8"}).status_code == 200
    api = api_of("order", rate_per_minute_tenant=2)
    codes = [api.call("GET", "/v1/me", seller(f"sel_{n}")).status_code for n in range(3)]
    assert codes == [200, 200, 429]
    assert api.call("GET", "/v1/me", seller(tenant="other")).status_code == 200


@pytest.mark.capability("T34")
def test_an_address_that_a_client_makes_up_counts_for_nothing(api_of):
    api = api_of("order", rate_per_minute_address=1)
    codes = [api.call("GET", "/v1/me", headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code for n in range(2)]
    assert codes == [401, 429]


# names of requests


def test_a_request_keeps_the_name_its_caller_gave_it_and_events_carry_it(api_of):
    api = api_of("order")
    headers = {"X-Request-Id": "shop-0815-4711", "Authorization": f"Bearer {token(integrator())}"}
    response = api.call("POST", "/v1/orders", body=order_args(), headers=headers)
    assert response.headers["X-Request-Id"] == "shop-0815-4711"
    assert {event.correlation for event in api.suite.events("order")} == {"shop-0815-4711"}
    unusable = api.call("GET", "/livez", headers={"X-Request-Id": "a b<script>"})
    assert unusable.headers["X-Request-Id"].startswith("req_")
