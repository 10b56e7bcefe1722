"""What becomes of mail: the checks in their order, loops that stop, late mail that is not lost (5.4)."""

from __future__ import annotations

import re

import pytest

from shared.kernel.principal import system
from tests.mail.conftest import RELAY
from tests.suite import agent, customer, seller, supplier


@pytest.mark.capability("S0-15", "S0-16")
def test_the_seller_answers_with_his_own_mail_tool_and_the_customer_receives_it(room):
    room.suite.advance(minutes=3)
    before = len(room.sent("ada@customer.example"))
    room.arrives(room.mail(room.aliases["seller"], "A new lamp leaves tomorrow.", who="seller"), room.aliases["seller"])
    _, message = room.suite.do("thread.messages", agent(), thread_id=room.thread_id)["items"]
    assert (message["author"], message["via"]) == ({"type": "seller", "id": "sel_1"}, "email")
    mail = room.sent("ada@customer.example")[before]
    assert "A new lamp leaves tomorrow." in mail.get_body(("plain",)).get_content()
    assert str(mail["Reply-To"]).endswith(f"<{room.aliases['customer']}>")
    assert "lampes.example" not in mail.as_string()
    assert "leon" not in mail.as_string()


@pytest.mark.capability("S0-13", "T28")
def test_outgoing_mails_thread_and_show_nobody_elses_address(room):
    room.arrives(room.mail(room.aliases["customer"], "The shade broke."), room.aliases["customer"])
    mails = room.sent("ada@customer.example") + room.sent("leon@lampes.example")
    about = [mail for mail in mails if "msg_" in mail["Message-ID"]]
    assert len(about) >= 2
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)
    assert len({mail["References"] for mail in about}) == 1, "one conversation in every mail program"
    for mail in about:
        assert re.fullmatch(r"<msg_\w+\.ntf_\w+@aftersale\.example>", mail["Message-ID"])
        assert mail["In-Reply-To"] in mail["References"]
        assert mail["Auto-Submitted"] == "auto-generated"
        addresses = re.findall(r"[\w.+-]+@[\w.-]+", "\n".join(f"{k}: {v}" for k, v in mail.items()))
        people = [a for a in addresses if "@customer" in a or "@lampes" in a]
        assert people == [mail["To"].addresses[0].addr_spec]
        first = mail.get_body(("plain",)).get_content().splitlines()[0]
        assert first == "-- Reply above this line --"


def test_the_same_mail_twice_is_one_message(room):
    raw = room.mail(room.aliases["customer"], "Once.")
    for _ in range(3):
        room.arrives(raw, room.aliases["customer"])
    assert room.texts().count("Once.") == 1
    assert len(room.mails()) == 1


@pytest.mark.capability("S1-31")
def test_a_supplier_answers_a_private_comment_in_private_by_mail(room):
    room.suite.do("message.post", seller(), thread_id=room.thread_id, text="Bad glass?", visibility="private")
    address = room.alias("supplier")
    room.arrives(room.mail(address, "Yes, a bad batch.", who="supplier"), address)
    assert "Yes, a bad batch." in room.texts(supplier())
    assert "Yes, a bad batch." not in room.texts(customer())
    assert not any("bad batch" in mail.as_string() for mail in room.sent("ada@customer.example"))


@pytest.mark.capability("R41", "T27")
def test_two_autoresponders_exchange_no_mail(room):
    before = len(room.sent(""))
    room.arrives(
        room.mail(room.aliases["customer"], "I am away.", headers="Auto-Submitted: auto-replied"),
        room.aliases["customer"],
    )
    room.arrives(
        room.mail(room.aliases["seller"], "Ticket #4.", who="seller", headers="Precedence: bulk"),
        room.aliases["seller"],
    )
    assert room.texts() == ["What broke?"]
    assert len(room.sent("")) == before
    assert {mail["reason"] for mail in room.mails()} == {"auto_submitted", "precedence"}
    assert "mail.loop_stopped" in room.suite.event_types("messaging")


@pytest.mark.capability("R41", "T27")
def test_a_responder_that_does_not_say_what_it_is_is_stopped_after_ten_mails(room):
    for number in range(15):
        room.arrives(
            room.mail(room.aliases["customer"], f"Thank you for your mail {number}."), room.aliases["customer"]
        )
    assert len(room.texts()) == 11
    assert {mail["reason"] for mail in room.mails(state="ignored")} == {"too_many_in_an_hour"}
    room.suite.advance(hours=1)
    room.arrives(room.mail(room.aliases["customer"], "A real word."), room.aliases["customer"])
    assert room.texts()[-1] == "A real word."


@pytest.mark.capability("N8", "T26")
def test_mail_to_an_expired_address_waits_and_a_click_delivers_it(room):
    old = room.aliases["customer"]
    room.suite.advance(days=28)
    notices = len(room.sent("ada@customer.example"))
    for text in ("I kept your address.", "Are you there?"):
        room.arrives(room.mail(old, text), old)
        room.suite.advance(minutes=1)
    room.arrives(room.mail(old, "Forged.", proved=False), old)
    assert room.texts() == ["What broke?"]
    [notice] = room.sent("ada@customer.example")[notices:]
    assert "expired" in notice["Subject"]
    token = re.search(r"/mail/renew/(\S+)", notice.get_body(("plain",)).get_content())[1]
    done = room.suite.do("alias.renew", system("nobody"), token=token)
    assert done["released"] == 2
    assert done["address"] != old
    assert room.texts()[1:] == ["I kept your address.", "Are you there?"]
    assert room.suite.call("alias.renew", system("nobody"), token=token).body["code"] == "LINK_USED_UP"
    room.suite.settle()
    room.arrives(room.mail(done["address"], "It works again."), done["address"])
    assert room.texts()[-1] == "It works again."


@pytest.mark.capability("N8")
def test_one_notice_a_day_per_sender_and_address(room):
    old = room.aliases["customer"]
    room.suite.advance(days=28)
    before = len(room.sent("ada@customer.example"))
    for _ in range(3):
        room.arrives(room.mail(old, "Again."), old)
    assert len(room.sent("ada@customer.example")) == before + 1
    room.suite.advance(hours=24)
    room.arrives(room.mail(old, "A day later."), old)
    assert len(room.sent("ada@customer.example")) == before + 2


@pytest.mark.capability("T25", "T26", "R43")
def test_forged_mail_reaches_nobody_changes_nothing_and_is_answered_by_nothing(room):
    room.suite.do("message.post", customer(), thread_id=room.thread_id, text="Hello?")
    room.suite.do("message.post", seller(), thread_id=room.thread_id, text="Hello.")
    room.suite.do("thread.close", seller(), thread_ids=[room.thread_id])
    mails = len(room.sent(""))
    room.arrives(room.mail(room.aliases["customer"], "Reopen and refund me.", proved=False), room.aliases["customer"])
    stranger = room.mail(room.aliases["customer"], "Me too.").replace(b"ada@customer.example", b"eve@customer.example")
    room.arrives(stranger, room.aliases["customer"])
    assert room.suite.do("thread.get", agent(), thread_id=room.thread_id)["state"] == "closed"
    assert sorted(mail["reason"] for mail in room.mails()) == ["not_authentic", "unknown_sender"]
    assert {mail["trust"] for mail in room.mails()} == {"low"}
    assert len(room.sent("")) == mails
    for nobody in (customer(), seller(), supplier()):
        assert room.suite.refused("mail.list", nobody)["code"] == "FORBIDDEN"


@pytest.mark.capability("R43", "T26")
@pytest.mark.timeout(300)
def test_a_thousand_strangers_are_answered_by_nothing(room):
    """To a valid, an expired and an unknown address, half of them with proof of who they are."""
    old = room.aliases["customer"]
    room.suite.advance(days=28)
    addresses = (room.alias("customer"), old, f"c.{'z' * 18}@{RELAY}")
    before, said = len(room.sent("")), room.texts()
    for number in range(1000):
        to = addresses[number % 3]
        raw = room.letter(f"u{number}@d{number}.example", to, "Open a claim for me.", proved=number % 2 == 0)
        room.arrives(raw, to, mail_from=f"u{number}@d{number}.example")
    room.suite.settle()
    assert len(room.sent("")) == before, "a mail left for an address that nobody verified"
    assert room.texts() == said
    assert {mail["state"] for mail in room.mails(limit=200)} == {"quarantined"}


def test_a_person_lets_a_quarantined_mail_in(room):
    room.arrives(room.mail(room.aliases["customer"], "It is really me.", proved=False), room.aliases["customer"])
    [mail] = room.mails(state="quarantined")
    done = room.suite.do("mail.release", agent(), mail_id=mail["id"])
    assert (done["state"], room.texts()[-1]) == ("posted", "It is really me.")
    again = room.suite.refused("mail.release", agent(), mail_id=mail["id"])
    assert again["code"] == "INVALID_STATE" or again["status"] == 409


def test_a_seller_cannot_write_on_a_closed_thread_by_mail_but_a_customer_opens_it_again(room):
    room.suite.do("thread.close", seller(), thread_ids=[room.thread_id])
    room.arrives(room.mail(room.aliases["seller"], "One more thing.", who="seller"), room.aliases["seller"])
    assert [mail["reason"] for mail in room.mails()] == ["thread_closed"]
    room.arrives(room.mail(room.aliases["customer"], "I have a question."), room.aliases["customer"])
    assert room.suite.do("thread.get", agent(), thread_id=room.thread_id)["state"] == "open"


@pytest.mark.capability("S0-12", "S0-15")
def test_mail_to_the_address_of_an_order_without_a_claim_becomes_a_discussion(room):
    room.suite.do("thread.close", seller(), thread_ids=[room.thread_id])
    address = room.suite.do("alias.issue", customer(), order_id=room.order_id)["address"]
    room.arrives(room.mail(address, "Where is my order?"), address)
    newest = room.suite.do("thread.list", seller(), order_id=room.order_id)["items"][0]
    assert newest["id"] != room.thread_id
    assert newest["claim_id"] is None
    room.arrives(room.mail(address, "Still nothing."), address)
    messages = room.suite.do("thread.messages", seller(), thread_id=newest["id"])["items"]
    assert [each["text"] for each in messages] == ["Where is my order?", "Still nothing."]


def test_a_mail_that_lost_the_address_finds_its_thread_by_what_it_answers_never_by_its_subject(room):
    [question] = [mail for mail in room.sent("ada@customer.example") if "msg_" in mail["Message-ID"]]
    answer = room.mail(f"reply@{RELAY}", "By reference.", headers=f"In-Reply-To: {question['Message-ID']}")
    room.arrives(answer, f"reply@{RELAY}")
    assert room.texts()[-1] == "By reference."
    forged = room.mail(f"reply@{RELAY}", "Not proved.", headers=f"References: {question['Message-ID']}", proved=False)
    room.suite.advance(minutes=1)
    room.arrives(forged, f"reply@{RELAY}")
    room.arrives(room.mail(f"reply@{RELAY}", "Re: What broke?"), f"reply@{RELAY}")
    assert room.texts()[-1] == "By reference."
    assert room.mails(limit=1)[0]["reason"] == "not_authentic"


@pytest.mark.capability("T27")
def test_a_bounce_marks_the_mail_and_leaves_the_address_alone(room):
    [question] = [mail for mail in room.sent("ada@customer.example") if "msg_" in mail["Message-ID"]]
    report = (
        f"From: MAILER-DAEMON@customer.example\nTo: bounces@{RELAY}\nSubject: failure\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n\nNo.\n--b\n'
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; ada\n"
        f"Action: failed\nStatus: 5.1.1\n\n--b\nContent-Type: text/rfc822-headers\n\n"
        f"Message-ID: {question['Message-ID']}\n\n--b--\n"
    )
    for _ in range(2):
        room.arrives(report.encode(), f"bounces@{RELAY}", mail_from="")
    notification_id = question["Message-ID"].strip("<>").partition("@")[0].rpartition(".")[2]
    states = {each["id"]: each["state"] for each in room.suite.do("notification.list", agent(), limit=200)["items"]}
    assert states[notification_id] == "bounced"
    assert room.suite.event_types("notification").count("notification.bounced") == 1
    assert room.mails() == []
    before = len(room.sent("ada@customer.example"))
    room.suite.do("message.post", seller(), thread_id=room.thread_id, text="Are you there?")
    assert len(room.sent("ada@customer.example")) == before, "nothing is sent to an address that does not exist"


@pytest.mark.capability("T28")
def test_text_and_source_are_forgotten_after_30_days(room):
    room.arrives(room.mail(room.aliases["customer"], "Keep this message.", proved=False), room.aliases["customer"])
    assert len(list((room.spool.folder / "kept").rglob("*"))) == 2
    room.suite.advance(days=31)
    [mail] = room.mails()
    assert (mail["text"], mail["sender"], mail["subject"]) == ("", "", "")
    assert room.spool.forget(room.suite.clock.now().date()) == 1
