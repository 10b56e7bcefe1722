"""Promises about time: first and next answer, solution, decision; in opening hours, paused, warned, broken once."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.claim.profiles import shipped
from shared.kernel.calendar import (
    NeverOpen,
    OpeningHours,
    business_days_later,
    months_end,
    months_later,
    zone_named,
)
from shared.kernel.clock import moment, stamp
from tests.suite import agent, coordinator, customer, seller

PARIS = ZoneInfo("Europe/Paris")
DESK = {day: [["09:00", "12:00"], ["14:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
(ISSUE,) = [data for data in shipped() if data["code"] == "issue"]


def at(text: str) -> datetime:
    """A moment in Paris."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


def promise(shop, version: int = 2, calendar=None, **clocks) -> None:
    """The shop's issues get these clocks, in Paris office hours unless told otherwise."""
    data = {**deepcopy(ISSUE), "version": version}
    data["sla"] = {"calendar": calendar or {"hours": DESK, "holidays": ["2026-12-25"]}, "clocks": clocks}
    shop.suite.do("claim.activate_profile", agent(), profile=data)


def go_to(shop, when: datetime) -> None:
    shop.suite.advance(seconds=(when - shop.suite.clock.now()).total_seconds())


def told(shop, type: str) -> list[tuple[str, str, str]]:
    return [(e.data["clock"], stamp(e.time), e.data["due_at"]) for e in shop.suite.events("claim", f"sla.{type}")]


def clocks_of(shop, claim) -> dict[str, dict]:
    return {each["clock"]: each for each in shop.get(claim)["sla"]}


def test_a_claim_of_friday_evening_is_due_on_monday_morning(shop):
    promise(shop, first_answer={"minutes": 120})
    go_to(shop, at("2026-11-06T17:50"))  # a Friday
    claim = shop.claim()
    assert moment(clocks_of(shop, claim)["first_answer"]["due_at"]) == at("2026-11-09T10:50")
    (opened,) = shop.suite.events("claim", "claim.opened")
    assert opened.data["due"] == {"first_answer": stamp(at("2026-11-09T10:50"))}


def test_it_is_warned_at_four_fifths_and_broken_once(shop):
    promise(shop, first_answer={"minutes": 120})
    go_to(shop, at("2026-11-06T17:50"))
    claim = shop.claim()
    go_to(shop, at("2026-11-09T10:25"))
    assert told(shop, "warning") == []
    go_to(shop, at("2026-11-09T10:26"))
    due = stamp(at("2026-11-09T10:50"))
    assert told(shop, "warning") == [("first_answer", stamp(at("2026-11-09T10:26")), due)]
    go_to(shop, at("2026-11-09T10:50"))
    go_to(shop, at("2026-11-20T10:00"))
    assert told(shop, "breached") == [("first_answer", stamp(at("2026-11-09T10:50")), due)]
    assert len(told(shop, "warning")) == 1
    shop.comment(claim, "seller")
    shown = clocks_of(shop, claim)["first_answer"]
    assert (shown["state"], shown["breached"], shown["due_at"]) == ("breached", True, None)


@pytest.mark.capability("S3-21")
def test_only_a_persons_answer_counts_as_the_first_one(shop):
    promise(shop, first_answer={"minutes": 60})
    go_to(shop, at("2026-11-10T09:00"))
    claim = shop.claim()
    go_to(shop, at("2026-11-10T09:10"))
    shop.comment(claim, "seller", via="automatic")
    assert clocks_of(shop, claim)["first_answer"]["state"] == "running"
    assert shop.get(claim)["state"] == "submitted"
    go_to(shop, at("2026-11-10T09:30"))
    shop.comment(claim, "seller")
    shown = clocks_of(shop, claim)["first_answer"]
    assert (shown["state"], shown["used_s"]) == ("met", 1800)
    go_to(shop, at("2026-11-12T09:30"))
    assert told(shop, "breached") == told(shop, "warning") == []


def test_each_customer_message_that_waits_starts_the_clock_of_the_next_answer(shop):
    promise(shop, next_answer={"minutes": 60})
    go_to(shop, at("2026-11-10T09:00"))
    claim = shop.claim()
    assert "next_answer" not in clocks_of(shop, claim)
    shop.comment(claim, "seller")
    for when, speaker in (("09:10", "customer"), ("09:20", "customer"), ("09:30", "seller"), ("09:40", "customer")):
        go_to(shop, at(f"2026-11-10T{when}"))
        shop.comment(claim, speaker)
    shown = clocks_of(shop, claim)["next_answer"]
    assert (shown["period"], moment(shown["due_at"])) == (2, at("2026-11-10T10:40"))
    go_to(shop, at("2026-11-10T11:00"))
    assert [clock for clock, _, _ in told(shop, "breached")] == ["next_answer"]
    shop.comment(claim, "seller")
    go_to(shop, at("2026-11-10T11:30"))
    shop.comment(claim, "customer")
    go_to(shop, at("2026-11-11T11:30"))
    assert [e.data["period"] for e in shop.suite.events("claim", "sla.breached")] == [2, 3]


def test_the_clock_of_the_solution_stands_still_while_the_requester_is_awaited(shop):
    promise(shop, resolution={"minutes": 600})
    go_to(shop, at("2026-11-10T09:00"))
    claim = shop.claim()
    go_to(shop, at("2026-11-10T10:00"))
    shop.do("claim.propose", seller(), claim, text="10 %?")
    shown = clocks_of(shop, claim)["resolution"]
    assert (shown["state"], shown["used_s"], shown["due_at"]) == ("paused", 3600, None)
    go_to(shop, at("2026-11-17T15:00"))
    assert told(shop, "warning") == []
    shop.do("claim.reject", customer(), claim, reason="too little")
    # 9 hours are left: 3 this afternoon, 6 of the 7 of tomorrow
    assert moment(clocks_of(shop, claim)["resolution"]["due_at"]) == at("2026-11-18T17:00")
    shop.do("claim.propose", seller(), claim, text="20 %?")
    shop.do("claim.confirm", customer(), claim)
    assert clocks_of(shop, claim)["resolution"]["state"] == "met"
    go_to(shop, at("2026-12-01T09:00"))
    shop.do("claim.reopen", customer(), claim)
    shown = clocks_of(shop, claim)["resolution"]
    assert (shown["state"], shown["period"], shown["used_s"]) == ("running", 2, 0)


def test_a_broken_promise_calls_the_platform_whose_own_clock_starts(shop):
    promise(shop, first_answer={"minutes": 60, "escalate": True}, platform_decision={"minutes": 120})
    go_to(shop, at("2026-11-10T09:00"))
    claim = shop.claim()
    go_to(shop, at("2026-11-10T10:00"))
    view = shop.get(claim)
    assert (view["state"], view["handler"]["code"]) == ("platform_review", "platform")
    (escalated,) = shop.suite.events("claim", "claim.escalated")
    assert escalated.data["by"] == "system"
    assert moment(clocks_of(shop, claim)["platform_decision"]["due_at"]) == at("2026-11-10T12:00")
    shop.do("claim.resolve", agent(), claim)
    go_to(shop, at("2026-11-11T10:00"))
    assert [clock for clock, _, _ in told(shop, "breached")] == ["first_answer"]


def test_the_shipped_support_profile_promises_an_answer_within_a_working_day_and_a_solution_within_30_days(shop):
    go_to(shop, at("2026-11-06T17:00"))
    order = shop.order(profile="support")
    cover = {"product_id": "prd_lamp", "url": "shop.example", "line_id": order["lines"][0]["line_id"], "days": 365}
    shop.suite.do("entitlement.grant", agent(), order_id=order["id"], **cover)
    shop.suite.settle()
    claim = shop.claim(order, reason_code="malfunction", url="shop.example")
    due = {clock: moment(each["due_at"]) for clock, each in clocks_of(shop, claim).items()}
    assert due == {"first_answer": at("2026-11-09T17:00"), "resolution": at("2026-12-06T17:00")}
    go_to(shop, at("2026-11-09T17:00"))
    assert shop.get(claim)["state"] == "platform_review"  # unprocessed: the platform may refund


def test_a_profile_that_promises_nothing_has_no_clock_no_timer_and_no_event(shop):
    claim = shop.claim()
    shop.comment(claim, "seller")
    assert "sla" not in shop.get(claim)
    app = shop.suite.apps["claim"]
    with app.database.transaction() as connection:
        kinds = [row.kind for row in connection.execute(app.storage.runtime.timer.select())]
        assert "sla" not in kinds
        assert connection.exec_driver_sql("select count(*) from sla_clocks").scalar() == 0


def test_customers_do_not_see_the_clocks(shop):
    promise(shop, first_answer={"minutes": 60})
    claim = shop.claim()
    assert "sla" not in shop.get(claim, customer())
    assert "sla" in shop.get(claim, seller())


@pytest.mark.capability("I14")
def test_a_late_answer_counts_from_when_it_was_written(shop):
    promise(shop, first_answer={"minutes": 60})
    go_to(shop, at("2026-11-10T09:00"))
    claim = shop.claim()
    go_to(shop, at("2026-11-10T09:40"))
    shop.comment(claim, "seller", posted_at=stamp(at("2026-11-10T09:15")))
    shown = clocks_of(shop, claim)["first_answer"]
    assert (shown["state"], shown["used_s"]) == ("met", 900)


def test_a_coordinator_who_sets_the_awaited_party_by_hand_pauses_the_clocks(shop):
    promise(shop, resolution={"minutes": 600})
    claim = shop.claim()
    shop.do("claim.set_awaiting", coordinator(), claim, party="requester")
    assert clocks_of(shop, claim)["resolution"]["state"] == "paused"
    shop.do("claim.set_awaiting", coordinator(), claim, party="seller")
    assert clocks_of(shop, claim)["resolution"]["state"] == "running"


# calendars

OFFICE = OpeningHours.of(DESK, ["2026-12-25"], PARIS)


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-11-06T17:50", 120, "2026-11-09T10:50"),
        ("2026-11-07T03:00", 1, "2026-11-09T09:01"),
        ("2026-11-09T11:59", 2, "2026-11-09T14:01"),
        ("2026-11-09T09:00", 420, "2026-11-09T18:00"),
        ("2026-12-24T17:59", 2, "2026-12-28T09:01"),  # over Christmas and a weekend
    ],
)
def test_working_time_is_counted_in_opening_hours(start, minutes, end):
    assert OFFICE.after(at(start), timedelta(minutes=minutes)) == at(end)
    assert OFFICE.between(at(start), at(end)) == timedelta(minutes=minutes)


def test_a_night_with_a_change_of_the_clock_is_as_long_as_it_is():
    night = OpeningHours.of({"sat": [["22:00", "24:00"]], "sun": [["00:00", "06:00"]]}, [], PARIS)
    assert night.between(at("2026-03-28T22:00"), at("2026-03-29T06:00")) == timedelta(hours=7)
    assert night.between(at("2026-10-24T22:00"), at("2026-10-25T06:00")) == timedelta(hours=9)
    assert night.after(at("2026-03-28T23:00"), timedelta(hours=4)) == at("2026-03-29T04:00")


def test_hours_that_never_come_are_a_mistake():
    with pytest.raises(NeverOpen):
        OpeningHours(PARIS, {0: ((600, 601),)}).after(at("2026-01-01T00:00"), timedelta(days=30))


def test_months_end_with_the_day_there_and_are_cut_at_short_months():
    day = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)  # already February there
    assert months_end(day, 1, PARIS) == at("2026-03-01T23:59:59.999")
    assert months_end(day, 1, zone_named("UTC")) == datetime(2026, 2, 28, 23, 59, 59, 999000, UTC)
    assert months_later(datetime(2027, 8, 31).date(), 6).isoformat() == "2028-02-29"


def test_business_days_keep_the_local_time_over_the_change_of_the_clock():
    assert business_days_later(at("2026-10-23T17:00"), 5, PARIS) == at("2026-10-30T17:00")
