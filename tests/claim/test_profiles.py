"""Profiles are data: what is shipped loads, what would leave claims stuck does not."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import pytest

from services.claim import profiles
from services.claim.profiles import PROFILES, BrokenProfile, ProfileBook, profile_from

FOLDER = Path(profiles.__file__).parent
FIVE = ("submitted", "platform_review", "in_progress", "resolved", "refused")
ISSUE = json.loads((FOLDER / "issue.json").read_text(encoding="utf-8"))


def test_the_shipped_profiles_load_with_every_state_named_in_french_and_english():
    assert [profile.key for profile in PROFILES.all_newest()] == ["discussion@1", "issue@1"]
    for profile in PROFILES.all_newest():
        assert all(set(labels) == {"fr", "en"} for labels in profile.state_labels.values())
        assert len(profile.state_labels) == 9


@pytest.mark.capability("S2-21", "S2-22", "S2-23", "S2-24", "S2-25")
def test_the_five_statuses_of_an_issue_carry_their_names():
    labels = PROFILES.newest("issue").state_labels
    named = {state: labels[state]["en"] for state in FIVE}
    assert named == {
        "submitted": "Sent",
        "platform_review": "Platform review",
        "in_progress": "In progress",
        "resolved": "Resolved",
        "refused": "Refused",
    }
    assert labels["submitted"]["fr"] == "Envoyé"


BREAKS = {
    "an unknown switch": lambda p: p.update(colour="red"),
    "a switch left out": lambda p: p.pop("hold"),
    "a state without label": lambda p: p["state_labels"].pop("refused"),
    "a label in one language": lambda p: p["names"].pop("fr"),
    "an unknown resolution": lambda p: p["resolutions"].append("apology"),
    "a reason twice": lambda p: p["reasons"].append(p["reasons"][0]),
    "a reason with an unknown handler": lambda p: p["reasons"][0].update(handler="nobody"),
    "a reason in an unknown phase": lambda p: p["reasons"][0].update(phases=["lost"]),
    "no reason": lambda p: p.update(reasons=[]),
    "nobody may open": lambda p: p.update(who_may_open=[]),
    "nobody can resolve": lambda p: p.update(requester_confirms=False),
    "platform reasons without arbitration": lambda p: p.update(platform_arbitration=False),
    "a handler without label": lambda p: p["handler_labels"].pop("seller"),
    "resolves on a refund that is not offered": lambda p: p.update(
        auto_resolve_on_refund=True, resolutions=["proposal"]
    ),
    "a right longer than its limit": lambda p: p.update(refund_window={"right_months": 7, "limit_months": 6}),
    "a float for a number": lambda p: p.update(reopen_window_days=30.0),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_profile_is_refused_and_says_why(name):
    broken = deepcopy(ISSUE)
    BREAKS[name](broken)
    with pytest.raises(BrokenProfile) as refused:
        profile_from(broken)
    assert refused.value.faults


def test_new_claims_take_the_newest_version_and_old_ones_keep_theirs():
    newer = profile_from({**ISSUE, "version": 2, "reopen_window_days": 10})
    book = ProfileBook([newer, profile_from(ISSUE)])
    assert book.newest("issue").reopen_window_days == 10
    assert book.frozen("issue@1").reopen_window_days == 30
    assert book.newest("box") is None
