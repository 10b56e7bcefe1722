"""Withdrawing from a contract through HTTP: two steps, a receipt, and what follows (EU 2023/2673, B20)."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default

import pytest

from services.notification.app import mail_folder
from tests.gateway.test_journey import shipped_order
from tests.suite import agent, customer, seller

RECEIPTS = ("Receipt of your withdrawal", "Accusé de réception de votre rétractation")
NAME = {"name": "Ada Byron"}
SELLER_CONTACT = {"name": "Seller One", "email": "one@seller.example", "locale": "en"}


@pytest.fixture
def shop(api_of):
    api = api_of(instant_provider=True, mail="folder", mail_from="Shop <shop@shop.example>")
    api.post("/v1/contacts/seller/sel_1", agent(), SELLER_CONTACT, method="PUT")
    return api


def delivered(api, **changes):
    order = shipped_order(api, **changes)
    api.post(f"/v1/orders/{order['id']}:deliver", agent())
    api.suite.settle()
    return order


def stated(api, order, who=None, **body):
    return api.post(f"/v1/orders/{order['id']}/withdrawals", who or customer(), {**NAME, **body}, status=201)


def confirmed(api, statement):
    found = api.post(f"/v1/withdrawals/{statement['id']}:confirm", customer())
    api.suite.settle()
    return found


def mails(api):
    """The texts of the mails that were sent, as their readers see them."""
    read = (
        message_from_bytes(path.read_bytes(), policy=default) for path in mail_folder(api.suite.settings).glob("*.eml")
    )
    return [f"{mail['Subject']}\n{mail.get_body(('plain',)).get_content()}" for mail in read]


def told(api, template):
    found = api.get("/v1/notifications?limit=200", agent())["items"]
    return sorted(one["recipient"]["kind"] for one in found if one["template"] == template)


def test_a_withdrawal_takes_two_steps_and_its_receipt_says_what_and_when(shop):
    order = delivered(shop)
    shop.suite.clock.advance(days=3)
    before = shop.suite.events("claim", "claim.opened")
    statement = stated(shop, order)
    assert (statement["state"], statement["whole"], statement["allowed_actions"]) == ("stated", True, ["confirm"])
    assert statement["deadline"] == "2026-11-16T22:59:59.999Z"  # the end of the day in Paris
    shop.suite.settle()
    assert shop.suite.events("claim", "claim.opened") == before
    assert told(shop, "withdrawal_received") == []
    found = confirmed(shop, statement)
    assert (found["state"], found["refund_due_at"]) == ("received", "2026-11-19T09:00:00.000Z")
    assert told(shop, "withdrawal_received") == ["customer", "seller"]
    [receipt] = [text for text in mails(shop) if text.startswith(RECEIPTS)]
    assert "2 × " in receipt
    assert "2026, 10:00" in receipt  # where the marketplace is
    claim = shop.get(f"/v1/claims/{found['claim_id']}", customer())
    assert (claim["category"], claim["reason"]["code"]) == ("withdrawal", "withdrawal")
    history = shop.get(f"/v1/claims/{found['claim_id']}/timeline", customer())["items"]
    assert {"withdrawal.received", "return.requested"} <= {item["type"] for item in history}
    shop.refused("POST", f"/v1/withdrawals/{statement['id']}:confirm", customer(), "NOT_IN_THIS_STATE", body={})


def test_what_was_withdrawn_comes_back_and_is_paid_with_the_way_out(shop):
    order = delivered(shop)
    found = confirmed(shop, stated(shop, order))
    back = shop.get(f"/v1/returns/{found['return_id']}", customer())
    assert (back["state"], back["reason_code"]) == ("approved", "withdrawal")
    one, lines = f"/v1/returns/{back['id']}", back["lines"]
    arrived = [{"line_id": line["line_id"], "received": line["qty"], "damaged": 0, "missing": 0} for line in lines]
    shop.post(f"{one}:receive", seller(), {"lines": arrived})
    shop.post(f"{one}:close", seller(), {})
    shop.suite.settle()
    [refund] = shop.get("/v1/refunds", agent())["items"]
    assert (refund["state"], refund["amount"]["amount"]) == ("succeeded", 17490)  # all that was paid, shipping included


def test_what_was_withdrawn_and_never_arrives_is_the_handlers_to_look_after(shop):
    """RET-07 for a return that was accepted with the withdrawal itself, and of which nobody said that it was sent."""
    found = confirmed(shop, stated(shop, delivered(shop)))
    claim, back = f"/v1/claims/{found['claim_id']}", f"/v1/returns/{found['return_id']}"
    shop.post(f"{claim}/messages", seller(), {"text": "Please send it back.", "visibility": "public"})
    shop.suite.advance(days=29)
    assert (shop.get(back, customer())["state"], shop.get(claim, seller())["attention"]) == ("approved", False)
    shop.suite.advance(days=1)
    assert (shop.get(back, customer())["state"], shop.get(claim, seller())["attention"]) == ("no_reception", True)


def test_one_unit_of_a_line_can_be_withdrawn_from(shop):
    order = delivered(shop)
    statement = stated(shop, order, lines=[{"line_id": "lin_1001_1", "qty": 1}])
    assert (statement["whole"], [line["qty"] for line in statement["lines"]]) == (False, [1])
    found = confirmed(shop, statement)
    back = shop.get(f"/v1/returns/{found['return_id']}", seller())
    assert [(line["line_id"], line["qty"]) for line in back["lines"]] == [("lin_1001_1", 1)]
    wrong = {**NAME, "lines": [{"line_id": "lin_1001_1", "qty": 9}]}
    path = f"/v1/orders/{order['id']}/withdrawals"
    shop.refused("POST", path, customer(), "NOTHING_TO_WITHDRAW_FROM", body=wrong)


def test_after_fourteen_days_and_for_excluded_goods_it_is_an_ordinary_claim_with_the_reason(shop):
    offer = {"seller_id": "sel_1", "product_id": "prd_rug", "marketplace": "main", "title": "Rug to measure"}
    shop.post("/v1/offers/off_rug", seller(), {**offer, "no_withdrawal": "made_to_measure"}, method="PUT")
    order = delivered(shop)
    reasons = {line["line_id"]: line["not_accepted"] for line in stated(shop, order)["lines"]}
    assert sorted(reasons.values(), key=str) == [None, "made_to_measure"]
    shop.suite.clock.advance(days=14)
    late = stated(shop, order)
    assert {line["not_accepted"] for line in late["lines"]} == {None, "made_to_measure"}  # the last day is whole
    shop.suite.clock.advance(days=1)
    found = confirmed(shop, stated(shop, order))
    assert {line["not_accepted"] for line in found["lines"]} == {"period_over", "made_to_measure"}
    assert (found["return_id"], found["refund_due_at"]) == (None, None)
    assert shop.get(f"/v1/claims/{found['claim_id']}", customer())["category"] == "after_sales"
    assert told(shop, "withdrawal_received") == ["customer", "seller"]


SAID = {
    "fr": (
        "Ada Byron se rétracte du contrat de la commande {} : 2 × Brass lamp; "
        "1 × Wool rug (non accepté : fait sur mesure)"
    ),
    "en": (
        "Ada Byron withdraws from the contract of order {}: 2 × Brass lamp; "
        "1 × Wool rug (not accepted: made to measure)"
    ),
}


@pytest.mark.parametrize("locale", ["fr", "en"])
def test_what_a_withdrawal_writes_into_the_conversation_is_in_the_customers_language(shop, locale):
    offer = {"seller_id": "sel_1", "product_id": "prd_rug", "marketplace": "main", "title": "Rug to measure"}
    shop.post("/v1/offers/off_rug", seller(), {**offer, "no_withdrawal": "made_to_measure"}, method="PUT")
    ada = {"ref": "cus_1", "name": "Ada Byron", "email": "ada@customer.example", "locale": locale}
    order = delivered(shop, customer=ada)
    found = confirmed(shop, stated(shop, order))
    thread = found["claim_id"].replace("clm_", "thr_")
    for reader in (customer(), seller()):
        [said] = shop.get(f"/v1/threads/{thread}/messages", reader)["items"]
        assert said["text"] == SAID[locale].format(order["number"])


@pytest.mark.capability("T01")
def test_nobody_withdraws_for_somebody_else_and_a_statement_goes_stale(shop):
    order = delivered(shop)
    statement = stated(shop, order)
    path = f"/v1/withdrawals/{statement['id']}"
    for stranger in (customer("cus_2"), seller("sel_2")):
        shop.refused("GET", path, stranger, "NOT_FOUND")
        shop.refused("POST", f"{path}:confirm", stranger, "NOT_FOUND", body={})
    shop.refused("POST", f"/v1/orders/{order['id']}/withdrawals", customer("cus_2"), "ORDER_NOT_SYNCED", body=NAME)
    shop.refused("POST", f"{path}:confirm", seller(), "FORBIDDEN", body={})
    shop.suite.clock.advance(hours=25)
    shop.refused("POST", f"{path}:confirm", customer(), "STATEMENT_TOO_OLD", body={})


def test_on_the_tenth_day_the_suite_warns_that_the_refund_is_due(shop):
    found = confirmed(shop, stated(shop, delivered(shop)))
    shop.suite.advance(days=9)
    assert shop.suite.events("claim", "withdrawal.refund_due_soon") == []
    shop.suite.advance(days=1)
    [warning] = shop.suite.events("claim", "withdrawal.refund_due_soon")
    assert (warning.data["claim_id"], warning.data["refund_due_at"]) == (found["claim_id"], found["refund_due_at"])
