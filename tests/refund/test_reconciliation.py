"""Statements of providers beside our books: missing, extra, another amount, late; each line counts once (N10)."""

from __future__ import annotations

import pytest

from shared.contracts.reconciliation import DIFFERENCES
from shared.contracts.registry import EVENTS
from tests.suite import coordinator, seller

HEADER = "provider_ref,payment_ref,refund_id,amount,currency,at"


def statement(*lines):
    return "\n".join([HEADER, *(",".join(str(part) for part in line) for line in lines)]) + "\n"


def upload(shop, *lines, **period):
    args = {"provider": "stripe", "csv": statement(*lines), **period}
    return shop.suite.do("reconciliation.upload", coordinator(), **args)


def differences(shop):
    for event in shop.suite.events("refund", "reconciliation.difference"):
        EVENTS[event.type].schema.load(event.data)
    return [(one["kind"], one["expected"], one["found"]) for one in shop.told("reconciliation.difference")]


def euros(amount):
    return {"amount": amount, "currency": "EUR"}


@pytest.fixture
def paid(stripe_shop):
    """Four orders, each refunded in full and paid by the provider."""
    orders = [stripe_shop.order(str(1001 + number), shipped=True) for number in range(4)]
    made = [stripe_shop.request(order, "post_shipment_order")["id"] for order in orders]
    stripe_shop.suite.settle()
    return [stripe_shop.refund(id) for id in made]


def at(refund, number, amount=17000, when="2026-11-03T09:00:00Z"):
    return (refund["provider_ref"], f"pi_{number}", refund["id"], amount, "EUR", when)


@pytest.mark.capability("N10")
def test_a_statement_shows_what_is_missing_extra_different_and_late(stripe_shop, paid):
    shop, (first, second, third, fourth) = stripe_shop, paid
    stranger = ("re_dashboard", "pi_1001", "", 490, "EUR", "2026-11-03T09:00:00Z")
    period = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-12T00:00:00Z"}

    told = upload(
        shop, at(first, 1001), at(second, 1002, 16999), at(third, 1003, when="2026-11-10T09:00:00Z"), stranger, **period
    )

    assert (told["lines"], told["matched"]) == (4, 1)
    assert {kind: told[kind] for kind in ("missing", "extra", "amount", "late")} == {
        "missing": 1, "extra": 1, "amount": 1, "late": 1
    }  # fmt: skip
    assert differences(shop) == [
        ("amount", euros(17000), euros(16999)),
        ("late", euros(17000), euros(17000)),
        ("extra", None, euros(490)),
        ("missing", euros(17000), None),
    ]
    external = shop.told("refund.external_recorded")
    assert [(one["amount"]["amount"], one["available_after"]) for one in external] == [(490, 0)]
    listed = shop.suite.do("reconciliation.list", coordinator())["items"]
    assert {one["kind"] for one in listed} == {"missing", "extra", "amount", "late"}
    assert fourth["id"] in {one["refund_id"] for one in listed if one["kind"] == "missing"}


@pytest.mark.capability("N10")
def test_the_same_statement_again_changes_nothing(stripe_shop, paid):
    stranger = ("re_dashboard", "pi_1001", "", 490, "EUR", "2026-11-03T09:00:00Z")
    first = upload(stripe_shop, at(paid[0], 1001), stranger)
    before = stripe_shop.suite.event_count()

    again = upload(stripe_shop, at(paid[0], 1001), stranger)

    assert again == first
    assert stripe_shop.suite.event_count() == before


@pytest.mark.capability("N10")
def test_the_providers_own_list_matches_our_books_and_ends_what_nobody_knew(stripe_shop, paid):
    order = stripe_shop.order("2001", shipped=True)
    stripe_shop.stripe.faults(cut="after", times=1)
    lost = stripe_shop.request(order, "post_shipment_order")
    stripe_shop.suite.settle()
    unknown = stripe_shop.refund(lost["id"])["state"]

    period = {"start": "2020-01-01T00:00:00Z", "end": "2036-01-01T00:00:00Z"}
    stripe_shop.suite.do("reconciliation.fetch", coordinator(), provider="stripe", **period)
    stripe_shop.suite.settle()

    assert unknown == "unknown"
    assert stripe_shop.refund(lost["id"])["state"] == "succeeded"
    looked_at = [
        one
        for kind in ("matched", "late", "missing", "extra", "amount")
        for one in stripe_shop.suite.do("reconciliation.list", coordinator(), kind=kind)["items"]
    ]
    assert len(looked_at) == 5
    # the simulator's clock is the real one: beside that of the test its settlements are late, and nothing else
    assert {one["kind"] for one in looked_at} <= {"matched", "late"}


def test_each_tenant_of_a_shared_account_looks_at_its_own_refunds_alone(stripe_shop, paid):
    other = coordinator(tenant="other")
    lines = statement(at(paid[0], 1001), at(paid[1], 1002))

    told = stripe_shop.suite.do("reconciliation.upload", other, provider="stripe", csv=lines)

    assert told == {"provider": "stripe", "lines": 0, **dict.fromkeys(("matched", *DIFFERENCES), 0)}
    assert stripe_shop.suite.do("reconciliation.list", other)["items"] == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("provider_ref,amount\n", 1),
        (statement(("re_1", "pi_1", "", "12.50", "EUR", "2026-11-03T09:00:00Z")), 2),
        (statement(("re_1", "pi_1", "", 1, "EUR", "2026-11-03T09:00:00Z"), ("re_2", "pi", "", 1, "EUR", "monday")), 3),
        (statement(("", "pi_1", "", 1, "EUR", "2026-11-03T09:00:00Z")), 2),
    ],
)
def test_a_statement_that_cannot_be_read_is_refused_with_the_number_of_its_line(shop, text, line):
    problem = shop.suite.refused("reconciliation.upload", coordinator(), provider="stripe", csv=text)

    assert (problem["code"], problem["details"]["line"]) == ("STATEMENT_REFUSED", line)


def test_statements_are_for_staff(shop):
    csv = statement()
    assert shop.suite.refused("reconciliation.upload", seller(), provider="stripe", csv=csv)["code"] == "FORBIDDEN"
