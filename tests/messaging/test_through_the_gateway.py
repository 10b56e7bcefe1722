"""Conversations as people have them: over HTTP, with the mails that follow."""

from __future__ import annotations

import pytest

from services.notification.adapters.folder import list_mails, read_mail
from services.notification.app import mail_folder
from tests.gateway.conftest import api_of  # noqa: F401 - a fixture
from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import agent, coordinator, customer, order_args, payment_args, seller, supplier


def mailed(api) -> set[tuple[str, str]]:
    folder = mail_folder(api.suite.settings)
    mails = [read_mail(folder, stored.name) for stored in list_mails(folder, 1000)]
    return {(mail["To"].addresses[0].addr_spec, str(mail["Subject"])) for mail in mails}


def mails_about(api, text):
    """The mails that show this message, oldest first."""
    folder = mail_folder(api.suite.settings)
    mails = [read_mail(folder, stored.name) for stored in reversed(list_mails(folder, 1000))]
    return [mail for mail in mails if text in mail.get_body(("plain",)).get_content()]


@pytest.mark.capability("S3-17", "S3-19")
def test_customer_and_customer_service_receive_the_sellers_agreement(api_of):  # noqa: F811
    api = api_of(mail="folder", instant_provider=True)
    desk = {"name": "Service", "email": "service@platform.example", "locale": "fr"}
    api.post("/v1/contacts/platform/agt_1", agent(), desk, method="PUT")
    order = api.suite.do("order.place", agent(), **order_args("3001", profile="support"))
    api.suite.do("order.capture_payment", agent(), **payment_args(order))
    api.suite.settle()
    opened = api.post(f"/v1/orders/{order['id']}/messages", seller(), {"text": "How can we help?"})
    agreement = {"reason_code": "not_downloaded", "scope": "order"}
    body = {"text": "We refund you.", "refund_agreement": agreement}
    said = api.post(f"/v1/threads/{opened['id']}/messages", seller(), body)
    api.suite.advance(minutes=5)

    assert said["refund_agreement"]["reason_code"] == "not_downloaded"
    told = mailed(api)
    assert ("ada@customer.example", "Refund agreed: order 3001") in told
    assert ("service@platform.example", "Remboursement accepté : commande 3001") in told


@pytest.mark.capability("S1-23", "S1-28", "S1-29", "S1-30", "N3", "S4-14")
def test_everybody_comments_a_wrong_visibility_is_corrected_and_the_mail_that_left_is_named(api_of):  # noqa: F811
    api = api_of(mail="folder", instant_provider=True)
    claim = open_claim(api, shipped_order(api))
    for kind, id in (("supplier", "sup_1"),):
        api.post(f"/v1/claims/{claim['id']}/observers", coordinator(), {"kind": kind, "id": id})
    api.suite.settle()
    posts = f"/v1/claims/{claim['id']}/messages"
    for who, visibility in ((customer(), "public"), (coordinator(), "private"), (supplier(), "private")):
        said = api.post(
            posts, who, {"text": "A comment.", **({} if who.role == "customer" else {"visibility": visibility})}
        )
        assert said["visibility"] == visibility
    wrong = api.post(posts, coordinator(), {"text": "The supplier pays for it.", "visibility": "public"})
    api.suite.advance(minutes=5)
    assert any(address == "ada@customer.example" for address, _ in mailed(api))

    change = {"visibility": "private"}
    hidden = api.post(f"/v1/messages/{wrong['id']}", coordinator(), change, method="PATCH")
    known = [(each["type"], each["id"], each["channel"]) for each in hidden["already_disclosed_to"]]
    assert ("customer", "cus_1", "email") in known
    assert all(each["reference"] for each in hidden["already_disclosed_to"] if each["channel"] == "email")
    ledger = api.get(f"/v1/messages/{wrong['id']}/disclosures", coordinator())["items"]
    assert ledger[: len(hidden["already_disclosed_to"])] == hidden["already_disclosed_to"]
    seen = api.get(f"/v1/claims/{claim['id']}", customer())["messages"]
    assert "The supplier pays for it." not in [each["text"] for each in seen]


def conversation(api, number: str, **order) -> str:
    """The seller wrote to the customer of an order; the id of that thread."""
    placed = api.suite.do("order.place", agent(), **order_args(number, **order))
    api.suite.settle()
    return api.post(f"/v1/orders/{placed['id']}/messages", seller(), {"text": "How can we help?"})["id"]


@pytest.mark.capability("S3-21", "S0-22", "S4-16")
def test_what_a_machine_wrote_is_shown_and_answers_nobody(api_of):  # noqa: F811
    api = api_of(instant_provider=True)
    thread = conversation(api, "3101")
    posts, ours = f"/v1/threads/{thread}/messages", {"thread_ids": [thread]}
    question = api.post(posts, customer(), {"text": "Where is my lamp?"})
    api.post(posts, seller(), {"text": "We are closed until Monday.", "automatic": True})

    def handled() -> bool:
        shown = {each["id"]: each for each in api.get(posts, customer())["items"]}
        assert "We are closed until Monday." in [each["text"] for each in shown.values()]
        return shown[question["id"]]["handled"]

    assert api.get(f"/v1/threads/{thread}", seller())["awaits_answer"] is True
    assert handled() is False
    assert api.post("/v1/threads:close", seller(), ours)["results"][0]["result"] == "UNAUTHORIZED_LAST_ANSWER"
    api.post(posts, seller(), {"text": "It left this morning."})
    assert handled() is True
    assert api.post("/v1/threads:close", seller(), ours)["results"][0]["result"] == "CLOSED"


@pytest.mark.capability("S3-21", "S0-22")
def test_an_automatic_answer_is_not_the_last_word_when_the_real_one_is_hidden(api_of):  # noqa: F811
    api = api_of(instant_provider=True)
    thread = conversation(api, "3102")
    posts, ours = f"/v1/threads/{thread}/messages", {"thread_ids": [thread]}
    api.post(posts, customer(), {"text": "Where is my lamp?"})
    api.post(posts, seller(), {"text": "We are closed until Monday.", "automatic": True})
    answer = api.post(posts, seller(), {"text": "It left this morning."})
    api.post(f"/v1/messages/{answer['id']}", seller(), {"visibility": "private"}, method="PATCH")

    assert api.post("/v1/threads:close", seller(), ours)["results"][0]["result"] == "UNAUTHORIZED_LAST_ANSWER"


@pytest.mark.capability("S3-07")
def test_a_password_does_not_come_in_by_editing_an_answer_either(api_of):  # noqa: F811
    api = api_of(instant_provider=True)
    thread = conversation(api, "3103", profile="support")
    posts = f"/v1/threads/{thread}/messages"
    asked = {"kind": "captures", "purpose": "To see the empty page.", "until": "2026-11-10T00:00:00Z"}
    api.post(f"/v1/threads/{thread}/access-requests", seller(), asked)
    said = api.post(posts, customer(), {"text": "I look for it."})
    edit = f"/v1/messages/{said['id']}:edit"

    body = {"text": "Mot de passe : Azerty123!"}
    refused = api.refused("POST", edit, customer(), "LOOKS_LIKE_CREDENTIALS", body=body)
    assert "Azerty123!" not in str(refused) + str(api.get(posts, seller()))
    assert api.post(edit, customer(), {"text": "I have no picture."})["text"] == "I have no picture."


@pytest.mark.capability("S3-07")
def test_a_password_is_not_kept_in_what_is_being_written_either(api_of):  # noqa: F811
    api = api_of(instant_provider=True)
    thread = conversation(api, "3104", profile="support")
    draft = f"/v1/threads/{thread}/draft"
    secret = {"text": "Mot de passe : Azerty123!"}
    assert api.post(draft, customer(), secret, method="PUT")["text"] == secret["text"], "nobody asked for access"
    api.post(draft, customer(), {"text": "I look"}, method="PUT")
    asked = {"kind": "captures", "purpose": "To see the empty page.", "until": "2026-11-10T00:00:00Z"}
    api.post(f"/v1/threads/{thread}/access-requests", seller(), asked)
    refused = api.refused("PUT", draft, customer(), "LOOKS_LIKE_CREDENTIALS", body=secret)
    assert "Azerty123!" not in str(refused)
    assert api.get(draft, customer())["text"] == "I look"


@pytest.mark.capability("S0-01", "T01")
def test_conversations_are_listed_by_what_they_are_about(api_of):  # noqa: F811
    api = api_of(instant_provider=True)
    for number in (1, 2):
        offer = {"seller_id": f"sel_{number}", "product_id": "prd_lamp", "marketplace": "main", "title": "Brass lamp"}
        api.post(f"/v1/offers/off_{number}", agent(), offer, method="PUT")
    asked = [
        api.post("/v1/claims", customer(), {"offer_id": f"off_{number}", "text": "With a bulb?"})["id"]
        for number in (1, 2)
    ]
    about_order = conversation(api, "3104")
    about_offers = [id.replace("clm_", "thr_") for id in asked]
    issue = open_claim(api, shipped_order(api))["id"].replace("clm_", "thr_")

    def listed(who, query: str) -> set[str]:
        return {each["id"] for each in api.get(f"/v1/threads?{query}", who)["items"]}

    assert listed(coordinator(), "subject=offer") == set(about_offers)
    assert listed(seller("sel_1"), "subject=offer") == {about_offers[0]}
    assert listed(coordinator(), "offer_id=off_2") == {about_offers[1]}
    assert listed(seller("sel_1"), "offer_id=off_2") == set()
    assert listed(coordinator(), "subject=order") == {about_order}
    assert listed(coordinator(), "subject=claim") == {issue, *about_offers}
    assert api.get(f"/v1/threads/{about_offers[0]}", customer())["offer_id"] == "off_1"


@pytest.mark.capability("S3-05")
def test_a_comment_that_becomes_public_is_mailed_with_the_signature_of_its_author(api_of):  # noqa: F811
    api = api_of(mail="folder", instant_provider=True)
    claim = open_claim(api, shipped_order(api))
    glass = {"name": "Glass", "email": "desk@glass.example", "locale": "en"}
    api.post("/v1/contacts/supplier/sup_1", agent(), glass, method="PUT")
    api.post(f"/v1/claims/{claim['id']}/observers", coordinator(), {"kind": "supplier", "id": "sup_1"})
    for who, text in ((seller(), "Luc of the lamp shop"), (coordinator(), "Kim of the desk")):
        api.post("/v1/signatures", who, {"scope": "user", "text": text}, method="PUT")
    aside = {"text": "The glass is out of stock.", "visibility": "private"}
    said = api.post(f"/v1/claims/{claim['id']}/messages", seller(), aside)
    api.suite.advance(minutes=5)
    [private] = mails_about(api, aside["text"])
    assert private["To"].addresses[0].addr_spec == "desk@glass.example"
    assert not any(signature in private.as_string() for signature in ("Luc of the lamp", "Kim of the desk"))

    shown = {"visibility": "public", "confirm": True}
    api.post(f"/v1/messages/{said['id']}", coordinator(), shown, method="PATCH")
    api.suite.advance(minutes=5)
    [told] = [mail for mail in mails_about(api, aside["text"]) if "ada@customer.example" in str(mail["To"])]
    assert "Luc of the lamp shop" in told.as_string()
    assert "Kim of the desk" not in told.as_string()

    api.post(f"/v1/messages/{said['id']}", coordinator(), {"visibility": "private"}, method="PATCH")
    api.suite.settle()
    *_, hidden = api.suite.events("messaging", "message.visibility_changed")
    assert "signature" not in hidden.data
