"""A broken lamp, from the complaint to the money, as messages and mails: every service joined."""

from __future__ import annotations

import pytest

from services.notification.adapters.folder import list_mails, read_mail
from services.notification.app import mail_folder
from tests.suite import PARCEL, agent, coordinator, customer, integrator, order_args, payment_args, seller

CANARY = "kanarienvogel-7f3a"
ADA, SHOP = "ada@customer.example", "shop@seller.example"


class Story:
    """An order that arrived, and everybody who can be reached."""

    def __init__(self, suite) -> None:
        self.suite = suite
        self.do("contact.record", agent(), party="seller", ref="sel_1", name="Lune", email=SHOP, locale="fr")
        self.order = self.do("order.place", integrator(), **order_args())
        self.do("order.capture_payment", integrator(), **payment_args(self.order))
        self.do("order.ship", seller(), order_id=self.order["id"], parcel=PARCEL)
        self.do("order.deliver", agent(), order_id=self.order["id"])
        self.told()

    def do(self, name, principal, /, **args):
        view = self.suite.do(name, principal, **args)
        self.suite.settle()
        return view

    def mails(self):
        folder = mail_folder(self.suite.settings)
        return [read_mail(folder, stored.name) for stored in list_mails(folder, 1000)]

    def told(self):
        """(address, subject) of what was mailed since this was last asked."""
        found = {(mail["To"].addresses[0].addr_spec, str(mail["Subject"])) for mail in self.mails()}
        for path in mail_folder(self.suite.settings).glob("*.eml"):
            path.rename(path.with_suffix(".read"))
        return found

    def everything_mailed_to(self, address):
        for path in mail_folder(self.suite.settings).glob("*.read"):
            path.rename(path.with_suffix(".eml"))
        mails = [mail for mail in self.mails() if mail["To"].addresses[0].addr_spec == address]
        return "".join(part.get_content() for mail in mails for part in mail.walk() if not part.is_multipart())


@pytest.fixture
def story(suite_of) -> Story:
    return Story(suite_of(mail="folder", instant_provider=True))


@pytest.mark.capability("S0-09", "S0-21", "S1-24", "S1-25", "S1-27", "T02", "I5")
def test_a_complaint_is_answered_refunded_and_everybody_hears_what_concerns_him(story):
    claim = story.do(
        "claim.open",
        customer(),
        order_id=story.order["id"],
        reason_code="damaged_items",
        text="The lamp arrived in pieces.",
        lines=[{"line_id": "lin_1001_1", "qty": 1}],
    )
    assert {address for address, _ in story.told()} == {ADA, SHOP}

    thread = story.do("thread.get", customer(), claim_id=claim["id"])
    seen = story.do("thread.messages", integrator("sel_1"), claim_ids=[claim["id"]], author="customer")["items"]
    assert [m["text"] for m in seen] == ["The lamp arrived in pieces."]

    story.do("message.post", coordinator(), thread_id=thread["id"], text=CANARY, visibility="private")
    assert {address for address, _ in story.told()} == {SHOP}
    story.do("message.post", seller(), thread_id=thread["id"], text="You get your money back.", visibility="public")
    assert story.told() == {(ADA, f"New message: {claim['title']}")}

    story.do("claim.choose_resolution", seller(), claim_id=claim["id"], kind="refund")
    subjects = {subject for address, subject in story.told() if address == ADA}
    assert any(subject.startswith("Your refund of €43.7") for subject in subjects)
    assert any(subject.startswith("Your credit note") for subject in subjects)
    story.do("claim.confirm", customer(), claim_id=claim["id"])
    assert {address for address, _ in story.told()} == {ADA, SHOP}

    assert story.do("claim.get", customer(), claim_id=claim["id"])["state"] == "resolved"
    assert CANARY in story.everything_mailed_to(SHOP)
    assert CANARY not in story.everything_mailed_to(ADA)
    for name in ("thread.get", "thread.messages"):
        args = {"thread_id": thread["id"]}
        assert CANARY not in str(story.do(name, customer(), **args))
    for service in story.suite.apps:
        bodies = [e.body.decode() for e in story.suite.events(service) if e.type != "private_message.posted"]
        assert CANARY not in "".join(bodies)
        assert story.suite.waiting(service) == []


@pytest.mark.capability("S0-02")
def test_the_seller_writes_first_and_the_customer_reads_it_on_his_order_and_in_his_mail(story):
    thread = story.do("thread.open", seller(), order_id=story.order["id"], text="How do you like the lamps?")

    assert story.told() == {(ADA, "New message: your order 1001")}
    found = story.do("thread.list", customer(), order_id=story.order["id"])["items"]
    assert [t["id"] for t in found] == [thread["id"]]
    assert story.do("claim.list", seller())["items"] == []


def test_closing_a_claim_closes_its_thread_and_a_message_of_the_customer_opens_both_again(story):
    claim = story.do(
        "claim.open", customer(), order_id=story.order["id"], reason_code="incorrect_invoice", text="Wrong name."
    )
    story.do("claim.resolve", agent(), claim_id=claim["id"])
    thread = story.do("thread.get", customer(), claim_id=claim["id"])
    assert thread["state"] == "open"

    story.suite.advance(minutes=1)
    story.do("message.post", customer(), thread_id=thread["id"], text="It is still wrong.")
    assert story.do("claim.get", agent(), claim_id=claim["id"])["state"] == "in_progress"

    story.do("claim.propose", agent(), claim_id=claim["id"], text="Here is the corrected invoice.")
    last = story.do("thread.messages", customer(), thread_id=thread["id"])["items"][-1]
    assert (last["text"], last["origin"]) == ("Here is the corrected invoice.", "claim.solution_proposed")
    story.do("claim.confirm", customer(), claim_id=claim["id"])
    story.do("claim.close", agent(), claim_id=claim["id"])
    assert story.do("thread.get", customer(), claim_id=claim["id"])["state"] == "closed"
