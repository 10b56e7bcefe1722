"""Answers that are being written: they survive, colleagues see one another, nobody answers past another (B15)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import coordinator, customer, seller, supplier


@pytest.fixture
def thread(api) -> str:
    claim = open_claim(api, shipped_order(api))
    api.suite.settle()
    return f"/v1/threads/{claim['id'].replace('clm_', 'thr_')}"


def saved(api, thread, who, text, **args):
    return api.post(f"{thread}/draft", who, {"text": text, **args}, method="PUT")


def test_a_draft_survives_for_its_author_alone_and_announces_nothing(api, thread):
    before = api.suite.event_count()
    saved(api, thread, coordinator("coo_1"), "We are sorry", visibility="private")
    again = api.get(f"{thread}/draft", coordinator("coo_1"))
    assert (again["text"], again["visibility"]) == ("We are sorry", "private")
    for other in (coordinator("coo_2"), seller(), customer()):
        assert api.get(f"{thread}/draft", other)["text"] == ""
    api.refused("GET", f"{thread}/draft", supplier("sup_2"), "NOT_FOUND")
    assert api.suite.event_count() == before


def test_colleagues_see_who_reads_and_who_answers_and_customers_see_nobody(api, thread):
    saved(api, thread, coordinator("coo_1"), "We are")
    saved(api, thread, seller(), "")
    saved(api, thread, customer(), "Hello?")
    there = api.get(f"{thread}/present", coordinator("coo_2"))["items"]
    doing = {each["author"]["id"]: each["doing"] for each in there}
    assert doing == {"user_sel_1": "reading", "coo_1": "answering"}
    assert api.get(f"{thread}/present", customer())["items"] == []
    api.suite.clock.advance(minutes=3)
    assert api.get(f"{thread}/present", coordinator("coo_2"))["items"] == []


def test_who_else_has_a_claim_open_shows_on_it_and_nothing_of_that_to_customers(api, thread):
    claim = f"/v1/claims/{thread.rsplit('/', 1)[1].replace('thr_', 'clm_')}"
    draft = saved(api, thread, coordinator("coo_1"), "We are")
    before = api.suite.event_count()
    for who in (coordinator("coo_1"), coordinator("coo_2"), seller()):
        api.post(f"{claim}/present", who, {}, method="PUT")
    there = api.post(f"{thread}/present", coordinator("coo_2"), {}, method="PUT")["items"]
    assert {each["author"]["id"]: each["doing"] for each in there} == {"coo_1": "answering", "user_sel_1": "reading"}
    assert api.get(claim, coordinator("coo_2"))["present"] == there
    assert {each["author"]["id"] for each in api.get(claim, seller())["present"]} == {"coo_1", "coo_2"}
    assert "present" not in api.get(claim, customer())
    assert api.get(f"{claim}/present", customer())["items"] == []
    api.refused("PUT", f"{claim}/present", customer(), "FORBIDDEN", body={})
    api.refused("PUT", f"{claim}/present", seller("sel_2"), "NOT_FOUND", body={})
    assert api.get(f"{thread}/draft", coordinator("coo_1"))["version"] == draft["version"], "looking changes no draft"
    assert api.suite.event_count() == before
    api.suite.clock.advance(minutes=3)
    assert api.get(claim, coordinator("coo_2"))["present"] == []


def test_the_second_writer_gets_409_with_what_was_written_and_his_draft_stays(api, thread):
    saved(api, thread, coordinator("coo_1"), "We send another one.", visibility="public")
    api.post(f"{thread}/messages", seller(), {"text": "We refund you.", "visibility": "public"})
    problem = api.refused("POST", f"{thread}/draft:send", coordinator("coo_1"), "ANSWERED_MEANWHILE", body={})
    [later] = problem["details"]["messages"]
    assert (later["author"]["id"], later["text"]) == ("sel_1", "We refund you.")
    assert api.get(f"{thread}/draft", coordinator("coo_1"))["text"] == "We send another one."
    sent = api.post(f"{thread}/draft:send", coordinator("coo_1"), {"seen": later["id"]}, status=201)
    assert (sent["text"], sent["visibility"]) == ("We send another one.", "public")
    assert api.get(f"{thread}/draft", coordinator("coo_1"))["text"] == ""
    api.refused("POST", f"{thread}/draft:send", coordinator("coo_1"), "NOTHING_TO_SEND", body={})


@pytest.mark.capability("T02")
def test_a_customers_draft_does_not_learn_of_a_private_comment(api, thread):
    saved(api, thread, customer(), "Any news?")
    api.post(f"{thread}/messages", seller(), {"text": "PRIVATE-CANARY", "visibility": "private"})
    assert api.post(f"{thread}/draft:send", customer(), {}, status=201)["text"] == "Any news?"


@pytest.mark.capability("B15")
def test_of_who_had_a_claim_open_nothing_is_kept_after_he_has_left(api, thread):
    claim = f"/v1/claims/{thread.rsplit('/', 1)[1].replace('thr_', 'clm_')}"
    for who in (coordinator("coo_1"), coordinator("coo_2")):
        api.post(f"{claim}/present", who, {}, method="PUT")
    api.suite.advance(seconds=90)
    api.post(f"{claim}/present", coordinator("coo_1"), {}, method="PUT")
    api.suite.advance(seconds=60)
    assert visitors(api) == ["coo_1"]
    assert [each["author"]["id"] for each in api.get(claim, seller())["present"]] == ["coo_1"]
    api.suite.advance(seconds=60)
    assert visitors(api) == []
    back = api.post(f"{claim}/present", coordinator("coo_2"), {}, method="PUT")
    assert (back["items"], visitors(api)) == ([], ["coo_2"])


def visitors(api) -> list[str]:
    """Whose presence is stored, wherever."""
    app = api.suite.apps["messaging"]
    visits = app.storage.metadata.tables["visit"]
    with app.database.transaction() as connection:
        return list(connection.execute(sa.select(visits.c.author_id)).scalars())
