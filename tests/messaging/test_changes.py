"""What happens to messages and threads after they are there."""

from __future__ import annotations

import pytest

from shared.kernel.clock import stamp
from tests.messaging.conftest import AGENT, COORDINATOR, CUSTOMER, INTEGRATOR, OBSERVER, SELLER, SUPPLIER


@pytest.fixture
def thread(desk):
    return desk.open_claim(supplier_ids=["sup_1"])


def set_visibility(desk, principal, message, visibility, **more):
    return desk.call("message.set_visibility", principal, message_id=message["id"], visibility=visibility, **more)


@pytest.mark.capability("T03", "S1-29", "S1-30")
def test_hiding_a_public_comment_says_who_knows_it_anyway(desk, thread):
    comment = desk.post(COORDINATOR, "The supplier pays for it.", visibility="public")
    desk.texts(CUSTOMER)
    desk.texts(SUPPLIER)

    hidden = set_visibility(desk, COORDINATOR, comment, "private")

    assert (hidden.status, hidden.body["visibility"]) == (200, "private")
    change = desk.last("message.visibility_changed")
    assert (change["from"], change["to"]) == ("public", "private")
    at = stamp(desk.clock.now())
    known = [
        {"type": type, "id": id, "person": person, "channel": "api", "reference": None, "at": at}
        for type, id, person in (("customer", "cus_1", "usr_c1"), ("supplier", "sup_1", "usr_p1"))
    ]
    assert sorted(change["already_disclosed_to"], key=lambda who: who["type"]) == known
    assert hidden.body["already_disclosed_to"] == change["already_disclosed_to"]
    assert "text" not in change
    assert desk.texts(CUSTOMER) == ["The lamp arrived in pieces."]
    assert desk.texts(SUPPLIER)[-1] == "The supplier pays for it."


@pytest.mark.capability("S1-29")
def test_a_private_comment_becomes_public_only_when_confirmed(desk, thread):
    comment = desk.post(SUPPLIER, "It leaves tomorrow.", visibility="private")

    unconfirmed = set_visibility(desk, COORDINATOR, comment, "public")
    assert (unconfirmed.status, unconfirmed.body["code"]) == (422, "CONFIRM_REQUIRED")
    assert "message.visibility_changed" not in desk.types()

    confirmed = set_visibility(desk, COORDINATOR, comment, "public", confirm=True)
    assert confirmed.body["visibility"] == "public"
    assert desk.last("message.visibility_changed")["text"] == "It leaves tomorrow."
    assert desk.texts(CUSTOMER)[-1] == "It leaves tomorrow."


def test_an_author_changes_his_own_comment_for_a_day_and_no_longer(desk, thread):
    comment = desk.post(SELLER, "Sorry about that.", visibility="public")

    desk.clock.advance(hours=24)
    assert set_visibility(desk, SELLER, comment, "private").status == 200
    desk.clock.advance(seconds=1)
    late = set_visibility(desk, SELLER, comment, "public", confirm=True)
    assert (late.status, late.body["code"]) == (403, "VISIBILITY_NOT_YOURS")
    assert set_visibility(desk, COORDINATOR, comment, "public", confirm=True).status == 200


@pytest.mark.parametrize("other", [SUPPLIER, INTEGRATOR, CUSTOMER], ids=lambda p: p.role)
def test_nobody_but_staff_changes_what_another_wrote(desk, thread, other):
    comment = desk.post(COORDINATOR, "Public.", visibility="public")
    published = len(desk.published)

    assert set_visibility(desk, other, comment, "private").status == 403
    assert len(desk.published) == published


def test_an_observer_cannot_change_even_his_own(desk, thread):
    desk.about_claim("claim.observer_added", observer={"kind": "account", "id": "usr_o1", "scope": "all"})
    comment = desk.post(OBSERVER, "I see.", visibility="public")

    assert set_visibility(desk, OBSERVER, comment, "private").status == 403


def test_a_stale_copy_of_a_message_changes_nothing(desk, thread):
    comment = desk.post(COORDINATOR, "Public.", visibility="public")
    set_visibility(desk, COORDINATOR, comment, "private")

    stale = desk.call(
        "message.set_visibility",
        COORDINATOR,
        version=comment["version"],
        message_id=comment["id"],
        visibility="public",
        confirm=True,
    )
    assert (stale.status, stale.body["code"]) == (412, "STALE_VERSION")


def test_the_reader_marks_a_message_handled_once(desk, thread):
    assert desk.call("message.mark_handled", CUSTOMER, message_id="msg_00opening").status == 403
    handled = desk.ask("message.mark_handled", SELLER, message_id="msg_00opening")
    again = desk.call("message.mark_handled", COORDINATOR, message_id="msg_00opening")

    assert handled["handled"] is True
    assert (again.status, again.body["code"]) == (409, "NOT_IN_THIS_STATE")
    assert desk.types().count("message.handled") == 1


def test_a_public_answer_handles_everything_the_other_side_wrote_before(desk, thread):
    desk.post(CUSTOMER, "Hello?")
    desk.post(SUPPLIER, "I only join in.", visibility="public")
    before = [
        m["handled"] for m in desk.ask("thread.messages", COORDINATOR, thread_id=thread, author="customer")["items"]
    ]
    desk.post(COORDINATOR, "We are on it.")
    after = [
        m["handled"] for m in desk.ask("thread.messages", COORDINATOR, thread_id=thread, author="customer")["items"]
    ]

    assert (before, after) == ([False, False], [True, True])
    handled = desk.last("message.handled")
    assert (handled["and_earlier"], handled["by"]) == (True, {"type": "coordinator", "id": "usr_k1"})


@pytest.mark.capability("S0-02")
def test_seller_writes_first_about_an_order_without_any_claim(desk):
    desk.place_order()

    opened = desk.ask("thread.open", SELLER, order_id="ord_1", text="Your lamp leaves on Monday.")

    posted = desk.last("message.posted")
    assert (posted["order_id"], posted["claim_id"], posted["customer_ref"]) == ("ord_1", None, "cus_1")
    assert posted["text"] == "Your lamp leaves on Monday."
    assert desk.types() == ["thread.opened", "message.posted"]
    assert desk.ask("thread.list", CUSTOMER, order_id="ord_1")["items"][0]["id"] == opened["id"]
    assert desk.texts(CUSTOMER, opened["id"]) == ["Your lamp leaves on Monday."]


def test_an_order_that_has_not_arrived_yet_is_worth_a_second_try(desk):
    answer = desk.call("thread.open", SELLER, order_id="ord_1", text="Hello")

    assert (answer.status, answer.body["code"], answer.body["retry_after"]) == (409, "ORDER_NOT_SYNCED", 1)


def test_a_customer_or_a_foreign_seller_opens_no_thread_on_an_order(desk):
    from tests.messaging.conftest import OTHER_SELLER

    desk.place_order()

    assert desk.call("thread.open", CUSTOMER, order_id="ord_1", text="Hello").status == 403
    assert desk.call("thread.open", OTHER_SELLER, order_id="ord_1", text="Hello").body["code"] == "ORDER_NOT_SYNCED"
    assert desk.published == []


@pytest.mark.capability("S0-09")
def test_integrator_reads_what_customers_wrote_about_its_orders(desk):
    desk.open_claim()
    desk.post(SELLER, "We are sorry.")
    desk.post(CUSTOMER, "When will it come?")
    desk.open_claim(claim_id="clm_2", order_id="ord_2", message={"message_id": "msg_o2", "text": "Wrong colour."})
    foreign = {"claim_id": "clm_3", "order_id": "ord_3", "seller_id": "sel_2"}
    desk.open_claim(**foreign, message={"message_id": "msg_o3", "text": "Not yours."})

    page = desk.ask("thread.messages", INTEGRATOR, order_ids=["ord_1", "ord_2", "ord_3"], author="customer", limit=2)
    rest = desk.ask(
        "thread.messages",
        INTEGRATOR,
        order_ids=["ord_1", "ord_2", "ord_3"],
        author="customer",
        limit=2,
        cursor=page["next_cursor"],
    )

    found = {(m["order_id"], m["text"]) for m in page["items"] + rest["items"]}
    assert found == {
        ("ord_1", "The lamp arrived in pieces."),
        ("ord_1", "When will it come?"),
        ("ord_2", "Wrong colour."),
    }
    assert (len(page["items"]), rest["next_cursor"]) == (2, None)


@pytest.mark.capability("S0-22")
def test_bulk_closing_answers_each_id_by_itself(desk):
    desk.open_claim(profile="discussion", claim_id="clm_answered", message={"message_id": "msg_a", "text": "A"})
    desk.open_claim(profile="discussion", claim_id="clm_waiting", message={"message_id": "msg_w", "text": "W"})
    desk.open_claim(
        profile="discussion", category="withdrawal", claim_id="clm_cancel", message={"message_id": "msg_c", "text": "C"}
    )
    desk.ask("message.post", SELLER, claim_id="clm_answered", text="Done.")
    desk.ask("message.post", SELLER, claim_id="clm_cancel", text="We look at it.")
    ids = ["thr_answered", "thr_waiting", "thr_cancel", "thr_nowhere"]

    first = desk.ask("thread.close", INTEGRATOR, thread_ids=ids)["results"]
    second = desk.ask("thread.close", INTEGRATOR, thread_ids=["thr_answered"])["results"]

    assert [r["result"] for r in first] == [
        "CLOSED",
        "UNAUTHORIZED_LAST_ANSWER",
        "UNAUTHORIZED_CANCEL_PENDING",
        "NOT_FOUND",
    ]
    assert second == [{"thread_id": "thr_answered", "result": "ALREADY_CLOSED"}]
    assert desk.types().count("thread.closed") == 1


def test_an_answer_that_was_hidden_is_no_answer(desk):
    thread = desk.open_claim(profile="discussion")
    answer = desk.post(SELLER, "Done.")
    set_visibility(desk, SELLER, answer, "private")

    result = desk.ask("thread.close", SELLER, thread_ids=[thread])["results"][0]["result"]

    assert result == "UNAUTHORIZED_LAST_ANSWER"


def test_an_earlier_answer_still_counts_when_the_last_one_is_hidden(desk):
    thread = desk.open_claim(profile="discussion")
    desk.post(SELLER, "Done.")
    set_visibility(desk, SELLER, desk.post(SELLER, "Typo."), "private")

    assert desk.ask("thread.close", SELLER, thread_ids=[thread])["results"][0]["result"] == "CLOSED"


@pytest.mark.parametrize("decided", ["order.shipped", "order.cancelled"])
def test_a_request_to_cancel_waits_until_the_order_leaves_or_is_cancelled(desk, decided):
    thread = desk.open_claim(profile="discussion", reason_code="cancel_order")
    desk.post(SELLER, "We try to stop it.")

    def close():
        return desk.ask("thread.close", SELLER, thread_ids=[thread])["results"][0]["result"]

    assert close() == "UNAUTHORIZED_CANCEL_PENDING"
    desk.hear(decided, "ord_1", {"order_id": "ord_1"})
    assert close() == "CLOSED"


def test_a_decided_cancellation_no_longer_keeps_the_thread_open(desk):
    thread = desk.open_claim(profile="discussion", category="withdrawal")
    desk.post(SELLER, "We cancelled it.")
    desk.about_claim("claim.resolved")

    assert desk.ask("thread.close", SELLER, thread_ids=[thread])["results"][0]["result"] == "CLOSED"


def test_the_claim_closes_its_thread_and_the_customer_reopens_it_by_writing(desk, thread):
    desk.about_claim("claim.closed")
    refused = desk.call("message.post", COORDINATOR, thread_id=thread, text="One more thing")
    desk.post(CUSTOMER, "It broke again.")

    assert (refused.status, refused.body["code"]) == (409, "THREAD_CLOSED")
    assert [t for t in desk.types() if t.startswith("thread.")] == ["thread.opened", "thread.closed", "thread.reopened"]
    assert desk.ask("thread.get", CUSTOMER, thread_id=thread)["state"] == "open"
    assert desk.post(COORDINATOR, "We look at it again.")["visibility"] == "public"


def test_a_proposed_solution_is_a_public_message_of_its_handler(desk, thread):
    said = {"message_id": "msg_proposal", "text": "We send a new one."}
    desk.about_claim("claim.solution_proposed", actor="seller/usr_s1/ui", message=said)

    last = desk.ask("thread.messages", CUSTOMER, thread_id=thread)["items"][-1]
    assert (last["id"], last["text"]) == ("msg_proposal", "We send a new one.")
    assert last["author"] == {"type": "seller", "id": "sel_1"}
    assert desk.last("message.posted")["origin"] == "claim.solution_proposed"


def test_suppliers_and_customers_close_nothing(desk, thread):
    for principal in (SUPPLIER, CUSTOMER):
        assert desk.call("thread.close", principal, thread_ids=[thread]).status == 403
    assert "thread.closed" not in desk.types()


def test_staff_see_every_thread_of_their_shop_newest_first(desk):
    for number in ("1", "2", "3"):
        desk.open_claim(claim_id=f"clm_{number}", message={"message_id": f"msg_{number}", "text": "Hi"})

    first = desk.ask("thread.list", AGENT, limit=2)
    second = desk.ask("thread.list", AGENT, limit=2, cursor=first["next_cursor"])

    assert [t["id"] for t in first["items"] + second["items"]] == ["thr_3", "thr_2", "thr_1"]
    assert second["next_cursor"] is None
