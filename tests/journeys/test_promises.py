"""A promise about time runs out, a rate passes its line: whoever has to act gets a mail."""

from __future__ import annotations

from copy import deepcopy

import pytest

from services.claim.profiles import shipped
from tests.suite import PARCEL, agent, customer, integrator, order_args, payment_args, seller

(ISSUE,) = [data for data in shipped() if data["code"] == "issue"]


def delivered(suite, number: str) -> dict:
    order = suite.do("order.place", integrator(), **order_args(number))
    suite.do("order.capture_payment", integrator(), **payment_args(order))
    suite.do("order.ship", seller(), order_id=order["id"], parcel=PARCEL)
    suite.do("order.deliver", agent(), order_id=order["id"])
    suite.settle()
    return order


def told(suite, *templates: str) -> list[tuple[str, str, str]]:
    items = suite.do("notification.list", agent(), limit=200)["items"]
    found = [(item["template"], item["recipient"]["kind"], item["recipient"]["ref"]) for item in items]
    return sorted(each for each in found if each[0] in templates)


@pytest.fixture
def shop(suite_of):
    suite = suite_of("order", "claim", "messaging", "notification")
    for party, ref in (("seller", "sel_1"), ("coordinator", "coo_1"), ("platform", "agt_1")):
        contact = {"party": party, "ref": ref, "name": ref, "email": f"{ref}@shop.example"}
        suite.do("contact.record", agent(), **contact)
    suite.settle()
    return suite


def test_the_handler_is_warned_and_somebody_above_him_hears_that_it_is_late(shop):
    data = {**deepcopy(ISSUE), "version": 2, "sla": {"clocks": {"first_answer": {"minutes": 120}}}}
    shop.do("claim.activate_profile", agent(), profile=data)
    order = delivered(shop, "1")
    shop.do("claim.open", customer(), order_id=order["id"], reason_code="damaged_items", text="Broken.")
    shop.advance(minutes=96)
    assert told(shop, "promise_due", "promise_broken") == [("promise_due", "seller", "sel_1")]
    shop.advance(minutes=24)
    assert told(shop, "promise_broken") == [
        ("promise_broken", "coordinator", "coo_1"),
        ("promise_broken", "seller", "sel_1"),
    ]


@pytest.mark.capability("S2-27", "N7")
def test_a_seller_gets_a_mail_before_his_rate_is_too_high_and_the_platform_too(suite_of):
    suite = suite_of("order", "claim", "notification", score_least_orders=2, score_threshold_percent="50")
    orders = [delivered(suite, number) for number in ("1", "2")]
    suite.do("contact.record", agent(), party="platform", ref="agt_1", name="Pat", email="pat@shop.example")
    suite.settle()
    suite.do("claim.open", customer(), order_id=orders[0]["id"], reason_code="damaged_items", text="Broken.")
    suite.advance(minutes=2)
    assert told(suite, "issue_rate") == [("issue_rate", "platform", "agt_1"), ("issue_rate", "seller", "sel_1")]
