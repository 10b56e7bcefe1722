"""Credit notes: one per succeeded refund, numbered without gaps (M19)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.refund.model.parts import Slice
from services.refund.model.refund import Refund, line_data
from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import stamp
from shared.kernel.money import Money


@dataclass(kw_only=True)
class CreditNote(Aggregate):
    """What the customer gets in writing. Immutable: a correction is another note."""

    stream = "credit_note"

    number: str
    order_id: str
    refund_id: str
    seller_id: str
    customer_ref: str
    invoice_number: str | None
    currency: str
    total: int
    lines: list[dict]
    shipping: list[dict]
    taxes: list[dict]
    issued_at: datetime

    @classmethod
    def issue(cls, id: str, refund: Refund, number: str, invoice_number: str | None, now: datetime) -> CreditNote:
        """REF-09: total = the refund; the tax table is the sum of its slices' taxes per code and rate (M19).

        invoice_number: of the invoice that it corrects, where the order has one.
        """
        note = cls(
            id=id,
            tenant=refund.tenant,
            number=number,
            order_id=refund.order_id,
            refund_id=refund.id,
            seller_id=refund.seller_id,
            customer_ref=refund.customer_ref,
            invoice_number=invoice_number,
            currency=refund.currency,
            total=refund.amount,
            lines=[line_data(piece) for piece in refund.slices if piece.kind == "line"],
            shipping=[shipment_data(piece) for piece in refund.slices if piece.kind == "shipment"],
            taxes=tax_table(refund.slices),
            issued_at=now,
        )
        note.record("credit_note.issued", **note.facts())
        return note

    def facts(self) -> dict[str, Any]:
        """The payload of credit_note.issued; the document itself is rendered from it."""
        return {
            "credit_note_id": self.id,
            "number": self.number,
            "order_id": self.order_id,
            "refund_id": self.refund_id,
            "seller_id": self.seller_id,
            "customer_ref": self.customer_ref,
            "invoice_number": self.invoice_number,
            "total": Money(self.total, self.currency).data(),
            "lines": self.lines,
            "shipping": self.shipping,
            "taxes": self.taxes,
            "issued_at": stamp(self.issued_at),
        }


def shipment_data(piece: Slice) -> dict[str, Any]:
    return {"shipment_id": piece.part_id, "amount": piece.amount, "taxes": piece.taxes}


def tax_table(slices: list[Slice]) -> list[dict]:
    """Σ of the taxes of all slices, per code and rate, in the order in which they first appear."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for piece in slices:
        for tax in piece.taxes:
            sums[tax["code"], tax["rate"]] += tax["amount"]
    return [{"code": code, "rate": rate, "amount": amount} for (code, rate), amount in sums.items()]
