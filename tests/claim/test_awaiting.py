"""Whose turn it is, and who sees the red mark (S1-13, A4, A8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.claim.model import Comment
from tests.claim.cases import (
    COORDINATOR,
    CUSTOMER,
    DISCUSSION,
    ISSUE,
    PERMISSIVE,
    PLATFORM,
    REFUND,
    SELLER,
    SYSTEM,
    T0,
    by,
    events_of,
    in_state,
    opened,
)


def hear(claim, role: str, hours: float) -> bool:
    return claim.hear(by(SYSTEM, timedelta(hours=hours)), Comment(role, T0 + timedelta(hours=hours)))


def test_the_turn_goes_back_and_forth_with_the_public_comments():
    claim = opened()
    assert claim.awaiting == "seller"
    hear(claim, "seller", 1)
    assert (claim.state, claim.awaiting) == ("in_progress", "requester")
    hear(claim, "customer", 2)
    assert claim.awaiting == "seller"
    assert events_of(claim)[-2:] == ["claim.started", "claim.awaiting_changed"]


def test_a_claim_that_the_seller_opens_waits_for_the_customer():
    assert opened(DISCUSSION, "question", SELLER).awaiting == "requester"


def test_an_older_comment_that_arrives_late_does_not_turn_the_waiting_round():
    """I14: the answer of 3 o'clock arrives before the question of 2 o'clock."""
    late, in_order = opened(), opened()
    for claim, steps in ((in_order, [("customer", 2), ("seller", 3)]), (late, [("seller", 3), ("customer", 2)])):
        for role, hour in steps:
            hear(claim, role, hour)
    for claim in (late, in_order):
        assert (claim.state, claim.awaiting) == ("in_progress", "requester")
        assert claim.last_customer_public_at == T0 + timedelta(hours=2)


def test_the_brand_is_not_the_handler_of_what_the_platform_handles():
    claim = opened(ISSUE, "incorrect_invoice")
    assert claim.awaiting == "platform"
    assert not hear(claim, "seller", 1)
    assert claim.awaiting == "platform"
    hear(claim, "platform_agent", 2)
    assert claim.awaiting == "requester"


def test_a_supplier_turns_nothing_round():
    claim = opened()
    assert not hear(claim, "supplier", 1)
    assert (claim.state, claim.awaiting) == ("submitted", "seller")


def test_the_turn_set_by_hand_lasts_until_the_next_public_comment():
    claim = in_state("in_progress")
    claim.set_awaiting(by(COORDINATOR), "requester")
    claim.escalate(by(CUSTOMER), "no answer")
    assert (claim.awaiting, claim.awaiting_manual) == ("requester", True)
    hear(claim, "customer", 5)
    assert (claim.awaiting, claim.awaiting_manual) == ("platform", False)


def test_nobody_is_awaited_while_a_refund_is_executed_nor_when_it_is_over():
    claim = in_state("submitted")
    claim.choose_refund(by(SELLER), "refund", "rfd_1", REFUND)
    assert claim.awaiting is None
    hear(claim, "customer", 2)
    assert claim.awaiting is None
    for state in ("resolved", "refused", "closed", "withdrawn", "merged"):
        assert in_state(state).awaiting is None


def test_each_viewer_sees_the_mark_when_it_is_his_turn():
    claim = opened()
    assert [claim.attention(who) for who in (CUSTOMER, SELLER, COORDINATOR, PLATFORM)] == [False, True, False, False]
    hear(claim, "seller", 1)
    assert [claim.attention(who) for who in (CUSTOMER, SELLER, COORDINATOR, PLATFORM)] == [True, False, False, False]


def test_of_the_coordinators_only_the_assigned_one_sees_the_mark():
    claim = opened(replace(PERMISSIVE, routing="coordinators"))
    colleague = replace(COORDINATOR, id="usr_carl")
    assert claim.attention(COORDINATOR)
    assert claim.attention(colleague)
    claim.assign(by(COORDINATOR), "usr_carl")
    assert not claim.attention(COORDINATOR)
    assert claim.attention(colleague)


def test_a_customers_public_message_reopens_a_resolved_claim():
    claim = in_state("resolved")
    hear(claim, "customer", 30 * 24)
    assert (claim.state, claim.awaiting) == ("in_progress", "seller")
    assert events_of(claim) == ["claim.reopened"]


@pytest.mark.parametrize("hours", [0.5, 30 * 24 + 2])
def test_a_message_from_before_the_resolution_or_after_the_window_reopens_nothing(hours):
    claim = in_state("resolved")  # since one hour after the opening
    hear(claim, "customer", hours)
    assert claim.state == "resolved"
    assert claim.events == []
