"""Chargebacks and statements on running processes: the provider tells and lists them through its own API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.live import eventually

pytestmark = pytest.mark.servers


def euros(amount):
    return {"amount": amount, "currency": "EUR"}


def envelope(shop, order, look):
    return shop.order_shows(order, lambda page: look(page["refund_envelope"]))["refund_envelope"]


@pytest.mark.capability("N1")
@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_a_chargeback_takes_its_part_of_what_is_refundable_until_it_is_won(shop, provider):
    order = shop.order(pay=False, ship=False)
    payment = shop.pay(order, provider=provider)
    envelope(shop, order, lambda told: told["captured"] == 17490)

    dispute = shop.live.simulator.dispute(payment, provider=provider, amount=10000)
    disputed = envelope(shop, order, lambda told: told["chargeback"]["open"])
    body = {"order_id": order["id"], "kind": "commercial_gesture", "reason_code": "goodwill", "amount": euros(500)}
    waits = shop.seller.post("/v1/refunds", body)
    too_much = shop.seller.refused("POST", "/v1/refunds", {**body, "amount": euros(7000)})
    shop.live.simulator.close_dispute(dispute["id"], won=True)
    won = envelope(shop, order, lambda told: not told["chargeback"]["open"])

    assert (disputed["available"], disputed["chargeback"]["amount"]) == (7490, 10000)
    assert waits["state"] == "pending_approval"
    assert too_much["code"] == "AMOUNT_EXCEEDS_REFUNDABLE"
    assert won["available"] == 17490 - 500
    assert shop.paid_back(payment) == []


@pytest.mark.capability("N10")
@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_the_providers_own_list_is_laid_beside_our_books(shop, provider):
    order = shop.order(pay=False, ship=False)
    payment = shop.pay(order, provider=provider)
    ours = shop.refund(order, kind="commercial_gesture", amount=euros(700), reason_code="goodwill")
    shop.refund_reaches(ours["id"], "succeeded")
    shop.live.simulator.control("POST", "refunds", {"provider": provider, "payment": payment, "amount": 300})
    envelope(shop, order, lambda told: told["succeeded"] == 1000)  # a webhook told of the one made by hand

    now = datetime.now(UTC)
    period = {"start": (now - timedelta(days=40)).isoformat(), "end": (now + timedelta(minutes=1)).isoformat()}
    shop.agent.post("/v1/reconciliation/statements:fetch", {"provider": provider, **period})

    def matched():
        found = shop.agent.get("/v1/reconciliation/lines?kind=matched")["items"]
        assert len(found) == 2, found
        return found

    lines = eventually(matched)
    assert sorted(one["found"] for one in lines) == [300, 700]
    assert {one["order_id"] for one in lines} == {order["id"]}
    assert ours["id"] in {one["refund_id"] for one in lines}
    assert shop.agent.get("/v1/reconciliation/lines")["items"] == [], "of all tenants of the account, ours alone"
