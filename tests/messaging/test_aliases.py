"""Aliases: addresses for four weeks, one per participant, that say nothing about anybody (ALI-01 to ALI-04)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.messaging.mail_model import LIFE, Alias, AliasBook
from shared.kernel.principal import system
from tests.suite import (
    PARCEL,
    START,
    agent,
    coordinator,
    customer,
    integrator,
    order_args,
    payment_args,
    seller,
    supplier,
)

DOMAIN = "reply.shop.example"
FORM = re.compile(r"^c\.[a-z0-9]{18}@reply\.shop\.example$")


@pytest.fixture
def shop(suite_of):
    return suite_of("order", "claim", "messaging", "notification", relay_domain=DOMAIN)


@pytest.fixture
def order(shop):
    placed = shop.do("order.place", integrator(), **order_args())
    shop.settle()
    return placed


def private_events(shop, type):
    return [event.data for event in shop.events("messaging", type)]


def state(shop, address):
    found = shop.do("alias.check", system("none"), addresses=[address])
    return found["addresses"][address]["state"]


@pytest.mark.capability("S0-12", "S0-13", "T28")
def test_an_order_without_a_claim_has_an_address_that_shows_nothing_of_the_customer(shop, order):
    alias = shop.do("alias.issue", seller(), order_id=order["id"])
    assert FORM.match(alias["address"])
    assert "ada" not in alias["address"]
    other = shop.do("alias.issue", customer(), order_id=order["id"])
    assert other["address"] != alias["address"], "each participant has one of his own"
    (mine, hers) = private_events(shop, "alias.issued")
    assert (mine["kind"], mine["ref"]) == ("seller", "sel_1")
    assert (hers["kind"], hers["ref"]) == ("customer", "cus_1")


@pytest.mark.capability("S0-14", "I10")
def test_an_address_works_for_four_weeks_to_the_second_and_no_longer(shop, order):
    address = shop.do("alias.issue", seller(), order_id=order["id"])["address"]
    shop.advance(days=28, seconds=-1)
    assert state(shop, address) == "active"
    shop.clock.advance(seconds=1)
    assert state(shop, address) == "late"
    shop.settle()
    assert len(private_events(shop, "alias.expired")) == 1
    shop.advance(days=90)
    assert state(shop, address) == "unknown"


@given(st.integers(min_value=-(10**9), max_value=10**9), st.integers(min_value=0, max_value=10**10))
@settings(max_examples=300, deadline=None)
@pytest.mark.capability("I10")
def test_an_alias_works_strictly_before_its_end(offset, start):
    issued = START + timedelta(milliseconds=start)
    alias = Alias(
        id="c.x",
        tenant="shop",
        alias_id="als_1",
        thread_id="thr_1",
        order_id=None,
        kind="seller",
        ref="sel_1",
        issued_at=issued,
        expires_at=issued + LIFE,
    )
    at = alias.expires_at + timedelta(milliseconds=offset)
    assert alias.works(at) == (offset < 0)
    assert not (alias.works(at) and alias.is_late(at))


@given(st.lists(st.integers(min_value=0, max_value=30 * 24), max_size=12))
@settings(max_examples=200, deadline=None)
def test_asking_again_gives_the_same_address_while_more_than_a_week_is_left(hours):
    """ALI-02, over random histories: what is handed out always has more than a week, unless it is new."""
    book, now, count = AliasBook(id="thr_1", tenant="shop"), START, 0
    for wait in hours:
        now += timedelta(hours=wait)
        held = book.entries.get("seller sel_1")
        current = book.current(("seller", "sel_1"), now)
        if current is None:
            count += 1
            alias = Alias(
                id=f"c.{count}",
                tenant="shop",
                alias_id=f"als_{count}",
                thread_id="thr_1",
                order_id=None,
                kind="seller",
                ref="sel_1",
                issued_at=now,
                expires_at=now + LIFE,
            )
            book.issue(alias, f"c.{count}@{DOMAIN}")
        else:
            assert current == held
    assert len(book.events) == count


def test_a_new_address_is_handed_out_in_the_last_week_and_the_old_one_lives_on(shop, order):
    first = shop.do("alias.issue", seller(), order_id=order["id"])["address"]
    shop.advance(days=20)
    assert shop.do("alias.issue", seller(), order_id=order["id"])["address"] == first
    shop.advance(days=1)
    second = shop.do("alias.issue", seller(), order_id=order["id"])["address"]
    assert second != first
    assert (state(shop, first), state(shop, second)) == ("active", "active")
    shop.advance(days=7)
    assert (state(shop, first), state(shop, second)) == ("late", "active")


@pytest.mark.capability("S0-11")
def test_each_discussion_answers_with_an_address_or_says_why_not(shop, order):
    thread = shop.do("thread.open", seller(), order_id=order["id"], text="Your rug is on its way.")["id"]
    closed = shop.do("thread.open", seller(), order_id=order["id"], text="Never mind.")["id"]
    shop.do("thread.close", seller(), thread_ids=[closed])
    ids = [thread, closed, "thr_unknown"]
    results = shop.do("alias.issue_many", integrator("sel_1"), thread_ids=ids)["results"]
    assert [(each["thread_id"], each["result"]) for each in results] == [
        (thread, "ISSUED"),
        (closed, "DISCUSSION_CLOSED"),
        ("thr_unknown", "NOT_FOUND"),
    ]
    assert FORM.match(results[0]["alias"]["address"])
    assert [each["alias"] for each in results[1:]] == [None, None]
    stranger = shop.do("alias.issue_many", seller("sel_2"), thread_ids=[thread])["results"]
    assert stranger[0]["result"] == "NOT_FOUND"


def test_a_revoked_address_is_unknown_at_once_and_nobody_else_may_revoke_it(shop, order):
    alias = shop.do("alias.issue", customer(), order_id=order["id"])
    shop.refused("alias.revoke", seller(), alias_id=alias["alias_id"])
    assert state(shop, alias["address"].upper()) == "active", "upper and lower case are the same"
    shop.do("alias.revoke", agent(), alias_id=alias["alias_id"], reason="abuse")
    assert state(shop, alias["address"]) == "unknown"
    assert shop.do("alias.issue", customer(), order_id=order["id"])["address"] != alias["address"]


def test_strangers_get_no_address_and_nothing_is_issued_while_masked_mail_is_off(shop, order, suite_of):
    for nobody in (customer("cus_2"), seller("sel_2"), supplier("sup_1"), coordinator(tenant="other")):
        assert shop.refused("alias.issue", nobody, order_id=order["id"])["code"] == "ORDER_NOT_SYNCED"
    off = suite_of("order", "messaging")
    off.do("order.place", integrator(), **order_args())
    off.settle()
    assert off.refused("alias.issue", agent(), order_id="ord_1")["code"] == "MASKED_MAIL_OFF"


def test_a_claim_gives_each_participant_an_address_and_its_mails_can_be_answered(shop, order):
    shop.do("order.capture_payment", integrator(), **payment_args(order))
    shop.do("order.ship", seller(), order_id=order["id"], parcel=PARCEL)
    shop.settle()
    shop.do("claim.open", customer(), order_id=order["id"], reason_code="damaged_items", text="It broke.")
    shop.settle()
    holders = {(each["kind"], each["ref"]) for each in private_events(shop, "alias.issued")}
    assert {("customer", "cus_1"), ("seller", "sel_1")} <= holders
    public = [event for event in shop.events("messaging") if event.type.startswith(("thread.", "message."))]
    assert not any(DOMAIN in event.body.decode() for event in public)
