"""The provider's money: what was captured, what was given back, never more back than captured."""

import secrets
import sqlite3
import time
from dataclasses import dataclass

import orjson

from services.simulator.records import Payment, Records, Refund


class Refused(Exception):
    """The ledger refuses; each provider words it in its own way."""


class UnknownPayment(Refused):
    """No such payment."""


class UnknownRefund(Refused):
    """No such refund."""


class DuplicatePayment(Refused):
    """A payment with this id exists."""


class NothingCaptured(Refused):
    """The payment has not been captured."""


class AlreadyRefunded(Refused):
    """Nothing is left to refund; `args[0]` is the payment."""


class TooMuch(Refused):
    """More than is left; `args` are the payment and the amount asked for."""


class NotSettleable(Refused):
    """The refund cannot go to that status from where it is."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a refund will go: its first status and, when it moves by itself, when and to what."""

    status: str = "succeeded"
    settle_after: float | None = None  # seconds
    settle_as: str | None = None


_REFUND_ROW = ("INSERT INTO refunds (provider, id, payment, charge, currency, amount, status, reason, metadata, key,"
               " external, created, updated, settle_at, settle_as) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
# A succeeded refund can still bounce: the card was closed and the bank sends the money back.
_MOVES = {("pending", "succeeded"), ("pending", "failed"), ("succeeded", "failed")}


class Ledger:
    """Payments and refunds of both providers. Callers hold `records.change()` around anything that writes."""

    def __init__(self, records: Records):
        self._records = records
        self._db = records.db

    def open_payment(self, provider: str, currency: str, amount: int, *, id: str | None = None,
                     charge: str | None = None, captured: int | None = None, status: str = "succeeded",
                     method: str = "pm_card_visa", metadata: dict | None = None) -> Payment:
        """Write a payment down, captured in full unless told otherwise; DuplicatePayment when the id is taken."""
        id = id or (f"pi_{secrets.token_hex(12)}" if provider == "stripe" else secrets.token_hex(9)[:17].upper())
        charge = charge or (f"ch_{id.removeprefix('pi_')}" if provider == "stripe" else id)
        payment = Payment(provider, id, charge, currency.lower(), amount, amount if captured is None else captured, 0,
                          status, method, metadata or {}, int(time.time()))
        try:
            self._db.execute(
                "INSERT INTO payments VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                (provider, id, charge, payment.currency, amount, payment.captured, 0, status, method,
                 orjson.dumps(payment.metadata).decode(), payment.created))
        except sqlite3.IntegrityError:
            raise DuplicatePayment(id) from None
        return payment

    def payment(self, provider: str, id: str) -> Payment:
        """A payment by its own id or its charge id; UnknownPayment."""
        found = self._records.payments("provider = ? AND (id = ? OR charge = ?)", provider, id, id)
        if not found:
            raise UnknownPayment(id)
        return found[0]

    def capture(self, payment: Payment) -> Payment:
        """Take the money of a payment that waited for its confirmation."""
        self._db.execute("UPDATE payments SET captured = amount, status = 'succeeded' WHERE provider = ? AND id = ?",
                         (payment.provider, payment.id))
        return self.payment(payment.provider, payment.id)

    def refund(self, payment: Payment, amount: int | None, course: Course, *, key: str | None = None,
               reason: str | None = None, metadata: dict | None = None, external: bool = False) -> Refund:
        """Give `amount` back (None: all that is left); NothingCaptured, AlreadyRefunded or TooMuch.

        The cap is one conditional UPDATE, so no interleaving of calls gives back more than was captured.
        """
        if payment.captured == 0:
            raise NothingCaptured(payment)
        if payment.left == 0:
            raise AlreadyRefunded(payment)
        amount = payment.left if amount is None else amount
        if amount > payment.left:  # also keeps numbers that SQLite cannot hold out of the statement below
            raise TooMuch(payment, amount)
        taken = self._db.execute(
            "UPDATE payments SET refunded = refunded + ? WHERE provider = ? AND id = ? AND refunded + ? <= captured",
            (amount, payment.provider, payment.id, amount))
        if taken.rowcount != 1:
            raise TooMuch(payment, amount)
        now = time.time()
        settle_at = None if course.settle_after is None else now + course.settle_after
        id = f"re_{secrets.token_hex(12)}" if payment.provider == "stripe" else secrets.token_hex(9)[:17].upper()
        self._db.execute(_REFUND_ROW, (
            payment.provider, id, payment.id, payment.charge, payment.currency, amount, course.status, reason,
            orjson.dumps(metadata or {}).decode(), key, external, int(now), int(now), settle_at, course.settle_as))
        return self.refund_by_id(payment.provider, id)

    def refund_by_id(self, provider: str, id: str) -> Refund:
        """A refund; UnknownRefund."""
        found = self._records.refunds("provider = ? AND id = ?", provider, id)
        if not found:
            raise UnknownRefund(id)
        return found[0]

    def settle(self, refund: Refund, status: str, failure: str | None = None) -> Refund:
        """Move a refund to succeeded or failed; a failed one gives its amount back to the payment; NotSettleable."""
        if (refund.status, status) not in _MOVES:
            raise NotSettleable(f"A {refund.status} refund cannot become {status}.")
        if status == "failed":
            failure = failure or "expired_or_canceled_card"
            self._db.execute("UPDATE payments SET refunded = refunded - ? WHERE provider = ? AND id = ?",
                             (refund.amount, refund.provider, refund.payment))
        self._db.execute("UPDATE refunds SET status = ?, failure = ?, updated = ?, settle_at = NULL, settle_as = NULL "
                         "WHERE id = ?", (status, failure, int(time.time()), refund.id))
        return self.refund_by_id(refund.provider, refund.id)

    def relabel(self, refund: Refund, metadata: dict) -> Refund:
        """Replace a refund's metadata."""
        self._db.execute("UPDATE refunds SET metadata = ? WHERE id = ?", (orjson.dumps(metadata).decode(), refund.id))
        return self.refund_by_id(refund.provider, refund.id)
