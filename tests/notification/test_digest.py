"""Comments that follow one another go together, and nobody waits more than two minutes (NTF-02)."""

from __future__ import annotations

import pytest

from tests.notification.conftest import MESSAGE

ADA = "ada@customer.example"


@pytest.fixture
def talk(office):
    """A claim, everybody reachable, and a first message just told."""
    office.knows_everybody()
    office.place_order()
    office.open_claim()
    office.settle()
    office.told()
    office.message("One.", "msg_1")
    office.settle()
    return office


def texts(office) -> list[str]:
    return [mail.get_body(("plain",)).get_content() for mail in office.mails()]


def hide(office, message_id: str) -> None:
    about = {k: MESSAGE[k] for k in ("thread_id", "claim_id", "order_id", "seller_id", "customer_ref", "author")}
    change = {"message_id": message_id, "by": {"type": "seller", "id": "sel_1"}, "already_disclosed_to": []}
    office.hear("message.visibility_changed", "thr_1", {**about, **change, "from": "public", "to": "private"})


def test_the_first_answer_is_told_at_once(talk):
    assert [address for address, _ in talk.told()] == [ADA]


def test_answers_that_follow_within_two_minutes_come_in_one_mail_at_their_end(talk):
    talk.told()
    for number, text in ((2, "Two."), (3, "Three."), (4, "Four.")):
        talk.suite.advance(seconds=20)
        talk.message(text, f"msg_{number}")
    talk.settle()
    assert talk.mails() == []

    talk.suite.advance(seconds=60)

    (mail,) = texts(talk)
    assert mail.index("> Two.") < mail.index("> Three.") < mail.index("> Four.")
    listed = talk.listed(claim_id="clm_1")
    states = {n["message_id"]: n["state"] for n in listed if n["message_id"]}
    assert states == {"msg_1": "sent", "msg_2": "sent", "msg_3": "merged", "msg_4": "merged"}


def test_a_comment_in_the_last_seconds_of_the_window_is_not_lost_with_a_mail_that_already_left(talk):
    talk.told()
    talk.suite.advance(seconds=20)
    talk.message("Two.", "msg_2")
    talk.suite.advance(seconds=91)
    talk.message("Three.", "msg_3")
    talk.settle()
    assert ["> Three." in text for text in texts(talk)] == [True]

    talk.suite.advance(seconds=9)
    assert sorted("> Two." in text for text in texts(talk)) == [False, True]


def test_after_a_quiet_while_the_next_answer_is_told_at_once_again(talk):
    talk.told()
    talk.suite.advance(minutes=2)
    talk.message("Later.", "msg_2")
    talk.settle()

    assert ["> Later." in text for text in texts(talk)] == [True]


def test_a_comment_hidden_meanwhile_is_left_out_of_the_mail_that_tells_the_others(talk):
    talk.told()
    talk.message("Two.", "msg_2")
    talk.message("Not for you.", "msg_3")
    talk.message("Four.", "msg_4")
    hide(talk, "msg_3")
    talk.suite.advance(minutes=2)

    (mail,) = texts(talk)
    assert "> Two." in mail
    assert "> Four." in mail
    assert "Not for you." not in mail


def test_each_reader_has_a_window_of_his_own(talk):
    talk.told()
    talk.message("And you?", "msg_2", author={"type": "customer", "id": "cus_1"})
    talk.settle()

    assert [address for address, _ in talk.told()] == ["shop@seller.example"]
