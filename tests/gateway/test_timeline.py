"""The history of a case across services, cut to who reads it (T02, T08, T38)."""

from __future__ import annotations

import pytest

from services.claim.profiles import shipped
from tests.gateway.test_journey import open_claim, shipped_order
from tests.gateway.test_parts import Lines
from tests.suite import agent, coordinator, customer, seller, supplier

PRIVATE = "PRIVATE-CANARY: the foot was cracked in our store"


@pytest.fixture
def api(api_of):
    return api_of(instant_provider=True)


@pytest.fixture
def case(api):
    """A claim that was talked about, watched by its supplier, refunded and paid."""
    order = shipped_order(api)
    claim = open_claim(api, order)
    one = f"/v1/claims/{claim['id']}"
    api.post(f"{one}/observers", coordinator(), {"kind": "supplier", "id": "sup_1"})
    api.suite.settle()
    api.post(f"{one}:start", seller())
    api.post(f"{one}/messages", seller(), {"text": "We look into it.", "visibility": "public"})
    api.post(f"{one}/messages", seller(), {"text": PRIVATE, "visibility": "private"})
    api.post(f"{one}/resolutions", seller(), {"kind": "refund"})
    api.suite.settle()
    api.post(f"{one}:confirm", customer())
    api.suite.settle()
    return claim


def told(api, claim, who) -> list[str]:
    page = api.get(f"/v1/claims/{claim['id']}/timeline", who)
    assert page["warnings"] == []
    return [item["type"] for item in page["items"]]


@pytest.mark.capability("B6", "T38")
def test_an_assignment_and_whose_turn_it_became_are_told_with_before_and_after(api):
    """Neither changes the state: what they do change is what the history says of them (S1-22)."""
    claim = open_claim(api, shipped_order(api))
    one = f"/v1/claims/{claim['id']}"
    for change in ({"assignee": "coo_1"}, {"assignee": None}, {"awaiting": "requester"}):
        api.post(one, coordinator("coo_1"), change, method="PATCH", if_match="*")
    items = api.get(f"{one}/timeline", coordinator())["items"]
    changed = [item for item in items if item["type"] in ("claim.assigned", "claim.awaiting_changed")]
    assert [(item["before"], item["after"]) for item in changed] == [
        (None, "coo_1"),
        ("coo_1", None),
        ("seller", "requester"),
    ]
    assert not {"claim.assigned", "claim.awaiting_changed"} & set(told(api, claim, customer()))


@pytest.mark.capability("T38")
def test_staff_read_the_whole_case_in_order_with_who_when_why_and_what_changed(api, case):
    page = api.get(f"/v1/claims/{case['id']}/timeline", coordinator())
    items = page["items"]
    assert [item["at"] for item in items] == sorted(item["at"] for item in items)
    types = [item["type"] for item in items]
    for expected in (
        "order.placed",
        "claim.opened",
        "claim.observer_added",
        "message.posted",
        "private_message.posted",
        "claim.started",
        "claim.resolution_chosen",
        "refund.requested",
        "refund.succeeded",
        "credit_note.issued",
        "claim.resolved",
        "notification.sent",
    ):
        assert expected in types, expected
    started = items[types.index("claim.started")]
    assert started["actor"] == {"type": "seller", "id": "user_sel_1", "via": "api"}
    assert (started["before"], started["after"], started["service"]) == ("submitted", "in_progress", "claim")
    paid = items[types.index("refund.succeeded")]
    assert paid["amount"]["amount"] > 0
    assert paid["about"]["refund_id"].startswith("rfd_")


@pytest.mark.capability("T02", "T08", "I5")
def test_the_customer_reads_his_side_of_it_alone(api, case):
    response = api.call("GET", f"/v1/claims/{case['id']}/timeline", customer())
    types = told(api, case, customer())
    assert {"claim.opened", "claim.started", "message.posted", "refund.succeeded", "claim.resolved"} <= set(types)
    inside = {"observer", "private", "assigned", "awaiting", "settlement", "internal", "notification", "handled"}
    assert [type for type in types if any(word in type for word in inside)] == []
    for secret in ("CANARY", "user_sel_1", "sup_1", "coo_1"):
        assert secret not in response.text


@pytest.mark.capability("T01", "T05")
def test_an_included_supplier_reads_the_claim_and_its_comments_but_not_the_money(api, case):
    types = told(api, case, supplier())
    assert {"claim.opened", "private_message.posted", "message.posted"} <= set(types)
    money = ("refund.", "credit_note.", "settlement.", "notification.")
    assert [type for type in types if type.startswith(money)] == []
    api.refused("GET", f"/v1/claims/{case['id']}/timeline", supplier("sup_2"), "NOT_FOUND")


@pytest.mark.capability("R32")
def test_a_part_that_does_not_answer_is_named_and_the_rest_is_told(api, case, monkeypatch):
    monkeypatch.setattr("services.gateway.compose.DEADLINE", 0.5)
    lines = Lines(api)
    lines["refund"].dead = True
    page = lines.api.get(f"/v1/claims/{case['id']}/timeline", agent())
    assert page["warnings"] == [{"part": "refunds", "code": "NO_ANSWER", "service": "refund"}]
    assert "claim.resolved" in [item["type"] for item in page["items"]]


PROMISED = {"calendar": None, "clocks": {"first_answer": {"minutes": 60, "around_the_clock": True}}}


def test_returns_and_broken_promises_are_part_of_the_history(api):
    issue = next(data for data in shipped() if data["code"] == "issue")
    profile = {**issue, "version": 2, "sla": PROMISED}
    assert api.suite.call("claim.activate_profile", agent(), profile=profile).ok
    claim = open_claim(api, shipped_order(api))
    lines = [{"line_id": "lin_1001_1", "qty": 1}]
    announced = {"lines": lines, "reason_code": "damaged_items"}
    back = api.post(f"/v1/claims/{claim['id']}/returns", customer(), announced, status=201)
    api.suite.advance(hours=2)  # nobody answers
    api.post(f"/v1/returns/{back['id']}:decline", seller(), {"reason_code": "worn"})
    api.suite.settle()

    items = api.get(f"/v1/claims/{claim['id']}/timeline", coordinator())["items"]
    found = {item["type"]: item for item in items}
    breached, declined = found["sla.breached"], found["return.declined"]
    assert breached["about"] == {"clock": "first_answer", "due_at": "2026-11-02T10:00:00.000Z"}
    assert (declined["before"], declined["after"], declined["reason"]) == ("requested", "declined", "worn")
    assert declined["about"] == {"return_id": back["id"]}
    assert {"sla.breached", "return.declined"} <= set(told(api, claim, seller()))
    seen = [type for type in told(api, claim, customer()) if type.startswith(("return.", "sla."))]
    assert seen == ["return.requested", "return.declined"], "what the house promises itself is not his to read"
    elsewhere = open_claim(api, api.get(f"/v1/orders/{claim['order_id']}", agent()))
    assert [type for type in told(api, elsewhere, coordinator()) if type.startswith("return.")] == []
