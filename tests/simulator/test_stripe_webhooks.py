"""What the provider tells afterwards, and that only the provider could have told it."""

import pytest
import stripe

from tests.simulator.conftest import eventually


@pytest.fixture
def hook(world, receiver):
    return world.webhook(receiver.url, secret="whsec_demo")


def _events(receiver, secret: str = "whsec_demo") -> list[stripe.Event]:
    return [stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
            for headers, body in list(receiver.got)]


def _of(receiver, type: str) -> list[stripe.Event]:
    return [event for event in _events(receiver) if event.type == type]


def test_a_pending_refund_is_told_to_have_succeeded_with_a_signature_that_the_sdk_verifies(
        client, world, payment, receiver, hook):
    world.faults(mode="pending")
    refund = client.v1.refunds.create({"payment_intent": payment, "amount": 700}, {"idempotency_key": "rf_1"})
    assert refund.status == "pending"
    created, = eventually(lambda: _of(receiver, "refund.created"))
    assert (created.data.object.id, created.data.object.status) == (refund.id, "pending")
    assert created.request.idempotency_key == "rf_1"

    world.settle(refund.id)

    updated, = eventually(lambda: _of(receiver, "refund.updated"))
    assert (updated.data.object.status, updated.data.previous_attributes["status"]) == ("succeeded", "pending")
    assert client.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_a_pending_refund_that_fails_gives_its_amount_back_to_the_payment(client, world, payment, receiver, hook):
    world.faults(mode="pending", times=1)
    refund = client.v1.refunds.create({"payment_intent": payment})

    world.settle(refund.id, to="failed", failure_reason="lost_or_stolen_card")

    failed, = eventually(lambda: _of(receiver, "refund.failed"))
    assert failed.data.object.failure_reason == "lost_or_stolen_card"
    assert world.ledger(id=payment)[0]["refunded"] == 0
    assert client.v1.refunds.create({"payment_intent": payment}).status == "succeeded"


def test_an_instant_refund_tells_the_charge_and_the_refund(client, payment, receiver, hook):
    client.v1.refunds.create({"payment_intent": payment, "amount": 700})

    charge, = eventually(lambda: _of(receiver, "charge.refunded"))
    assert charge.data.object.amount_refunded == 700
    created, = eventually(lambda: _of(receiver, "refund.created"))
    assert created.data.object.status == "succeeded"


def test_a_signature_made_with_another_secret_is_not_accepted(client, payment, receiver, hook):
    client.v1.refunds.create({"payment_intent": payment})
    eventually(lambda: receiver.got)

    with pytest.raises(stripe.SignatureVerificationError):
        _events(receiver, "whsec_other")


def test_a_receiver_that_fails_is_told_again_until_it_accepts(client, world, payment, receiver):
    world.webhook(receiver.url, secret="whsec_demo", events=["refund.created"])
    receiver.statuses = [500, 503]

    client.v1.refunds.create({"payment_intent": payment})

    delivery, = eventually(lambda: [d for d in world.control("GET", "deliveries")["deliveries"]
                                    if d["state"] == "delivered"])
    assert (delivery["attempts"], delivery["last"]) == (3, "200")
    assert len({event.id for event in _events(receiver)}) == 1


def test_an_event_can_be_sent_twice_on_purpose(client, world, payment, receiver, hook):
    client.v1.refunds.create({"payment_intent": payment})
    event, = eventually(lambda: _of(receiver, "refund.created"))

    world.control("POST", f"events/{event.id}/resend")

    eventually(lambda: [e.id for e in _of(receiver, "refund.created")] == [event.id, event.id])


def test_a_refund_made_at_the_provider_is_told_and_marked_as_external(world, payment, receiver, hook):
    made = world.control("POST", "refunds", {"payment": payment, "amount": 300})

    created, = eventually(lambda: _of(receiver, "refund.created"))
    assert (created.data.object.id, created.request.idempotency_key) == (made["id"], None)
    assert world.refunds(payment)[0]["external"] is True


def test_a_refund_settles_by_itself_when_the_switch_says_when(client, world, payment, receiver, hook):
    world.faults(mode="pending", settle_after=0.05, settle_as="failed")

    client.v1.refunds.create({"payment_intent": payment})

    eventually(lambda: _of(receiver, "refund.failed"))
    assert world.ledger(id=payment)[0]["left"] == 5000


def test_stripes_own_test_cards_pend_and_fail_later(client, world):
    statuses = {}
    for method in ("pm_card_pendingRefund", "pm_card_refundFail"):
        intent = client.v1.payment_intents.create(
            {"amount": 900, "currency": "eur", "confirm": True, "payment_method": method})
        statuses[method] = client.v1.refunds.create({"payment_intent": intent.id}).status
        statuses[intent.id] = method
    assert (statuses["pm_card_pendingRefund"], statuses["pm_card_refundFail"]) == ("pending", "succeeded")

    ends = {"pm_card_pendingRefund": "succeeded", "pm_card_refundFail": "failed"}
    eventually(lambda: all(p["refunds"][0]["status"] == ends[statuses[p["id"]]] for p in world.ledger()))


def test_events_can_be_read_by_whoever_missed_them(client, payment):
    client.v1.refunds.create({"payment_intent": payment})

    assert [e.type for e in client.v1.events.list({"type": "refund.created"}).data] == ["refund.created"]
