"""The seller agrees to a refund in a message; requests for access; templates and signatures."""

from __future__ import annotations

import pytest

from services.messaging.composing.wording import TemplateLink, TemplateUnsafe, TemplateVariableUnknown, check, fill
from services.messaging.opening.credentials import suspected
from tests.messaging.conftest import (
    AGENT,
    CLAIM,
    COORDINATOR,
    CUSTOMER,
    INTEGRATOR,
    OTHER_CUSTOMER,
    OTHER_SELLER,
    SELLER,
)

WHOLE = {"reason_code": "not_downloaded", "scope": "order"}
UNTIL = "2026-11-30T12:00:00+00:00"


@pytest.fixture
def thread(desk):
    desk.place_order(profile="support")
    return desk.open_claim(profile="support")


@pytest.mark.capability("S3-10", "S3-17", "S3-18")
@pytest.mark.parametrize("writer", [SELLER, INTEGRATOR], ids=lambda who: who.role)
def test_a_message_carries_the_sellers_agreement_to_refund(desk, thread, writer):
    message = desk.post(writer, "We refund you.", refund_agreement=WHOLE)

    agreed = desk.last("message.refund_agreed")
    assert {
        name: agreed[name] for name in ("message_id", "order_id", "seller_id", "reason_code", "scope", "line_ids")
    } == {
        "message_id": message["id"],
        "order_id": "ord_1",
        "seller_id": "sel_1",
        "reason_code": "not_downloaded",
        "scope": "order",
        "line_ids": [],
    }
    assert desk.last("message.posted")["has_refund_agreement"] is True
    assert message["refund_agreement"]["reason_code"] == "not_downloaded"


@pytest.mark.capability("S3-18")
@pytest.mark.parametrize(
    ("writer", "changes", "code"),
    [
        (SELLER, {"reason_code": "because"}, "AGREEMENT_REASON_UNKNOWN"),
        (SELLER, {"scope": "lines", "line_ids": ["lin_9"]}, "AGREEMENT_LINE_UNKNOWN"),
        (SELLER, {"amount": {"amount": 9001, "currency": "EUR"}}, "AGREEMENT_TOO_MUCH"),
        (SELLER, {"amount": {"amount": 100, "currency": "USD"}}, "AGREEMENT_TOO_MUCH"),
        (
            SELLER,
            {"scope": "lines", "line_ids": ["lin_1"], "amount": {"amount": 4001, "currency": "EUR"}},
            "AGREEMENT_TOO_MUCH",
        ),
        (COORDINATOR, {}, "AGREEMENT_NOT_YOURS"),
        (CUSTOMER, {}, "AGREEMENT_NOT_YOURS"),
    ],
)
def test_an_agreement_that_does_not_hold_refuses_the_whole_message(desk, thread, writer, changes, code):
    told, said = len(desk.published), desk.texts(CUSTOMER)

    refused = desk.call("message.post", writer, thread_id=thread, text="Yes.", refund_agreement=WHOLE | changes)

    assert refused.body["code"] == code
    assert (len(desk.published), desk.texts(CUSTOMER)) == (told, said)


EURO = {"currency": "EUR"}
ADDED = {"scope": "lines", "line_ids": ["lin_3"], "amount": {"amount": 2500, **EURO}}


@pytest.mark.capability("S3-17")
def test_a_line_that_was_added_later_is_agreed_to_once_it_is_paid(desk, thread):
    added = {"line": {"line_id": "lin_3", "gross": 2500}, "amount_due": {"amount": 2500, **EURO}}
    refused = desk.call("message.post", SELLER, thread_id=thread, text="Yes.", refund_agreement=WHOLE | ADDED)
    assert refused.body["code"] == "AGREEMENT_LINE_UNKNOWN"
    desk.hear("order.line_added", "ord_1", {"order_id": "ord_1", **added})
    refused = desk.call("message.post", SELLER, thread_id=thread, text="Yes.", refund_agreement=WHOLE | ADDED)
    assert refused.body["code"] == "AGREEMENT_LINE_UNPAID"
    more = WHOLE | {"amount": {"amount": 9001, **EURO}}
    refused = desk.call("message.post", SELLER, thread_id=thread, text="Yes.", refund_agreement=more)
    assert refused.body["details"]["most"] == 9000, "what is not paid for is not to be given back"
    assert desk.texts(CUSTOMER) == [CLAIM["message"]["text"]]

    for captured in (9000, 11500):
        desk.hear(
            "order.payment_captured", "ord_1", {"order_id": "ord_1", "captured_total": {"amount": captured, **EURO}}
        )
        paid = desk.call("message.post", SELLER, thread_id=thread, text="Yes.", refund_agreement=WHOLE | ADDED)
        assert paid.ok == (captured == 11500), paid.body
    assert desk.last("message.refund_agreed")["line_ids"] == ["lin_3"]
    assert desk.post(SELLER, "All of it.", refund_agreement=WHOLE | {"amount": {"amount": 11500, **EURO}})


def test_a_line_that_left_the_order_unpaid_is_not_agreed_to(desk, thread):
    added = {"line": {"line_id": "lin_3", "gross": 2500}, "amount_due": {"amount": 2500, **EURO}}
    desk.hear("order.line_added", "ord_1", {"order_id": "ord_1", **added})
    desk.hear("order.line_withdrawn", "ord_1", {"order_id": "ord_1", "line_id": "lin_3"})
    desk.hear("order.payment_captured", "ord_1", {"order_id": "ord_1", "captured_total": {"amount": 11500, **EURO}})
    refused = desk.call("message.post", SELLER, thread_id=thread, text="Yes.", refund_agreement=WHOLE | ADDED)
    assert refused.body["code"] == "AGREEMENT_LINE_UNKNOWN"


def test_six_calendar_months_after_the_purchase_no_refund_is_agreed_to(desk, thread):
    desk.clock.advance(days=181)  # 21 May 2027: six months to the day
    assert desk.post(SELLER, "Yes.", refund_agreement=WHOLE)["refund_agreement"]
    desk.clock.advance(days=1)
    late = desk.call("message.post", SELLER, thread_id=thread, text="Yes.", refund_agreement=WHOLE)

    assert (late.status, late.body["code"], late.body["rule"]) == (422, "AGREEMENT_TOO_LATE", "S3-16")


def test_an_agreement_is_public_and_only_where_the_profile_knows_it(desk, thread):
    private = desk.call(
        "message.post", SELLER, thread_id=thread, text="Yes.", visibility="private", refund_agreement=WHOLE
    )
    assert private.body["code"] == "AGREEMENT_IS_PUBLIC"
    desk.place_order("ord_2", profile="issue")
    other = desk.open_claim(claim_id="clm_2", order_id="ord_2", message={"message_id": "msg_2", "text": "Hi"})
    refused = desk.call("message.post", SELLER, thread_id=other, text="Yes.", refund_agreement=WHOLE)
    assert refused.body["code"] == "AGREEMENT_NOT_OFFERED"


@pytest.mark.capability("S3-06", "S3-07", "S3-08", "S3-09")
def test_the_seller_asks_for_access_and_the_customer_alone_decides(desk, thread):
    asked = {"thread_id": thread, "purpose": "To see the empty page.", "until": UNTIL}
    unsaid = desk.call("access.request", SELLER, kind="limited_account", **asked)
    assert unsaid.body["details"]["fields"]["permissions"], "a limited account states its permissions"
    limited = desk.ask("access.request", SELLER, kind="limited_account", permissions=["read_logs"], **asked)
    screen = desk.ask("access.request", SELLER, kind="screen_share", **asked)
    captures = desk.ask("access.request", SELLER, kind="captures", **asked)

    assert desk.last("access.requested")["permissions"] == []
    for nobody in (SELLER, COORDINATOR, AGENT):
        assert desk.call("access.grant", nobody, request_id=limited["id"]).status == 403
    assert desk.call("access.grant", OTHER_CUSTOMER, request_id=limited["id"]).status == 404
    assert desk.ask("access.grant", CUSTOMER, request_id=captures["id"])["state"] == "granted"
    assert desk.ask("access.decline", CUSTOMER, request_id=limited["id"])["state"] == "declined"
    assert desk.call("access.grant", CUSTOMER, request_id=limited["id"]).body["code"] == "NOT_IN_THIS_STATE"
    assert desk.ask("access.revoke", SELLER, request_id=screen["id"])["state"] == "revoked"
    assert desk.post(SELLER, "Then we do without.")["state"] == "posted", "a refusal blocks nothing"
    listed = desk.ask("access.list", CUSTOMER, thread_id=thread)["items"]
    assert [each["state"] for each in listed] == ["declined", "revoked", "granted"]
    desk.clock.advance(days=10)
    desk.suite.settle()
    assert desk.ask("access.list", SELLER, thread_id=thread)["items"][2]["state"] == "expired"


@pytest.mark.capability("S3-07")
def test_a_password_in_the_answer_is_refused_before_it_is_stored(desk, thread):
    desk.ask("access.request", SELLER, thread_id=thread, kind="captures", purpose="To see it.", until=UNTIL)
    refused = desk.call("message.post", CUSTOMER, thread_id=thread, text="Mot de passe : Azerty123!")

    assert (refused.status, refused.body["code"]) == (422, "LOOKS_LIKE_CREDENTIALS")
    assert "Azerty123!" not in str(refused.body) + str(desk.texts(SELLER))
    assert desk.post(CUSTOMER, "I forgot my password, sorry.")["state"] == "posted"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("password: hunter2", True),
        ("le mot de passe est Soleil42", True),
        ("ftp://bob:secret@shop.example/", True),
        ("-----BEGIN RSA PRIVATE KEY-----", True),
        ("AKIAIOSFODNN7EXAMPLE", True),
        ("The password is wrong since Monday.", False),
        ("Voir https://shop.example/page", False),
    ],
)
def test_what_looks_like_a_secret(text, found):
    assert suspected(text) is found


@pytest.mark.capability("S3-04")
def test_a_seller_keeps_templates_and_fills_them_for_a_thread(desk, thread):
    body = "Hello {{ customer_name }}, about order {{ order_number }}:"
    args = {"name": "Hello", "locale": "en", "scope": "seller", "body": body}
    unknown = desk.call("template.save", SELLER, **args, variables=["customer_name"])
    assert (unknown.status, unknown.body["code"]) == (422, "TEMPLATE_VARIABLE_UNKNOWN")
    saved = desk.ask("template.save", SELLER, **args, variables=["customer_name", "order_number"])
    again = desk.ask(
        "template.save", SELLER, **{**args, "body": "Hi {{ customer_name }},"}, variables=["customer_name"]
    )

    assert again["id"] == saved["id"]
    values = {"customer_name": "{{ 7*7 }} <b>"}
    draft = desk.ask("template.get", INTEGRATOR, template_id=saved["id"], values=values)
    assert draft["text"] == "Hi {{ 7*7 }} <b>,"
    assert [each["id"] for each in desk.ask("template.list", SELLER)["items"]] == [saved["id"]]
    assert desk.ask("template.list", OTHER_SELLER)["items"] == []
    assert desk.call("template.get", OTHER_SELLER, template_id=saved["id"]).status == 404
    assert desk.call("template.save", SELLER, **{**args, "scope": "tenant"}, variables=[]).status == 403


INJECTIONS = (
    "{{ ''.__class__.__mro__ }}",
    "{{ order_number.__class__ }}",
    "{{ order_number|attr('x') }}",
    "{% for x in range(10**9) %}x{% endfor %}",
    "{% import 'os' as os %}",
    "{{ cycler.__init__.__globals__ }}",
    "{% set a = 1 %}",
    "{{ order_number[0] }}",
    "{{ 7*7 }}",
    "{{ order_number() }}",
    "{% include '/etc/passwd' %}",
    "{% if order_number %}x{% endif %}",
    "{{",
    "{{ self }}",
    "{{ config }}",
)


@pytest.mark.capability("T30", "S3-04")
@pytest.mark.parametrize("body", INJECTIONS)
def test_a_template_holds_nothing_that_could_run(body):
    with pytest.raises((TemplateUnsafe, TemplateVariableUnknown)):
        check(body, ["order_number"], [])


ELSEWHERE_LINKS = (
    "https://evil.example/x",
    "http://shop.example.evil.example",
    "www.evil.example",
    "javascript:alert(1)",
    "https://shop.example/{{ order_number }}",
    "https://shop.example@evil.example/",
)


@pytest.mark.capability("T31")
@pytest.mark.parametrize("link", ELSEWHERE_LINKS)
def test_a_template_links_to_its_own_shop_only(link):
    with pytest.raises(TemplateLink):
        check(f"See {link}", ["order_number"], ["https://shop.example"])
    check("See https://shop.example/help", [], ["https://shop.example"])


@pytest.mark.capability("T31")
def test_a_template_that_links_elsewhere_is_not_kept(desk):
    args = {"name": "Help", "locale": "en", "scope": "seller", "variables": ["order_number"]}
    for link in ELSEWHERE_LINKS:
        refused = desk.suite.refused("template.save", SELLER, **args, body=f"Order {{{{ order_number }}}}: see {link}")
        assert (refused["code"], refused["rule"]) == ("TEMPLATE_LINK", "T31"), link
    assert desk.ask("template.list", SELLER)["items"] == []
    own = desk.suite.settings.public_url
    desk.ask("template.save", SELLER, **args, body=f"Order {{{{ order_number }}}}: see {own}/help")


def test_a_missing_value_stays_visible_in_the_draft():
    assert fill("Order {{ order_number }}", ["order_number"], {}) == ("Order [order_number]", ["order_number"])


@pytest.mark.capability("S3-05")
def test_a_signature_travels_apart_from_the_text_and_with_public_messages_only(desk, thread):
    desk.ask("signature.save", SELLER, scope="seller", text="The team of Lune")
    public = desk.post(SELLER, "Hello.")
    assert (public["text"], desk.last("message.posted")["signature"]) == ("Hello.", "The team of Lune")
    desk.ask("signature.save", SELLER, scope="user", text="Luc")
    desk.post(SELLER, "Again.")
    assert desk.last("message.posted")["signature"] == "Luc"
    desk.post(SELLER, "Between us.", visibility="private")
    assert desk.last("private_message.posted")["signature"] is None
    assert desk.call("signature.save", CUSTOMER, scope="user", text="Ada").status == 403


@pytest.mark.capability("S3-02", "S3-03")
def test_the_composer_is_given_the_guidelines_of_its_profile(desk, thread):
    guidelines = desk.ask("thread.list", SELLER)["items"][0]["compose_defaults"]["guidelines"]
    assert "courteous" in guidelines["en"]
    assert "jargon" in guidelines["fr"]
