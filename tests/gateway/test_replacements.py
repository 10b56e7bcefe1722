"""A replacement with a return label: one call, and what is replaced is expected back (CLM-03, S2-12, S2-13)."""

from __future__ import annotations

import pytest

from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import agent, customer, seller

LAMP, RUG = "lin_1001_1", "lin_1001_2"
ONE_LAMP = [{"line_id": LAMP, "qty": 1}]
CHOSEN = {"kind": "replacement", "return_instructions": "In the same box, please.", "label_id": "att_label"}


def replaced(api, claim, who=None):
    """The return that comes with a replacement, as its customer sees it."""
    resolution = api.post(f"/v1/claims/{claim['id']}/resolutions", who or seller(), CHOSEN)["resolution"]
    api.suite.settle()
    assert resolution["replacement_order_id"]
    return api.get(f"/v1/returns/{resolution['return_id']}", customer())


def executed(api):
    return [event.data for event in api.suite.events("claim", "claim.resolution_executed")]


def agreed(api):
    """A claim about two lamps and the path of the order that replaces them, with its only line."""
    claim = open_claim(api, shipped_order(api), lines=[{"line_id": LAMP, "qty": 2}])
    one = f"/v1/claims/{claim['id']}"
    chosen = api.post(f"{one}/resolutions", seller(), {"kind": "replacement"})["resolution"]
    api.suite.settle()
    sent = f"/v1/orders/{chosen['replacement_order_id']}"
    return one, sent, api.get(sent, seller())["lines"][0]["line_id"]


def ship(api, path, line, qty):
    parcel = {"carrier": "Colissimo", "tracking_number": f"8R{qty}"}
    api.post(f"{path}:ship", seller(), {"parcel": parcel, "lines": [{"line_id": line, "quantity": qty}]})
    api.suite.settle()


@pytest.mark.capability("S2-12", "S2-16")
def test_a_replacement_is_executed_once_when_all_of_it_has_left_and_then_the_requester_confirms(api):
    one, path, line = agreed(api)
    api.post(f"{one}/messages", customer(), {"text": "Where is it?"})
    ship(api, path, line, 1)
    assert (executed(api), api.get(one, seller())["attention"]) == ([], True)
    ship(api, path, line, 1)
    page = api.get(one, customer())
    assert (page["state"], page["resolution"]["status"], page["attention"]) == ("solution_proposed", "executed", True)
    assert "confirm" in page["allowed_actions"]
    [told] = executed(api)
    assert (told["kind"], told["replacement_order_id"]) == ("replacement", path.rpartition("/")[2])
    assert (told["from"], told["to"], told["by"]) == ("solution_proposed", "solution_proposed", "system")

    api.post(f"{path}:deliver", agent())
    shipped = [each for each in api.suite.events("order", "order.shipped") if each.aggregate_id in path]
    api.suite.apps["claim"].inbox.receive(shipped)
    api.suite.settle()
    assert executed(api) == [told]
    assert api.post(f"{one}:confirm", customer())["state"] == "resolved"


@pytest.mark.capability("S2-12")
def test_a_replacement_that_was_confirmed_before_it_left_is_executed_without_moving_the_claim(api):
    one, path, line = agreed(api)
    api.post(f"{one}:confirm", customer())
    ship(api, path, line, 2)
    page = api.get(one, customer())
    assert (page["state"], page["resolution"]["status"], page["attention"]) == ("resolved", "executed", False)
    assert len(executed(api)) == 1
    assert len(api.suite.events("claim", "claim.resolved")) == 1


def test_a_replacement_that_was_rejected_and_leaves_all_the_same_changes_nothing(api):
    one, path, line = agreed(api)
    api.post(f"{one}:reject", customer(), {"reason": "I want my money back."})
    before = api.get(one, seller())["version"]
    ship(api, path, line, 2)
    page = api.get(one, seller())
    assert (page["state"], page["resolution"]["status"], page["version"]) == ("in_progress", "rejected", before)
    assert executed(api) == []


def test_what_is_left_of_a_replacement_is_refused_and_the_rest_counts_when_it_arrives(api):
    one, path, line = agreed(api)
    ship(api, path, line, 1)
    refused = {"line_id": line, "action": "refuse", "quantity": 1, "reason_code": "out_of_stock"}
    api.post(f"{path}/lines:validate", seller(), {"lines": [refused]})
    api.post(f"{path}:deliver", agent())
    api.suite.settle()
    assert api.get(one, customer())["resolution"]["status"] == "executed"
    assert len(executed(api)) == 1


@pytest.mark.capability("S2-12", "S2-13")
def test_a_replacement_with_a_label_is_one_call_and_the_way_back_is_at_the_brands_cost(api):
    claim = open_claim(api, shipped_order(api), lines=ONE_LAMP)
    back = replaced(api, claim)
    assert (back["state"], back["wants"], back["cost_bearer"]) == ("approved", "nothing", "seller")
    assert back["rma"].startswith("RMA-")
    assert [(line["line_id"], line["qty"]) for line in back["lines"]] == [(LAMP, 1)]
    assert back["shipping_label"] == {
        "source": "seller",
        "label_id": "att_label",
        "instructions": "In the same box, please.",
    }
    chosen = api.suite.events("claim", "claim.resolution_chosen")[0].data
    assert (chosen["kind"], chosen["return_id"]) == ("replacement", back["id"])
    told = [event.type for event in api.suite.events("claim") if event.aggregate_id == back["id"]]
    assert told == ["return.requested", "return.approved", "return.label_ready"]
    assert [each["id"] for each in api.get(f"/v1/claims/{claim['id']}", customer())["returns"]] == [back["id"]]


@pytest.mark.capability("S2-13")
def test_what_comes_back_for_a_replacement_is_counted_and_not_paid_for(api):
    claim = open_claim(api, shipped_order(api), lines=ONE_LAMP)
    path = f"/v1/returns/{replaced(api, claim)['id']}"
    api.post(f"{path}:shipped", customer(), {"carrier": "Colissimo", "tracking_number": "8R1"})
    api.post(f"{path}:receive", seller(), {"lines": [{"line_id": LAMP, "received": 1}]})
    assert api.post(f"{path}:close", seller())["refund_id"] is None
    api.suite.settle()
    assert api.get("/v1/refunds", seller())["items"] == []
    assert api.get(f"/v1/claims/{claim['id']}", customer())["state"] == "solution_proposed"


def test_what_never_comes_back_for_a_replacement_is_the_handlers_to_look_after(api):
    claim = open_claim(api, shipped_order(api), lines=ONE_LAMP)
    path = f"/v1/returns/{replaced(api, claim)['id']}"
    api.suite.advance(days=30)
    assert api.get(path, customer())["state"] == "no_reception"
    assert api.get(f"/v1/claims/{claim['id']}", seller())["attention"] is True


def test_what_the_customer_has_announced_already_is_accepted_and_no_longer_paid_for(api):
    claim = open_claim(api, shipped_order(api), lines=ONE_LAMP)
    body = {"lines": ONE_LAMP, "reason_code": "damaged_items"}
    asked = api.post(f"/v1/claims/{claim['id']}/returns", customer(), body, status=201)
    assert asked["wants"] == "refund"
    back = replaced(api, claim)
    assert (back["id"], back["state"], back["wants"]) == (asked["id"], "approved", "nothing")
    assert len(api.get(f"/v1/returns?claim_id={claim['id']}", seller())["items"]) == 1


@pytest.mark.capability("S2-18")
def test_where_the_platform_handles_it_the_label_is_the_platforms_and_the_brand_sends_none(api):
    claim = open_claim(api, shipped_order(api), reason_code="incorrect_invoice")
    path = f"/v1/claims/{claim['id']}/resolutions"
    api.refused("POST", path, seller(), "HANDLED_BY_PLATFORM", body=CHOSEN)
    api.post(f"/v1/claims/{claim['id']}:hand-back", agent())
    api.suite.settle()
    back = replaced(api, claim, agent())
    assert (back["cost_bearer"], back["shipping_label"]["source"]) == ("platform", "platform")
    assert {line["line_id"]: line["qty"] for line in back["lines"]} == {LAMP: 2, RUG: 1}


def test_a_label_for_what_is_on_its_way_back_already_is_refused_and_nothing_is_chosen(api):
    order = shipped_order(api)
    replaced(api, open_claim(api, order, lines=[{"line_id": LAMP, "qty": 2}]))
    claim = open_claim(api, order, lines=ONE_LAMP)
    path = f"/v1/claims/{claim['id']}/resolutions"
    api.refused("POST", path, seller(), "NOTHING_TO_SEND_BACK", body=CHOSEN)
    refund = {"kind": "refund", "label_id": "att_label"}
    api.refused("POST", path, seller(), "INVALID_INPUT", body=refund)
    page = api.get(f"/v1/claims/{claim['id']}", customer())
    assert (page["state"], page["resolution"], page["returns"]) == ("submitted", None, [])
    assert len(api.suite.events("claim", "return.requested")) == 1
    without = api.post(path, seller(), {"kind": "replacement"})["resolution"]
    assert "return_id" not in without, "without a label nothing is expected back"
