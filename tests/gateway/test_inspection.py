"""Goods that come back in several parcels and are inspected line by line, unit by unit (RET-05, RET-06, RET-08)."""

from __future__ import annotations

import pytest

from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import customer, seller

LAMP, RUG = "lin_1001_1", "lin_1001_2"


@pytest.fixture
def api(api_of):
    return api_of(instant_provider=True)


def accepted(api) -> tuple[dict, str]:
    """A claim, and the path of its accepted return of two lamps and a rug."""
    claim = open_claim(api, shipped_order(api))
    lines = [{"line_id": LAMP, "qty": 2}, {"line_id": RUG, "qty": 1}]
    body = {"lines": lines, "reason_code": "damaged_items"}
    announced = api.post(f"/v1/claims/{claim['id']}/returns", customer(), body, status=201)
    path = f"/v1/returns/{announced['id']}"
    api.post(f"{path}:approve", seller())
    return claim, path


def receive(api, path, **units):
    return api.post(f"{path}:receive", seller(), {"lines": [_line(name, received=qty) for name, qty in units.items()]})


def inspect(api, path, name, **found):
    return api.post(f"{path}:inspect", seller(), {"lines": [_line(name, **found)]})


def _line(name, **facts):
    return {"line_id": {"lamps": LAMP, "rug": RUG}[name], **facts}


def counted(answer, line_id):
    return next(line for line in answer["lines"] if line["line_id"] == line_id)


@pytest.mark.capability("B4")
def test_each_line_is_inspected_by_itself_with_its_own_reason(api):
    _, path = accepted(api)
    receive(api, path, lamps=2, rug=1)
    first = inspect(api, path, "lamps", compliant=1, restock=1, reason="One has a dent.")
    assert (first["state"], counted(first, LAMP)["inspected"], counted(first, RUG)["inspected"]) == ("inspected", 2, 0)
    assert "inspect" in first["allowed_actions"]
    both = inspect(api, path, "rug", compliant=0, reason="Washed.")
    assert both["reasons"] == {LAMP: "One has a dent.", RUG: "Washed."}
    seen = api.get(path, customer())
    assert not {"reasons", "note"} & seen.keys()
    assert "dent" not in str(api.suite.events("claim", "return.inspected")[-1].data)
    api.post(f"{path}:close", seller())
    assert api.suite.events("claim", "return.closed")[0].data["refundable"] == [{"line_id": LAMP, "qty": 1}]


@pytest.mark.capability("B4")
def test_a_parcel_that_comes_after_the_inspection_is_counted_and_inspected_too(api):
    _, path = accepted(api)
    assert receive(api, path, lamps=1)["state"] == "partially_received"
    assert "receive" in inspect(api, path, "lamps", compliant=0)["allowed_actions"]
    complete = receive(api, path, lamps=1, rug=1)
    assert (complete["state"], counted(complete, LAMP)["inspected"]) == ("received", 1)
    assert "receive" not in complete["allowed_actions"]
    last = inspect(api, path, "lamps", compliant=1, restock=1)
    assert (counted(last, LAMP)["inspected"], counted(last, LAMP)["compliant"]) == (2, 1)
    one_more = {"lines": [_line("rug", received=1)]}
    api.refused("POST", f"{path}:receive", seller(), "MORE_THAN_ANNOUNCED", body=one_more)
    api.post(f"{path}:close", seller())
    told = api.suite.events("claim", "return.closed")[0].data
    assert told["refundable"] == [{"line_id": LAMP, "qty": 1}, {"line_id": RUG, "qty": 1}]
    assert [(each["line_id"], each["qty"]) for each in told["restock"]] == [(LAMP, 1)]


def test_what_was_found_bad_stays_unpaid_when_more_of_it_arrives_uninspected(api):
    """RET-08: the first lamp is bad, the second counts as it arrived: one lamp is paid for, not two and not none."""
    _, path = accepted(api)
    receive(api, path, lamps=1, rug=1)
    inspect(api, path, "lamps", compliant=0)
    receive(api, path, lamps=1)
    api.post(f"{path}:close", seller())
    api.suite.settle()
    told = api.suite.events("claim", "return.closed")[0].data
    assert told["refundable"] == [{"line_id": LAMP, "qty": 1}, {"line_id": RUG, "qty": 1}]
    [refund] = api.get("/v1/refunds", seller())["items"]
    assert {line["line_id"]: line["qty"] for line in refund["lines"]} == {LAMP: 1, RUG: 1}


def test_a_verdict_is_corrected_until_the_return_is_closed(api):
    _, path = accepted(api)
    receive(api, path, lamps=2, rug=1)
    inspect(api, path, "lamps", compliant=0)
    assert counted(inspect(api, path, "lamps", compliant=2, restock=2), LAMP)["compliant"] == 2
    three = {"lines": [_line("lamps", compliant=3)]}
    api.refused("POST", f"{path}:inspect", seller(), "MORE_THAN_RECEIVED", body=three)
    api.post(f"{path}:close", seller())
    again = {"lines": [_line("lamps", compliant=0)]}
    api.refused("POST", f"{path}:inspect", seller(), "NOT_IN_THIS_STATE", body=again)


def test_what_had_not_come_when_the_return_was_closed_may_be_sent_back_later(api):
    claim, path = accepted(api)
    receive(api, path, lamps=1, rug=1)
    inspect(api, path, "lamps", compliant=1)
    api.post(f"{path}:close", seller())
    api.suite.settle()
    other = open_claim(api, {"id": claim["order_id"]})
    one = {"lines": [{"line_id": LAMP, "qty": 1}], "reason_code": "damaged_items"}
    again = f"/v1/claims/{other['id']}/returns"
    two = {**one, "lines": [{"line_id": LAMP, "qty": 2}]}
    api.refused("POST", again, customer(), "TOO_MANY_RETURNED", body=two)
    assert api.post(again, customer(), one, status=201)["state"] == "requested"
