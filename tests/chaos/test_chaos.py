"""The short form of the chaos driver, as a check of every change: it runs once, each test reads a line of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.patience import within
from tests.servers import GIVEN
from tests.stack import ROOT

LONGEST = 280  # seconds; about two minutes where nothing else runs
pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def lines() -> dict[str, dict[str, Any]]:
    """The driver's lines by the name of their case. It takes servers of its own: those it kills."""
    environment = {name: value for name, value in os.environ.items() if name not in GIVEN}
    if environment.get("TEST_SERVERS") == "env":
        environment["TEST_SERVERS"] = "local"
    command = [sys.executable, "-m", "bench.chaos", "--short"]
    driver = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        said, _ = driver.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        pytest.fail(f"the chaos driver did not end within {LONGEST} s")
    finally:
        if driver.poll() is None:
            driver.terminate()
            driver.wait(60)
    return {line["case"]: line for line in map(json.loads, said.splitlines())}


def figures(line: dict[str, Any], *names: str) -> dict[str, Any]:
    """These figures of a line that missed no goal but those in seconds, which belong to a machine of one's own."""
    missed = [goal for goal in line["missed"] if not goal.startswith("seconds_")]
    assert not missed, {name: line[name] for name in ("missed", "details", "failures") if name in line}
    return {name: line[name] for name in names}


@pytest.mark.capability("R20")
def test_of_twenty_refunds_at_once_no_more_is_accepted_than_was_paid(lines):
    line = lines["twenty refunds of one order at once"]
    assert figures(line, "rounds_over_refunded", "rounds_without_refund") == dict.fromkeys(
        ("rounds_over_refunded", "rounds_without_refund"), 0
    )
    assert line["rounds"] >= 5


@pytest.mark.capability("R21", "I3", "T19")
def test_the_same_refund_asked_for_a_hundred_times_at_once_is_one_refund_and_one_call_of_its_provider(lines):
    line = lines["one refund asked for a hundred times at once"]
    names = ("rounds_with_other_answers", "refunds_without_one_call", "double_payments", "never_paid")
    assert figures(line, *names) == dict.fromkeys(names, 0)
    assert (line["requests"], line["refunds"]) == (100 * line["rounds"], line["rounds"])


@pytest.mark.capability("R26", "I8")
def test_no_seller_is_paid_out_while_a_complaint_holds_the_order_however_the_two_race(lines):
    line = lines["paying out while complaints come and go"]
    names = ("settled_while_open", "settled_and_held", "settled_twice")
    assert figures(line, *names) == dict.fromkeys(names, 0)
    assert line["races"] >= 40


@pytest.mark.capability("R04", "R05")
def test_customers_do_not_notice_that_the_broker_died_and_the_backlog_is_gone_soon_after_its_return(lines):
    line = lines["broker killed under steady writes"]
    assert figures(line, "failed_requests") == {"failed_requests": 0}
    assert line["backlog"] > 0
    assert line["seconds_to_first_event"] <= within(5)
    assert line["seconds_to_empty_backlog"] <= within(30)


@pytest.mark.capability("R22", "R23")
def test_a_refund_is_paid_exactly_once_whoever_dies_and_whatever_line_is_cut(lines):
    line = lines["refund service killed, providers cut lines"]
    names = ("double_payments", "never_paid", "differences", "lost_refunds", "failed_requests")
    assert figures(line, *names) == dict.fromkeys(names, 0)
    assert line["refunds_by_paypal"] == line["refunds"] / 2
    assert line["refund_kills"] >= 5
    assert line["calls_cut"] > 0


@pytest.mark.capability("R01", "R02", "R03")
def test_whatever_is_killed_every_committed_event_has_its_effects_once_and_in_order(lines):
    line = lines["everything killed"]
    names = ("lost", "duplicated", "ghosts", "order_breaks", "failed_requests")
    assert figures(line, *names) == dict.fromkeys(names, 0)
    assert line["committed"] >= 1000
    assert line["process_kills"] >= 8
    assert line["broker_kills"] >= 1
