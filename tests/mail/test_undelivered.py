"""A message that did not arrive: its author learns whom it did not reach, and sends it again (B14, NTF-06 to -09)."""

from __future__ import annotations

import pytest

from tests.gateway.conftest import api_of  # noqa: F401 - fixture
from tests.gateway.test_journey import open_claim, shipped_order
from tests.mail.conftest import RELAY, Post
from tests.notification.test_delivery import MailServer
from tests.notification.test_delivery import server as server  # a fixture
from tests.suite import agent, coordinator, customer, seller, supplier

ADA, LEON, KIM = "ada@customer.example", "leon@lampes.example", "kim@desk.example"


def report(message_id: str) -> bytes:
    """What the mail server of an address that does not exist sends back."""
    return (
        f"From: MAILER-DAEMON@customer.example\nTo: bounces@{RELAY}\nSubject: failure\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n\nNo.\n--b\n'
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; ada\n"
        "Action: failed\nStatus: 5.1.1\n\n--b\nContent-Type: text/rfc822-headers\n\n"
        f"Message-ID: {message_id}\n\n--b--\n"
    ).encode()


def reachable(api, party: str, ref: str, email: str) -> None:
    api.post(f"/v1/contacts/{party}/{ref}", agent(), {"name": ref, "email": email, "locale": "en"}, method="PUT")


def message(api, thread: str, who, text: str) -> dict:
    return next(each for each in api.get(f"/v1/threads/{thread}/messages", who)["items"] if each["text"] == text)


@pytest.mark.capability("B14", "S4-14", "N3")
def test_a_message_that_came_back_is_shown_to_its_author_and_sent_to_the_new_address(
    api_of,  # noqa: F811
    tmp_path,
    readers,
):
    api = api_of(relay_domain=RELAY, mail="folder", instant_provider=True)
    post = Post(api.suite, tmp_path / "spool", readers)
    reachable(api, "seller", "sel_1", LEON)
    order = shipped_order(api)
    thread = api.post(f"/v1/orders/{order['id']}/messages", seller(), {"text": "What broke?"})["id"]
    [lost] = [mail for mail in post.sent(ADA) if "msg_" in mail["Message-ID"]]
    for _ in range(2):
        post.arrives(report(lost["Message-ID"]), f"bounces@{RELAY}", mail_from="")
    api.suite.settle()

    told = [mail for mail in post.sent("") if "Not delivered" in mail["Subject"]]
    assert [(mail["To"].addresses[0].addr_spec, str(mail["Subject"])) for mail in told] == [
        (LEON, "Not delivered: a message about order 1001")
    ]
    said = message(api, thread, seller(), "What broke?")
    [missed] = said["undelivered_to"]
    assert (missed["type"], missed["id"], missed["status"]) == ("customer", "cus_1", "5.1.1")
    assert "undelivered_to" not in message(api, thread, customer(), "What broke?")
    ledger = api.get(f"/v1/messages/{said['id']}/disclosures", seller())["items"]
    by_mail = {each["reference"]: each["failed"] for each in ledger if each["channel"] == "email"}
    assert by_mail == {lost["Message-ID"]: "5.1.1"}

    resend = f"/v1/notifications/{missed['notification_id']}:resend"
    api.refused("POST", resend, seller(), "ADDRESS_SUPPRESSED")
    api.refused("POST", resend, seller("sel_2"), "NOT_FOUND")
    reachable(api, "customer", "cus_1", "ada@new.example")
    again = api.post(resend, seller())
    [found] = post.sent("ada@new.example")
    assert "What broke?" in found.get_body(("plain",)).get_content()
    assert (again["event_id"], again["message_id"]) == (missed["notification_id"], said["id"])
    assert message(api, thread, seller(), "What broke?")["undelivered_to"] == []
    api.refused("POST", resend, seller(), "NOT_IN_THIS_STATE")


@pytest.mark.capability("B14", "S1-26", "I5")
def test_a_private_comment_that_a_mail_server_refused_is_told_to_the_desk_and_to_no_customer(
    api_of,  # noqa: F811
    server: MailServer,
):
    api = api_of(mail="smtp", smtp_url=server.url, instant_provider=True)
    reachable(api, "coordinator", "coo_1", KIM)
    reachable(api, "supplier", "sup_1", "desk@glas.example")
    claim = open_claim(api, shipped_order(api, profile="coordinated"))
    one = f"/v1/claims/{claim['id']}"
    api.post(f"{one}/observers", coordinator(), {"kind": "supplier", "id": "sup_1"})
    api.suite.settle()
    server.mails.clear()
    server.answers = ["rcpt 550 no such mailbox"]
    thread = api.get(one, coordinator())["thread"]["id"]
    body = {"text": "The glass was thin.", "visibility": "private"}
    comment = api.post(f"{one}/messages", coordinator("coo_1"), body)
    api.suite.settle()

    [missed] = message(api, thread, coordinator(), "The glass was thin.")["undelivered_to"]
    assert (missed["type"], missed["id"], missed["status"]) == ("supplier", "sup_1", "recipient refused (550)")
    assert [(mail.to, "Not delivered" in mail.mail["Subject"]) for mail in server.mails] == [([KIM], True)]
    assert "The glass was thin." not in server.mails[0].mail.as_string()
    resend = f"/v1/notifications/{missed['notification_id']}:resend"
    for outsider in (customer(), supplier(), seller()):
        assert api.call("POST", resend, outsider).status_code in (403, 404)
    api.post(resend, coordinator())
    api.suite.settle()
    [repeated] = [mail for mail in server.mails if mail.to == ["desk@glas.example"]]
    assert "The glass was thin." in repeated.mail.get_body(("plain",)).get_content()
    assert message(api, thread, coordinator(), "The glass was thin.")["undelivered_to"] == []
    assert comment["visibility"] == "private"
