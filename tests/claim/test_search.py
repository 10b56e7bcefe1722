"""The search on PostgreSQL answers what it answers on SQLite, whichever way it takes."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from services.claim.app import build
from services.claim.lists import pages
from services.claim.model.words import sought, words_of
from services.claim.storage import claims, seats
from shared.kernel.calls import Call
from shared.ops.settings import Settings
from tests.servers import shared_by_the_run
from tests.suite import agent, coordinator, customer, seller, supplier

SEARCHES = (
    {},
    {"q": "lamp"},
    {"q": "lam cassee"},
    {"q": "LAMPE CASSÉE"},
    {"q": "ord-3"},
    {"q": "o'brien"},
    {"q": "nothing"},
    {"q": "lamp", "state": ["submitted"]},
    {"reason_code": "incorrect_invoice"},
    {"reason_code": "incorrect_invoice", "order": "oldest"},
    {"handler": "platform", "q": "la"},
    {"handler": "coordinators"},
    {"category": "prospect"},
    {"marketplace": "main", "assignee": "none"},
    {"assignee": "coo_1", "q": "lamp"},
    {"awaiting": "seller", "q": "lamp"},
    {"awaiting": "seller", "state": ["closed"]},
    {"seller_id": "sel_1", "q": "lamp"},
    {"supplier_id": "sup_1"},
    {"overdue": False, "limit": 2},
)


def test_words_are_found_without_accents_capitals_and_punctuation():
    assert words_of("Lampe cassée", "ORD-1001", None) == " lampe cassee ord1001 ord 1001 "
    assert words_of("", " - ") == " "
    assert sought("  ORD-1001 Cassé!? ") == ["ord1001", "casse"]
    assert sought("Straße ½ ﬁn") == ["strasse", "12", "fin"]
    assert len(sought("word " * 50)) == 8


@pytest.fixture
def twins(shop):
    """The same claims in SQLite and in PostgreSQL."""
    for number in range(1, 8):
        reason = "incorrect_invoice" if number in (1, 4) else "damaged_items"
        title = ("Lampe cassée", "O'Brien's lamp", "Broken cup")[number % 3]
        claim = shop.claim(shop.order(f"ORD-{number}"), reason_code=reason, title=title)
        if number in (3, 4):
            shop.do("claim.assign", coordinator(), claim, assignee="coo_1")
            shop.do("claim.add_observer", coordinator(), claim, kind="supplier", id="sup_1")
        shop.suite.clock.advance(minutes=1)
    here = shop.suite.apps["claim"]
    there = build(Settings(database=shared_by_the_run().database("search")), shop.suite.clock)
    there.create_tables()
    for table in (claims, seats):
        with here.database.transaction() as connection:
            rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
        with there.database.transaction() as connection:
            connection.execute(table.insert(), rows)
    yield here, there
    there.database.dispose()


@pytest.mark.servers
@pytest.mark.parametrize("looked_at", [1, 3, 1000])
def test_both_databases_find_the_same_claims_in_the_same_order(twins, monkeypatch, looked_at):
    """looked_at: how far it walks before it takes the search index; 1: nearly always."""
    for name, value in (("LOOKED_AT", looked_at), ("LOOKED_FURTHER", 2 * looked_at), ("COUNTED", looked_at)):
        monkeypatch.setattr(pages, name, value)
    assert walked(twins[1], agent(), {"q": "lamp"}) == [f"ORD-{number}" for number in (7, 6, 4, 3, 1)]
    for who in (agent(), seller(), supplier(), customer(), seller("sel_2")):
        for args in SEARCHES:
            sqlite, postgres = (walked(app, who, args) for app in twins)
            assert sqlite == postgres, (who.role, args)


def walked(app, who, args) -> list[str]:
    """The numbers of all pages; their count must agree."""
    seen, cursor = [], {}
    while True:
        answer = app.execute([Call("claim.list", {**args, **cursor}, who)])[0]
        assert answer.ok, answer.body
        seen += [item["order_number"] for item in answer.body["items"]]
        if answer.body["next_cursor"] is None:
            break
        cursor = {"cursor": answer.body["next_cursor"]}
    filters = {name: value for name, value in args.items() if name not in ("order", "limit")}
    assert app.execute([Call("claim_count.get", filters, who)])[0].body == {"count": len(seen), "more": False}
    return seen
