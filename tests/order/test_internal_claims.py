"""Money that did not go where it should opens a claim that only the coordinators see (REF-12, M14, N10, I16)."""

from __future__ import annotations

import pytest

from tests.suite import PARCEL, agent, coordinator, customer, seller

INTERNAL = "/v1/claims?category=internal"


def paid_order(counter, number="1001", known=None, **changes):
    """Paid by card; known: how much of it the provider really has."""
    order = counter.order(number, due=0, **changes)
    counter.outside.payment("eur", known or order["total"]["amount"], id=f"pi_{number}")
    return order


def refuse_the_rug(counter, order):
    refuse = {"line_id": order["lines"][1]["line_id"], "action": "refuse", "reason_code": "out_of_stock"}
    counter.api.post(f"/v1/orders/{order['id']}/lines:validate", seller(), {"lines": [refuse]})
    counter.suite.settle()


def matters(counter):
    return counter.api.get(INTERNAL, coordinator())["items"]


@pytest.mark.capability("S0-17")
def test_what_is_owed_for_refused_units_and_could_not_be_paid_is_the_coordinators_to_solve(counter):
    order = paid_order(counter)
    counter.outside.faults(refuse="charge_disputed", times=1)

    refuse_the_rug(counter, order)

    [claim] = matters(counter)
    assert (claim["reason"]["code"], claim["state"], claim["handler"]["code"]) == (
        "owed_to_customer", "submitted", "coordinators"
    )  # fmt: skip
    for words in ("1001", "82.57 EUR", "pre_shipment", "charge_disputed"):
        assert words in claim["title"]
    page = counter.api.get(f"/v1/claims/{claim['id']}", coordinator())
    assert page["messages"][0]["author"]["type"] == "system"
    assert "Dû au client" in page["messages"][0]["text"]
    for stranger in (customer(), customer(claim["id"], tenant="other"), seller()):
        counter.api.refused("GET", f"/v1/claims/{claim['id']}", stranger, "NOT_FOUND")
        assert counter.api.get("/v1/claims", stranger)["items"] == []
    shown = counter.order_page(order)
    assert (shown["open_claims"], shown["settlement"]["state"]) == (0, "open")
    assert counter.mailed(claim["number"]) == []

    one, solved = f"/v1/claims/{claim['id']}", {"state": "resolved"}
    moved = counter.api.post(one, coordinator(), solved, method="PATCH", if_match="*")
    assert moved["state"] == "resolved"


@pytest.mark.capability("I16", "S3-14")
def test_a_subscription_that_could_not_be_refunded_with_its_product_is_said_so(counter):
    from tests.gateway.test_orders import CARE, MODULE

    lines = {"lines": [MODULE, CARE], "discount": 0, "shipping": [], "total": 36000}
    order = paid_order(counter, known=24000, profile="support", **lines)
    counter.api.post(f"/v1/orders/{order['id']}:ship", seller(), {"parcel": PARCEL})
    counter.suite.settle()
    wish = {"kind": "post_shipment_lines", "lines": [{"line_id": "lin_module"}], "reason_code": "not_downloaded"}
    product = counter.api.post("/v1/refunds", seller(), {"order_id": order["id"], **wish}, status=201)
    counter.suite.settle()
    counter.api.post(f"/v1/refunds/{product['id']}:execute", agent())
    counter.suite.settle()

    states = {one["kind"]: one["state"] for one in counter.api.get("/v1/refunds", agent())["items"]}
    [claim] = matters(counter)
    [subscription] = counter.api.get("/v1/entitlements", customer())["items"]
    assert states == {"post_shipment_lines": "succeeded", "linked_subscription": "failed"}
    assert claim["reason"]["code"] == "subscription_not_refunded"
    assert "120.00 EUR" in claim["title"]
    assert subscription["state"] == "terminated"


@pytest.mark.capability("N10")
def test_each_difference_with_the_providers_statement_is_one_claim(counter):
    order = paid_order(counter)
    header = "provider_ref,payment_ref,refund_id,amount,currency,at\n"
    csv = header + "re_hand,pi_1001,,490,EUR,2026-11-03T09:00:00Z\nre_far,pi_far,,77,EUR,2026-11-03T09:00:00Z\n"
    for _ in range(2):
        counter.api.post("/v1/reconciliation/statements", agent(), {"provider": "stripe", "csv": csv})
        counter.suite.settle()

    titles = sorted(claim["title"] for claim in matters(counter))
    assert len(titles) == 2
    assert all("Reconciliation difference" in title and "extra · stripe" in title for title in titles)
    assert "re_far" in titles[1] or "re_far" in titles[0]
    assert sum(order["number"] in title for title in titles) >= 1
    assert counter.suite.waiting("claim") == []


def test_a_refund_that_nobody_ever_answers_for_is_given_to_a_person(counter):
    order = paid_order(counter)
    counter.outside.faults(cut="before", on="any", provider="stripe")
    refuse_the_rug(counter, order)
    assert matters(counter) == []
    for age in ({"minutes": 1}, {"minutes": 10}, {"hours": 2}, {"hours": 12}, {"days": 1}, {"days": 2}, {"days": 3}):
        counter.suite.advance(**age)

    [claim] = matters(counter)
    assert claim["reason"]["code"] == "refund_outcome_unknown"


def test_a_refund_that_a_person_asked_for_and_a_claim_that_waits_for_its_own_open_no_other(counter):
    order = paid_order(counter)
    counter.outside.faults(refuse="charge_disputed", times=2)
    counter.api.post(f"/v1/orders/{order['id']}:ship", seller(), {"parcel": PARCEL})
    counter.suite.settle()
    wish = {"order_id": order["id"], "kind": "commercial_gesture", "reason_code": "goodwill"}
    counter.api.post("/v1/refunds", seller(), {**wish, "amount": {"amount": 100, "currency": "EUR"}}, status=201)
    counter.suite.settle()
    broken = {"reason_code": "damaged_items", "text": "Broken."}
    claim = counter.api.post(f"/v1/orders/{order['id']}/issues", customer(), broken, status=201)
    counter.suite.settle()
    counter.api.post(f"/v1/claims/{claim['id']}/resolutions", seller(), {"kind": "refund", "refund": {}})
    counter.suite.settle()

    assert {one["state"] for one in counter.api.get("/v1/refunds", agent())["items"]} == {"failed"}
    assert matters(counter) == []
