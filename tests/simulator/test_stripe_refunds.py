"""Refunds through the real Stripe SDK: amounts, errors, reads."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.simulator.conftest import connect


def test_a_full_refund_gives_back_everything_that_was_captured(client, world, payment):
    refund = client.v1.refunds.create({"payment_intent": payment})

    assert (refund.amount, refund.currency, refund.status) == (5000, "eur", "succeeded")
    charge = client.v1.charges.retrieve(refund.charge)
    assert (charge.amount_refunded, charge.refunded) == (5000, True)
    assert world.ledger(id=payment)[0]["refunded"] == 5000


def test_partial_refunds_add_up_and_keep_their_metadata_and_reason(client, world, payment):
    first = client.v1.refunds.create(
        {"payment_intent": payment, "amount": 1234, "reason": "requested_by_customer",
         "metadata": {"refund_id": "rf_1", "claim": "CLM 7 & 8 = é"}}, {"idempotency_key": "rf_1"})
    second = client.v1.refunds.create({"charge": first.charge, "amount": 3766})

    assert first.metadata.to_dict() == {"refund_id": "rf_1", "claim": "CLM 7 & 8 = é"}
    assert first.reason == "requested_by_customer"
    assert next((r["id"], r["amount"], r["key"]) for r in world.refunds(payment)) == (first.id, 1234, "rf_1")
    assert second.amount == 3766
    assert world.ledger(id=payment)[0]["left"] == 0


def test_more_than_was_captured_is_refused_in_stripes_words_and_nothing_moves(client, world, payment):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": payment, "amount": 5001})

    assert refused.value.http_status == 400
    assert refused.value.param == "amount"
    assert refused.value.user_message == "Refund amount (€50.01) is greater than charge amount (€50.00)"
    assert world.refunds(payment) == []


def test_more_than_what_is_left_is_refused(client, world, payment):
    client.v1.refunds.create({"payment_intent": payment, "amount": 4000})

    with pytest.raises(stripe.InvalidRequestError, match=r"\(€10.01\) is greater than unrefunded amount on charge"):
        client.v1.refunds.create({"payment_intent": payment, "amount": 1001})

    assert world.ledger(id=payment)[0]["refunded"] == 4000


def test_a_payment_that_is_fully_refunded_says_so(client, payment):
    client.v1.refunds.create({"payment_intent": payment})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": payment, "amount": 1})

    assert refused.value.code == "charge_already_refunded"


def test_twenty_parallel_refunds_never_give_back_more_than_was_captured(world, payment):
    def attempt(number: int) -> str:
        try:
            connect(world).v1.refunds.create({"payment_intent": payment, "amount": 700},
                                             {"idempotency_key": f"rf_{number}"})
        except stripe.InvalidRequestError:
            return "refused"
        return "paid"

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(attempt, range(20)))

    assert (outcomes.count("paid"), outcomes.count("refused")) == (7, 13)
    assert sum(r["amount"] for r in world.refunds(payment)) == world.ledger(id=payment)[0]["refunded"] == 4900


@pytest.mark.parametrize(("params", "code"), [
    ({"amount": 100}, None),
    ({"payment_intent": "pi_nobody"}, "resource_missing"),
    ({"charge": "ch_nobody"}, "resource_missing"),
    ({"payment_intent": "known", "amount": 0}, "parameter_invalid_integer"),
    ({"payment_intent": "known", "amount": "ten"}, "parameter_invalid_integer"),
    ({"payment_intent": "known", "colour": "red"}, "parameter_unknown"),
    ({"payment_intent": "known", "reason": "because"}, None),
    ({"payment_intent": "known", "metadata": {"x" * 41: "y"}}, None),
    ({"payment_intent": {"nested": "value"}}, None),
])
def test_a_refund_that_is_not_well_formed_is_refused(client, world, payment, params, code):
    given = {**params, **({"payment_intent": payment} if params.get("payment_intent") == "known" else {})}

    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create(given)

    assert (refused.value.http_status, refused.value.code) == (400, code)
    assert world.refunds(payment) == []


@pytest.mark.parametrize("key", ["sk_live_4eC39HqLyjWDarjtT1zdp7dc", "nonsense", "sk_test_"])
def test_a_wrong_key_is_turned_away_before_anything_happens(world, payment, key):
    with pytest.raises(stripe.AuthenticationError):
        connect(world, key).v1.refunds.create({"payment_intent": payment})

    assert world.refunds(payment) == []


def test_refunds_of_a_payment_are_listed_a_page_at_a_time_newest_first(client, payment):
    made = [client.v1.refunds.create({"payment_intent": payment, "amount": 10}).id for _ in range(5)]
    other = client.v1.payment_intents.create({"amount": 900, "currency": "eur", "confirm": True})
    client.v1.refunds.create({"payment_intent": other.id})

    page = client.v1.refunds.list({"payment_intent": payment, "limit": 2})

    assert [r.id for r in page.data] == made[:2:-1]
    assert page.has_more
    assert [r.id for r in page.auto_paging_iter()] == made[::-1]


def test_a_refund_can_be_read_again_with_its_payment_inside(client, payment):
    made = client.v1.refunds.create({"payment_intent": payment, "amount": 10})

    read = client.v1.refunds.retrieve(made.id, {"expand": ["payment_intent", "charge"]})

    assert (read.id, read.payment_intent.id, read.charge.amount_refunded) == (made.id, payment, 10)
    with pytest.raises(stripe.InvalidRequestError, match="No such refund: 're_nobody'"):
        client.v1.refunds.retrieve("re_nobody")


def test_a_demo_order_finds_its_payment_under_the_id_it_chose(client, world):
    world.payment("jpy", 500, id="pi_demo_1001", metadata={"order": "1001"})

    intent = client.v1.payment_intents.retrieve("pi_demo_1001", {"expand": ["latest_charge"]})

    assert (intent.amount_received, intent.latest_charge.currency) == (500, "jpy")
    with pytest.raises(stripe.InvalidRequestError, match=r"\(¥501\) is greater than charge amount \(¥500\)"):
        client.v1.refunds.create({"payment_intent": "pi_demo_1001", "amount": 501})


def test_three_decimal_currencies_take_amounts_that_end_in_zero_alone(client, world):
    world.payment("kwd", 1500, id="pi_kuwait")

    with pytest.raises(stripe.InvalidRequestError, match="last digit must be 0"):
        client.v1.refunds.create({"payment_intent": "pi_kuwait", "amount": 1234})

    assert client.v1.refunds.create({"payment_intent": "pi_kuwait", "amount": 1230}).amount == 1230


def test_a_payment_that_was_never_confirmed_cannot_be_refunded(client):
    intent = client.v1.payment_intents.create({"amount": 900, "currency": "eur"})
    assert intent.status == "requires_confirmation"

    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge to refund"):
        client.v1.refunds.create({"payment_intent": intent.id})

    assert client.v1.payment_intents.confirm(intent.id).status == "succeeded"
