"""The content of an invoice or credit note, and the arithmetic that both its page and its XML show.

All amounts are whole minor units of the document's currency; `gross` includes its taxes, which were frozen when the
order was placed (M3). Nothing is worked out from rates here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from shared.kernel.money import exponent

INVOICE, CREDIT_NOTE = "invoice", "credit_note"
TYPE_CODES = {INVOICE: "380", CREDIT_NOTE: "381"}  # UNTDID 1001
EN16931_DECIMALS = 2  # BR-DEC: no amount of an electronic invoice has more


@dataclass(frozen=True, slots=True)
class Part:
    """One line, or one charge such as shipping. quantity: of units; `gross` is for all of them."""

    title: str
    gross: int
    taxes: list[dict[str, Any]]
    quantity: int = 1
    sku: str | None = None

    @property
    def tax(self) -> int:
        return sum(each["amount"] for each in self.taxes)

    @property
    def net(self) -> int:
        return self.gross - self.tax

    @property
    def rate(self) -> Decimal | None:
        """In per cent; None where nothing is taxed."""
        return Decimal(self.taxes[0]["rate"]).normalize() if self.taxes else None

    @property
    def category(self) -> str:
        """UNTDID 5305: S standard rated, Z zero rated, E exempt."""
        if not self.taxes:
            return "E"
        return "S" if self.rate else "Z"


@dataclass(frozen=True, slots=True)
class TaxRow:
    """What one rate comes to over the whole document."""

    category: str
    rate: Decimal | None
    net: int
    tax: int


@dataclass(frozen=True, slots=True)
class Paper:
    """kind: invoice or credit_note. issued_on, ordered_on: `2026-11-22`, in the marketplace's time zone.

    seller, buyer: names and addresses as they were when it was issued. invoice_number: that a credit note corrects.
    paid: what of the total has been paid.
    """

    kind: str
    number: str
    issued_on: str
    ordered_on: str | None
    order_number: str
    locale: str
    currency: str
    seller: dict[str, Any]
    buyer: dict[str, Any]
    lines: list[Part]
    charges: list[Part]
    paid: int
    invoice_number: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def parts(self) -> list[Part]:
        return [*self.lines, *self.charges]

    @property
    def total(self) -> int:
        return sum(part.gross for part in self.parts)

    @property
    def net(self) -> int:
        return sum(part.net for part in self.parts)

    @property
    def tax(self) -> int:
        return self.total - self.net

    @property
    def due(self) -> int:
        return 0 if self.kind == CREDIT_NOTE else self.total - self.paid

    @property
    def tax_rows(self) -> list[TaxRow]:
        return tax_rows(self.parts)

    @property
    def is_electronic(self) -> bool:
        """Can EN 16931 say it? It knows one VAT rate per line and two decimals."""
        known = all(len(part.taxes) <= 1 for part in self.parts)
        return known and exponent(self.currency) <= EN16931_DECIMALS and bool(self.lines)

    def data(self) -> dict[str, Any]:
        """As it travels to the process that prints."""
        return asdict(self)

    @classmethod
    def of(cls, data: dict[str, Any]) -> Paper:
        parts = {name: [Part(**part) for part in data[name]] for name in ("lines", "charges")}
        return cls(**{**data, **parts})


def tax_rows(parts: Iterable[Part]) -> list[TaxRow]:
    """Per category and rate, the highest rate first; what is not taxed comes last."""
    sums: dict[tuple[str, Decimal | None], list[int]] = {}
    for part in parts:
        row = sums.setdefault((part.category, part.rate), [0, 0])
        row[0] += part.net
        row[1] += part.tax
    rows = [TaxRow(category, rate, net, tax) for (category, rate), (net, tax) in sums.items()]
    return sorted(rows, key=lambda row: -(row.rate if row.rate is not None else Decimal(-1)))


def decimal_text(amount: int, currency: str) -> str:
    """`17490` of EUR → `174.90`."""
    digits = exponent(currency)
    return f"{Decimal(amount).scaleb(-digits):.{digits}f}"
