"""How mails leave: over real SMTP or into a folder, again after a failure, never twice."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller

from services.notification.adapters.folder import list_mails, read_mail
from services.notification.handlers import send_mail
from services.notification.policies import RETRIES
from shared.kernel.clock import stamp
from shared.kernel.principal import Principal
from shared.ops.settings import Settings, SettingsRefused
from tests.notification.conftest import CLAIM, PLACED, SUCCEEDED, PostOffice
from tests.suite import START, Suite, agent, coordinator, customer, order_args

ADA = {"party": "customer", "ref": "cus_1", "name": "Ada Byron", "email": "ada@customer.example", "locale": "fr"}


class MailServer:
    """A real SMTP server. `answers` are given to the next mails, then it takes everything."""

    def __init__(self) -> None:
        self.mails: list[SimpleNamespace] = []
        self.answers: list[str] = []
        self.connections = 0
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=port)
        self._controller.start()
        self.url = f"smtp://127.0.0.1:{port}"

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.answers and self.answers[0].startswith("rcpt "):
            return self.answers.pop(0).removeprefix("rcpt ")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answers:
            return self.answers.pop(0)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(SimpleNamespace(sender=envelope.mail_from, to=envelope.rcpt_tos, mail=mail))
        return "250 OK"

    def stop(self) -> None:
        self._controller.stop()


@pytest.fixture
def server() -> Iterator[MailServer]:
    found = MailServer()
    yield found
    found.stop()


@pytest.fixture
def office(suite_of: Callable[..., Suite], server: MailServer) -> PostOffice:
    return PostOffice(
        suite_of("notification", mail="smtp", smtp_url=server.url, mail_from="Lune <no-reply@lune.example>")
    )


def refund(office: PostOffice, known: bool = True) -> str:
    """A refund of the order was paid; answers the id of the customer's notification."""
    if known:
        office.suite.do("contact.record", agent(), **ADA)
    office.place_order()
    event = office.hear("refund.succeeded", "rfd_1", SUCCEEDED | {"claim_id": None})
    return next(n["id"] for n in office.listed(event_id=event.id) if n["recipient"]["kind"] == "customer")


def of_customer(office: PostOffice, template: str = "refund_succeeded") -> dict:
    listed = [n for n in office.listed() if n["recipient"]["kind"] == "customer" and n["template"] == template]
    return listed[0]


@pytest.mark.capability("S0-21")
def test_the_mail_that_arrives_is_complete_and_in_the_language_of_its_reader(office, server):
    id = refund(office)
    office.settle()

    found = next(m for m in server.mails if "43,72" in m.mail["Subject"])
    mail: EmailMessage = found.mail
    assert (found.sender, found.to) == ("no-reply@lune.example", ["ada@customer.example"])
    assert mail["Subject"] == "Votre remboursement de 43,72\N{NO-BREAK SPACE}€"
    assert mail["From"] == "Lune <no-reply@lune.example>"
    assert mail["To"] == "Ada Byron <ada@customer.example>"
    assert mail["Message-ID"] == f"<{id}@aftersale.example>"
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert (mail["Cc"], mail["Bcc"], mail["Reply-To"]) == (None, None, None)
    assert "Nous vous avons remboursé" in mail.get_body(("plain",)).get_content()
    assert "Nous vous avons remboursé" in mail.get_body(("html",)).get_content()
    assert of_customer(office)["state"] == "sent"
    (sent,) = [e for e in office.suite.events("notification", "notification.sent") if e.data["notification_id"] == id]
    assert sent.data["provider_ref"] == mail["Message-ID"]


def test_a_name_cannot_add_a_header_and_a_domain_in_any_script_is_reached(office, server):
    hostile = {"name": "Ada\r\nBcc: thief@elsewhere.example", "email": "ada@bücher.example"}
    office.suite.do("contact.record", agent(), **{**ADA, **hostile})
    office.place_order()
    office.settle()

    (found,) = server.mails
    assert found.to == ["ada@xn--bcher-kva.example"]
    assert found.mail["Bcc"] is None
    assert found.mail["To"].addresses[0].display_name == "Ada Bcc: thief@elsewhere.example"


def test_many_mails_share_a_connection(office, server):
    office.suite.do("contact.record", agent(), **ADA)
    for number in range(5):
        order = PLACED | {"order_id": f"ord_{number}", "number": f"100{number}"}
        office.hear("order.placed", order["order_id"], order)
    office.settle()

    assert len(server.mails) == 5
    assert server.connections == 1


def test_a_server_that_is_busy_gets_the_same_mail_later(office, server):
    id = refund(office)
    server.answers = ["451 try later", "452 full"]
    office.settle()
    assert of_customer(office)["state"] == "queued"
    assert len(server.mails) == 0

    office.suite.advance(seconds=59)
    assert of_customer(office)["state"] == "queued"
    office.suite.advance(seconds=1)

    assert (of_customer(office)["state"], of_customer(office)["tries"]) == ("sent", 2)
    assert f"<{id}@aftersale.example>" in [m.mail["Message-ID"] for m in server.mails]


@pytest.mark.parametrize("answer", ["554 refused as spam", "rcpt 550 no such mailbox"])
def test_a_refused_mail_is_not_tried_again(office, server, answer):
    office.suite.do("contact.record", agent(), **ADA)
    server.answers = [answer]
    office.place_order()
    office.settle()
    office.suite.advance(days=2)

    found = of_customer(office, "order_placed")
    assert (found["state"], found["tries"]) == ("failed", 1)
    assert "customer.example" not in found["error"]
    assert server.mails == []
    assert office.suite.event_types("notification").count("notification.failed") == 1


def test_after_eight_tries_over_22_hours_it_failed_and_says_so(office, server):
    server.answers = ["451 try later"] * 20
    office.suite.do("contact.record", agent(), **ADA)
    office.place_order()
    office.settle()
    for delay in RETRIES:
        assert of_customer(office, "order_placed")["state"] == "queued"
        office.suite.advance(seconds=delay.total_seconds())

    found = of_customer(office, "order_placed")
    assert (found["state"], found["tries"], found["error"]) == ("failed", 8, "mail refused (451)")
    office.suite.advance(days=3)
    assert office.app.dead_letters() == 0


@pytest.mark.capability("T06")
def test_an_address_is_looked_up_when_the_mail_is_sent_and_waited_for_when_unknown(office, server):
    refund(office, known=False)
    office.settle()
    assert (of_customer(office)["state"], of_customer(office)["error"]) == ("queued", "contact_unknown")

    office.suite.do("contact.record", agent(), **{**ADA, "email": "old@customer.example"})
    office.suite.do("contact.record", agent(), **ADA)
    office.suite.advance(minutes=1)

    assert {m.to[0] for m in server.mails} == {"ada@customer.example"}
    assert of_customer(office)["state"] == "sent"


@pytest.mark.capability("I13")
def test_a_mail_repeated_after_a_crash_carries_the_same_message_id_and_is_counted_once(office, server):
    id = refund(office)
    # the process sends the mail and dies before it can say so: the job's lease runs out and it is performed again
    send_mail(office.app.ports, {"tenant": "shop"}, id)
    office.settle()
    office.suite.advance(hours=1)

    repeated = [m.mail["Message-ID"] for m in server.mails if m.mail["Message-ID"] == f"<{id}@aftersale.example>"]
    assert len(repeated) == 2
    sent = [e.data["notification_id"] for e in office.suite.events("notification", "notification.sent")]
    assert sent.count(id) == 1


def test_the_embedded_default_keeps_mails_in_a_folder_and_writes_a_repeat_over_the_first(suite_of):
    office = PostOffice(suite_of("notification", mail="folder"))
    id = refund(office)
    send_mail(office.app.ports, {"tenant": "shop"}, id)
    office.settle()

    (stored,) = [m for m in list_mails(office.folder) if m.name == id]
    assert stored.to == "Ada Byron <ada@customer.example>"
    assert read_mail(office.folder, stored.name)["Subject"] == stored.subject
    for name in ("../notification", "ntf_unknown", "ntf_/etc/passwd"):
        with pytest.raises(KeyError):
            read_mail(office.folder, name)


def test_with_mail_off_notifications_are_rows_and_nothing_else(suite_of):
    office = PostOffice(suite_of("notification", mail="off"))
    refund(office)
    office.settle()

    assert {n["state"] for n in office.listed()} == {"queued"}
    assert not office.folder.exists()


def test_a_transport_that_does_not_exist_is_refused_at_start(suite_of):
    with pytest.raises(SettingsRefused):
        suite_of("notification", mail="pigeon")
    with pytest.raises(ValueError, match="SMTP_URL"):
        suite_of("notification", mail="smtp", smtp_url="http://mail")
    assert Settings().mail == "folder"


@pytest.mark.capability("S4-01", "S4-02", "S4-27")
def test_an_order_placed_in_the_order_service_is_confirmed_by_mail_and_its_internal_state_is_not(suite_of):
    suite = suite_of("order", "notification", mail="folder")
    office = PostOffice(suite)
    suite.do("contact.record", agent(), party="seller", ref="sel_1", name="Lune", email="shop@seller.example")
    order = suite.do("order.place", Principal("integrator", "key_1", "shop"), **order_args())
    suite.settle()
    assert office.told() == {
        ("ada@customer.example", "Your order 1001 is confirmed"),
        ("shop@seller.example", "New order 1001"),
    }
    assert suite.refused("notification.list", customer())["code"] == "FORBIDDEN"

    suite.do("order.set_internal_state", coordinator(), order_id=order["id"], code="fraud_inspection")
    suite.settle()
    assert office.told() == set()


PROMISE = {
    name: CLAIM[name] for name in ("claim_id", "order_id", "seller_id", "customer_ref", "handler", "assignee")
} | {
    "clock": "first_answer",
    "period": 1,
    "started_at": "2026-11-02T09:00:00Z",
    "due_at": "2026-11-02T16:30:00Z",
    "target_s": 27000,
    "elapsed_s": 27000,
    "party": "seller",
}


def test_dates_in_mails_are_those_of_the_marketplace(suite_of):
    """16:30 in London is half past one of the next morning in Tokyo."""
    zones = {"marketplace_time_zones": "main=Asia/Tokyo", "time_zone": "Europe/London"}
    office = PostOffice(suite_of("notification", mail="folder", **zones))
    office.knows_everybody()
    office.hear("order.placed", "ord_1", PLACED | {"placed_at": "2026-11-02T16:30:00Z"})
    office.hear("order.placed", "ord_2", PLACED | {"order_id": "ord_2", "marketplace": "uk", "placed_at": stamp(START)})
    office.open_claim()
    office.hear("sla.breached", "clm_1", PROMISE)
    office.settle()
    texts = [mail.get_body(("plain",)).get_content() for mail in office.mails() if "@customer" in str(mail["To"])]
    assert [day for text in texts for day in ("2 November 2026", "3 November 2026") if day in text] == [
        "3 November 2026",
        "2 November 2026",
    ]
    broken = [
        mail.get_body(("plain",)).get_content() for mail in office.mails() if "délai dépassé" in str(mail["Subject"])
    ]
    assert broken
    assert "3 nov. 2026, 01:30" in broken[0]
