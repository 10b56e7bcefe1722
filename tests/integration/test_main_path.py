"""The main job: from the order to the refund, its credit note and its mails, through the front door."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.servers


def agree(shop, claim, order, units=1):
    line = {"line_id": order["lines"][0]["line_id"], "qty": units}
    body = {"kind": "refund", "refund": {"lines": [line], "reason_code": "damaged_items"}}
    return shop.seller.post(f"/v1/claims/{claim['id']}/resolutions", body)


@pytest.mark.capability("S0-21", "S2-01", "S2-02", "S2-11", "S2-14", "S2-16", "S2-21", "S2-23", "S2-24", "U-04")
def test_a_damaged_item_is_refunded_once_credited_and_everybody_concerned_is_told(shop):
    shop.listen()
    order = shop.order()
    claim = shop.report(order)
    assert (claim["state"], claim["label"]["en"], claim["handler"]["code"]) == ("submitted", "Sent", "seller")

    chosen = agree(shop, claim, order)
    assert chosen["label"]["en"] == "In progress"
    proposed = shop.claim_reaches(claim["id"], "solution_proposed")
    shop.customer.post(f"/v1/claims/{claim['id']}:confirm")
    resolved = shop.claim_reaches(claim["id"], "resolved")
    assert resolved["label"]["en"] == "Resolved"

    refund = shop.agent.get(f"/v1/refunds/{proposed['resolution']['refund_id']}")
    assert (refund["state"], refund["amount"]) == ("succeeded", {"amount": 4371, "currency": "EUR"})
    payment = next(iter(order["payments"]))
    assert payment["amount"]["amount"] == 17490
    note = shop.agent.get(f"/v1/credit-notes/{refund['credit_note_id']}")
    assert (note["total"], note["order_id"]) == ({"amount": 4371, "currency": "EUR"}, order["id"])

    assert "43.71" in shop.mail("ada", "43.71")["text"]
    assert "43,71" in shop.mail("sel_lamps", "43,71")["text"]
    shop.hear("refund.succeeded")
    shop.hear("claim.resolved")
    heard = shop.heard()
    assert heard.count("refund.succeeded") == heard.count("credit_note.issued") == 1
    assert heard.index("claim.opened") < heard.index("claim.resolution_chosen") < heard.index("claim.resolved")


@pytest.mark.capability("S2-05", "S2-06", "S2-07", "S2-09", "S2-20", "S0-08")
def test_an_open_problem_shows_on_the_order_and_holds_its_settlement_until_it_is_solved(shop):
    order = shop.order()
    quiet = shop.order("1002")
    assert shop.seller.get(f"/v1/orders/{quiet['id']}")["claims"] == []

    claim = shop.report(order)
    page = shop.order_shows(order, lambda page: page["open_claims"] == 1 and page["claims"])
    rows = {row["number"]: row["issues"] for row in shop.seller.get("/v1/orders")["items"]}
    assert rows["1002"] == []
    assert [(issue["claim_id"], issue["label"]["en"], issue["open"]) for issue in rows["1001"]] == [
        (claim["id"], "Sent", True)
    ]
    assert page["display_status"]["code"] == "issue_reported"
    assert [(each["id"], each["label"]["en"]) for each in page["claims"]] == [(claim["id"], "Sent")]
    assert [hold["claim_id"] for hold in page["settlement"]["holds"]] == [claim["id"]]
    assert [each["number"] for each in shop.seller.get("/v1/orders?has_open_claims=true")["items"]] == ["1001"]
    shop.seller.post(f"/v1/orders/{order['id']}:deliver")
    assert shop.agent.refused("POST", f"/v1/orders/{order['id']}:complete")["code"] == "OPEN_CLAIM"
    assert (
        shop.agent.refused("POST", f"/v1/orders/{order['id']}:settle", {"payout_ref": "po_1"})["code"] == "OPEN_CLAIM"
    )

    agree(shop, claim, order)
    shop.claim_reaches(claim["id"], "solution_proposed")
    shop.customer.post(f"/v1/claims/{claim['id']}:confirm")
    page = shop.order_shows(order, lambda page: page["open_claims"] == 0)
    assert page["display_status"]["code"] == "delivered"
    assert page["settlement"]["state"] == "open"
    shop.agent.post(f"/v1/orders/{order['id']}:complete")
    shop.agent.post(f"/v1/orders/{order['id']}:settle", {"payout_ref": "po_1"})
    shop.order_shows(order, lambda page: page["settlement"]["state"] == "settled")


@pytest.mark.capability("S2-08")
def test_several_problems_can_be_reported_and_the_last_one_frees_the_order(shop):
    order = shop.order()
    first, second = shop.report(order), shop.report(order, "missing_items")
    shop.order_shows(order, lambda page: page["open_claims"] == 2 and len(page["claims"]) == 2)
    shop.customer.post(f"/v1/claims/{first['id']}:withdraw")
    page = shop.order_shows(order, lambda page: page["open_claims"] == 1)
    assert page["settlement"]["state"] == "held"
    shop.customer.post(f"/v1/claims/{second['id']}:withdraw")
    page = shop.order_shows(order, lambda page: page["open_claims"] == 0)
    assert page["settlement"]["state"] == "open"


@pytest.mark.capability("S2-03", "S2-18", "S2-19", "S2-22")
def test_a_wrong_invoice_goes_to_the_platform_which_solves_it_and_completes_the_order(shop):
    order = shop.order()
    shop.seller.post(f"/v1/orders/{order['id']}:deliver")
    claim = shop.report(order, "incorrect_invoice")
    assert (claim["state"], claim["handler"]["code"]) == ("platform_review", "platform")
    seen = shop.seller.get(f"/v1/claims/{claim['id']}")
    assert seen["label"]["en"] == "Platform review"
    body = {"kind": "refund", "refund": {"lines": []}}
    assert shop.seller.refused("POST", f"/v1/claims/{claim['id']}/resolutions", body)["status"] in (403, 409)
    shop.order_shows(order, lambda page: page["open_claims"] == 1)
    shop.agent.post(f"/v1/claims/{claim['id']}:resolve", {})
    shop.claim_reaches(claim["id"], "resolved")
    shop.order_shows(order, lambda page: page["phase"] == "completed")


@pytest.mark.capability("S2-25")
def test_the_platform_refuses_a_problem_with_its_reason(shop):
    claim = shop.report(shop.order(), "incorrect_invoice")
    assert shop.seller.refused("POST", f"/v1/claims/{claim['id']}:refuse", {"reason_code": "unfounded"})["status"] in (
        403,
        422,
    )
    shop.agent.post(f"/v1/claims/{claim['id']}:refuse", {"reason_code": "unfounded"})
    assert shop.claim_reaches(claim["id"], "refused")["label"]["en"] == "Refused"
    shop.mail("ada", "cannot accept it")


@pytest.mark.capability("S4-01", "S4-02")
def test_a_new_order_is_confirmed_to_the_customer_and_to_the_merchant_by_the_same_mail(shop):
    shop.order("5005", ship=False, pay=False)
    to_customer, to_merchant = shop.mail("ada", "5005"), shop.mail("sel_lamps", "5005")
    for mail in (to_customer, to_merchant):
        assert "5005" in mail["subject"]
        assert "Brass lamp" in mail["text"]
        assert mail["html"]
    assert len(shop.mails("ada")) == len(shop.mails("sel_lamps")) == 1


@pytest.mark.capability("S4-03", "S4-04", "S4-27")
def test_the_public_state_is_told_to_the_customer_and_the_internal_one_to_nobody(shop):
    order = shop.order(ship=False)
    path = f"/v1/orders/{order['id']}"
    shop.seller.put(f"{path}/public-state", {"code": "awaiting_stock"})
    shop.mail("ada", "Awaiting stock")
    shop.seller.put(f"{path}/internal-state", {"code": "fraud_inspection"})
    assert shop.coordinator.get(path)["internal_state"]["code"] == "fraud_inspection"
    assert "fraud" not in shop.customer.send("GET", path).text.lower()
    shop.quiet()
    assert not shop.mails("ada", "raud")
    assert not shop.mails("sel_lamps", "raud")
