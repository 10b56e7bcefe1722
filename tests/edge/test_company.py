"""Events that nobody waits for wait a moment for company where they come densely (ADR 0024)."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from shared.edge import consumer as module
from shared.edge.consumer import BATCH, LONGEST, Consumer

STEP = LONGEST / 5.5


class Line:
    """A line on which these routing keys arrive, so many seconds one after the other; it moves the clock."""

    def __init__(self, consumer: Consumer, keys: list[str], step: float) -> None:
        self.consumer, self.now = consumer, 1000.0
        self.arrivals = [(self.now + index * step, key) for index, key in enumerate(keys)]

    def guard(self, _timeout: float) -> nullcontext:
        return nullcontext()

    def drain(self, timeout: float) -> bool:
        until = self.now + timeout
        if not self.arrivals or self.arrivals[0][0] > until:
            self.now = until
            return False
        self.now = max(self.now, self.arrivals[0][0])
        while self.arrivals and self.arrivals[0][0] <= self.now:
            self.consumer._arrived.append(SimpleNamespace(delivery_info={"routing_key": self.arrivals.pop(0)[1]}))
        return True


@pytest.fixture
def take_in(monkeypatch: pytest.MonkeyPatch):
    def take_in(keys: list[str], step: float = STEP, before: float = 0.0, cautious: bool = False) -> tuple:
        """How many of these events are taken in together, and how long the last batch waited.

        before: seconds since another batch. cautious: as after a start.
        """
        consumer = Consumer("amqp://nobody", "order", lambda events: None, prompt=frozenset({"refund.succeeded"}))
        consumer._cautious = cautious
        line = consumer.link = Line(consumer, keys, step)
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: line.now))
        consumer._gathered = line.now - before
        sizes, began = [], line.now
        while line.arrivals:
            began = max(line.now, line.arrivals[0][0])
            consumer._gather()
            sizes.append(len(consumer._arrived))
            consumer._arrived.clear()
        return sizes, line.now - began

    return take_in


def test_where_events_come_densely_they_are_taken_in_together(take_in):
    assert take_in(["claim.opened"] * 12)[0] == [6, 6]


def test_what_somebody_waits_for_is_taken_in_at_once_with_what_is_there(take_in):
    opened, paid = "claim.opened", "refund.succeeded"
    assert take_in([opened, opened, paid, paid]) == ([3, 1], 0.0)


def test_where_events_are_rare_none_waits(take_in):
    assert take_in(["claim.opened"] * 3, step=0.4, before=0.4) == ([1, 1, 1], 0.0)


def test_after_a_start_none_waits_until_it_is_known_that_no_message_kills(take_in):
    assert take_in(["claim.opened"] * 3, cautious=True) == ([1, 1, 1], 0.0)


def test_a_batch_that_is_full_waits_no_longer(take_in):
    assert take_in(["claim.opened"] * BATCH, step=0.0) == ([BATCH], 0.0)
