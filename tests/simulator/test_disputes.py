"""Disputes and PayPal's transaction search, through the real SDKs and signed webhooks."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from services.simulator.handle import ControlRefused
from shared.providers.paypal import PayPalAccount
from tests.simulator.conftest import eventually


@pytest.fixture
def paypal(world):
    return PayPalAccount("client", "secret", world.provider_url, 5)


def test_a_chargeback_is_told_by_a_signed_webhook_and_readable_through_the_sdk(world, client, payment, receiver):
    secret = world.webhook(receiver.url, events=["charge.dispute.created", "charge.dispute.closed"])["secret"]

    opened = world.dispute(payment, amount=2000)
    world.close_dispute(opened["id"], won=True)

    eventually(lambda: len(receiver.got) == 2)
    told = [stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret) for headers, body in receiver.got]
    told.sort(key=lambda event: event.type, reverse=True)
    assert [(event.type, event.data.object.status) for event in told] == [
        ("charge.dispute.created", "needs_response"), ("charge.dispute.closed", "won")]
    assert (told[0].data.object.payment_intent, told[0].data.object.amount) == (payment, 2000)
    assert client.v1.disputes.retrieve(opened["id"]).status == "won"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.disputes.retrieve("dp_nobody")


def test_a_paypal_dispute_is_told_by_a_webhook_that_paypal_says_it_sent(world, paypal, receiver):
    capture = world.payment("eur", 5000, provider="paypal")["id"]
    target = world.webhook(receiver.url, provider="paypal", id="WH-OURS")

    opened = world.dispute(capture, provider="paypal")
    world.close_dispute(opened["id"], won=False)

    eventually(lambda: len(receiver.got) == 2)
    assert target["id"] == "WH-OURS"
    assert all(paypal.sent("WH-OURS", headers, body.decode()) for headers, body in receiver.got)
    assert not paypal.sent("WH-ANOTHER", receiver.got[0][0], receiver.got[0][1].decode())
    told = {event["event_type"]: event["resource"] for event in (json.loads(body) for _, body in receiver.got)}
    created, resolved = told["CUSTOMER.DISPUTE.CREATED"], told["CUSTOMER.DISPUTE.RESOLVED"]
    assert created["disputed_transactions"][0]["seller_transaction_id"] == capture
    assert created["dispute_amount"] == {"currency_code": "EUR", "value": "50.00"}
    assert resolved["dispute_outcome"] == {"outcome_code": "RESOLVED_BUYER_FAVOUR"}


def test_what_cannot_be_disputed_is_refused(world, payment):
    with pytest.raises(ControlRefused):
        world.dispute(payment, amount=5001)
    with pytest.raises(ControlRefused):
        world.dispute("pi_nobody")
    opened = world.dispute(payment)["id"]
    world.close_dispute(opened, won=False)
    with pytest.raises(ControlRefused):
        world.close_dispute(opened, won=True)


def test_paypals_transactions_come_in_pages_oldest_first_and_31_days_at_most(world, paypal):
    capture = world.payment("eur", 5000, provider="paypal", id="CAP1")["id"]
    for amount in (1000, 500, 250):
        world.control("POST", "refunds", {"provider": "paypal", "payment": capture, "amount": amount,
                                          "metadata": {"custom_id": f"rfd_{amount}"}})
    now = datetime.now(UTC)

    def search(days, **more):
        asked = {"start_date": (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                 "end_date": (now + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ"), **more}
        return json.loads(paypal.client.transaction_search.search_transactions(asked).text)

    first, second = (search(1, page_size=3, page=number) for number in (1, 2))
    infos = [one["transaction_info"] for one in first["transaction_details"] + second["transaction_details"]]
    assert (first["total_items"], first["total_pages"], len(second["transaction_details"])) == (4, 2, 1)
    assert [(one["transaction_event_code"], one["transaction_amount"]["value"]) for one in infos] == [
        ("T0006", "50.00"), ("T1107", "-10.00"), ("T1107", "-5.00"), ("T1107", "-2.50")]
    assert {one["paypal_reference_id"] for one in infos[1:]} == {capture}
    assert infos[1]["custom_field"] == "rfd_1000"
    with pytest.raises(Exception, match=r"INVALID|400|malformed|well-formed"):
        search(32)
