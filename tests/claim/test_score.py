"""The rate of reported issues: what counts, from where on it is too much, and that the seller hears of it before."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from services.claim.score.model import Numbers, Tally, budget, level, score, wilson
from tests.claim.shop import Shop
from tests.suite import PARCEL, TENANT, agent, coordinator, customer, integrator, order_args, payment_args, seller

NUMBERS = Numbers(window_days=90, threshold=Decimal(5), least_orders=20, issues_per_order=1)


@pytest.mark.capability("S2-26")
@pytest.mark.parametrize(
    ("issues", "orders", "found"),
    [
        (1, 19, "unrated"),
        (9, 19, "unrated"),
        (0, 20, "fine"),
        (1, 20, "at_risk"),  # exactly 5 %: not above, and one more would be
        (2, 20, "exceeded"),
        (3, 100, "fine"),
        (4, 100, "at_risk"),
        (5, 100, "at_risk"),
        (6, 100, "exceeded"),
    ],
)
def test_more_than_five_per_cent_of_twenty_orders_is_too_much(issues, orders, found):
    assert level(Tally(orders=orders, issues=issues), NUMBERS) == found


@given(orders=st.integers(20, 5000), issues=st.integers(0, 300))
def test_the_budget_is_used_up_exactly_when_one_more_issue_exceeds(orders, issues):
    left = budget(Tally(orders=orders, issues=issues), NUMBERS)
    if level(Tally(orders=orders, issues=issues), NUMBERS) == "exceeded":
        assert left == 0
    else:
        assert level(Tally(orders=orders, issues=issues + left), NUMBERS) != "exceeded"
        assert level(Tally(orders=orders, issues=issues + left + 1), NUMBERS) == "exceeded"
    low, high = wilson(min(issues, orders), orders)
    assert 0 <= low <= min(issues, orders) / orders <= high <= 1


def test_the_interval_is_wilsons():
    """10 of 100: 5.52 to 17.44 per cent, as in the tables."""
    found = score(Tally(orders=100, issues=10), NUMBERS)
    assert found["interval"] == {"low": "5.52", "high": "17.44"}
    assert score(Tally(), NUMBERS)["interval"] == {"low": "0.00", "high": "100.00"}


def test_the_forecast_takes_open_issues_as_the_sellers_usually_end():
    tally = Tally(orders=100, issues=6, open_issues=4, decided=10, dropped=5)
    assert score(tally, NUMBERS)["forecast"] == {"open_issues": 4, "rate": "4.00", "best": "2.00"}


def delivered(shop: Shop, count: int) -> list[dict]:
    """So many orders of sel_1, delivered."""
    found = []
    for number in range(count):
        order = shop.suite.do("order.place", integrator(), **order_args(f"S{number}"))
        found.append(order)
    shop.suite.settle()
    for order in found:
        shop.suite.do("order.capture_payment", integrator(), **payment_args(order))
        shop.suite.do("order.ship", seller(), order_id=order["id"], parcel=PARCEL)
        shop.suite.do("order.deliver", agent(), order_id=order["id"])
    shop.suite.settle()
    return found


def told(shop: Shop) -> list[tuple[str, str]]:
    events = [event for event in shop.suite.events("claim") if event.type.startswith("seller.")]
    return [(event.type.removeprefix("seller.issue_rate_"), event.data["rate"]) for event in events]


@pytest.mark.capability("S2-26", "S2-27", "N7")
def test_a_seller_is_warned_then_told_that_he_is_above_and_told_that_he_recovered(shop):
    orders = delivered(shop, 20)
    first = shop.claim(orders[0], lines=[{"line_id": "lin_S0_1"}])
    shop.suite.advance(minutes=2)
    assert told(shop) == [("changed", "5.00"), ("at_risk", "5.00")]
    second = shop.claim(orders[1], reason_code="missing_items")
    shop.claim(orders[1])  # the same order: still one with issues
    shop.suite.advance(minutes=2)
    assert told(shop)[2:] == [("changed", "10.00"), ("exceeded", "10.00")]
    shown = shop.suite.do("claim.seller_score", seller(), seller_id="sel_1")
    assert (shown["rate"], shown["issues"], shown["orders"], shown["budget"]) == ("10.00", 2, 20, 0)
    assert shown["by_product"] == [{"product_id": "prd_lamp", "issues": 1}]
    assert shown["by_reason"] == [
        {"reason_code": "damaged_items", "issues": 2},
        {"reason_code": "missing_items", "issues": 1},
    ]
    assert "visibility" in shown["reminder"]["en"]
    shop.do("claim.withdraw", customer(), second)
    (third,) = [
        one
        for one in shop.suite.do("claim.list", agent(), order_id=orders[1]["id"])["items"]
        if one["state"] == "submitted"
    ]
    shop.do("claim.escalate", customer(), third, reason="?")
    shop.do("claim.refuse", agent(), third, reason_code="no_proof")
    shop.suite.advance(minutes=2)
    assert told(shop)[4:] == [("changed", "5.00"), ("recovered", "5.00")]
    shop.do("claim.withdraw", customer(), first)
    shop.suite.advance(minutes=2)
    assert told(shop)[6:] == [("changed", "0.00")]
    shop.suite.advance(days=91)
    assert shop.suite.do("claim.seller_score", coordinator(), seller_id="sel_1")["orders"] == 0


def test_scores_are_counted_although_the_first_claim_was_rolled_back(shop):
    first, second = (shop.order(number) for number in ("1", "2"))
    shop.claim(first)
    app = shop.suite.apps["claim"]
    timer = app.storage.runtime.timer
    counting = timer.c.id == f"count_scores:{TENANT}"
    with app.database.transaction() as connection:  # as if what was written with the claim had not been kept
        assert connection.execute(timer.delete().where(counting)).rowcount == 1
    shop.claim(second)
    with app.database.transaction() as connection:
        assert connection.execute(sa.select(timer.c.ref).where(counting)).scalars().all() == [TENANT]


@pytest.mark.capability("S2-26")
def test_below_twenty_orders_nothing_is_told_and_the_four_numbers_can_be_set(suite_of):
    strict = Shop(suite_of("order", "claim", score_least_orders=2, score_threshold_percent="40", score_window_days=30))
    orders = delivered(strict, 2)
    strict.claim(orders[0])
    strict.suite.advance(minutes=2)
    assert told(strict) == [("changed", "50.00"), ("exceeded", "50.00")]
    usual = Shop(suite_of("order", "claim"))
    usual.claim(delivered(usual, 2)[0])
    usual.suite.advance(minutes=2)
    assert told(usual) == []


def test_claims_of_other_profiles_do_not_count(shop):
    order = shop.order("1", profile="discussion")
    shop.claim(order)
    shown = shop.suite.do("claim.seller_score", agent(), seller_id="sel_1")
    assert (shown["issues"], shown["orders"], shown["level"]) == (0, 1, "unrated")


def test_a_score_is_the_sellers_own_and_the_staffs(shop):
    shop.order()
    for who in (seller("sel_2"), customer(), agent(tenant="other"), integrator("sel_2")):
        assert shop.suite.refused("claim.seller_score", who, seller_id="sel_1")["code"] == "NOT_FOUND"
    assert shop.suite.do("claim.seller_score", integrator("sel_1"), seller_id="sel_1")["seller_id"] == "sel_1"
    assert shop.suite.refused("claim.seller_score", agent(), seller_id="sel_9")["code"] == "NOT_FOUND"
