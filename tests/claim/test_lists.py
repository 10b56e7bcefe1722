"""Lists: filters, order, and pages that stay stable while claims change."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.suite import agent, coordinator, customer, seller


@pytest.fixture
def five(shop):
    """Five claims a minute apart: 1 and 4 refused by the platform, 2 proposed, 3 with the platform, 5 new."""
    made = []
    for number in range(1, 6):
        reason = "incorrect_invoice" if number in (1, 3, 4) else "damaged_items"
        made.append(shop.claim(shop.order(str(number)), reason_code=reason))
        if number in (1, 4):
            shop.do("claim.refuse", agent(), made[-1], reason_code="no_proof")
        if number == 2:
            shop.do("claim.propose", seller(), made[-1], text="10 %?")
        shop.suite.clock.advance(minutes=1)
    return made


def listed(shop, who, **args) -> list[str]:
    return [item["order_number"] for item in shop.suite.do("claim.list", who, **args)["items"]]


def test_lists_are_newest_change_first_and_filtered(shop, five):
    assert listed(shop, agent()) == ["5", "4", "3", "2", "1"]
    assert listed(shop, agent(), state=["refused"]) == ["4", "1"]
    assert listed(shop, agent(), state=["refused", "submitted"]) == ["5", "4", "1"]
    assert listed(shop, agent(), awaiting="me") == ["3"]
    assert listed(shop, seller(), awaiting="me") == ["5"]
    assert listed(shop, customer(), awaiting="me") == ["2"]
    assert listed(shop, agent(), order_id=five[1]["order_id"]) == ["2"]
    assert listed(shop, agent(), seller_id="sel_2") == []
    assert listed(shop, agent(), customer_ref="cus_1", state=["submitted"]) == ["5"]
    assert listed(shop, agent(), category="after_sales", limit=2) == ["5", "4"]
    assert listed(shop, agent(), category="prospect") == []
    assert listed(shop, agent(), updated_after=five[2]["updated_at"]) == ["5", "4"]
    shop.do("claim.assign", coordinator(), five[0], assignee="coo_1")
    assert listed(shop, coordinator(), assignee="me") == ["1"]
    assert listed(shop, agent(), assignee="none", state=["refused"]) == ["4"]


@pytest.mark.parametrize("who", [agent(), seller(), customer()], ids=lambda who: who.role)
def test_pages_follow_one_another_without_gap_or_repetition_while_claims_are_opened(shop, five, who):
    seen, cursor = [], None
    while True:
        page = shop.suite.do("claim.list", who, limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [item["order_number"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        shop.claim(shop.order(f"late-{len(seen)}"))
    assert seen == ["5", "4", "3", "2", "1"]


def test_oldest_first_meets_every_claim_although_others_change_and_those_that_did_not_exactly_once(shop, five):
    """A changed claim moves behind the cursor: it is met again as it is then, and none is passed by (B13)."""
    seen, cursor = [], None
    while True:
        page = shop.suite.do("claim.list", agent(), limit=2, order="oldest", **({"cursor": cursor} if cursor else {}))
        seen += [(item["order_number"], item["assignee"]) for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        if len(seen) == 2:
            for claim in (five[0], five[4]):  # one that was seen, one that is still to come
                shop.do("claim.assign", coordinator(), claim, assignee="coo_1")
                shop.suite.clock.advance(minutes=1)
    assert seen == [("1", None), ("2", None), ("3", None), ("4", None), ("1", "coo_1"), ("5", "coo_1")]


def plan_of(shop, who, **args) -> list[str]:
    """How SQLite reads this list: its plan's steps that touch claims."""
    statements = []
    engine = shop.suite.apps["claim"].database.engine
    sa.event.listen(engine, "before_cursor_execute", lambda c, cur, text, params, *_: statements.append((text, params)))
    shop.suite.do("claim.list", who, **args)
    text, params = next((text, params) for text, params in statements if "FROM claim" in text)
    with engine.connect() as connection:
        steps = [row[-1] for row in connection.exec_driver_sql(f"explain query plan {text}", params)]
    return [step for step in steps if " claim " in f"{step} " and ("SEARCH" in step or "SCAN" in step)]


@pytest.mark.parametrize(
    ("who", "args", "index", "scans"),
    [
        (agent(), {}, "claim_by_state", 9),
        (agent(), {"state": ["submitted", "refused"]}, "claim_by_state", 2),
        (agent(), {"awaiting": "me"}, "claim_by_awaiting", 0),
        (coordinator(), {"assignee": "me"}, "claim_by_assignee", 0),
        (seller(), {}, "claim_by_seller", 9),
        (agent(), {"seller_id": "sel_1", "state": ["resolved"]}, "claim_by_seller", 1),
        (customer(), {}, "claim_by_customer", 0),
        (agent(), {"order_id": "ord_1"}, "claim_by_order", 0),
    ],
)
def test_every_list_is_read_from_an_index_that_holds_its_order(shop, who, args, index, scans):
    """No list scans the table: merged scans end in one look-up of the page's rows by id."""
    steps = plan_of(shop, who, **args)
    assert [step for step in steps if step.startswith("SCAN")] == []
    assert sum(index in step for step in steps) == (scans or 1)
    assert len(steps) == (scans + 1 if scans else 1)


def test_a_spoilt_cursor_and_an_unknown_state_are_refused(shop):
    assert shop.suite.refused("claim.list", agent(), cursor="nonsense")["code"] == "BAD_CURSOR"
    assert shop.suite.refused("claim.list", agent(), state=["lost"])["code"] == "INVALID_INPUT"
    assert shop.suite.refused("claim.list", agent(), limit=201)["code"] == "INVALID_INPUT"


def test_profiles_come_with_reasons_and_labels_in_both_languages(shop):
    profiles = shop.suite.do("claim.profiles", customer())["items"]
    assert [one["code"] for one in profiles] == ["box", "coordinated", "discussion", "issue", "support"]
    reasons = {reason["code"]: reason for reason in profiles[3]["reasons"]}
    assert reasons["damaged_items"]["labels"] == {"fr": "Articles endommagés", "en": "Damaged items"}
    assert reasons["incorrect_invoice"]["handler"] == "platform"
