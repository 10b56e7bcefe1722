"""Who is told what, once."""

from __future__ import annotations

import pytest

from tests.notification.conftest import MESSAGE, OPENED, REFUND, SUCCEEDED, WHOSE
from tests.suite import customer, seller

ADA, SHOP, DESK_1, DESK_2, SUPPLIER, AGENT = (
    "ada@customer.example",
    "shop@seller.example",
    "kim@desk.example",
    "lou@desk.example",
    "desk@supplier.example",
    "agent@platform.example",
)
CANARY = "kanarienvogel-7f3a"


@pytest.fixture
def busy(office):
    """Everybody can be reached, and the order is known."""
    office.knows_everybody()
    office.place_order()
    office.settle()
    office.told()
    return office


@pytest.mark.capability("S4-01", "S4-02")
def test_a_new_order_is_confirmed_to_the_customer_and_to_the_seller_each_in_his_language(office):
    office.knows_everybody()
    office.place_order()
    office.settle()

    assert office.told() == {(ADA, "Your order 1001 is confirmed"), (SHOP, "Nouvelle commande 1001")}


@pytest.mark.capability("S4-27")
def test_changing_the_internal_state_of_an_order_tells_nobody(busy):
    state = {**WHOSE, "from": None, "to": "fraud_check", "label": {"en": "Fraud check"}}
    busy.hear("order.internal_state_changed", "ord_1", state)
    busy.settle()
    assert busy.told() == set()

    busy.hear("order.public_state_changed", "ord_1", {**state, "to": "prepared", "label": {"en": "Prepared"}})
    busy.settle()
    assert busy.told() == {(ADA, "Your order 1001: Prepared")}


def test_a_parcel_is_announced_with_the_page_where_it_can_be_followed(busy):
    parcel = {
        "parcel_id": "par_1",
        "carrier": "Colissimo",
        "tracking_number": "8L 01&x=1",
        "tracking_url": "https://phishing.example/login",
        "scope": "order",
        "line_ids": [],
    }
    busy.hear("order.parcel_added", "ord_1", WHOSE | parcel)
    busy.settle()

    (mail,) = busy.mails()
    text = mail.get_body(("plain",)).get_content()
    assert "https://www.laposte.fr/outils/suivre-vos-envois?code=8L%2001%26x%3D1" in text
    assert "phishing.example" not in mail.as_string()


def test_a_claim_that_the_seller_handles_is_told_to_him_and_acknowledged_to_the_customer(busy):
    busy.open_claim()
    busy.settle()

    assert busy.told() == {
        (ADA, "We have received your request C-1001"),
        (SHOP, "Nouvelle réclamation C-1001\N{NO-BREAK SPACE}: Broken lamp"),
    }


@pytest.mark.capability("S1-06")
def test_a_claim_for_the_coordinators_alerts_all_of_them_and_the_included_supplier_with_the_same_mail(busy):
    busy.open_claim(handler="coordinators", supplier_ids=["sup_1"])
    busy.settle()

    alert = "New claim C-1001: Broken lamp"
    assert busy.told() == {
        (ADA, "We have received your request C-1001"),
        (DESK_1, alert),
        (DESK_2, alert),
        (SUPPLIER, alert),
    }


def test_once_a_claim_is_assigned_only_its_coordinator_is_told(busy):
    busy.open_claim(handler="coordinators")
    busy.claim("claim.assigned", handler="coordinators", assignee="coo_2", assignee_from=None)
    busy.settle()
    busy.told()
    busy.message("Any news?", author={"type": "customer", "id": "cus_1"})
    busy.settle()

    assert busy.told() == {(DESK_2, "New message: Broken lamp")}


def test_a_claim_escalated_to_the_platform_tells_the_platform_from_then_on(busy):
    busy.open_claim()
    busy.claim("claim.escalated", handler="platform", to="platform_review")
    busy.settle()
    busy.told()
    busy.message("Any news?", author={"type": "customer", "id": "cus_1"})
    busy.settle()

    assert busy.told() == {(AGENT, "New message: Broken lamp")}


def test_an_author_is_not_told_of_his_own_message(busy):
    busy.open_claim()
    busy.settle()
    busy.told()
    busy.message("We send a new one.")
    busy.settle()
    assert busy.told() == {(ADA, "New message: Broken lamp")}

    busy.message("Thank you!", "msg_2", author={"type": "customer", "id": "cus_1"})
    busy.settle()
    assert busy.told() == {(SHOP, "Nouveau message\N{NO-BREAK SPACE}: Broken lamp")}


@pytest.mark.capability("S0-02")
def test_the_customer_receives_what_the_seller_writes_first_about_an_order(busy):
    opened = {"claim_id": None, "origin": "thread.opened"}
    busy.message("It leaves on Monday.", **opened)
    busy.settle()

    (mail,) = busy.mails()
    assert (mail["To"].addresses[0].addr_spec, mail["Subject"]) == (ADA, "New message: your order 1001")
    assert "> It leaves on Monday." in mail.get_body(("plain",)).get_content()


def test_the_first_message_of_a_claim_is_told_with_the_claim_and_not_twice(busy):
    busy.open_claim()
    busy.settle()
    busy.told()
    busy.message("The lamp arrived in pieces.", "msg_00", origin="claim.opened")
    busy.settle()

    assert busy.told() == set()


@pytest.mark.capability("T02", "I5", "S1-25", "S1-35")
def test_a_private_comment_reaches_the_insiders_and_never_the_customer(busy):
    busy.open_claim(handler="coordinators", supplier_ids=["sup_1"])
    busy.claim(
        "claim.observer_added",
        handler="coordinators",
        observer={"kind": "account", "id": "obs_1", "scope": "public"},
    )
    busy.knows("account_observer", "obs_1", "eye@observer.example")
    busy.settle()
    busy.told()
    busy.message(CANARY, visibility="private", author={"type": "coordinator", "id": "coo_1"})
    busy.settle()

    mails = busy.mails()
    assert {mail["To"].addresses[0].addr_spec for mail in mails} == {DESK_2, SUPPLIER}
    assert all(CANARY in mail.get_body(("plain",)).get_content() for mail in mails)
    assert CANARY not in str([event.body for event in busy.suite.events("notification")])
    assert CANARY not in str(busy.listed())


@pytest.mark.capability("S1-27", "S1-30")
def test_a_public_message_reaches_everybody_on_the_claim(busy):
    busy.open_claim(handler="coordinators", supplier_ids=["sup_1"])
    busy.settle()
    busy.told()
    busy.message("We look into it.", author={"type": "coordinator", "id": "coo_1"})
    busy.settle()

    assert {address for address, _ in busy.told()} == {ADA, DESK_2, SUPPLIER}


@pytest.mark.joined_only("its mail waits until it says so")
@pytest.mark.capability("T03")
def test_a_comment_hidden_before_it_was_mailed_does_not_reach_the_customer_any_more(busy):
    busy.open_claim()
    busy.settle()
    busy.told()
    busy.message(CANARY)
    change = {k: MESSAGE[k] for k in ("thread_id", "claim_id", "order_id", "seller_id", "customer_ref", "author")}
    change |= {"message_id": "msg_1", "by": {"type": "coordinator", "id": "coo_1"}, "already_disclosed_to": []}
    busy.hear("message.visibility_changed", "thr_1", {**change, "from": "public", "to": "private"})
    busy.settle()

    assert busy.told() == set()
    assert busy.states()["message_posted", "cus_1"] == "suppressed"

    revealed = {**change, "from": "private", "to": "public", "text": "Now for you."}
    busy.hear("message.visibility_changed", "thr_1", revealed)
    busy.suite.advance(minutes=2)
    assert busy.told() == {(ADA, "New message: Broken lamp")}


@pytest.mark.joined_only("its mail waits until it says so")
@pytest.mark.capability("T06")
def test_an_observer_removed_before_the_mail_leaves_does_not_get_it(busy):
    busy.open_claim(handler="coordinators", supplier_ids=["sup_1"])
    busy.settle()
    busy.told()
    busy.message("Between us.", visibility="private", author={"type": "coordinator", "id": "coo_1"})
    busy.claim(
        "claim.observer_removed",
        handler="coordinators",
        observer={"kind": "supplier", "id": "sup_1", "scope": "all"},
    )
    busy.settle()

    assert {address for address, _ in busy.told()} == {DESK_2}
    assert busy.states()["private_comment", "sup_1"] == "suppressed"


def test_a_solution_and_its_outcome_are_told_to_whom_they_concern(busy):
    busy.open_claim()
    busy.settle()
    busy.told()
    steps = [
        ("claim.solution_proposed", {"message": {"message_id": "msg_5", "text": "A new lamp?"}}),
        ("claim.resolution_chosen", {"kind": "replacement"}),
        ("claim.resolved", {"resolution": None, "opened_at": MESSAGE["posted_at"], "duration_s": 5, "by": "requester"}),
        ("claim.reopened", {"hold_mode": "order"}),
        ("claim.refused", {"reason_code": "no_proof", "counted": False}),
    ]
    seen = []
    for type, changes in steps:
        busy.claim(type, **changes)
        busy.settle()
        seen.append(sorted(subject for _, subject in busy.told()))

    assert seen == [
        ["A proposal for your request C-1001"],
        ["A solution for your request C-1001"],
        ["La réclamation C-1001 est résolue", "Your request C-1001 is solved"],
        ["La réclamation C-1001 est rouverte", "Your request C-1001 is open again"],
        ["About your request C-1001", "La réclamation C-1001 a été refusée"],
    ]


@pytest.mark.capability("S0-21")
def test_customer_is_told_when_a_refund_is_paid_with_or_without_a_claim(busy):
    busy.open_claim()
    busy.settle()
    busy.told()
    busy.hear("refund.succeeded", "rfd_1", SUCCEEDED)
    busy.hear("refund.succeeded", "rfd_2", SUCCEEDED | {"refund_id": "rfd_2", "claim_id": None})
    busy.settle()

    mails = [mail for mail in busy.mails() if mail["To"].addresses[0].addr_spec == ADA]
    assert [str(mail["Subject"]) for mail in mails] == ["Your refund of €43.72"] * 2
    assert sum("C-1001" in mail.get_body(("plain",)).get_content() for mail in mails) == 1


def test_a_refund_that_failed_or_has_no_answer_alarms_the_seller_and_the_desk_but_not_the_customer(busy):
    busy.hear("refund.failed", "rfd_1", REFUND | {"claim_id": None, "code": "card_expired", "retryable": True})
    unknown = {"refund_id": "rfd_2", "claim_id": None, "code": "timeout", "given_up": False}
    busy.hear("refund.outcome_unknown", "rfd_2", REFUND | unknown)
    busy.settle()

    told = busy.told()
    assert {address for address, _ in told} == {SHOP, DESK_1, DESK_2}
    assert len(told) == 6


def test_a_credit_note_goes_to_the_customer(busy):
    note = {
        "credit_note_id": "crn_1",
        "number": "AV-2026-000001",
        "order_id": "ord_1",
        "refund_id": "rfd_1",
        "seller_id": "sel_1",
        "customer_ref": "cus_1",
        "invoice_number": None,
        "total": {"amount": 4372, "currency": "EUR"},
        "lines": [],
        "shipping": [],
        "taxes": [{"code": "FR_VAT_20", "rate": "20", "amount": 729}],
        "issued_at": MESSAGE["posted_at"],
    }
    busy.hear("credit_note.issued", "crn_1", note)
    busy.settle()

    assert busy.told() == {(ADA, "Your credit note AV-2026-000001")}


@pytest.mark.capability("I13")
def test_an_event_that_arrives_again_tells_nobody_again(busy):
    event = busy.hear("claim.opened", "clm_9", OPENED | {"claim_id": "clm_9"})
    busy.app.inbox.receive([event])
    busy.app.inbox.receive([event, event])
    busy.settle()
    busy.app.inbox.receive([event])
    busy.settle()

    listed = busy.listed(event_id=event.id)
    assert sorted(n["recipient"]["kind"] for n in listed) == ["customer", "seller"]
    assert len(busy.mails()) == 2
    assert len({mail["Message-ID"] for mail in busy.mails()}) == 2


def test_only_staff_see_who_was_told_and_addresses_are_masked(busy):
    listed = busy.listed(order_id="ord_1")

    assert {n["to"] for n in listed} == {"a…@customer.example", "s…@seller.example"}
    for principal in (customer(), seller()):
        assert busy.suite.refused("notification.list", principal)["code"] == "FORBIDDEN"


def test_a_party_records_its_own_contact_and_no_other(busy):
    mine = {"party": "seller", "ref": "sel_1", "name": "Lune", "email": "new@seller.example"}
    assert busy.suite.do("contact.record", seller(), **mine)["email"] == "new@seller.example"
    assert busy.suite.refused("contact.record", seller(), **{**mine, "ref": "sel_2"})["code"] == "FORBIDDEN"
    assert busy.suite.refused("contact.record", customer(), **mine)["code"] == "FORBIDDEN"
