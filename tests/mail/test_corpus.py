"""A hundred mails as real programs write them: each becomes what it should, and nothing of them goes astray."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.mailin.parsing import parse
from tests.mail.conftest import OURS, PARTIES, RELAY
from tests.suite import customer, seller

CORPUS = Path(__file__).parent / "corpus"
EXPECTED = json.loads((CORPUS / "expected.json").read_text(encoding="utf-8"))
STANDING = {
    "customer": "c.customer0000000000",
    "seller": "c.seller000000000000",
    "supplier": "c.supplier0000000000",
    "expired": "c.expired00000000000",
}
QUOTED = ("Reply above", "Répondez au-dessus", "We can send a new lamp", "Nous pouvons envoyer", "C-1001")


def source(name: str, aliases: dict[str, str]) -> bytes:
    """The mail, to the addresses of this run: they are as long as those that stand in it."""
    raw = (CORPUS / name).read_bytes()
    for party, address in aliases.items():
        local = address.partition("@")[0]
        raw = raw.replace(STANDING[party].encode(), local.encode())
        raw = raw.replace(STANDING[party].upper().encode(), local.upper().encode())
    return raw


@pytest.mark.capability("S0-15", "S0-16", "T25", "T27", "T28", "T30", "T42", "R41")
def test_each_mail_of_the_corpus_becomes_what_it_should(room):
    expired = room.alias("customer")
    room.suite.advance(days=29)
    aliases = {party: room.alias(party) for party in PARTIES} | {"expired": expired}
    elsewhere = room.suite.do("thread.open", seller(), order_id=room.order_id, text="Another matter.")["id"]
    room.suite.settle()
    wrong, before = [], room.suite.event_count()
    for name, expected in EXPECTED.items():
        room.suite.advance(minutes=7)  # ten an hour of one sender are allowed
        texts, listed = room.texts(), {mail["id"] for mail in room.mails(limit=200)}
        raw = source(name, aliases)
        to = aliases.get(expected["to"], f"{expected['to']}@{RELAY}")
        room.arrives(raw, to, mail_from=expected.get("mail_from", "someone@customer.example"))
        posted = [text for text in room.texts() if text not in texts] if len(room.texts()) > len(texts) else []
        new = [mail for mail in room.mails(limit=200) if mail["id"] not in listed]
        outcome = new[0]["state"] if new else "none"
        if expected["outcome"] == "posted":
            said = new[0]["text"] if new else None
            if outcome != "posted" or (said != expected["text"] and room.texts()[-1] != expected["text"]):
                wrong.append((name, outcome, new and new[0]["reason"], room.texts()[-1:]))
        elif expected["outcome"] in ("quarantined", "ignored"):
            if outcome != expected["outcome"] or new[0]["reason"] != expected["reason"] or posted:
                wrong.append((name, outcome, new and new[0]["reason"], posted))
        elif expected["outcome"] in ("bounce", "dropped") and (new or posted):
            wrong.append((name, outcome, posted))
    assert not wrong, json.dumps(wrong, indent=1, ensure_ascii=False)
    assert room.failed() == []
    assert room.suite.event_count() > before
    threads = room.suite.do("thread.messages", customer(), thread_id=elsewhere)["items"]
    assert [message["text"] for message in threads] == ["Another matter."], "a mail went to the wrong thread"
    foreign = [text for text in room.texts() if "new account" in text]
    assert foreign == [], "a forged mail became a comment"


@pytest.mark.capability("S0-16")
def test_quoted_text_is_taken_out_of_at_least_95_percent_of_the_genuine_replies():
    replies = [name for name, each in EXPECTED.items() if each["outcome"] == "posted" and each["kind"] == "reply"]
    assert len(replies) >= 50
    clean = 0
    for name in replies:
        found = parse((CORPUS / name).read_bytes(), (RELAY, OURS))
        expected = EXPECTED[name]["text"]
        clean += found.text == expected or (not found.text and expected.startswith("["))
        assert not found.automatic, name
    assert clean / len(replies) >= 0.95, f"{clean} of {len(replies)}"


def test_the_corpus_holds_at_least_80_mails_of_every_kind():
    assert len(EXPECTED) >= 80
    kinds = {each["kind"] for each in EXPECTED.values()}
    assert kinds >= {"reply", "automatic", "dsn", "spoof", "forward", "nested", "broken", "hostile", "late"}
    assert {path.name for path in CORPUS.glob("*.eml")} == set(EXPECTED)


def test_reports_name_the_mail_that_did_not_arrive():
    for name, expected in EXPECTED.items():
        found = parse((CORPUS / name).read_bytes(), (RELAY, OURS), expected.get("mail_from") == "")
        assert (found.bounce is not None) == (expected["outcome"] == "bounce"), name
        if found.bounce:
            assert found.bounce["status"] == expected["reason"], name
            assert found.bounce["message_ids"] == ["<msg_01QUESTION.ntf_01EVENT_abcdef012345@aftersale.example>"], name
