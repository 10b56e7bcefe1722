"""Every row of the transition table, and every cell that is no row (spec 5.3)."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest

from services.claim.model import Claim, Comment, permits
from shared.kernel.errors import Refusal
from tests.claim.cases import (
    COORDINATOR,
    CUSTOMER,
    DISCUSSION,
    EVERYBODY,
    INTEGRATOR,
    ISSUE,
    PERMISSIVE,
    PLATFORM,
    REFUND,
    RIVAL,
    SELLER,
    STRANGER,
    SUPPLIER,
    SYSTEM,
    an_order,
    by,
    events_of,
    in_state,
    opened,
)

STATES = (
    "submitted",
    "in_progress",
    "solution_proposed",
    "platform_review",
    "resolved",
    "refused",
    "closed",
    "withdrawn",
    "merged",
)
HANDLERS = {"seller", "integrator", "coordinator", "platform_agent"}
STAFF = {"coordinator", "platform_agent"}
UNDECIDED = {"submitted", "in_progress", "solution_proposed"}
ALIVE = UNDECIDED | {"platform_review", "resolved", "refused"}

CALLS = {
    "start": lambda c, a: c.start(a),
    "choose_replacement": lambda c, a: c.choose_replacement(a),
    "choose_refund": lambda c, a: c.choose_refund(a, "refund", "rfd_1", REFUND),
    "propose": lambda c, a: c.propose(a, "msg_2", "10 % off?"),
    "confirm": lambda c, a: c.confirm(a),
    "reject": lambda c, a: c.reject(a, "too little"),
    "confirm_by_time": lambda c, a: c.confirm_by_time(a),
    "escalate": lambda c, a: c.escalate(a, "no answer"),
    "hand_back": lambda c, a: c.hand_back(a),
    "resolve": lambda c, a: c.resolve(a),
    "refuse": lambda c, a: c.refuse(a, "no_proof"),
    "set_state": lambda c, a: c.set_state(a, "resolved" if c.state != "resolved" else "in_progress"),
    "reopen": lambda c, a: c.reopen(a),
    "appeal": lambda c, a: c.appeal(a, "look again"),
    "close": lambda c, a: c.close(a),
    "withdraw": lambda c, a: c.withdraw(a),
    "merge": lambda c, a: c.merge_into(a, opened(PERMISSIVE, claim_id="clm_9")),
    "assign": lambda c, a: c.assign(a, "usr_cora"),
    "set_awaiting": lambda c, a: c.set_awaiting(a, "requester"),
    "add_observer": lambda c, a: c.add_observer(a, "supplier", "sup_1"),
    "rate": lambda c, a: c.rate(a, 4, None),
    "await_refund_of_return": lambda c, a: c.await_refund_of_return(a, "ret_1", "rfd_1"),
    "refund_succeeded": lambda c, a: c.refund_succeeded(a),
    "refund_failed": lambda c, a: c.refund_failed(a, "CARD_CLOSED"),
}

# command, from, by, to, events: written from the spec by hand, beside the table that the code uses.
# A handler of the sellers' side is not named for states in which the platform has the claim.
ROWS = [
    ("CLM-02", "start", {"submitted"}, HANDLERS | {"system"}, "in_progress", ["claim.started"]),
    (
        "CLM-03",
        "choose_replacement",
        {"submitted", "in_progress"},
        HANDLERS,
        "solution_proposed",
        ["claim.resolution_chosen"],
    ),
    ("CLM-04", "choose_refund", {"submitted", "in_progress"}, HANDLERS, "in_progress", ["claim.resolution_chosen"]),
    (
        "CLM-04P",
        "choose_refund",
        {"platform_review"},
        {"platform_agent"},
        "platform_review",
        ["claim.resolution_chosen"],
    ),
    ("CLM-07", "propose", {"submitted", "in_progress"}, HANDLERS, "solution_proposed", ["claim.solution_proposed"]),
    ("CLM-08", "confirm", {"solution_proposed"}, {"customer"} | STAFF, "resolved", ["claim.resolved"]),
    ("CLM-09", "reject", {"solution_proposed"}, {"customer"} | STAFF, "in_progress", ["claim.solution_rejected"]),
    ("CLM-10", "confirm_by_time", {"solution_proposed"}, {"system"}, "resolved", ["claim.resolved"]),
    (
        "CLM-11",
        "escalate",
        UNDECIDED,
        {"customer", "seller", "integrator", "platform_agent", "system"},
        "platform_review",
        ["claim.escalated"],
    ),
    ("CLM-12", "hand_back", {"platform_review"}, {"platform_agent"}, "in_progress", ["claim.handed_back"]),
    ("CLM-13", "resolve", {"platform_review"}, {"platform_agent"}, "resolved", ["claim.resolved"]),
    ("CLM-14", "refuse", {"platform_review"}, {"platform_agent"}, "refused", ["claim.refused"]),
    ("CLM-15", "resolve", UNDECIDED, HANDLERS, "resolved", ["claim.resolved"]),
    ("CLM-16", "set_state", {"submitted", "in_progress"}, STAFF, "resolved", ["claim.state_set", "claim.resolved"]),
    ("CLM-16", "set_state", {"resolved"}, STAFF, "in_progress", ["claim.state_set", "claim.reopened"]),
    ("CLM-17", "reopen", {"resolved"}, {"customer", "system"} | STAFF, "in_progress", ["claim.reopened"]),
    ("CLM-18", "appeal", {"refused"}, {"customer"}, "platform_review", ["claim.appealed"]),
    ("CLM-19", "close", {"resolved", "submitted", "in_progress"}, HANDLERS | {"system"}, "closed", ["claim.closed"]),
    ("CLM-19", "close", {"refused"}, {"platform_agent", "system"}, "closed", ["claim.closed"]),
    ("CLM-20", "withdraw", UNDECIDED, {"customer"}, "withdrawn", ["claim.withdrawn"]),
    ("CLM-21", "merge", ALIVE, STAFF, "merged", ["claim.merged"]),
    ("CLM-22", "assign", ALIVE, STAFF, None, ["claim.assigned"]),
    ("CLM-23", "set_awaiting", ALIVE, STAFF, None, ["claim.awaiting_changed"]),
    ("CLM-24", "add_observer", set(STATES), STAFF, None, ["claim.observer_added"]),
    ("RET-08", "await_refund_of_return", UNDECIDED, {"system"}, "in_progress", ["claim.resolution_chosen"]),
    ("RET-08P", "await_refund_of_return", {"platform_review"}, {"system"}, "platform_review",
     ["claim.resolution_chosen"]),
    ("B24", "rate", {"resolved", "refused", "closed"}, {"customer"}, None, ["claim.rated"]),
]


def expected(command: str, state: str, role: str) -> tuple[str, list[str]] | None:
    for _, named, sources, roles, target, events in ROWS:
        if named == command and state in sources and role in roles:
            return target or state, events
    return None


@pytest.mark.capability("I4", "I7", "T05")
@pytest.mark.parametrize("command", sorted({row[1] for row in ROWS}))
@pytest.mark.parametrize("state", STATES)
def test_a_claim_moves_by_the_table_and_by_nothing_else(state, command):
    for who in EVERYBODY:
        claim = in_state(state)
        before = deepcopy(claim)
        if wanted := expected(command, state, who.role):
            CALLS[command](claim, by(who))
            assert (claim.state, events_of(claim)) == wanted, (state, command, who.role)
            last = claim.events[-1].data
            assert (last["from"], last["to"]) == (state, claim.state)
        else:
            with pytest.raises(Refusal) as refused:
                CALLS[command](claim, by(who))
            assert refused.value.code in ("FORBIDDEN", "NOT_IN_THIS_STATE", "HANDLED_BY_PLATFORM", "ALREADY_CLOSED")
            assert claim == before
            assert claim.events == []


@pytest.mark.capability("I7", "T05")
def test_suppliers_and_observers_may_ask_for_nothing():
    actions = {row[1] for row in ROWS} | {"choose_resolution"}
    for role in ("supplier", "account_observer", "mail_observer", "unheard_of"):
        assert not [action for action in actions if permits(role, action)]


@pytest.mark.parametrize("state", STATES)
def test_an_allowed_action_is_never_refused_for_the_state(state):
    """`allowed_actions` and the commands come from the same rows."""
    public = {"choose_replacement": "choose_resolution", "choose_refund": "choose_resolution"}
    for profile in (ISSUE, DISCUSSION, PERMISSIVE):
        for who in (person for person in EVERYBODY if person is not SYSTEM):
            claim = replace(in_state(state), profile=profile, events=[])
            actions = set(claim.allowed(by(who))[0])
            kinds = claim.allowed(by(who))[1]
            done = set()
            for command, call in CALLS.items():
                with suppress(Refusal):
                    call(deepcopy(claim), by(who))
                    done.add(public.get(command, command))
            assert done == actions - {"remove_observer"}
            assert ("choose_resolution" in actions) == bool({"refund", "gesture", "replacement"} & set(kinds))


# guards, one by one


def refusal_of(call, claim: Claim) -> str:
    """The code with which the call is refused; nothing must have changed."""
    before = deepcopy(claim)
    with pytest.raises(Refusal) as refused:
        call(claim)
    assert claim == before
    assert claim.events == []
    return refused.value.code


def executing(profile=PERMISSIVE, state="in_progress", who=SELLER) -> Claim:
    claim = in_state(state, profile)
    claim.choose_refund(by(who), "refund", "rfd_1", REFUND)
    claim.events.clear()
    return claim


@pytest.mark.parametrize(
    ("command", "who"),
    [
        ("choose_refund", SELLER),
        ("choose_replacement", SELLER),
        ("propose", SELLER),
        ("escalate", CUSTOMER),
        ("resolve", SELLER),
        ("set_state", COORDINATOR),
        ("close", SELLER),
        ("withdraw", CUSTOMER),
        ("merge", COORDINATOR),
    ],
)
def test_nothing_overtakes_a_refund_that_is_being_executed(command, who):
    assert refusal_of(lambda c: CALLS[command](c, by(who)), executing()) == "RESOLUTION_EXECUTING"


@pytest.mark.parametrize("command", ["hand_back", "resolve", "refuse", "choose_refund"])
def test_the_platform_waits_for_its_own_refund_too(command):
    claim = executing(state="platform_review", who=PLATFORM)
    assert refusal_of(lambda c: CALLS[command](c, by(PLATFORM)), claim) == "RESOLUTION_EXECUTING"


def test_a_refund_that_is_paid_resolves_the_claim_where_the_profile_says_so():
    claim = executing(DISCUSSION)
    claim.refund_succeeded(by(SYSTEM))
    assert claim.state == "resolved"
    assert events_of(claim) == ["claim.resolution_executed", "claim.resolved"]
    assert claim.events[1].data["by"] == "system"
    assert claim.events[1].data["resolution"] == {"kind": "refund", "refund_id": "rfd_1"}


def test_a_refund_that_is_paid_is_put_before_the_requester_elsewhere():
    claim = executing(ISSUE)
    claim.refund_succeeded(by(SYSTEM))
    assert (claim.state, claim.awaiting) == ("solution_proposed", "requester")
    assert events_of(claim) == ["claim.resolution_executed"]


def test_the_platforms_refund_leaves_the_decision_with_the_platform():
    claim = executing(ISSUE, "platform_review", PLATFORM)
    claim.refund_succeeded(by(SYSTEM))
    assert (claim.state, claim.awaiting) == ("platform_review", "platform")
    claim.resolve(by(PLATFORM))
    assert claim.state == "resolved"


def test_a_refund_that_fails_gives_the_turn_back_to_the_handler():
    claim = executing(ISSUE)
    assert claim.awaiting is None
    claim.refund_failed(by(SYSTEM), "AMOUNT_EXCEEDS_REFUNDABLE")
    assert (claim.state, claim.resolution, claim.awaiting) == ("in_progress", None, "seller")
    assert claim.events[0].data["error"] == "AMOUNT_EXCEEDS_REFUNDABLE"
    assert claim.events[0].data["refund_id"] == "rfd_1"


@pytest.mark.parametrize("command", ["refund_succeeded", "refund_failed"])
def test_the_outcome_of_a_refund_that_nobody_chose_changes_nothing(command):
    assert refusal_of(lambda c: CALLS[command](c, by(SYSTEM)), in_state("in_progress")) == "NOT_IN_THIS_STATE"


@pytest.mark.capability("S2-18")
def test_the_brand_cannot_decide_what_the_platform_handles():
    claim = opened(ISSUE, "incorrect_invoice")
    claim.hand_back(by(PLATFORM))
    claim.events.clear()
    assert (claim.state, claim.handler) == ("in_progress", "platform")
    for who in (SELLER, INTEGRATOR, COORDINATOR):
        for command in ("choose_refund", "choose_replacement", "propose"):
            assert refusal_of(lambda c, k=command, w=who: CALLS[k](c, by(w)), claim) == "HANDLED_BY_PLATFORM"
        assert claim.allowed(by(who))[1] == []
    assert claim.allowed(by(PLATFORM))[1] == ["replacement", "refund", "proposal"]


@pytest.mark.capability("S2-11")
def test_the_brand_chooses_among_the_three_resolutions_itself():
    assert opened(ISSUE, "damaged_items").allowed(by(SELLER))[1] == ["replacement", "refund", "proposal"]


def test_a_resolution_outside_the_profile_is_refused():
    claim = in_state("submitted", DISCUSSION)
    assert refusal_of(lambda c: c.choose_replacement(by(SELLER)), claim) == "RESOLUTION_NOT_OFFERED"
    claim = in_state("submitted", ISSUE)
    gesture = {**REFUND, "kind": "commercial_gesture"}
    assert refusal_of(lambda c: c.choose_refund(by(SELLER), "gesture", "rfd_1", gesture), claim) == (
        "RESOLUTION_NOT_OFFERED"
    )
    assert refusal_of(lambda c: c.propose(by(SELLER), "msg_2", "sorry", "message"), claim) == "RESOLUTION_NOT_OFFERED"


def test_the_handler_cannot_resolve_where_the_requester_confirms():
    assert refusal_of(lambda c: c.resolve(by(SELLER)), in_state("in_progress", ISSUE)) == "REQUESTER_CONFIRMS"


def test_states_are_set_by_hand_only_where_the_profile_says_so():
    claim = in_state("in_progress", ISSUE)
    assert refusal_of(lambda c: c.set_state(by(COORDINATOR), "resolved"), claim) == "STATE_IS_NOT_MANUAL"
    claim = in_state("in_progress")
    assert refusal_of(lambda c: c.set_state(by(COORDINATOR), "in_progress"), claim) == "TARGET_STATE_REFUSED"
    assert refusal_of(lambda c: c.set_state(by(COORDINATOR), "refused"), claim) == "TARGET_STATE_REFUSED"


def test_without_arbitration_nothing_is_escalated():
    claim = in_state("submitted", replace(PERMISSIVE, platform_arbitration=False))
    assert refusal_of(lambda c: c.escalate(by(CUSTOMER), "help"), claim) == "NO_PLATFORM_ARBITRATION"


def test_others_who_guess_the_claim_are_refused():
    assert refusal_of(lambda c: c.confirm(by(STRANGER)), in_state("solution_proposed")) == "FORBIDDEN"
    assert refusal_of(lambda c: c.withdraw(by(STRANGER)), in_state("submitted")) == "FORBIDDEN"
    assert refusal_of(lambda c: c.choose_refund(by(RIVAL), "refund", "r", REFUND), in_state("submitted")) == "FORBIDDEN"
    assert refusal_of(lambda c: c.escalate(by(RIVAL), "mine"), in_state("submitted")) == "FORBIDDEN"


def test_an_escalated_claim_goes_back_to_whom_it_came_from():
    claim = in_state("platform_review")
    assert (claim.handler, claim.awaiting) == ("platform", "platform")
    claim.hand_back(by(PLATFORM))
    assert (claim.handler, claim.awaiting) == ("seller", "seller")


def test_a_resolved_claim_can_be_reopened_for_30_days_and_not_a_second_longer():
    claim = in_state("resolved")
    last = timedelta(hours=1) + timedelta(days=30)
    too_late = by(CUSTOMER, last + timedelta(seconds=1))
    assert "reopen" not in claim.allowed(too_late)[0]
    assert refusal_of(lambda c: c.reopen(too_late), claim) == "REOPEN_WINDOW_PASSED"
    claim.reopen(by(CUSTOMER, last))
    assert (claim.state, claim.holds) == ("in_progress", True)


def test_a_profile_without_a_window_lets_claims_be_reopened_for_ever():
    claim = in_state("resolved", replace(PERMISSIVE, reopen_window_days=None))
    claim.reopen(by(CUSTOMER, timedelta(days=4000)))
    assert claim.state == "in_progress"


def test_a_refusal_is_appealed_against_once_and_within_14_days():
    last = timedelta(hours=1) + timedelta(days=14)
    claim = in_state("refused")
    too_late = by(CUSTOMER, last + timedelta(seconds=1))
    assert refusal_of(lambda c: c.appeal(too_late, "look again"), claim) == "APPEAL_WINDOW_PASSED"
    claim.appeal(by(CUSTOMER, last), "look again")
    assert (claim.state, claim.handler, claim.holds) == ("platform_review", "platform", True)
    claim.refuse(by(PLATFORM, last), "no_proof")
    claim.events.clear()
    assert refusal_of(lambda c: c.appeal(by(CUSTOMER, last), "again"), claim) == "ALREADY_APPEALED"


def test_an_appeal_after_the_settlement_was_cleared_holds_nothing():
    claim = in_state("refused")
    claim.appeal(by(CUSTOMER, cleared=True), "look again")
    assert (claim.holds, claim.events[0].data["hold"]) == (False, False)


def test_time_confirms_a_solution_only_where_the_profile_says_so_and_the_requester_is_silent():
    claim = in_state("solution_proposed", ISSUE)
    assert refusal_of(lambda c: c.confirm_by_time(by(SYSTEM)), claim) == "AUTO_CONFIRM_OFF"
    claim = in_state("solution_proposed")
    claim.hear(by(SYSTEM, timedelta(hours=3)), Comment("customer", by(SYSTEM, timedelta(hours=2)).now))
    claim.events.clear()
    assert refusal_of(lambda c: c.confirm_by_time(by(SYSTEM, timedelta(days=9))), claim) == "AUTO_CONFIRM_OFF"


@pytest.mark.capability("S0-22")
def test_closing_needs_the_handlers_last_word_where_the_profile_asks_for_it():
    claim = in_state("submitted", DISCUSSION, "question")
    assert refusal_of(lambda c: c.close(by(SELLER)), claim) == "UNAUTHORIZED_LAST_ANSWER"
    claim.hear(by(SYSTEM), Comment("seller", by(SYSTEM).now))
    claim.close(by(SELLER, timedelta(hours=2)))
    assert claim.state == "closed"
    claim.events.clear()
    assert refusal_of(lambda c: c.close(by(SELLER)), claim) == "ALREADY_CLOSED"


@pytest.mark.capability("S0-22")
def test_closing_waits_for_a_cancellation_that_the_customer_asked_for():
    claim = opened(DISCUSSION, "cancel_order", case=an_order(phase="paid"))
    claim.hear(by(SYSTEM), Comment("seller", by(SYSTEM).now))
    claim.events.clear()
    assert refusal_of(lambda c: c.close(by(SELLER, phase="paid")), claim) == "UNAUTHORIZED_CANCEL_PENDING"
    claim.close(by(SELLER, phase="cancelled"))
    assert claim.state == "closed"


def test_an_issue_is_not_closed_before_it_is_decided():
    assert refusal_of(lambda c: c.close(by(SELLER)), in_state("in_progress", ISSUE)) == "NOT_IN_THIS_STATE"


def test_only_open_claims_of_one_requester_are_merged():
    claim = in_state("submitted")
    assert refusal_of(lambda c: c.merge_into(by(COORDINATOR), c), claim) == "MERGE_REFUSED"
    other = replace(opened(PERMISSIVE, claim_id="clm_8"), customer_ref="cus_bob")
    assert refusal_of(lambda c: c.merge_into(by(COORDINATOR), other), claim) == "MERGE_REFUSED"
    over = replace(in_state("withdrawn"), id="clm_7")
    assert refusal_of(lambda c: c.merge_into(by(COORDINATOR), over), claim) == "MERGE_REFUSED"


def test_the_turn_is_given_by_hand_only_to_somebody_on_the_claim():
    claim = in_state("in_progress")
    assert refusal_of(lambda c: c.set_awaiting(by(COORDINATOR), "supplier:sup_1"), claim) == "PARTY_NOT_ON_CLAIM"
    claim.add_observer(by(COORDINATOR), "supplier", "sup_1")
    claim.set_awaiting(by(COORDINATOR), "supplier:sup_1")
    assert claim.attention(SUPPLIER)
    claim.remove_observer(by(COORDINATOR), "supplier", "sup_1")
    assert claim.awaiting == "seller"


def test_the_requester_cannot_observe_himself_and_nobody_observes_twice():
    claim = in_state("in_progress")
    assert refusal_of(lambda c: c.add_observer(by(PLATFORM), "account", "cus_ana"), claim) == "OBSERVER_REFUSED"
    claim.add_observer(by(PLATFORM), "account", "usr_oli", "public")
    claim.events.clear()
    assert refusal_of(lambda c: c.add_observer(by(PLATFORM), "account", "usr_oli"), claim) == "OBSERVER_REFUSED"
    assert refusal_of(lambda c: c.remove_observer(by(PLATFORM), "supplier", "sup_9"), claim) == "NO_SUCH_OBSERVER"


def test_assigning_to_whom_it_is_assigned_is_refused():
    claim = in_state("in_progress")
    assert refusal_of(lambda c: c.assign(by(COORDINATOR), None), claim) == "NOTHING_TO_CHANGE"
