"""Claims beside the real refund and messaging services, joined: what each hears of the others fits."""

from __future__ import annotations

import pytest

from tests.claim.shop import Shop
from tests.suite import agent, customer, seller


@pytest.fixture
def shop(suite_of) -> Shop:
    return Shop(suite_of("order", "claim", "messaging", "refund", instant_provider=True))


def waiting(shop) -> list:
    return [row for name in shop.suite.apps for row in shop.suite.waiting(name)]


@pytest.mark.capability("S2-11", "S2-14", "S2-16", "S2-23", "S2-24")
def test_from_the_broken_lamp_to_the_released_settlement(shop):
    order = shop.order()
    claim = shop.claim(order, lines=[{"line_id": "lin_1001_1", "qty": 1}])
    shop.suite.clock.advance(minutes=5)
    shop.do("message.post", seller(), {"id": claim["id"]}, text="So sorry! One moment.", visibility="public")
    assert shop.get(claim, customer())["state"] == "in_progress"
    shop.do("claim.choose_resolution", seller(), claim, kind="refund")
    paid = shop.suite.events("refund", "refund.succeeded")[0].data
    assert (paid["claim_id"], paid["amount"]) == (claim["id"], {"amount": 4371, "currency": "EUR"})
    seen = shop.get(claim, customer())
    assert (seen["state"], seen["resolution"]["status"]) == ("solution_proposed", "executed")
    assert shop.suite.do("order.get", agent(), order_id=order["id"])["settlement"]["state"] == "held"
    shop.do("claim.confirm", customer(), claim)
    assert shop.suite.do("order.get", agent(), order_id=order["id"])["settlement"]["state"] == "open"
    assert shop.types(claim) == [
        "claim.opened",
        "claim.started",
        "claim.resolution_chosen",
        "claim.resolution_executed",
        "claim.resolved",
    ]
    assert waiting(shop) == []


def test_a_second_refund_of_the_same_units_is_refused_and_the_handler_chooses_again(shop):
    order = shop.order()
    lamp = [{"line_id": "lin_1001_1", "qty": 2}]
    first, second = (shop.claim(order, lines=lamp) for _ in range(2))
    shop.do("claim.choose_resolution", seller(), first, kind="refund")
    shop.do("claim.choose_resolution", seller(), second, kind="refund")
    assert shop.get(first)["state"] == "solution_proposed"
    seen = shop.get(second, seller())
    assert (seen["state"], seen["resolution"], seen["attention"]) == ("in_progress", None, True)
    assert len(shop.suite.events("refund", "refund.succeeded")) == 1
    assert waiting(shop) == []


@pytest.mark.capability("S2-19", "S2-03")
def test_the_platform_refunds_and_resolves_during_its_review_and_the_order_is_complete(shop):
    order = shop.order()
    claim = shop.claim(order, reason_code="incorrect_invoice")
    refund = {"amount": {"amount": 300, "currency": "EUR"}}
    shop.do("claim.choose_resolution", agent(), claim, kind="refund", refund=refund)
    assert shop.get(claim)["state"] == "platform_review"
    assert shop.get(claim)["resolution"]["status"] == "executed"
    shop.do("claim.resolve", agent(), claim)
    assert shop.suite.do("order.get", agent(), order_id=order["id"])["phase"] == "completed"
    assert waiting(shop) == []


def test_a_customers_message_through_the_messaging_service_reopens_a_discussion(shop):
    claim = shop.claim(shop.order(profile="discussion"), reason_code="question")
    shop.suite.clock.advance(minutes=1)
    shop.do("message.post", seller(), {"id": claim["id"]}, text="It is 40 cm wide.", visibility="public")
    shop.do("claim.resolve", seller(), claim)
    shop.suite.clock.advance(minutes=1)
    shop.do("message.post", customer(), {"id": claim["id"]}, text="And how high?")
    assert shop.get(claim, seller())["state"] == "in_progress"
    assert shop.get(claim, seller())["attention"] is True
    assert waiting(shop) == []


@pytest.mark.capability("I5")
def test_a_private_comment_moves_nothing_here(shop):
    claim = shop.claim()
    before = shop.get(claim)
    shop.do("message.post", seller(), {"id": claim["id"]}, text="Is this fraud?", visibility="private")
    assert shop.get(claim) == before
    assert shop.types(claim) == ["claim.opened"]
