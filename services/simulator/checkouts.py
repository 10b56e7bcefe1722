"""Checkouts of both providers: opened by a call, paid or approved by the payer, once."""

import secrets
import time

import orjson

from services.simulator.ledger import Ledger, Refused
from services.simulator.records import Checkout, Payment, Records

STRIPE_LIFE, PAYPAL_LIFE = 24 * 3600, 3 * 3600  # seconds, as both give without being asked
_ROW = "INSERT INTO checkouts VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"


class UnknownCheckout(Refused):
    """No such checkout."""


class NotOpen(Refused):
    """The checkout was paid or is over; `args[0]` is its status."""


class Checkouts:
    """Callers hold `records.change()` around anything that writes."""

    def __init__(self, records: Records, ledger: Ledger):
        self._records = records
        self._ledger = ledger

    def open(self, provider: str, currency: str, amount: int, *, title: str, reference: str, back: str, cancel: str,
             metadata: dict, locale: str, expires: int | None = None) -> Checkout:
        """Write a checkout down."""
        now = int(time.time())
        stripe = provider == "stripe"
        id = f"cs_test_{secrets.token_hex(24)}" if stripe else secrets.token_hex(9)[:17].upper()
        checkout = Checkout(provider, id, currency.lower(), amount, "open", title, reference, None, back, cancel,
                            metadata, locale, now, expires or now + (STRIPE_LIFE if stripe else PAYPAL_LIFE))
        values = [getattr(checkout, name) for name in Checkout.__slots__]
        values[10] = orjson.dumps(metadata).decode()
        self._records.db.execute(_ROW, values)
        return checkout

    def find(self, provider: str, id: str) -> Checkout:
        """A checkout; one whose time is over is expired. UnknownCheckout."""
        found = self._records.checkouts("provider = ? AND id = ?", provider, id)
        if not found:
            raise UnknownCheckout(id)
        if found[0].status == "open" and found[0].expires <= time.time():
            return self._moved(found[0], "open", "expired")
        return found[0]

    def expire(self, checkout: Checkout) -> Checkout:
        """Nobody can pay it any more; NotOpen when it was paid or is over already."""
        return self._moved(checkout, "open", "expired")

    def approve(self, checkout: Checkout) -> Checkout:
        """The payer agrees (PayPal); nothing is taken yet."""
        return self._moved(checkout, "open", "approved")

    def label(self, checkout: Checkout, **labels: str) -> Checkout:
        """Add to its metadata."""
        text = orjson.dumps({**checkout.metadata, **labels}).decode()
        self._records.db.execute("UPDATE checkouts SET metadata = ? WHERE id = ?", (text, checkout.id))
        return self.find(checkout.provider, checkout.id)

    def take(self, checkout: Checkout, method: str) -> tuple[Checkout, Payment]:
        """Take the money, once: one conditional UPDATE decides between any number of payers. NotOpen."""
        before = "open" if checkout.provider == "stripe" else "approved"
        moved = self._moved(checkout, before, "paid")
        payment = self._ledger.open_payment(moved.provider, moved.currency, moved.amount, method=method,
                                            metadata=moved.metadata)
        self._records.db.execute("UPDATE checkouts SET payment = ? WHERE id = ?", (payment.id, moved.id))
        return self.find(moved.provider, moved.id), payment

    def _moved(self, checkout: Checkout, before: str, after: str) -> Checkout:
        moved = self._records.db.execute("UPDATE checkouts SET status = ? WHERE id = ? AND status = ?",
                                         (after, checkout.id, before))
        if moved.rowcount != 1:
            raise NotOpen(self.find(checkout.provider, checkout.id).status)
        return self.find(checkout.provider, checkout.id)
