"""Mail through the real smtplib: everything is caught, shown and searchable, unless a switch says otherwise."""

import smtplib
import urllib.error
import urllib.request
from email.message import EmailMessage

import pytest

from services.simulator import mailbox as mailbox_module
from services.simulator.handle import ControlRefused
from services.simulator.mailbox import Mailbox, Query


def _message(subject: str = "Réclamation CLM-7", to: str = "ann@shop.example") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Aftersale <care@shop.example>", to, subject
    message.set_content("Your refund of 12,34 € is on its way.")
    message.add_alternative("<p>Your refund of <b>12,34 €</b> is on its way.</p><script>alert(1)</script>",
                            subtype="html")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="avoir 7.pdf")
    return message


def _send(world, message: EmailMessage | None = None, to: list[str] | None = None) -> dict:
    message = message or _message()
    with smtplib.SMTP(world.host, world.ports.smtp, timeout=10) as server:
        return server.send_message(message, to_addrs=to)


def _get(world, path: str) -> tuple[bytes, dict]:
    with urllib.request.urlopen(world.mail_url + path, timeout=10) as answer:
        return answer.read(), dict(answer.headers)


def test_a_mail_is_caught_with_its_headers_texts_and_attachments(world):
    _send(world)

    mail, = world.mails()
    assert (mail["subject"], mail["from"], mail["to"]) == (
        "Réclamation CLM-7", "care@shop.example", ["ann@shop.example"])
    assert "12,34 €" in mail["text"]
    assert "<b>12,34 €</b>" in mail["html"]
    assert ["To", "ann@shop.example"] in mail["headers"]
    assert [(a["filename"], a["content_type"], a["size"]) for a in mail["attachments"]] == [
        ("avoir 7.pdf", "application/pdf", 8)]


def test_mails_are_found_by_recipient_by_words_and_by_what_is_new(world):
    _send(world, _message("First", "ann@shop.example"))
    _send(world, _message("Second", "bob@shop.example"))
    newest = world.mails()[0]["id"]

    assert [m["subject"] for m in world.mails()] == ["Second", "First"]
    assert [m["subject"] for m in world.mails(to="BOB@")] == ["Second"]
    assert [m["subject"] for m in world.mails(contains="first")] == ["First"]
    assert [m["subject"] for m in world.mails(contains="12,34 €", limit=1)] == ["Second"]
    assert world.mails(after=newest) == []


def test_blind_copies_are_seen_in_the_envelope_alone(world):
    _send(world, to=["ann@shop.example", "hidden@shop.example"])

    mail, = world.mails(to="hidden@")
    assert "hidden@shop.example" not in str(mail["headers"])


def test_the_raw_mail_and_an_attachment_can_be_fetched_as_they_came(world):
    _send(world)
    id = world.mails()[0]["id"]

    raw, _ = _get(world, f"/mails/{id}")
    attached, headers = _get(world, f"/mails/{id}/attachments/0")

    assert raw.startswith(b"From: Aftersale")
    assert attached == b"%PDF-1.7"
    assert headers["Content-Type"] == "application/octet-stream"


def test_the_page_shows_a_strangers_mail_without_running_it(world):
    _send(world, _message("<script>alert(2)</script>"))
    id = world.mails()[0]["id"]

    page, headers = _get(world, f"/?id={id}&to=%22%3E%3Cscript%3E")

    text = page.decode()
    assert "<script>" not in text
    assert "<iframe sandbox title=" in text
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "http://" not in text
    assert "https://" not in text


def test_mails_can_be_forgotten(world):
    _send(world)

    world.clear_mails()

    assert world.mails() == []
    assert "No mail fits; 0 are kept." in _get(world, "/")[0].decode()


def test_a_temporary_refusal_ends_after_its_times(world):
    world.mail_faults(refuse=451, times=1)

    with pytest.raises(smtplib.SMTPDataError) as refused:
        _send(world)
    assert refused.value.smtp_code == 451
    _send(world)

    assert len(world.mails()) == 1


def test_one_recipient_can_be_refused_for_good_while_the_others_get_the_mail(world):
    world.mail_faults(refuse=550, at="rcpt", to="gone@shop.example")

    refused = _send(world, to=["ann@shop.example", "gone@shop.example"])

    assert refused["gone@shop.example"][0] == 550
    assert world.mails()[0]["to"] == ["ann@shop.example"]


@pytest.mark.parametrize(("moment", "kept"), [("before", 0), ("after", 1)])
def test_a_line_cut_before_or_after_the_mail_was_kept_looks_the_same_to_the_sender(world, moment, kept):
    world.mail_faults(cut=moment, times=1)

    with pytest.raises(smtplib.SMTPServerDisconnected):
        _send(world)

    assert len(world.mails()) == kept
    _send(world)
    assert len(world.mails()) == kept + 1


def test_any_user_and_password_are_welcome(world):
    with smtplib.SMTP(world.host, world.ports.smtp, timeout=10) as server:
        server.login("anyone", "anything")
        server.send_message(_message())

    assert len(world.mails()) == 1


def test_a_mail_that_is_no_mail_is_caught_all_the_same(world):
    with smtplib.SMTP(world.host, world.ports.smtp, timeout=10) as server:
        server.sendmail("x@y.example", ["z@y.example"], b"Content-Type: multipart/mixed; boundary=\"\"\r\n"
                        b"Subject: =?utf-8?q?=ED=A0=80?=\r\nDate: \xff\xfe\r\n\r\n\xff\x00broken")

    assert world.mails()[0]["to"] == ["z@y.example"]


def test_the_oldest_mails_make_room(monkeypatch):
    monkeypatch.setattr(mailbox_module, "KEPT", 3)
    box = Mailbox(None)

    for number in range(5):
        box.put("a@b.example", ["c@d.example"], f"Subject: {number}\r\n\r\nhello".encode())

    assert [m["subject"] for m in box.find(Query())] == ["4", "3", "2"]
    monkeypatch.setattr(mailbox_module, "KEPT_BYTES", 40)
    box.put("a@b.example", ["c@d.example"], b"Subject: big\r\n\r\n" + b"x" * 100)
    assert [m["subject"] for m in box.find(Query())] == ["big"]


def test_a_switch_that_does_not_exist_is_refused_aloud(world):
    for wish in ({"explode": True}, {"refuse": 999}, {"times": 1}, {"refuse": 451, "times": 0}):
        with pytest.raises(ControlRefused) as refused:
            world.mail_faults(**wish)
        assert refused.value.args[0] == 400
    with pytest.raises(urllib.error.HTTPError, match="404"):
        _get(world, "/mails/999999")
