"""When is a running stack quiet? When each event was taken in by all who follow it, and nothing is due or under way.

Read from the databases, where all of it stands: the event logs say what was told, the inboxes' positions what was
heard. An event is taken in in one transaction with what it causes, so a log that did not grow while the inboxes
were looked at, all of them up with it, cannot grow any more by itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tests.event_log import KEY
from tests.patience import within
from tests.real.nursery import LEASE

PATIENCE = 30.0  # seconds without any change, on a machine with a core free
LOOK_AGAIN = 0.004
BUSY = """
select (select count(*) from event_log),
  (select count(*) from timer where due_at <= %(now)s),
  (select count(*) from inbox_waiting where state = 'retry' and next_at <= %(now)s),
  (select count(*) from job where state = 'ready' and (due_at <= %(now)s or due_at = any(%(held)s)))
"""
TOLD = f"select {KEY}, stream, aggregate_id, max(seq) from event_log group by 1, 2, 3"
HEARD = "select stream, aggregate_id, seq from inbox_position"
KEPT = "select stream, aggregate_id, seq from inbox_waiting"
Event = tuple[str, str, str, int]  # key, stream, aggregate id, seq


class NeverQuiet(AssertionError):
    """The stack does not come to rest."""


class Quiet:
    """Looks at one stack. follows: the keys of the events that each of its services reacts to."""

    def __init__(self, stack: Any, follows: dict[str, frozenset[str]]) -> None:
        self.stack, self._follows = stack, follows
        self._moments: list[datetime] = []  # jobs that began at one of these are still performed
        self._told_by_tests: list[tuple[str, Event]] = []

    def moved(self, before: datetime) -> None:
        self._moments.append(before)

    def told(self, service: str, events: Iterable[Event]) -> None:
        """A test told this service these events itself."""
        self._told_by_tests += [(service, event) for event in events]

    def wait(self) -> None:
        """Return when nothing is due or under way; NeverQuiet when something is and nothing changes any more."""
        before, since = "", time.monotonic()
        while why := self._busy():
            if why != before:
                before, since = why, time.monotonic()
            elif time.monotonic() > since + within(PATIENCE):
                raise NeverQuiet(f"nothing has changed for {within(PATIENCE):.0f} seconds: {why}")
            time.sleep(LOOK_AGAIN)
        self._told_by_tests.clear()
        self._moments.clear()

    def _busy(self) -> str | None:
        counted = self._counts()
        for service, (_, *due) in counted.items():
            if any(due):
                return f"{service}: timers, retries, jobs due or under way: {due}"
        told = [tuple(row) for service in counted for row in self._ask(service, TOLD)]
        for service in counted:
            if missing := self._missing(service, told):
                return f"{service} has not taken in {missing[:3]}"
        again = self._counts()
        return None if again == counted else "something happened meanwhile"

    def _counts(self) -> dict[str, tuple[int, ...]]:
        now = self.stack.clock.now()
        args = {"now": now, "held": [moment + LEASE for moment in (now, *self._moments)]}
        return {service: tuple(self._ask(service, BUSY, args)[0]) for service in self.stack.names}

    def _missing(self, service: str, told: list[Any]) -> list[Any]:
        heard = {(stream, id): seq for stream, id, seq in self._ask(service, HEARD)}
        follows = self._follows[service]
        wanted = [event for event in told if event[0] in follows]
        wanted += [event for whom, event in self._told_by_tests if whom == service]
        late = [event for event in wanted if heard.get((event[1], event[2]), 0) < event[3]]
        if not late:
            return []
        kept = {tuple(row) for row in self._ask(service, KEPT)}
        return [event for event in late if event[1:] not in kept]

    def _ask(self, service: str, statement: str, args: Any = None) -> list[Any]:
        with self.stack.connections[service].cursor() as cursor:
            cursor.execute(statement, args)
            return cursor.fetchall()
