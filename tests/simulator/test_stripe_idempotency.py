"""The same key is the same refund, whatever happens on the line."""

import threading

import pytest
import stripe

from tests.simulator.conftest import connect, eventually


def test_the_same_key_and_body_get_the_same_stored_answer(client, world, payment):
    wish, key = {"payment_intent": payment, "amount": 700, "metadata": {"a": "1"}}, {"idempotency_key": "rf_1"}

    first, second = client.v1.refunds.create(wish, key), client.v1.refunds.create(wish, key)

    assert second.to_dict() == first.to_dict()
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(world.refunds(payment)) == 1


def test_the_same_key_with_another_body_is_refused(client, world, payment):
    client.v1.refunds.create({"payment_intent": payment, "amount": 700}, {"idempotency_key": "rf_1"})

    with pytest.raises(stripe.IdempotencyError) as refused:
        client.v1.refunds.create({"payment_intent": payment, "amount": 701}, {"idempotency_key": "rf_1"})

    assert refused.value.http_status == 400
    assert len(world.refunds(payment)) == 1


def test_a_refusal_is_kept_under_the_key_too(client, world, payment):
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="is greater than charge amount"):
            client.v1.refunds.create({"payment_intent": payment, "amount": 9000}, {"idempotency_key": "rf_1"})

    assert [c["outcome"] for c in world.calls() if c["path"] == "/v1/refunds"] == [400, 400]


def test_a_key_whose_call_still_runs_is_answered_with_a_conflict(client, world, payment):
    world.faults(slow=1, times=1)
    wish, key = {"payment_intent": payment, "amount": 700}, {"idempotency_key": "rf_1"}
    slow = threading.Thread(target=lambda: connect(world).v1.refunds.create(wish, key))
    slow.start()
    eventually(lambda: world.control("GET", "faults")["switches"] == [], "the slow call")

    with pytest.raises(stripe.StripeError) as refused:
        client.v1.refunds.create(wish, key)
    slow.join()

    assert (refused.value.http_status, refused.value.json_body["error"]["code"]) == (409, "idempotency_key_in_use")
    assert len(world.refunds(payment)) == 1


@pytest.mark.parametrize(("moment", "paid_before_the_repeat"), [("before", 0), ("after", 1)])
def test_a_cut_line_and_a_repeat_under_the_same_key_make_exactly_one_refund(
        client, world, payment, moment, paid_before_the_repeat):
    world.faults(cut=moment, times=1)
    wish, key = {"payment_intent": payment, "amount": 700}, {"idempotency_key": "rf_1"}

    with pytest.raises(stripe.APIConnectionError):
        client.v1.refunds.create(wish, key)
    assert len(world.refunds(payment)) == paid_before_the_repeat
    repeated = client.v1.refunds.create(wish, key)

    assert [r["id"] for r in world.refunds(payment)] == [repeated.id]
    assert world.ledger(id=payment)[0]["refunded"] == 700


def test_the_sdks_own_retry_after_a_cut_line_makes_exactly_one_refund(world, payment):
    world.faults(cut="after", times=1)

    refund = connect(world, retries=2).v1.refunds.create({"payment_intent": payment, "amount": 700})

    assert [r["id"] for r in world.refunds(payment)] == [refund.id]
    assert [c["outcome"] for c in world.calls() if c["path"] == "/v1/refunds"] == ["cut", 200]


def test_a_call_that_takes_longer_than_the_client_waits_is_done_all_the_same(world, payment):
    world.faults(slow=0.3, times=1)
    impatient = stripe.StripeClient("sk_test_simulated", base_addresses={"api": world.provider_url},
                                    max_network_retries=0, http_client=stripe.RequestsClient(timeout=0.05))

    with pytest.raises(stripe.APIConnectionError):
        impatient.v1.refunds.create({"payment_intent": payment, "amount": 700}, {"idempotency_key": "rf_1"})

    eventually(lambda: len(world.refunds(payment)) == 1, "the refund")


@pytest.mark.parametrize(("kind", "refunds"), [(True, 0), ("before", 0), ("after", 1)])
def test_a_server_error_says_nothing_about_the_outcome(client, world, payment, kind, refunds):
    world.faults(http_500=kind, times=1)
    wish, key = {"payment_intent": payment, "amount": 700}, {"idempotency_key": "rf_1"}

    with pytest.raises(stripe.APIError):
        client.v1.refunds.create(wish, key)
    assert len(world.refunds(payment)) == refunds

    client.v1.refunds.create(wish, key)
    assert len(world.refunds(payment)) == 1


def test_a_server_error_can_be_kept_under_its_key_as_stripe_does(client, world, payment):
    world.faults(http_500="kept", times=1)

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.refunds.create({"payment_intent": payment}, {"idempotency_key": "rf_1"})

    assert world.refunds(payment) == []


def test_a_refusal_on_demand_is_a_card_error_or_an_invalid_request(client, world, payment):
    world.faults(refuse="insufficient_funds", times=1)
    with pytest.raises(stripe.CardError) as refused:
        client.v1.refunds.create({"payment_intent": payment})
    assert (refused.value.http_status, refused.value.code) == (402, "insufficient_funds")

    world.faults(refuse="charge_disputed", times=1)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": payment})
    assert refused.value.code == "charge_disputed"
    assert world.refunds(payment) == []


def test_switches_with_a_seed_strike_the_same_calls_every_time(client, world, payment):
    def outcomes() -> list:
        world.clear_faults()
        world.faults(http_500=True, on="read", probability=0.5, seed=7)
        return [_read(client, payment) for _ in range(12)]

    first = outcomes()

    assert first == outcomes()
    assert set(first) == {"read", "broken"}


def _read(client, payment) -> str:
    try:
        client.v1.payment_intents.retrieve(payment)
    except stripe.APIError:
        return "broken"
    return "read"


def test_a_key_that_expired_at_the_provider_no_longer_protects(client, world, payment):
    wish, key = {"payment_intent": payment, "amount": 700}, {"idempotency_key": "rf_1"}
    client.v1.refunds.create(wish, key)

    world.control("DELETE", "keys")
    client.v1.refunds.create(wish, key)

    assert len(world.refunds(payment)) == 2
