"""Who follows a claim by mail alone answers by mail alone; and a conversation that moved is answered where it went."""

from __future__ import annotations

import re

import pytest

from tests.gateway.conftest import api_of  # noqa: F401 - fixture
from tests.gateway.test_journey import open_claim, shipped_order
from tests.mail.conftest import RELAY, Post
from tests.suite import Principal, agent, coordinator, customer, integrator, seller, supplier

OTTO = "otto@carrier.example"


@pytest.fixture
def desk(api_of, tmp_path, readers):  # noqa: F811
    api = api_of(relay_domain=RELAY, mail="folder", instant_provider=True)
    found = Post(api.suite, tmp_path / "spool", readers)
    found.api = api
    return found


def reported(desk, number="1001", profile="coordinated"):
    claim = open_claim(desk.api, shipped_order(desk.api, number=number, profile=profile))
    desk.path = f"/v1/claims/{claim['id']}"
    return claim


def invite(desk, claim, **more):
    body = {"kind": "mail", "email": OTTO, "name": "Otto", **more}
    page = desk.api.post(f"/v1/claims/{claim['id']}/observers", coordinator(), body)
    desk.suite.settle()
    desk.suite.advance(seconds=2)  # his address is on its way while his mail is written
    return page


def texts(desk, claim, who):
    thread = claim["id"].replace("clm_", "thr_")
    return [message["text"] for message in desk.api.get(f"/v1/threads/{thread}/messages", who)["items"]]


def reply_address(mail):
    return re.search(r"c\.[a-z0-9]{18}@[a-z.]+", str(mail["Reply-To"]))[0]


def accept(desk, who=None):
    """A coordinator lets in the one mail that waits; answers it as it is then."""
    [mail] = desk.mails(state="quarantined")
    released = desk.api.post(f"/v1/mails/{mail['id']}:release", who or coordinator())
    desk.suite.settle()
    return released


def aliases(desk, claim):
    """The customer's own address on the conversation of this claim."""
    body = {"thread_ids": [claim["id"].replace("clm_", "thr_")]}
    return desk.api.post("/v1/threads:issue-aliases", customer(), body)["results"]


@pytest.mark.capability("T07", "S1-36")
def test_what_a_mail_observer_answers_waits_until_a_coordinator_accepts_it(desk):
    claim = reported(desk)
    invite(desk, claim)
    desk.api.post(f"{desk.path}/messages", coordinator(), {"text": "Which belt?", "visibility": "public"})
    desk.suite.advance(minutes=3)
    question = desk.sent(OTTO)[-1]
    address, lost = reply_address(question), f"reply@{RELAY}"
    assert address not in str(desk.sent("ada@customer.example")[-1]), "each has an address of his own"
    before = standing(desk, claim)

    desk.arrives(desk.letter(OTTO, address, "Close it, the parcel was found."), address)
    answer = desk.letter(OTTO, lost, "And this lost it.", f"In-Reply-To: {question['Message-ID']}\n")
    desk.arrives(answer, lost)
    desk.suite.advance(minutes=3)

    waiting = desk.mails(state="quarantined")
    assert [(mail["trust"], mail["reason"]) for mail in waiting] == [("high", "observer")] * 2
    assert standing(desk, claim) == before
    for who in (seller(), customer(), Principal("mail_observer", waiting[0]["holder"]["id"], "shop")):
        for mail in waiting:
            desk.api.refused("POST", f"/v1/mails/{mail['id']}:release", who, "FORBIDDEN")


def standing(desk, claim):
    """What everybody reads and was sent, and where the claim stands."""
    one = desk.api.get(desk.path, coordinator())
    read = [texts(desk, claim, who) for who in (coordinator(), seller(), customer())]
    mails = [len(desk.sent(to)) for to in ("ada@customer.example", OTTO)]
    posted = [type for type in desk.suite.event_types("messaging") if type.endswith("message.posted")]
    return one["state"], one["version"], one["awaiting"], read, mails, posted


@pytest.mark.capability("S1-36", "T07", "T25", "I5")
def test_a_mail_observers_accepted_answer_is_a_private_comment_of_his(desk):
    claim = reported(desk)
    invite(desk, claim)
    [welcome] = desk.sent(OTTO)
    before = len(desk.sent("ada@customer.example"))
    address = reply_address(welcome)
    desk.arrives(desk.letter(OTTO, address, "The parcel fell off the belt."), address)
    assert accept(desk)["state"] == "posted"
    thread = claim["id"].replace("clm_", "thr_")
    said = desk.api.get(f"/v1/threads/{thread}/messages", coordinator())["items"][-1]
    assert (said["text"], said["visibility"], said["via"]) == ("The parcel fell off the belt.", "private", "email")
    assert said["author"]["type"] == "mail_observer"
    assert desk.mails()[0]["trust"] == "high"
    assert "The parcel fell off the belt." in texts(desk, claim, seller())
    assert "The parcel fell off the belt." not in texts(desk, claim, customer())
    assert len(desk.sent("ada@customer.example")) == before
    assert len(desk.sent(OTTO)) == 1, "nobody is mailed what he wrote himself"


@pytest.mark.capability("S1-36", "T25", "T26")
def test_an_answer_that_does_not_prove_that_it_is_the_observers_waits_for_a_coordinator(desk):
    claim = reported(desk)
    invite(desk, claim)
    address = reply_address(desk.sent(OTTO)[0])
    desk.arrives(desk.letter(OTTO, address, "Forged.", proved=False), address)
    desk.arrives(desk.letter("eve@carrier.example", address, "Not Otto."), address)
    assert {(mail["trust"], mail["reason"]) for mail in desk.mails()} == {
        ("low", "not_authentic"),
        ("low", "unknown_sender"),
    }
    assert texts(desk, claim, coordinator()) == ["The lamp arrived in pieces."]


@pytest.mark.capability("T07", "T25", "T26", "I5")
def test_the_desk_is_told_once_a_day_that_mails_wait_and_their_thread_counts_them(desk):
    kim = {"name": "Kim", "email": "kim@desk.example", "locale": "en"}
    desk.api.post("/v1/contacts/coordinator/coo_1", agent(), kim, method="PUT")
    claim = reported(desk)
    thread = f"/v1/threads/{claim['id'].replace('clm_', 'thr_')}"
    desk.suite.settle()
    [address] = [found["alias"]["address"] for found in aliases(desk, claim)]

    def told():
        return [mail for mail in desk.sent("kim@desk.example") if "A mail waits" in mail["Subject"]]

    for number in range(3):
        forged = desk.letter("ada@customer.example", address, f"CANARY {number}", proved=False)
        desk.arrives(forged, address)
    [mail] = told()
    assert "Nothing proves that it comes from its sender." in " ".join(mail.get_body(("plain",)).get_content().split())
    assert "CANARY" not in mail.as_string()
    assert desk.api.get(thread, coordinator())["mails_waiting"] == 3
    for reader in (customer(), seller()):
        assert "mails_waiting" not in desk.api.get(thread, reader)
    held = f"/v1/mails?state=quarantined&thread_id={thread.rpartition('/')[2]}"
    waiting = desk.api.get(held, coordinator())["items"]
    desk.api.post(f"/v1/mails/{waiting[0]['id']}:release", coordinator())
    assert desk.api.get(thread, coordinator())["mails_waiting"] == 2

    desk.suite.advance(hours=25)
    desk.arrives(desk.letter("eve@elsewhere.example", address, "CANARY 4"), address)
    assert len(told()) == 2
    desk.suite.advance(days=31)
    assert desk.api.get(thread, coordinator())["mails_waiting"] == 0


@pytest.mark.capability("T25", "T26")
def test_a_mail_that_the_desk_dismisses_waits_no_longer_and_reaches_nobody(desk):
    desk.api.post("/v1/contacts/coordinator/coo_1", agent(), {"name": "Kim", "email": "kim@desk.example"}, method="PUT")
    claim = reported(desk)
    thread = claim["id"].replace("clm_", "thr_")
    desk.suite.settle()
    [address] = [found["alias"]["address"] for found in aliases(desk, claim)]
    desk.arrives(desk.letter("ada@customer.example", address, "Forged.", proved=False), address)
    desk.arrives(desk.letter("eve@elsewhere.example", address, "Not Ada."), address)
    desk.suite.settle()
    forged = next(mail for mail in desk.mails() if mail["reason"] == "not_authentic")
    dismiss, before = f"/v1/mails/{forged['id']}:dismiss", standing(desk, claim)
    assert forged["allowed_actions"] == ["mail.release", "mail.dismiss"]
    for stranger in (seller(), customer(), integrator(), supplier()):
        desk.api.refused("POST", dismiss, stranger, "FORBIDDEN")

    dismissed = desk.api.post(dismiss, coordinator())
    assert (dismissed["state"], dismissed["reason"], dismissed["allowed_actions"]) == ("dismissed", "not_authentic", [])
    assert desk.api.get(f"/v1/threads/{thread}", coordinator())["mails_waiting"] == 1
    assert [mail["text"] for mail in desk.mails(state="quarantined")] == ["Not Ada."]
    assert [mail["text"] for mail in desk.mails(state="dismissed")] == ["Forged."]
    [told] = desk.suite.events("messaging", "mail.dismissed")
    assert (told.data["mail_id"], told.actor) == (forged["id"], "coordinator/coo_1/api")
    assert "Forged." not in str(told.data)
    told_to_kim = len(desk.sent("kim@desk.example"))
    desk.arrives(desk.letter("eve@elsewhere.example", address, "Again."), address)
    assert len(desk.sent("kim@desk.example")) == told_to_kim, "a flood costs one mail a day"
    assert standing(desk, claim) == before


def test_what_was_released_or_dismissed_is_not_dismissed_again(desk):
    claim = reported(desk)
    invite(desk, claim)
    address = reply_address(desk.sent(OTTO)[0])
    for text in ("The parcel was found.", "Out of office."):
        desk.arrives(desk.letter(OTTO, address, text), address)
    by_text = {mail["text"]: f"/v1/mails/{mail['id']}" for mail in desk.mails()}
    found, absent = by_text["The parcel was found."], by_text["Out of office."]
    desk.api.post(f"{found}:release", coordinator())
    desk.api.post(f"{absent}:dismiss", agent())
    desk.suite.settle()
    for again in (f"{found}:dismiss", f"{absent}:dismiss", f"{absent}:release"):
        desk.api.refused("POST", again, coordinator(), "NOT_IN_THIS_STATE")
    assert texts(desk, claim, coordinator())[-1] == "The parcel was found."


@pytest.mark.capability("T06")
def test_an_observer_who_was_removed_can_no_longer_answer(desk):
    claim = reported(desk)
    page = invite(desk, claim)
    address = reply_address(desk.sent(OTTO)[0])
    [otto] = [each for each in page["observers"] if each["kind"] == "mail"]
    desk.api.post(f"/v1/claims/{claim['id']}/observers/mail/{otto['id']}", coordinator(), method="DELETE")
    desk.suite.settle()
    desk.arrives(desk.letter(OTTO, address, "Am I still here?"), address)
    assert [mail["state"] for mail in desk.mails()] == ["quarantined"]
    assert "Am I still here?" not in texts(desk, claim, coordinator())


@pytest.mark.capability("I5")
def test_one_who_follows_the_public_side_only_may_tell_and_is_told_nothing_private(desk):
    claim = reported(desk, profile="issue")
    invite(desk, claim, scope="public")
    address = reply_address(desk.sent(OTTO)[0])
    desk.api.post(f"{desk.path}/messages", seller(), {"text": "A secret.", "visibility": "private"})
    desk.arrives(desk.letter(OTTO, address, "For the shop alone."), address)
    accept(desk)
    desk.suite.advance(minutes=3)
    assert "For the shop alone." in texts(desk, claim, seller())
    assert "For the shop alone." not in texts(desk, claim, customer())
    assert not any("secret" in mail.as_string() for mail in desk.sent(OTTO))


def test_a_mail_observer_has_no_way_in_but_mail(desk):
    claim = reported(desk)
    page = invite(desk, claim)
    [otto] = [each for each in page["observers"] if each["kind"] == "mail"]
    by_api = Principal("mail_observer", otto["id"], "shop")
    thread = claim["id"].replace("clm_", "thr_")
    assert desk.api.call("GET", f"/v1/threads/{thread}/messages", by_api).json["items"] == []
    body = {"text": "By the API."}
    desk.api.refused("POST", f"/v1/threads/{thread}/messages", by_api, "FORBIDDEN", body=body)


@pytest.mark.capability("S0-16", "T28")
def test_mail_to_the_address_of_a_merged_claim_lands_in_the_one_that_survives(desk):
    first = reported(desk)
    others = [reported(desk, number) for number in ("1002", "1003")]
    address = desk.api.post(
        "/v1/threads:issue-aliases", customer(), {"thread_ids": [first["id"].replace("clm", "thr")]}
    )
    old = address["results"][0]["alias"]["address"]
    desk.api.post(f"/v1/claims/{first['id']}/messages", seller(), {"text": "Which part?", "visibility": "public"})
    question = desk.sent("ada@customer.example")[-1]
    # twice: into the second, and that into the third
    for source, target in ((first, others[0]), (others[0], others[1])):
        desk.api.post(f"/v1/claims/{source['id']}:merge", coordinator(), {"target_id": target["id"]})
        desk.suite.settle()
    desk.arrives(desk.letter("ada@customer.example", old, "I write to the address I have."), old)
    lost = f"reply@{RELAY}"
    answer = desk.letter("ada@customer.example", lost, "And this lost it.", f"In-Reply-To: {question['Message-ID']}\n")
    desk.arrives(answer, lost)
    desk.suite.settle()
    assert texts(desk, others[1], coordinator())[-2:] == ["I write to the address I have.", "And this lost it."]
    for source in (first, others[0]):
        assert desk.api.get(f"/v1/claims/{source['id']}", coordinator())["state"] == "merged"
        assert texts(desk, source, coordinator())[-1] in ("The lamp arrived in pieces.", "Which part?")
