"""Orders to refund, as order.placed tells them, and ledgers built from them."""

from __future__ import annotations

from datetime import UTC, datetime

from services.refund.model import Payment, Refund, RefundLedger
from services.refund.policies import Asked, AskedLine, plan, profile_of, split

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SELLER = {"type": "seller", "id": "usr_sam", "via": "api"}


def taxed(amount: int, code: str = "VAT20", rate: str = "20") -> list[dict]:
    return [{"code": code, "rate": rate, "amount": amount}]


def line(line_id: str = "lin_a", qty: int = 10, gross: int = 17925, taxes: list[dict] | None = None) -> dict:
    return {
        "line_id": line_id,
        "product_id": f"prd_{line_id}",
        "sku": f"SKU-{line_id}",
        "title": "Porcelain cup",
        "qty": qty,
        "gross": gross,
        "taxes": taxed(2988) if taxes is None else taxes,
    }


def shipment(shipment_id: str = "shp_1", gross: int = 600, tax: int = 100) -> dict:
    return {"shipment_id": shipment_id, "gross": gross, "taxes": taxed(tax)}


def placed(lines: list[dict], shipments: list[dict] = (), profile: str = "discussion") -> dict:
    total = sum(one["gross"] for one in [*lines, *shipments])
    return {
        "order_id": "ord_1",
        "number": "1001",
        "marketplace": "fr",
        "profile": profile,
        "customer_ref": "cus_ada",
        "seller_id": "sel_porcelain",
        "currency": "EUR",
        "lines": lines,
        "shipments": list(shipments),
        "total": {"amount": total, "currency": "EUR"},
        "placed_at": "2026-03-01T09:00:00.000Z",
    }


def payment(amount: int, id: str = "pay_1", instrument: str = "card", at: str = "2026-03-01T09:01:00.000Z") -> Payment:
    return Payment(id, "stripe", f"pi_{id}", instrument, amount, at)


def paid_ledger(
    lines: list[dict] | None = None, shipments: list[dict] = (), profile: str = "discussion"
) -> RefundLedger:
    """One payment over the whole of the order."""
    order = placed([line()] if lines is None else lines, shipments, profile)
    ledger = RefundLedger.from_order("t1", order)
    ledger.capture(payment(order["total"]["amount"]))
    return ledger


def shipped_ledger(*args, **kwargs) -> RefundLedger:
    ledger = paid_ledger(*args, **kwargs)
    for one in ledger.lines:
        ledger.ship(one.id, one.ordered)
    return ledger


def of_line(line_id: str = "lin_a", qty: int | None = None, amount: int | None = None) -> AskedLine:
    return AskedLine(line_id, qty, amount)


class Desk:
    """Requests refunds of one ledger under the rules, and numbers them."""

    def __init__(self, ledger: RefundLedger) -> None:
        self.ledger, self.refunds = ledger, []

    def request(
        self, kind: str, reason_code: str = "damaged_items", instrument: str = "original", **asked
    ) -> list[Refund]:
        """One refund per payment that takes part; raises the refusal when the rules say no."""
        profile = profile_of(self.ledger.profile)
        wishes = plan(self.ledger, profile, Asked(kind, **asked))
        parts = split(self.ledger, profile, wishes)
        made = [self._one(kind, reason_code, instrument, paid_by, mine) for paid_by, mine in parts]
        self.refunds += made
        return made

    def pay(self, refund: Refund) -> None:
        """Approve, execute and succeed."""
        refund.approve_by_policy(self.ledger, NOON)
        refund.execute(self.ledger, NOON)
        refund.succeed(self.ledger, f"re_{refund.id}", f"cn_{refund.id}", NOON)

    def refund(self, kind: str, **asked) -> list[Refund]:
        made = self.request(kind, **asked)
        for one in made:
            self.pay(one)
        return made

    def _one(self, kind: str, reason_code: str, instrument: str, paid_by: Payment, wishes: list) -> Refund:
        return Refund.request(
            self.ledger,
            wishes,
            NOON,
            id=f"rfd_{len(self.refunds)}_{paid_by.id}_{len(self.ledger.entries)}",
            claim_id=None,
            parent_id=None,
            retry_of=None,
            kind=kind,
            instrument=instrument,
            provider=paid_by.provider,
            payment_id=paid_by.id,
            payment_ref=paid_by.provider_ref,
            reason_code=reason_code,
            requested_by=SELLER,
        )


def advance(refund, ledger, choice: int) -> None:
    """The next step of a refund: on, or failed, or out of sight, or back."""
    if refund.state == "requested":
        refund.cancel(ledger, {"type": "seller", "id": "x"}, NOON) if choice == 0 else refund.approve_by_policy(
            ledger, NOON
        )
    elif refund.state == "approved":
        refund.execute(ledger, NOON)
    elif refund.state == "processing" and choice == 2:
        refund.lose_sight(ledger, "timeout", False)
    elif refund.state in ("processing", "unknown"):
        refund.fail(ledger, "declined", True, NOON) if choice == 0 else refund.succeed(ledger, "re", "cn", NOON)
    elif refund.state == "succeeded" and choice == 3 and not refund.is_coupon:
        refund.reverse(ledger, "account_closed", NOON)
