"""A payment provider that loses questions and answers, refuses, hesitates, and keeps a ledger of what it really did."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from services.refund.ports import Outcome

LOST = Outcome("unknown", code="timeout")
REFUSED = Outcome("refused", code="insufficient_funds", retryable=True)


class Shaky:
    """Honours keys for a day. paid: refunds that it made, by their key. moved: minor units, by payment."""

    honours_keys_for = timedelta(days=1)
    after_that = Outcome("refused", code="never_arrived", retryable=True)

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.steady = False  # true: from now on it answers everything
        self.paid: dict[str, tuple[str, Outcome]] = {}
        self.moved: Counter[str] = Counter()
        self._thinking: dict[str, tuple[str, int, str]] = {}

    def refund(self, payment_ref: str, amount: int, currency: str, metadata: dict[str, str], key: str) -> Outcome:
        if key in self.paid:
            return self.paid[key][1]
        mood = "well" if self.steady else self.dice.choices(MOODS, WEIGHTS)[0]
        if mood == "lost_before":
            return LOST
        if mood == "refused":
            return REFUSED
        if mood == "thinking":
            self._thinking[key] = payment_ref, amount, currency
            return Outcome("pending", f"re_{key}")
        done = self._pay(payment_ref, amount, currency, key)
        return LOST if mood == "lost_after" else done

    def _pay(self, payment_ref: str, amount: int, currency: str, key: str) -> Outcome:
        done = Outcome("succeeded", f"re_{key}", amount=amount, currency=currency)
        self.paid[key] = payment_ref, done
        self.moved[payment_ref] += amount
        return done

    def find(self, payment_ref: str, key: str) -> Outcome | None:
        if not self.steady and self.dice.random() < 0.2:
            return LOST
        if key in self._thinking:
            asked = self._thinking.pop(key)
            return self._pay(*asked, key) if self.dice.random() < 0.7 else REFUSED
        return self.paid[key][1] if key in self.paid else None

    def settled(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        return []


MOODS = ("well", "refused", "lost_before", "lost_after", "thinking")
WEIGHTS = (60, 10, 10, 12, 8)
