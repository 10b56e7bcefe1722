"""The double entry behind the counters: append-only, every transaction sums to zero (M18)."""

from __future__ import annotations

from collections import Counter as Sums
from collections.abc import Iterable
from dataclasses import dataclass

# `captured` is the contra account of the payments: without it a capture could not sum to zero. `coupon_expired` is what
# customers let lapse: given back for good, owed to nobody.
ACCOUNTS = (
    "captured",
    "customer_funds",
    "refunds_reserved",
    "refunds_paid",
    "coupon_liability",
    "coupon_expired",
    "chargeback",
    "fee",
    "rounding",
)

# movement → (from, to): the amount leaves the first account and enters the second
MOVEMENTS = {
    "capture": ("captured", "customer_funds"),
    "reserve": ("customer_funds", "refunds_reserved"),
    "release": ("refunds_reserved", "customer_funds"),
    "succeed": ("refunds_reserved", "refunds_paid"),
    "reverse": ("refunds_paid", "customer_funds"),
    "coupon": ("refunds_reserved", "coupon_liability"),
    "redeem": ("coupon_liability", "refunds_paid"),
    "expire": ("coupon_liability", "coupon_expired"),
    "revoke": ("coupon_liability", "customer_funds"),
    "external": ("customer_funds", "refunds_paid"),
    "chargeback": ("customer_funds", "chargeback"),
    "chargeback_won": ("chargeback", "customer_funds"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of one movement. `txn` names the movement (`rfd_…:reserve`); amounts of one txn sum to zero."""

    txn: str
    account: str
    amount: int
    currency: str
    payment_id: str
    cause: str
    at: str


def post(movement: str, amount: int, currency: str, payment_id: str, cause: str, at: str) -> list[Entry]:
    """The two entries of a movement. `cause` is the refund, payment or chargeback that moved the money."""
    source, target = MOVEMENTS[movement]
    txn = f"{cause}:{movement}"
    return [
        Entry(txn, source, -amount, currency, payment_id, cause, at),
        Entry(txn, target, amount, currency, payment_id, cause, at),
    ]


def balances(entries: Iterable[Entry]) -> dict[str, int]:
    """The balance of every account; `rounding` must be 0 for ever."""
    sums: Sums[str] = Sums(dict.fromkeys(ACCOUNTS, 0))
    for entry in entries:
        sums[entry.account] += entry.amount
    return dict(sums)
