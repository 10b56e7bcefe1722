"""Private and public: who reads what, and what the server decides when nobody says."""

from __future__ import annotations

import pytest

from tests.messaging.conftest import (
    AGENT,
    COORDINATOR,
    CUSTOMER,
    INTEGRATOR,
    OBSERVER,
    OTHER_CUSTOMER,
    OTHER_SELLER,
    OTHER_SUPPLIER,
    SELLER,
    SUPPLIER,
)

CANARY = "kanarienvogel-7f3a"


@pytest.fixture
def thread(desk):
    thread = desk.open_claim(supplier_ids=["sup_1"])
    desk.about_claim("claim.observer_added", observer={"kind": "account", "id": "usr_o1", "scope": "all"})
    return thread


@pytest.mark.capability("S1-24", "S1-25", "S1-26")
def test_coordinator_and_supplier_converse_without_the_customer_seeing(desk, thread):
    desk.post(COORDINATOR, "Do you have a spare shade?", visibility="private", asks={"type": "supplier", "id": "sup_1"})
    desk.post(SUPPLIER, "Yes, it leaves tomorrow.", visibility="private")

    inside = ["The lamp arrived in pieces.", "Do you have a spare shade?", "Yes, it leaves tomorrow."]
    assert desk.texts(COORDINATOR) == inside
    assert desk.texts(SUPPLIER) == inside
    assert desk.texts(OBSERVER) == inside
    assert desk.texts(SELLER) == inside
    assert desk.texts(CUSTOMER) == ["The lamp arrived in pieces."]


@pytest.mark.capability("S1-27")
def test_public_comment_is_seen_by_everybody_on_the_claim(desk, thread):
    desk.post(COORDINATOR, "We are looking into it.")

    for reader in (CUSTOMER, COORDINATOR, AGENT, SELLER, INTEGRATOR, SUPPLIER, OBSERVER):
        assert desk.texts(reader)[-1] == "We are looking into it."


@pytest.mark.capability("S1-31", "T04")
@pytest.mark.parametrize("writer", [COORDINATOR, AGENT, SUPPLIER, SELLER, INTEGRATOR, OBSERVER], ids=lambda p: p.role)
def test_after_a_private_comment_the_next_one_is_private_unless_somebody_says_otherwise(desk, thread, writer):
    before = desk.ask("thread.get", writer, thread_id=thread)["compose_defaults"]["visibility"]
    first = desk.post(writer, "First answer.")
    desk.post(COORDINATOR, "Between us.", visibility="private")
    after = desk.ask("thread.get", writer, thread_id=thread)["compose_defaults"]["visibility"]

    assert (before, first["visibility"]) == ("public", "public")
    assert (after, desk.post(writer, "And now?")["visibility"]) == ("private", "private")
    assert desk.post(writer, "To the customer.", visibility="public")["visibility"] == "public"
    assert desk.texts(CUSTOMER) == ["The lamp arrived in pieces.", "First answer.", "To the customer."]


@pytest.mark.capability("S1-31")
def test_default_is_public_again_when_the_only_private_comment_became_public(desk, thread):
    comment = desk.post(COORDINATOR, "Between us.", visibility="private")
    desk.ask("message.set_visibility", COORDINATOR, message_id=comment["id"], visibility="public", confirm=True)

    assert desk.post(COORDINATOR, "Next.")["visibility"] == "public"


def test_customer_can_never_post_in_private(desk, thread):
    desk.post(COORDINATOR, "Between us.", visibility="private")
    published = len(desk.published)

    refused = desk.call("message.post", CUSTOMER, thread_id=thread, text="Psst", visibility="private")

    assert (refused.status, refused.body["code"]) == (403, "PRIVATE_NOT_ALLOWED")
    assert len(desk.published) == published
    assert desk.post(CUSTOMER, "Hello?")["visibility"] == "public"


@pytest.mark.capability("T02", "I5", "S1-25")
def test_no_answer_to_the_customer_and_no_public_event_carries_or_counts_a_private_comment(desk, thread):
    opening = desk.ask("thread.messages", CUSTOMER, thread_id=thread)["items"][0]["id"]
    seen_before = desk.ask("thread.get", CUSTOMER, thread_id=thread)
    public_before = [e for e in desk.published if e.exchange == "messaging.events"]
    secret = desk.post(COORDINATOR, f"{CANARY} one", visibility="private")
    desk.post(SUPPLIER, f"{CANARY} two", visibility="private")

    answers = [
        desk.call("thread.get", CUSTOMER, thread_id=thread),
        desk.call("thread.list", CUSTOMER),
        desk.call("thread.messages", CUSTOMER, thread_id=thread),
        desk.call("thread.messages", CUSTOMER, claim_ids=["clm_1"]),
        desk.call("thread.messages", CUSTOMER, order_ids=["ord_1"]),
        desk.call("message.post", CUSTOMER, thread_id=thread, text="Hello?", visibility="private"),
        desk.call("message.mark_handled", CUSTOMER, message_id=secret["id"]),
        desk.call("message.set_visibility", CUSTOMER, message_id=secret["id"], visibility="public"),
    ]

    assert CANARY not in str([answer.body for answer in answers])
    assert answers[0].body == seen_before, "not even the version moved"
    assert answers[6].status == answers[7].status == 404, "it does not exist for the customer"
    assert desk.call("message.mark_handled", CUSTOMER, message_id=opening).status == 403
    public = [e for e in desk.published if e.exchange == "messaging.events"]
    heard = [e for e in public if e not in public_before]
    assert [(e.type, e.seq, e.data["visibility"], "text" in e.data) for e in heard] == [
        ("message.posted", 1, "private", False)
    ] * 2, "claims hear that there is one, under its own id: without text, without a gap in the thread"
    assert thread not in {e.aggregate_id for e in heard}
    private = [e for e in desk.published if e.exchange == "messaging.private"]
    assert [(e.type, e.aggregate_id, e.seq) for e in private] == [
        ("private_message.posted", thread, 1),
        ("private_message.posted", thread, 2),
    ]
    assert private[0].data["text"] == f"{CANARY} one"


def test_the_public_sequence_goes_on_without_a_gap_around_private_comments(desk, thread):
    desk.post(COORDINATOR, "One.", visibility="public")
    desk.post(COORDINATOR, "Between us.", visibility="private")
    desk.post(CUSTOMER, "Two.")

    assert [e.seq for e in desk.published if e.stream == "message" and e.aggregate_id == thread] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("stranger", [OTHER_CUSTOMER, OTHER_SELLER, OTHER_SUPPLIER], ids=lambda p: p.role)
def test_a_stranger_finds_no_such_thread(desk, thread, stranger):
    assert desk.call("thread.get", stranger, thread_id=thread).status == 404
    assert desk.call("message.post", stranger, thread_id=thread, text="Hello").status == 404
    assert desk.ask("thread.list", stranger)["items"] == []
    assert desk.ask("thread.messages", stranger, claim_ids=["clm_1"])["items"] == []


def test_another_shop_finds_no_such_thread(desk, thread):
    from tests.messaging.conftest import ELSEWHERE

    assert desk.call("thread.get", ELSEWHERE, thread_id=thread).status == 404
    assert desk.ask("thread.messages", ELSEWHERE, thread_id=thread)["items"] == []


def test_a_supplier_reads_only_while_included(desk, thread):
    desk.about_claim("claim.observer_removed", observer={"kind": "supplier", "id": "sup_1", "scope": "all"})

    assert desk.call("thread.get", SUPPLIER, thread_id=thread).status == 404
    assert desk.ask("thread.messages", SUPPLIER, thread_id=thread)["items"] == []
    assert desk.call("message.post", SUPPLIER, thread_id=thread, text="Still here").status == 404


def test_asking_somebody_is_for_private_comments_only(desk, thread):
    answer = desk.call("message.post", COORDINATOR, thread_id=thread, text="You?", asks={"type": "supplier"})

    assert (answer.status, answer.body["code"]) == (422, "ASK_IS_PRIVATE")


def test_an_observer_of_the_public_part_reads_and_writes_in_public_only(desk, thread):
    desk.about_claim("claim.observer_added", observer={"kind": "account", "id": "usr_o1", "scope": "public"})
    desk.post(COORDINATOR, "Between us.", visibility="private")

    assert desk.texts(OBSERVER) == ["The lamp arrived in pieces."]
    view = desk.ask("thread.get", OBSERVER, thread_id=thread)
    assert view["compose_defaults"]["visibility"] == "public"
    assert "private_messages" not in view
    assert desk.post(OBSERVER, "I follow this.")["visibility"] == "public"
    refused = desk.call("message.post", OBSERVER, thread_id=thread, text="Psst", visibility="private")
    assert (refused.status, refused.body["code"]) == (403, "PRIVATE_NOT_ALLOWED")
