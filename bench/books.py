"""What really happened, read from the databases behind the suite's back: logs, positions, what still waits."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import psycopg2

from shared.edge.topology_plan import load as load_topology
from tests.event_log import KEY
from tests.stack import Stack

# where who is sent these keys stands when he has heard all: the sum over all streams
ENDS = f"""
select coalesce(sum(seq), 0) from
    (select max(seq) as seq from event_log where type = any(%(keys)s) or {KEY} = any(%(keys)s)
     group by stream, aggregate_id) ends
"""


class Books:
    """One connection per service database, each question in a transaction of its own."""

    def __init__(self, stack: Stack) -> None:
        self._databases = {service: psycopg2.connect(url) for service, url in stack.databases.items()}
        for connection in self._databases.values():
            connection.autocommit = True
        self.sent = keys_sent_to(tuple(self._databases))

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(self._databases)

    def ask(self, service: str, statement: str, values: Any = None) -> list[tuple]:
        with self._databases[service].cursor() as cursor:
            cursor.execute(statement, values or None)  # without values a % in the statement is only a %
            return cursor.fetchall() if cursor.description else []

    def one(self, service: str, statement: str, values: Any = None) -> Any:
        return self.ask(service, statement, values)[0][0]

    def close(self) -> None:
        for connection in self._databases.values():
            connection.close()

    def committed(self) -> int:
        """Events in all logs."""
        return sum(self.one(service, "select count(*) from event_log") for service in self.services)

    def waiting(self) -> dict[str, int]:
        """What still has to happen, by kind: events not sent, not heard, to be retried; jobs; never what is dead."""
        found = defaultdict(int)
        for service in self.services:
            found["unsent"] += self.one(service, "select count(*) from outbox")
            found["retries"] += self.one(service, "select count(*) from inbox_waiting where state <> 'dead'")
            found["jobs"] += self.one(service, "select count(*) from job where state = 'ready'")
        for service in self.services:
            ends = sum(int(self.one(producer, ENDS, {"keys": list(self.sent[service])})) for producer in self.services)
            found["unheard"] += ends - int(self.one(service, "select coalesce(sum(seq), 0) from inbox_position"))
        return {kind: count for kind, count in found.items() if count}

    def settle(self, seconds: float, every: float = 0.25, meanwhile: Callable[[], None] = lambda: None) -> float:
        """Wait until nothing waits; answers after how many seconds. TimeoutError names what is left."""
        started = time.monotonic()
        while waiting := self.waiting() or self._moving():
            if time.monotonic() - started > seconds:
                raise TimeoutError(f"not settled after {seconds:.0f} s: {waiting}")
            meanwhile()
            time.sleep(every)
        return time.monotonic() - started

    def _moving(self) -> dict[str, int]:
        """A look takes a while, and what happens under way may hide from it: a second one in which nothing happened."""
        committed = self.committed()
        return self.waiting() or ({} if self.committed() == committed else {"events just committed": 1})


def keys_sent_to(services: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """The routing keys bound to each service's inbox, by the topology."""
    found: dict[str, set[str]] = {service: set() for service in services}
    for binding in load_topology().bindings:
        if (service := binding.queue.removesuffix(".inbox")) in found:
            found[service].add(binding.key)
    return {service: frozenset(keys) for service, keys in found.items()}
