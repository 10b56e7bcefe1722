"""CLM-10: a proposed solution confirms itself, where the profile says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.claim.profiles import PROFILES
from tests.suite import PARCEL, customer, seller


@pytest.fixture
def patient(shop, monkeypatch):
    """The issue profile in a second version that takes five business days of silence for a yes."""
    newer = replace(PROFILES.newest("issue"), version=2, auto_confirm_business_days=5)
    monkeypatch.setitem(PROFILES._by_key, newer.key, newer)
    monkeypatch.setitem(PROFILES._newest, "issue", newer)
    return shop


def test_silence_for_five_business_days_confirms(patient):
    claim = patient.claim()
    patient.do("claim.propose", seller(), claim, text="10 %?")  # a Monday, 9:00
    patient.suite.advance(days=6, hours=23)
    assert patient.get(claim)["state"] == "solution_proposed"
    patient.suite.advance(hours=1)
    assert patient.get(claim)["state"] == "resolved"
    assert patient.suite.events("claim", "claim.resolved")[0].data["by"] == "system"


def test_an_answer_of_the_requester_stops_the_clock(patient):
    claim = patient.claim()
    patient.do("claim.propose", seller(), claim, text="10 %?")
    patient.suite.advance(days=1)
    patient.comment(claim, "customer")
    patient.suite.advance(days=30)
    assert patient.get(claim)["state"] == "solution_proposed"


def test_a_rejected_proposal_is_not_confirmed_by_the_clock_of_the_first_one(patient):
    claim = patient.claim()
    patient.do("claim.propose", seller(), claim, text="10 %?")
    patient.suite.advance(days=2)
    patient.do("claim.reject", customer(), claim, reason="too little")
    patient.suite.advance(days=2)
    patient.do("claim.propose", seller(), claim, text="20 %?")
    patient.suite.advance(days=4)  # the first would have been due by now
    assert patient.get(claim)["state"] == "solution_proposed"


def replaced(shop) -> tuple[dict, str]:
    """A claim whose replacement was agreed, and the replacement's order."""
    claim = shop.claim()
    chosen = shop.do("claim.choose_resolution", seller(), claim, kind="replacement")
    shop.suite.settle()
    return claim, chosen["resolution"]["replacement_order_id"]


def leaves(shop, order_id: str) -> None:
    shop.suite.do("order.ship", seller(), order_id=order_id, parcel=PARCEL)
    shop.suite.settle()


def test_silence_confirms_a_replacement_only_five_business_days_after_it_left(patient):
    claim, order_id = replaced(patient)
    patient.suite.advance(days=14)
    assert patient.get(claim)["state"] == "solution_proposed"
    leaves(patient, order_id)
    patient.suite.advance(days=6, hours=23)
    assert patient.get(claim)["state"] == "solution_proposed"
    assert patient.suite.events("claim", "claim.resolved") == []
    patient.suite.advance(hours=1)
    assert patient.get(claim)["state"] == "resolved"


def test_a_replacement_that_left_but_was_rejected_is_not_confirmed_by_its_clock(patient):
    claim, order_id = replaced(patient)
    leaves(patient, order_id)
    patient.suite.advance(days=2)
    patient.do("claim.reject", customer(), claim, reason="It is broken, too.")
    patient.suite.advance(days=30)
    assert patient.get(claim)["state"] == "in_progress"


def test_without_the_switch_a_solution_waits_for_ever(shop):
    claim = shop.claim()
    shop.do("claim.propose", seller(), claim, text="10 %?")
    shop.suite.advance(days=400)
    assert shop.get(claim)["state"] == "solution_proposed"
