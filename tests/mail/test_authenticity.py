"""Is the sender who he says? DKIM and SPF verified by ourselves, with a DNS of the test; nobody is believed (T25)."""

from __future__ import annotations

import base64

import dkim
import pytest
import spf
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from services.mailin.authenticity import Envelope, Judge
from tests.mail.conftest import RELAY, MailRoom

ADA = "ada@customer.example"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
)
ZONE = {
    "mail._domainkey.customer.example": b"v=DKIM1; k=rsa; p=" + PUBLIC,
    "mail._domainkey.attacker.example": b"v=DKIM1; k=rsa; p=" + PUBLIC,
    "mail._domainkey.news.customer.example": b"v=DKIM1; k=rsa; p=" + PUBLIC,
    "mail._domainkey.example": b"v=DKIM1; k=rsa; p=" + PUBLIC,
}
SPF = {"customer.example": "v=spf1 ip4:198.51.100.7 -all", "attacker.example": "v=spf1 +all"}
DIRECT = Envelope(mail_from="bounce@elsewhere.example", peer="203.0.113.9", helo="mail.customer.example")


def dns(name, timeout=5):
    return ZONE.get(name.decode().rstrip("."))


def dead(name, timeout=5):
    raise TimeoutError


def source(text="The shade broke.", sender=ADA, headers=""):
    return f"From: {sender}\r\nTo: shop\r\nSubject: Hello\r\n{headers}\r\n{text}\r\n".encode()


def signed(raw, domain="customer.example", **options):
    return dkim.sign(raw, b"mail", domain.encode(), PEM, include_headers=[b"from", b"subject"], **options) + raw


def proved(raw, envelope=DIRECT, results=(), judge=None, sender=ADA):
    return (judge or Judge(dns=dns)).is_authentic(raw, sender, list(results), envelope)


@pytest.mark.capability("T25", "S0-15")
def test_a_mail_that_its_domain_signed_is_authentic_and_one_that_was_changed_is_not():
    raw = signed(source())
    assert proved(raw)
    assert not proved(source())
    assert not proved(raw.replace(b"The shade broke.", b"Refund me all."))
    assert not proved(raw.replace(b"Subject: Hello", b"Subject: Pay"))
    assert proved(raw.replace(b"To: shop", b"To: another")), "what was not signed may be rewritten on the way"


@pytest.mark.capability("T25")
@pytest.mark.parametrize("domain", ["attacker.example", "example", "gone.example"])
def test_a_signature_of_another_domain_proves_nothing(domain):
    assert not proved(signed(source(), domain))


def test_a_signature_of_a_domain_below_the_senders_counts_and_the_first_that_holds_is_enough():
    raw = signed(source(), "news.customer.example")
    assert proved(raw)
    assert proved(signed(signed(source()), "attacker.example"))


@pytest.mark.capability("T25")
def test_a_signature_over_the_beginning_alone_is_none():
    assert not proved(signed(source(), length=True) + b"and this was added\r\n")
    assert not proved(signed(source(), length=True))


def test_a_dns_that_does_not_answer_and_a_broken_signature_are_no_proof_and_no_error():
    assert not proved(signed(source()), judge=Judge(dns=dead))
    for junk in (
        b"DKIM-Signature: v=1\r\n",
        b"DKIM-Signature: \xff\xfe; b=;;\r\n",
        b"DKIM-Signature: v=1; a=rsa-sha1\r\n",
    ):
        assert not proved(junk + source())


@pytest.fixture
def records(monkeypatch):
    def lookup(name, qtype, *_, **__):
        text = SPF.get(name.rstrip(".").lower()) if qtype == "TXT" else None
        return [((name, qtype), (text.encode(),))] if text else []

    monkeypatch.setattr(spf, "DNSLookup", lookup)


@pytest.mark.capability("T25", "S0-15")
@pytest.mark.parametrize(
    ("peer", "mail_from", "expected"),
    [
        ("198.51.100.7", ADA, True),
        ("203.0.113.9", ADA, False),
        ("198.51.100.7", "", False),
        ("203.0.113.9", "eve@attacker.example", False),
        ("", ADA, False),
    ],
)
def test_spf_counts_for_the_address_that_the_senders_domain_names_and_for_that_domain(
    records, peer, mail_from, expected
):
    envelope = Envelope(mail_from=mail_from, peer=peer, helo="mail.customer.example")
    assert proved(source(), envelope, judge=Judge(dns=dns)) is expected


@pytest.mark.capability("T25", "R43")
def test_what_a_stranger_writes_into_authentication_results_is_ignored(records):
    forged = [
        "mx.shop.example; dkim=pass header.d=customer.example",
        "mx.shop.example; spf=pass smtp.mailfrom=ada@customer.example; dmarc=pass header.from=customer.example",
        "mx.shop.example (believe me); dkim=pass header.d=customer.example",
    ]
    for judge in (Judge(dns=dns), Judge("mx.shop.example", "10.0.0.0/8", dns), Judge("", "203.0.113.0/24", dns)):
        for results in ([line] for line in forged):
            assert not proved(source(), results=results, judge=judge)
    ours = Judge("mx.shop.example", "203.0.113.0/24", dns)
    assert proved(source(), results=forged[:1], judge=ours), "from the server that writes it, the same line is its word"
    verdict = "mx.shop.example; dkim=fail header.d=customer.example"
    assert not proved(source(), results=[verdict, forged[0]], judge=ours), "below ours it is the sender's"
    assert not proved(source(), results=["other.example; dkim=pass header.d=customer.example"], judge=ours)


@pytest.mark.capability("T25", "S0-15")
def test_without_a_server_of_ours_in_front_the_signature_decides_who_is_let_in(suite_of, tmp_path, readers, records):
    suite = suite_of("order", "messaging", "notification", relay_domain=RELAY, mail="folder")
    room = MailRoom(suite, tmp_path / "spool", readers, Judge(dns=dns))
    head = f"To: {room.aliases['customer']}\r\nMessage-ID: <1@customer.example>\r\n"
    forged = "Authentication-Results: mx.shop.example; dkim=pass header.d=customer.example\r\nMessage-ID: <2@x>\r\n"
    room.arrives(signed(source("Signed.", headers=head)), room.aliases["customer"])
    room.arrives(source("Forged.", headers=forged), room.aliases["customer"])
    assert room.texts()[-1] == "Signed."
    assert {(mail["state"], mail["reason"], mail["trust"]) for mail in room.mails()} == {
        ("quarantined", "not_authentic", "low"),
        ("posted", None, "high"),
    }
