"""Taking back, correcting, redacting; who received what; a public text that repeats a private one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.messaging.conftest import AGENT, COORDINATOR, CUSTOMER, OBSERVER, OTHER_CUSTOMER, SELLER, SUPPLIER

AT_SCREEN = replace(SELLER, via="ui")
COLLEAGUE = replace(SELLER, id="usr_s9", via="ui")
SECRET = "the glass comes from a bad batch that we knew about since spring"


@pytest.fixture
def thread(desk):
    thread = desk.open_claim(supplier_ids=["sup_1"])
    desk.about_claim("claim.observer_added", observer={"kind": "account", "id": "usr_o1", "scope": "public"})
    return thread


def test_what_a_person_sends_in_public_can_be_taken_back_for_fifteen_seconds(desk, thread):
    told = len(desk.published)
    held = desk.post(AT_SCREEN, "Dear Bob, sorry.")

    assert (held["state"], held["allowed_actions"]) == ("held", ["message.undo"])
    assert [desk.texts(who)[-1] for who in (CUSTOMER, COLLEAGUE, AGENT)] == ["The lamp arrived in pieces."] * 3
    assert desk.call("message.undo", COLLEAGUE, message_id=held["id"]).status == 404
    back = desk.ask("message.undo", AT_SCREEN, message_id=held["id"])

    assert (back["state"], back["text"]) == ("withdrawn", "Dear Bob, sorry.")
    desk.clock.advance(minutes=1)
    desk.suite.settle()
    assert len(desk.published) == told, "for everybody else it never existed"
    assert desk.texts(SELLER) == ["The lamp arrived in pieces."]
    assert desk.call("message.undo", AT_SCREEN, message_id=held["id"]).body["code"] == "UNDO_WINDOW_OVER"


def test_after_fifteen_seconds_it_is_posted_and_no_longer_taken_back(desk, thread):
    held = desk.post(AT_SCREEN, "Dear Ada, sorry.")
    desk.clock.advance(seconds=15)
    desk.suite.settle()

    assert desk.texts(CUSTOMER)[-1] == "Dear Ada, sorry."
    assert desk.last("message.posted")["message_id"] == held["id"]
    late = desk.call("message.undo", AT_SCREEN, message_id=held["id"])
    assert (late.status, late.body["code"]) == (409, "UNDO_WINDOW_OVER")


def test_a_program_or_a_private_comment_is_never_held(desk, thread):
    assert desk.post(SELLER, "From our system.")["state"] == "posted"
    assert desk.post(AT_SCREEN, "Between us.", visibility="private")["state"] == "posted"


def test_a_text_that_nobody_received_yet_is_corrected_without_a_trace(desk, thread):
    message = desk.post(SELLER, "We refund 10 euros.")
    edited = desk.ask("message.edit", SELLER, message_id=message["id"], text="We refund 100 euros.")

    assert (edited["text"], edited["revisions"]) == ("We refund 100 euros.", [])
    assert desk.last("message.edited") | {"edited_at": None} == {
        "thread_id": thread,
        "claim_id": "clm_1",
        "order_id": "ord_1",
        "seller_id": "sel_1",
        "customer_ref": "cus_1",
        "message_id": message["id"],
        "by": {"type": "seller", "id": "sel_1"},
        "text": "We refund 100 euros.",
        "replaced": True,
        "edited_at": None,
    }


def test_a_text_that_was_read_stays_beside_its_correction(desk, thread):
    message = desk.post(SELLER, "We refund 10 euros.")
    desk.texts(CUSTOMER)
    edited = desk.ask("message.edit", SELLER, message_id=message["id"], text="We refund 1 euro.")

    assert [each["text"] for each in edited["revisions"]] == ["We refund 10 euros."]
    seen = desk.ask("thread.messages", CUSTOMER, thread_id=thread)["items"][-1]
    assert (seen["text"], [each["text"] for each in seen["revisions"]]) == (
        "We refund 1 euro.",
        ["We refund 10 euros."],
    )


def test_after_ten_minutes_a_correction_keeps_the_original_whoever_read_it(desk, thread):
    message = desk.post(SELLER, "Tomorrow.")
    desk.clock.advance(minutes=10, seconds=1)

    assert len(desk.ask("message.edit", SELLER, message_id=message["id"], text="Friday.")["revisions"]) == 1
    assert (
        desk.call("message.edit", COORDINATOR, message_id=message["id"], text="Never.").body["code"] == "EDIT_NOT_YOURS"
    )


def test_a_redacted_message_is_a_tombstone_for_everybody(desk, thread):
    message = desk.post(CUSTOMER, "My card number is 4970 1000 0000 0014.")
    assert desk.call("message.redact", SELLER, message_id=message["id"], reason="secret").status == 403
    desk.ask("message.redact", COORDINATOR, message_id=message["id"], reason="secret")

    seen = desk.ask("thread.messages", SELLER, thread_id=thread)["items"][-1]
    assert (seen["state"], seen["text"], seen["allowed_actions"]) == ("redacted", "", [])
    assert desk.last("message.redacted")["reason"] == "secret"
    again = desk.call("message.redact", COORDINATOR, message_id=message["id"], reason="secret")
    assert again.body["code"] == "NOT_IN_THIS_STATE"


@pytest.mark.capability("N3", "S1-30")
def test_the_ledger_names_everybody_who_received_a_message_how_and_when(desk, thread):
    message = desk.post(COORDINATOR, "The supplier pays.", visibility="public")
    mailed = {
        "notification_id": "ntf_1",
        "message_ids": [message["id"]],
        "recipient_kind": "customer",
        "recipient_ref": "cus_1",
        "channel": "email",
        "provider_ref": "<msg_1.ntf_1@shop.example>",
    }
    desk.hear("disclosure.made", "ntf_1", mailed)
    desk.clock.advance(minutes=5)
    desk.texts(CUSTOMER)
    desk.texts(CUSTOMER)

    items = desk.ask("disclosure.list", COORDINATOR, message_id=message["id"])["items"]
    assert [(each["type"], each["id"], each["channel"], each["reference"], each["person"]) for each in items] == [
        ("customer", "cus_1", "email", "<msg_1.ntf_1@shop.example>", None),
        ("customer", "cus_1", "api", None, "usr_c1"),
    ]
    hidden = desk.ask("message.set_visibility", COORDINATOR, message_id=message["id"], visibility="private")
    assert hidden["already_disclosed_to"] == items
    assert desk.texts(CUSTOMER) == ["The lamp arrived in pieces."]
    assert desk.call("disclosure.list", CUSTOMER, message_id=message["id"]).status == 404
    own = desk.post(CUSTOMER, "Hello?")
    assert desk.call("disclosure.list", CUSTOMER, message_id=own["id"]).status == 403


@pytest.mark.capability("N3")
@pytest.mark.parametrize(
    "quote",
    [
        f"Dear Ada, {SECRET}.",
        "THE GLASS, comes — from a bad: batch that we Knew!",
        "Nous savons : comes from a bad batch that we knew about since",
    ],
)
def test_a_public_text_that_repeats_a_private_comment_is_stopped_until_confirmed(desk, thread, quote):
    comment = desk.post(SUPPLIER, f"Between us: {SECRET}.", visibility="private")
    told = len(desk.published)

    refused = desk.call("message.post", SELLER, thread_id=thread, text=quote, visibility="public")

    assert (refused.status, refused.body["code"]) == (422, "QUOTES_PRIVATE")
    details = refused.body["details"]
    assert details["message_id"] == comment["id"]
    assert len(quote[details["start"] : details["end"]].split()) >= 8
    assert "batch" not in str(refused.body), "the place, never the words"
    assert len(desk.published) == told
    assert desk.post(SELLER, quote, visibility="public", confirm=True)["state"] == "posted"


def test_seven_words_are_no_quotation_and_an_edit_is_judged_like_a_message(desk, thread):
    desk.post(SUPPLIER, SECRET, visibility="private")
    message = desk.post(SELLER, "So: the glass comes from a bad batch.", visibility="public")

    refused = desk.call("message.edit", SELLER, message_id=message["id"], text=f"So: {SECRET}")
    assert refused.body["code"] == "QUOTES_PRIVATE"


@pytest.mark.parametrize("outsider", [CUSTOMER, OBSERVER], ids=lambda who: who.role)
def test_who_may_not_read_private_comments_learns_nothing_by_guessing_at_them(desk, thread, outsider):
    desk.post(SUPPLIER, SECRET, visibility="private")

    assert desk.post(outsider, SECRET)["visibility"] == "public"
    assert desk.call("message.post", OTHER_CUSTOMER, thread_id=thread, text=SECRET).status == 404


@pytest.mark.capability("S4-13", "S4-15", "S4-16")
def test_seller_and_customer_of_an_order_write_in_one_box_and_know_what_the_other_has_handled(desk):
    desk.place_order(profile="box")
    first = desk.ask("thread.open", CUSTOMER, order_id="ord_1", text="Is it in stock?")
    second = desk.ask("thread.open", SELLER, order_id="ord_1", text="It leaves tomorrow.")
    third = desk.ask("thread.open", CUSTOMER, order_id="ord_1", text="Thank you.")

    assert first["id"] == second["id"] == third["id"]
    assert desk.texts(CUSTOMER, first["id"]) == ["Is it in stock?", "It leaves tomorrow.", "Thank you."]
    assert desk.ask("message.mark_handled", SELLER, message_id=third["message"]["id"])["handled"] is True
    for reader in (CUSTOMER, SELLER):
        items = desk.ask("thread.messages", reader, thread_id=first["id"])["items"]
        assert [each["handled"] for each in items] == [True, True, True]
    answer = desk.ask("thread.open", SELLER, order_id="ord_1", text="Anything else?")
    assert answer["message"]["handled"] is False
    assert desk.call("message.mark_handled", SELLER, message_id=answer["message"]["id"]).status == 403
    assert desk.ask("message.mark_handled", CUSTOMER, message_id=answer["message"]["id"])["handled"] is True
