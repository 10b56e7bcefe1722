"""Profiles are data: what is shipped loads, what would leave claims stuck does not."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import pytest

from services.claim import profiles
from services.claim.model.transitions import TABLE, Row
from services.claim.profiles import PROFILES, BrokenProfile, ProfileBook, profile_from, shipped
from services.claim.profiles.check import check

FOLDER = Path(profiles.__file__).parent
FIVE = ("submitted", "platform_review", "in_progress", "resolved", "refused")
ISSUE = json.loads((FOLDER / "issue.json").read_text(encoding="utf-8"))


def test_the_shipped_profiles_load_with_every_state_named_in_french_and_english():
    assert [profile.key for profile in PROFILES.all_newest()] == [
        "box@1",
        "coordinated@1",
        "discussion@1",
        "issue@1",
        "support@1",
    ]
    for profile in PROFILES.all_newest():
        assert all(set(labels) == {"fr", "en"} for labels in profile.state_labels.values())


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


def _hours(profile, **changes):
    profile["sla"] = {"calendar": {"hours": {"mon": [["09:00", "12:00"]]}}, "clocks": {"first_answer": {"minutes": 60}}}
    profile["sla"]["calendar"] |= changes


# what is done to a profile in order → the place of its fault
BREAKS = {
    "an unknown switch": (lambda p: p.update(colour="red"), "colour"),
    "a switch left out": (lambda p: p.pop("hold"), "hold"),
    "a state without label": (lambda p: p["state_labels"].pop("refused"), "state_labels.refused"),
    "a label in one language": (lambda p: p["names"].pop("fr"), "names.fr"),
    "an unknown resolution": (lambda p: p["resolutions"].append("apology"), "resolutions[3]"),
    "a reason twice": (lambda p: p["reasons"].append(p["reasons"][0]), "reasons[9].code"),
    "a reason with an unknown handler": (lambda p: p["reasons"][0].update(handler="nobody"), "reasons[0].handler"),
    "a reason in an unknown phase": (lambda p: p["reasons"][0].update(phases=["lost"]), "reasons[0].phases[0]"),
    "no reason": (lambda p: p.update(reasons=[]), "reasons"),
    "nobody may open": (lambda p: p.update(who_may_open=[]), "who_may_open"),
    "nobody can resolve": (lambda p: p.update(requester_confirms=False), "handler_may_resolve"),
    "platform reasons without arbitration": (lambda p: p.update(platform_arbitration=False), "platform_arbitration"),
    "a handler without label": (lambda p: p["handler_labels"].pop("seller"), "handler_labels.seller"),
    "resolves on a refund that is not offered": (
        lambda p: p.update(auto_resolve_on_refund=True, resolutions=["proposal"]),
        "auto_resolve_on_refund",
    ),
    "a right longer than its limit": (
        lambda p: p.update(refund_window={"right_months": 7, "limit_months": 6}),
        "refund_window",
    ),
    "a float for a number": (lambda p: p.update(reopen_window_days=30.0), "reopen_window_days"),
    "a state that nobody can reach": (
        lambda p: p.update(who_may={"refuse": ["platform_agent"]}, routing="seller", platform_arbitration=False),
        "state_labels.platform_review",
    ),
    "a transition without a role": (lambda p: p.update(who_may={"confirm": []}), "who_may.confirm"),
    "a transition given to a role that can never do it": (
        lambda p: p.update(who_may={"refuse": ["seller"]}),
        "who_may.refuse",
    ),
    "an unknown transition": (lambda p: p.update(who_may={"explode": ["seller"]}), "who_may.explode.key"),
    "the requester confirms, and may not": (
        lambda p: p.update(who_may={"confirm": ["coordinator"]}),
        "who_may.confirm",
    ),
    "a state without an exit": (
        lambda p: p.update(
            routing="seller",
            hold="none",
            manual_state=True,
            requester_confirms=False,
            platform_arbitration=False,
            resolutions=["proposal"],
            who_may={
                "confirm": ["customer"],
                "reject": ["customer"],
                "set_state": ["coordinator"],
                "close": ["seller"],
            },
        ),
        "state_labels.platform_review",
    ),
    "a hold that only the requester can end": (
        lambda p: p.update(
            routing="seller",
            platform_arbitration=False,
            who_may={"confirm": ["customer"], "reject": ["customer"]},
        ),
        "state solution_proposed",
    ),
    "hours that overlap": (
        lambda p: _hours(p, hours={"mon": [["09:00", "12:00"], ["11:00", "18:00"]]}),
        "sla.calendar.hours.mon[1]",
    ),
    "hours that are none": (lambda p: _hours(p, hours={"mon": [["9 h", "12:00"]]}), "sla.calendar.hours.mon[0][0]"),
    "a calendar that is never open": (lambda p: _hours(p, hours={"mon": []}), "sla.calendar.hours"),
    "a holiday that is no date": (lambda p: _hours(p, holidays=["2026-13-01"]), "sla.calendar.holidays[0]"),
    "a time zone that is none": (lambda p: _hours(p, time_zone="Europe/Lutece"), "sla.calendar.time_zone"),
    "an unknown clock": (lambda p: p.update(sla={"clocks": {"coffee": {"minutes": 5}}}), "sla.clocks.coffee.key"),
}


@pytest.mark.capability("I18", "N2")
@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_profile_is_refused_with_the_place_and_a_remedy(name):
    broken = deepcopy(ISSUE)
    spoil, place = BREAKS[name]
    spoil(broken)
    found = every_fault(broken)
    assert place in {fault.place for fault in found}, [str(fault) for fault in found]
    assert all(fault.problem and fault.remedy for fault in found)


def every_fault(data):
    try:
        return check(profile_from(data))
    except BrokenProfile as broken:
        return broken.faults


@pytest.mark.capability("I18", "N2")
def test_the_five_shipped_profiles_pass_the_model_check():
    assert {code: every_fault(data) for code, data in ((data["code"], data) for data in shipped())} == {
        "box": [],
        "coordinated": [],
        "discussion": [],
        "issue": [],
        "support": [],
    }


@pytest.mark.capability("N2")
def test_a_circle_that_neither_a_person_nor_a_timer_closes_is_found():
    """The shipped table has none; a row that the system would run by itself makes one."""
    by_itself = Row("X-1", "repeat", frozenset({"resolved"}), frozenset({"system"}), ("in_progress",), ())
    back = Row("X-2", "repeat", frozenset({"in_progress"}), frozenset({"system"}), ("resolved",), ())
    found = check(PROFILES.newest("issue"), (*TABLE, by_itself, back))
    assert [(fault.place, fault.problem) for fault in found] == [
        ("state in_progress", "claims run in a circle from here by themselves"),
        ("state resolved", "claims run in a circle from here by themselves"),
    ]
    assert check(PROFILES.newest("issue"), (*TABLE, by_itself)) == []


def test_a_state_that_claims_can_only_be_taken_out_of_undecided_is_a_dead_end():
    deaf = tuple(row for row in TABLE if row.command in ("propose", "withdraw", "merge"))
    places = [fault.place for fault in check(PROFILES.newest("coordinated"), deaf)]
    assert "state solution_proposed" in places


def test_new_claims_take_the_newest_version_and_old_ones_keep_theirs():
    newer = profile_from({**ISSUE, "version": 2, "reopen_window_days": 10})
    book = ProfileBook([newer, profile_from(ISSUE)])
    assert book.newest("issue").reopen_window_days == 10
    assert book.frozen("issue@1").reopen_window_days == 30
    assert book.newest("nothing") is None
