"""Money as integer minor units, and the only two ways this suite ever divides it (spec M1, M4, M5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from shared.kernel.errors import Refusal


class CurrencyMismatch(Refusal):
    """Amounts of {left} and {right} cannot be added: one order has one currency."""

    code = "CURRENCY_MISMATCH"
    status = 422


@cache
def exponent(currency: str) -> int:
    """Digits after the decimal point of an ISO 4217 currency: JPY 0, EUR 2, TND 3. KeyError for an unknown code."""
    from iso4217 import Currency  # imported late: 2 MB that only the processes which show or check money need

    try:
        return Currency(currency).exponent or 0
    except ValueError as unknown:
        raise KeyError(currency) from unknown


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents) of one currency. Never a float."""

    amount: int
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(left=self.currency, right=other.currency)
        return other.amount

    def data(self) -> dict:
        """The wire shape: `{"amount": 1250, "currency": "EUR"}`."""
        return {"amount": self.amount, "currency": self.currency}

    @classmethod
    def of(cls, data: dict) -> Money:
        return cls(data["amount"], data["currency"])


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Spread `total` over `weights` by largest remainder, ties to the earlier line (M4).

    The parts sum to `total` exactly and no part exceeds its weight when `total` ≤ Σ weights.
    All-zero weights put everything on the first line.
    """
    whole = sum(weights)
    if whole == 0:
        return [total, *[0] * (len(weights) - 1)] if weights else []
    parts = [total * weight // whole for weight in weights]
    remainders = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in remainders[: total - sum(parts)]:
        parts[index] += 1
    return parts


def value_of_units(gross: int, quantity: int, units: int) -> int:
    """What the first `units` of a line of `quantity` are worth: ⌊gross·units/quantity⌋ (M5).

    Refunds take differences of this cumulative value, so that the units sum to the line exactly.
    """
    return gross * units // quantity


def round_half_up(numerator: int, denominator: int) -> int:
    """`numerator / denominator` rounded half up, for numbers ≥ 0 (M6)."""
    return (2 * numerator + denominator) // (2 * denominator)
