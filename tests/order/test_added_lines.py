"""What is added to an order and paid later is refunded like the rest: to the payment that brought it, to the cent."""

from __future__ import annotations

import pytest

from tests.documents import SELLER
from tests.suite import PARCEL, VAT, agent, customer, seller

SHADE = {"product_id": "prd_shade", "sku": "SHADE", "title": "Linen shade", "unit_price": 1990, "taxes": [VAT]}


def with_a_shade(counter, number="1001", quantity=1):
    """A paid order of 174.90 to which shades at 19.90 were added; nobody has paid for them yet."""
    order = counter.order(number, due=0)
    counter.outside.payment("eur", order["total"]["amount"], id=f"pi_{number}")
    line = {**SHADE, "quantity": quantity, "line_id": f"lin_{number}_shade"}
    order = counter.api.post(f"/v1/orders/{order['id']}/lines", seller(), {"line": line, "currency": "EUR"}, status=201)
    counter.suite.settle()
    return order, line["line_id"]


def pay_the_rest(counter, order, provider="paypal"):
    """Through the link in the customer's mail; answers the payment that the provider has taken."""
    request = counter.issue(order)
    counter.pay(counter.link(), provider)
    counter.suite.advance(seconds=11)
    assert counter.request(request)["state"] == "paid"
    return next(one["id"] for one in counter.outside.ledger() if one["id"] != f"pi_{order['number']}")


def ship(counter, order):
    counter.api.post(f"/v1/orders/{order['id']}:ship", seller(), {"parcel": PARCEL})
    counter.suite.settle()


def refund(counter, order, kind, **wish):
    body = {"order_id": order["id"], "kind": kind, "reason_code": "changed_mind", **wish}
    made = counter.api.post("/v1/refunds", agent(), body, status=201)
    counter.suite.settle()
    return made


def paid_back(counter, payment):
    return [(one["amount"], one["status"]) for one in counter.outside.refunds(payment)]


def envelope(counter, order):
    return counter.api.get(f"/v1/orders/{order['id']}/refund-envelope", agent())


@pytest.mark.capability("S0-05")
@pytest.mark.parametrize("provider", ["paypal", "stripe"])
def test_an_added_line_goes_back_through_the_provider_that_took_its_money(counter, provider):
    order, shade = with_a_shade(counter)
    later = pay_the_rest(counter, order, provider)
    ship(counter, order)

    made = refund(counter, order, "post_shipment_lines", lines=[{"line_id": shade}])

    assert counter.api.get(f"/v1/refunds/{made['id']}", agent())["state"] == "succeeded"
    assert paid_back(counter, later) == [(1990, "succeeded")]
    assert paid_back(counter, "pi_1001") == []
    assert [(tax["rate"], tax["succeeded"]) for tax in envelope(counter, order)["lines"][2]["taxes"]] == [("20", 332)]


@pytest.mark.capability("S0-04")
def test_a_whole_order_is_refunded_over_both_its_payments_each_within_its_own(counter):
    order, _ = with_a_shade(counter)
    later = pay_the_rest(counter, order)
    ship(counter, order)

    made = refund(counter, order, "post_shipment_order", shipping=True)

    assert len(made["parts"]) == 2
    assert paid_back(counter, later) == [(1990, "succeeded")]
    assert paid_back(counter, "pi_1001") == [(17490, "succeeded")]
    left = envelope(counter, order)
    assert (left["available"], left["succeeded"], left["captured"]) == (0, 19480, 19480)
    assert [tax["available"] for tax in left["taxes"]] == [0]


def test_nothing_of_a_line_that_nobody_paid_for_is_given_back(counter):
    order, shade = with_a_shade(counter)
    ship(counter, order)
    wish = {"order_id": order["id"], "reason_code": "changed_mind"}

    named = {"body": {**wish, "kind": "pre_shipment", "lines": [{"line_id": shade}]}}
    problem = counter.api.refused("POST", "/v1/refunds", agent(), "LINE_NOT_PAID", **named)
    whole = refund(counter, order, "withdrawal", shipping=True)

    assert problem["rule"] == "ORD-13"
    assert whole["amount"]["amount"] == 17490
    shown = envelope(counter, order)
    assert (shown["available"], shown["lines"][2]["nothing_left_because"]) == (0, "not_paid")
    assert paid_back(counter, "pi_1001") == [(17490, "succeeded")]


def test_a_line_that_was_taken_back_before_it_was_paid_leaves_the_rest_refundable(counter):
    order, shade = with_a_shade(counter)
    counter.api.post(f"/v1/orders/{order['id']}/lines/{shade}", seller(), method="DELETE")
    counter.suite.settle()
    ship(counter, order)

    refund(counter, order, "post_shipment_order", shipping=True)

    assert [line["line_id"] for line in envelope(counter, order)["lines"]] == ["lin_1001_1", "lin_1001_2"]
    assert paid_back(counter, "pi_1001") == [(17490, "succeeded")]
    assert counter.suite.waiting("refund") == []


@pytest.mark.capability("S2-14")
def test_a_problem_with_an_added_line_ends_with_its_money_back(counter):
    order, shade = with_a_shade(counter, quantity=2)
    later = pay_the_rest(counter, order)
    ship(counter, order)
    problem = {"reason_code": "damaged_items", "text": "One is torn.", "lines": [{"line_id": shade, "qty": 1}]}
    claim = counter.api.post(f"/v1/orders/{order['id']}/issues", customer(), problem, status=201)
    counter.suite.settle()

    wish = {"kind": "refund", "refund": {"lines": [{"line_id": shade, "qty": 1}]}}
    counter.api.post(f"/v1/claims/{claim['id']}/resolutions", seller(), wish)
    counter.suite.settle()

    assert paid_back(counter, later) == [(1990, "succeeded")]
    [made] = counter.api.get(f"/v1/claims/{claim['id']}", customer())["refunds"]
    assert (made["state"], made["lines"][0]["qty"]) == ("succeeded", 1)


@pytest.mark.capability("S0-17")
def test_refusing_an_added_line_before_it_leaves_refunds_exactly_that_line(counter):
    order, shade = with_a_shade(counter)
    later = pay_the_rest(counter, order)
    refuse = {"line_id": shade, "action": "refuse", "reason_code": "out_of_stock"}

    counter.api.post(f"/v1/orders/{order['id']}/lines:validate", seller(), {"lines": [refuse]})
    counter.suite.settle()

    assert paid_back(counter, later) == [(1990, "succeeded")]
    assert envelope(counter, order)["available"] == 17490


@pytest.mark.capability("S4-22")
def test_an_order_is_invoiced_when_what_was_added_and_paid_has_left_too(counter):
    counter.api.post("/v1/sellers/sel_1/identity", seller(), SELLER, method="PUT")
    order, shade = with_a_shade(counter)
    ship(counter, order)
    pay_the_rest(counter, order)
    path = f"/v1/orders/{order['id']}/invoice"

    problem = counter.api.refused("POST", path, seller(), "NOT_ALL_SHIPPED", body={})
    assert "make_invoice" not in counter.order_page(order)["allowed_actions"]
    ship(counter, order)
    assert "make_invoice" in counter.order_page(order)["allowed_actions"]
    invoice = counter.api.post(path, seller())

    assert (problem["rule"], problem["details"]["lines"]) == ("ORD-14", shade)
    assert invoice["total"]["amount"] == 17490 + 1990


@pytest.mark.parametrize("expires", [False, True])
def test_an_order_of_which_only_an_unpaid_line_was_left_is_cancelled_when_that_leaves(counter, expires):
    order, shade = with_a_shade(counter)
    if expires:
        counter.issue(order)
    refuse = {"action": "refuse", "reason_code": "out_of_stock"}
    others = [{"line_id": line["line_id"], **refuse} for line in order["lines"] if line["line_id"] != shade]
    counter.api.post(f"/v1/orders/{order['id']}/lines:validate", seller(), {"lines": others})
    counter.suite.settle()
    assert counter.order_page(order)["phase"] == "paid"

    if expires:
        counter.suite.advance(days=8)
    else:
        counter.api.post(f"/v1/orders/{order['id']}/lines/{shade}", seller(), method="DELETE")
    counter.suite.settle()

    assert counter.order_page(order)["phase"] == "cancelled"
    assert sum(amount for amount, _ in paid_back(counter, "pi_1001")) == 17490
    assert envelope(counter, order)["available"] == 0
