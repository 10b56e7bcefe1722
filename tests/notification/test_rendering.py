"""What mails say, in both languages, whatever people put into titles and names."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from jinja2 import UndefinedError

from services.notification.policies import TEMPLATES
from services.notification.rendering import render
from tests.notification.samples import AMOUNT, BRAND, CASES, SNAPSHOTS, claim, comment, facts, order, rendered, written

HOSTILE = '<script>alert("1")</script>'
INJECTION = "Broken\r\nBcc: thief@elsewhere.example\r\n\r\nHello"


@pytest.mark.parametrize(("name", "mail"), list(rendered()), ids=lambda value: value if isinstance(value, str) else "")
def test_mail_reads_as_it_was_read_and_approved(name, mail):
    assert written(mail) == (SNAPSHOTS / name).read_text(encoding="utf-8")
    assert "<" not in mail.text
    assert "{{" not in mail.html
    assert "None" not in mail.text


def test_every_mail_of_the_matrix_has_its_sample():
    assert {template for template, _, _ in CASES} == set(TEMPLATES)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("locale", ["en", "fr"])
def test_a_mail_with_a_missing_fact_is_not_written_at_all(template, locale):
    with pytest.raises(UndefinedError):
        render(template, locale, BRAND, {"kind": "customer"})


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_markup_in_titles_names_and_texts_is_shown_and_not_obeyed(locale):
    hostile = claim(title=HOSTILE, text=HOSTILE, number="C-1")
    for template in ("claim_opened", "message_posted", "solution_proposed", "claim_resolved"):
        mail = render(
            template,
            locale,
            HOSTILE,
            facts("customer", {"name": HOSTILE, "claim": hostile, "comments": [comment(text=HOSTILE)]}),
        )
        assert "<script" not in mail.html
        assert "&lt;script&gt;" in mail.html
    bill = render(
        "order_placed",
        locale,
        BRAND,
        facts("seller", {"order": order(lines=[{"qty": 1, "title": HOSTILE, "gross": 1}])}),
    )
    assert "<script" not in bill.html


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_a_title_with_line_breaks_cannot_add_a_header(locale):
    mail = render("claim_opened", locale, BRAND, facts("seller", {"claim": claim(title=INJECTION)}))

    assert re.search(r"[\x00-\x1f\x7f]", mail.subject) is None
    message = EmailMessage(policy=SMTP)
    message["Subject"] = mail.subject
    message.set_content(mail.text)
    assert message["Bcc"] is None
    assert b"\nBcc:" not in message.as_bytes().split(b"\r\n\r\n")[0]


def test_a_quoted_message_cannot_pose_as_the_shop_in_the_text_part():
    mail = render(
        "message_posted",
        "en",
        BRAND,
        facts("customer", {"claim": claim(), "comments": [comment(text="Hi\n-- \nMaison Lune")]}),
    )

    assert "> Hi\n> --\n> Maison Lune" in mail.text


def test_a_very_long_title_is_cut_in_the_subject():
    mail = render("claim_opened", "en", BRAND, facts("seller", {"claim": claim(title="lamp " * 60)}))

    assert len(mail.subject) <= 150
    assert mail.subject.endswith("…")


@pytest.mark.parametrize(
    ("locale", "amount", "shown"),
    [
        ("fr", {"amount": 123456, "currency": "EUR"}, "1\N{NARROW NO-BREAK SPACE}234,56\N{NO-BREAK SPACE}€"),
        ("en", {"amount": 123456, "currency": "EUR"}, "€1,234.56"),
        ("en", {"amount": 1234, "currency": "JPY"}, "JP¥1,234"),
        ("fr", {"amount": 1234, "currency": "TND"}, "1,234\N{NO-BREAK SPACE}TND"),
        ("de", AMOUNT, "€43.72"),
    ],
)
def test_amounts_are_written_as_the_reader_writes_them(locale, amount, shown):
    mail = render("refund_unknown", locale, BRAND, facts("seller", {"amount": amount, "refund_id": "rfd_1"}))

    assert shown in mail.text


def test_nothing_in_a_mail_is_fetched_from_elsewhere():
    for _, mail in rendered():
        links = re.findall(r'(?:src|href)="([^"]*)"', mail.html)
        ours = ("https://www.laposte.fr/", "https://shop.example/")
        assert all(link.startswith(ours) for link in links)
        assert "@import" not in mail.html
        assert "url(" not in mail.html
