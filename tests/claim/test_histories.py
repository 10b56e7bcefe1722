"""I4: whatever is asked in whatever order, a claim only ever makes the steps of the table, and tells each of them."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.claim.model import TABLE, Comment
from shared.contracts import claim as contract
from shared.contracts.registry import EVENTS
from shared.kernel.errors import Refusal
from tests.claim.cases import DISCUSSION, EVERYBODY, ISSUE, PERMISSIVE, SYSTEM, T0, by, opened
from tests.claim.test_transitions import CALLS, STATES

COMMENTS = {
    f"hear_{role}": lambda c, a, role=role: c.hear(by(SYSTEM, a.now - T0), Comment(role, a.now))
    for role in ("customer", "seller", "platform_agent", "supplier")
}
ALL = CALLS | COMMENTS | {"remove_observer": lambda c, a: c.remove_observer(a, "supplier", "sup_1")}
steps = st.lists(
    st.tuples(st.sampled_from(sorted(ALL)), st.sampled_from(EVERYBODY), st.integers(0, 40)), min_size=1, max_size=25
)


def rows_for(before: str, after: str, events: list[str]) -> list[str]:
    return [
        row.id
        for row in TABLE
        if before in row.sources
        and (after in row.targets or ("same" in row.targets and after == before))
        and set(events) <= set(row.events)
    ]


@pytest.mark.capability("I4")
@settings(max_examples=300, deadline=None)
@given(
    profile=st.sampled_from([ISSUE, DISCUSSION, PERMISSIVE]),
    reason=st.sampled_from(["damaged_items", "incorrect_invoice"]),
    history=steps,
)
def test_random_histories_only_make_steps_of_the_table(profile, reason, history):
    claim = opened(profile, reason)
    claim.events.clear()
    at = timedelta()
    for command, who, hours in history:
        at += timedelta(hours=hours)
        before = deepcopy(claim)
        done = False
        with suppress(Refusal):
            ALL[command](claim, by(who, at))
            done = True
        told = [event.type for event in claim.events]
        assert done or (claim, told) == (before, [])
        assert told or claim.state == before.state
        if told:
            assert rows_for(before.state, claim.state, told), (before.state, command, claim.state, told)
        for event in claim.events:
            assert not EVENTS[event.type].schema.validate(event.data), event
            assert (event.data["from"], event.data["to"]) == (before.state, claim.state)
            assert event.data["hold"] == claim.holds
        claim.events.clear()


def test_every_event_of_the_table_is_in_the_contract_and_the_other_way_round():
    told = {event for row in TABLE for event in row.events} | {"claim.opened"}
    assert told | {"claim.settlement_cleared", "claim.settlement_blocked"} == {
        type for type in EVENTS if type.startswith("claim.")
    }
    assert contract.STATES == STATES


def test_every_state_can_be_reached_by_the_table():
    reached = {"submitted", "platform_review"}
    for _ in STATES:
        reached |= {t for row in TABLE for t in row.targets if t != "same" and row.sources & reached}
    assert reached == set(STATES)
