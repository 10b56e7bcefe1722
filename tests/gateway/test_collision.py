"""Two people change one claim: the second is told what the first did, as far as it is his business (B15)."""

from __future__ import annotations

import pytest

from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import agent, coordinator, customer, seller


@pytest.fixture
def claim(api) -> str:
    return f"/v1/claims/{open_claim(api, shipped_order(api))['id']}"


def read(api, claim, who) -> str:
    return api.call("GET", claim, who).headers["ETag"]


def too_late(api, path, who, etag, body=None, method="POST"):
    """The details of the refusal that a change of what was read before answers."""
    problem = api.refused(method, path, who, "STALE_VERSION", body=body or {}, if_match=etag)
    assert (problem["status"], problem["rule"]) == (412, "B15")
    return problem["details"]


@pytest.mark.capability("B15")
def test_the_second_to_change_a_claim_learns_what_changed_and_by_whom(api, claim):
    etag = read(api, claim, coordinator("coo_2"))
    api.post(claim, coordinator("coo_1"), {"assignee": "coo_1"}, method="PATCH", if_match=etag)
    api.post(f"{claim}:escalate", seller(), {"reason": "We cannot agree."})
    late = too_late(api, claim, coordinator("coo_2"), etag, {"assignee": "coo_2"}, method="PATCH")
    assert late["changed"] == {
        "assignee": {"before": None, "after": "coo_1"},
        "state": {"before": "submitted", "after": "platform_review"},
        "handler": {"before": "seller", "after": "platform"},
        "awaiting": {"before": "seller", "after": "platform"},
    }
    first, second = late["changes"]
    assert (first["type"], first["actor"]["id"], first["changed"]) == (
        "claim.assigned",
        "coo_1",
        {"assignee": {"before": None, "after": "coo_1"}},
    )
    assert (second["type"], second["actor"]["type"], second["reason"]) == (
        "claim.escalated",
        "seller",
        "We cannot agree.",
    )
    assert set(second["changed"]) == {"state", "handler", "awaiting"}
    assert api.get(claim, coordinator())["assignee"] == "coo_1", "the late change did nothing"
    now = f'"{late["found"]}"'
    assert api.post(claim, coordinator("coo_2"), {"assignee": "coo_2"}, method="PATCH", if_match=now)["assignee"]


@pytest.mark.capability("B15")
def test_only_what_happened_since_it_was_read_is_told(api, claim):
    api.post(f"{claim}:start", seller())
    etag = read(api, claim, seller())
    api.post(f"{claim}:propose", seller(), {"text": "Would 10 % off do?"})
    late = too_late(api, f"{claim}:resolve", agent(), etag)
    assert [each["type"] for each in late["changes"]] == ["claim.solution_proposed"]
    assert late["changed"]["state"] == {"before": "in_progress", "after": "solution_proposed"}
    assert etag.startswith(f'"{late["expected"]}-')
    assert late["found"] == api.get(claim, seller())["version"]


@pytest.mark.capability("B15", "T02")
def test_a_customer_who_is_late_learns_nothing_of_what_the_team_did_among_itself(api, claim):
    etag = read(api, claim, customer())
    observer = {"kind": "supplier", "id": "sup_SECRET"}
    api.post(f"{claim}/observers", coordinator("coo_SECRET"), observer)
    for change in ({"assignee": "coo_SECRET"}, {"awaiting": "supplier:sup_SECRET"}):
        api.post(claim, coordinator("coo_SECRET"), change, method="PATCH", if_match="*")
    late = too_late(api, f"{claim}:withdraw", customer(), etag)
    assert (late["changed"], late["changes"]) == ({}, [])
    api.post(f"{claim}:escalate", seller(), {"reason": "SECRET between us"})
    late = too_late(api, f"{claim}:withdraw", customer(), etag)
    assert [each["type"] for each in late["changes"]] == ["claim.escalated"]
    assert late["changes"][0]["actor"] == {"type": "seller", "id": None, "via": "api"}
    assert late["changed"]["state"] == {"before": "submitted", "after": "platform_review"}
    assert "SECRET" not in str(late)
    assert "assignee" not in str(late)


@pytest.mark.capability("B15", "T01")
def test_who_may_not_see_or_change_the_claim_is_told_no_difference(api, claim):
    api.post(f"{claim}:start", seller())
    for who, code in ((seller("sel_2"), "NOT_FOUND"), (customer("cus_2"), "NOT_FOUND"), (customer(), "FORBIDDEN")):
        problem = api.refused("POST", f"{claim}:resolve", who, code, body={}, if_match='"1"')
        assert "changes" not in problem.get("details", {})


def test_a_comment_alone_is_a_change_whose_text_stays_in_the_conversation(api, claim):
    """The version grows with a customer's second word, and nothing of the claim is different for it."""
    etag = read(api, claim, seller())
    api.post(f"{claim}/messages", customer(), {"text": "Any news?"})
    api.suite.settle()
    api.suite.advance(minutes=1)
    late = too_late(api, f"{claim}:start", seller(), etag)
    assert (late["changed"], late["changes"]) == ({}, [])
    assert late["found"] > late["expected"]
