"""One example of every mail, per kind of reader. `python -m tests.notification.samples` writes the snapshots anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.notification.model import ClaimCopy, CommentCopy, OrderCopy
from services.notification.rendering import Rendered, render

SNAPSHOTS = Path(__file__).parent / "snapshots"
BRAND = "Maison Lune"
AMOUNT = {"amount": 4372, "currency": "EUR"}


def order(**changes: Any) -> OrderCopy:
    values = {
        "id": "ord_1",
        "tenant": "shop",
        "number": "1001",
        "customer_ref": "cus_1",
        "seller_id": "sel_1",
        "currency": "EUR",
        "placed_at": datetime(2026, 11, 2, 9, 0, tzinfo=UTC),
        "total": 123490,
        "lines": [
            {"qty": 2, "title": "Lampe en laiton", "gross": 114743},
            {"qty": 1, "title": "Tapis de laine", "gross": 8257},
        ],
        "shipping": 490,
    }
    return OrderCopy(**(values | changes))


def claim(**changes: Any) -> ClaimCopy:
    values = {
        "id": "clm_1",
        "tenant": "shop",
        "number": "C-1001",
        "title": "Lampe cassée",
        "text": "Bonjour,\nla lampe est arrivée en morceaux.\n\nQue faire ?",
        "order_id": "ord_1",
        "customer_ref": "cus_1",
        "seller_id": "sel_1",
        "handler": "seller",
        "assignee": None,
        "included": [],
    }
    return ClaimCopy(**(values | changes))


def comment(author_type: str = "seller", text: str = "Nous vous envoyons une lampe neuve demain.") -> CommentCopy:
    return CommentCopy(id="msg_1", tenant="shop", author_type=author_type, visibility="public", text=text)


TAXES = [{"code": "FR_VAT_20", "rate": "20", "amount": 729}, {"code": "FR_VAT_55", "rate": "5.5", "amount": 12}]
REFUND = {"amount": AMOUNT, "instrument": "original", "refund_id": "rfd_1", "error": None}
AGREED = {
    "reason": {"en": "Technical malfunction", "fr": "Dysfonctionnement technique"},
    "amount": None,
    "scope": "order",
}
ACCESS = {
    "kind_asked": "limited_account",
    "permissions": ["read_orders", "read_logs"],
    "purpose": "To see why the module shows an empty page.",
    "answer": "access.requested",
}

WITHDRAWN: dict[str, Any] = {
    "lines": [{"line_id": "lin_1", "qty": 2, "title": "Lampe en laiton", "not_accepted": None}],
    "accepted": True,
    "received_at": "2026-11-09T09:50:00Z",
    "time_zone": "Europe/Paris",
    "refund_due_at": "2026-11-23T09:50:00Z",
}

RATE = {
    "seller_id": "sel_1",
    "rate": "4.50",
    "threshold": "5",
    "issues": 9,
    "orders": 200,
    "window_days": 90,
    "budget": 1,
}

CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("order_placed", "customer", {}),
    ("order_placed", "seller", {}),
    ("order_state_changed", "customer", {"label": "Inspection"}),
    (
        "parcel_added",
        "customer",
        {"carrier": "Colissimo", "tracking_number": "8L01", "tracking_page": "https://www.laposte.fr/suivre?code=8L01"},
    ),
    (
        "lifecycle_reminder",
        "customer",
        {
            "title": "Cartouche filtrante",
            "ends_at": datetime(2026, 12, 2, 9, 0, tzinfo=UTC),
            "offer_code": "ENCORE10",
            "stop_link": "https://shop.example/reminders/shop/lcp_1/secret",
        },
    ),
    ("claim_opened", "customer", {"claim": claim()}),
    ("claim_opened", "seller", {"claim": claim()}),
    ("message_posted", "customer", {"claim": claim(), "comments": [comment()]}),
    (
        "message_posted",
        "coordinator",
        {"claim": claim(), "comments": [comment("customer", "Bonjour ?"), comment("supplier", "Elle part demain.")]},
    ),
    ("message_posted", "seller", {"comments": [comment("customer", "Quand arrive-t-elle ?")]}),
    (
        "private_comment",
        "supplier",
        {"claim": claim(), "comments": [comment("coordinator", "Avez-vous un abat-jour ?")]},
    ),
    (
        "payment_link",
        "customer",
        {
            "amount": AMOUNT,
            "purpose": "abat-jour en lin",
            "expires_at": datetime(2026, 11, 29, 9, 0, tzinfo=UTC),
            "url": "https://shop.example/pay/0123",
        },
    ),
    (
        "invoice_issued",
        "customer",
        {"number": "FA-2026-000042", "total": AMOUNT, "taxes": TAXES, "url": "https://shop.example/documents?ticket=a"},
    ),
    (
        "resolution_chosen",
        "customer",
        {"claim": claim(), "solution": "gesture", "amount": AMOUNT, "instructions": None},
    ),
    (
        "resolution_chosen",
        "coordinator",
        {"claim": claim(), "solution": "replacement", "amount": None, "instructions": "Gardez la lampe."},
    ),
    ("solution_proposed", "customer", {"claim": claim(), "comments": [comment()]}),
    ("solution_proposed", "coordinator", {"claim": claim(), "comments": [comment()]}),
    ("claim_resolved", "customer", {"claim": claim()}),
    ("claim_resolved", "seller", {"claim": claim()}),
    ("claim_refused", "customer", {"claim": claim()}),
    ("claim_refused", "seller", {"claim": claim()}),
    ("refund_agreed", "customer", {**AGREED, "comments": [comment("seller", "We refund the module.")]}),
    ("refund_agreed", "platform", {**AGREED, "amount": AMOUNT, "scope": "lines"}),
    ("access_requested", "customer", ACCESS),
    ("access_answered", "seller", {**ACCESS, "answer": "access.granted"}),
    ("observer_included", "mail_observer", {"claim": claim()}),
    ("withdrawal_received", "customer", {"claim": claim(), **WITHDRAWN}),
    (
        "withdrawal_received",
        "seller",
        {**WITHDRAWN, "accepted": False, "lines": [{**WITHDRAWN["lines"][0], "not_accepted": "period_over"}]},
    ),
    ("claim_reopened", "customer", {"claim": claim()}),
    ("claim_reopened", "seller", {"claim": claim()}),
    ("refund_succeeded", "customer", {"claim": claim(), **REFUND}),
    ("refund_succeeded", "seller", {**REFUND, "instrument": "coupon"}),
    ("mail_waits", "coordinator", {"claim": claim(), "why": "Nothing proves that it comes from its sender."}),
    ("mail_waits", "platform", {"why": "It could not be posted."}),
    ("not_delivered", "seller", {"reader": "the customer", "status": "5.1.1"}),
    ("not_delivered", "coordinator", {"claim": claim(), "reader": "the supplier", "status": "recipient refused (550)"}),
    ("refund_failed", "seller", {**REFUND, "error": "expired_or_canceled_card"}),
    ("refund_unknown", "coordinator", REFUND),
    ("late_mail", "customer", {"link": "https://shop.example/mail/renew/mail_1.secret"}),
    ("late_mail", "seller", {"claim": claim(), "link": "https://shop.example/mail/renew/mail_1.secret"}),
    ("promise_due", "seller", {"claim": claim(), "clock": "first answer", "due_at": "2026-11-09T09:50:00Z"}),
    ("promise_broken", "coordinator", {"claim": claim(), "clock": "solution", "due_at": "2026-11-09T09:50:00Z"}),
    ("issue_rate", "seller", {"step": "risk", "order": None, **RATE}),
    ("issue_rate", "platform", {"step": "exceeded", "order": None, **RATE, "rate": "5.50", "issues": 11, "budget": 0}),
    (
        "credit_note_issued",
        "customer",
        {"number": "AV-2026-000001", "total": AMOUNT, "taxes": TAXES, "url": "https://shop.example/documents?ticket=b"},
    ),
]


def facts(kind: str, more: dict[str, Any]) -> dict[str, Any]:
    about = {"order": order(), "claim": None, "comments": [], "time_zone": "Europe/Paris"}
    return {"kind": kind, "name": "Ada Byron", **about, **more}


def rendered() -> Iterator[tuple[str, Rendered]]:
    """Every sample in both languages, with the name of its snapshot."""
    for locale in ("en", "fr"):
        for template, kind, more in CASES:
            yield f"{locale}/{template}.{kind}.txt", render(template, locale, BRAND, facts(kind, more))


def written(mail: Rendered) -> str:
    return f"{mail.subject}\n\n{mail.text}"


if __name__ == "__main__":
    for name, mail in rendered():
        path = SNAPSHOTS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(mail), encoding="utf-8")
