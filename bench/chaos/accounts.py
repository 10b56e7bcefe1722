"""Counting from the databases: what was committed, and whether everything that follows from it is there once, in order.

Nothing here asks the suite. Positions, logs and rows of every service are read behind its back and compared.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench.books import Books
from bench.chaos.effects import EFFECTS, Effect
from tests.event_log import KEY


class Logged(NamedTuple):
    """A row of an event log; key: by which it travels."""

    event_id: str
    stream: str
    aggregate_id: str
    seq: int
    type: str
    causation: str | None
    key: str


@dataclass
class Account:
    """The counts of R01 to R03. All but the first three have to be 0; `details` names the first few that are not."""

    committed: int = 0
    handled: int = 0
    effects: int = 0
    lost: int = 0
    duplicated: int = 0
    ghosts: int = 0
    order_breaks: int = 0
    dead: int = 0
    details: list[str] = field(default_factory=list)

    def compare(self, name: str, wanted: Iterable[str], found: Iterable[str]) -> None:
        """Each wanted effect must be found once, and none besides."""
        causes, there = set(wanted), Counter(found)
        self.effects += sum(there.values())
        self.note("lost", name, (key for key in causes if key not in there))
        self.note("duplicated", name, (key for key, count in there.items() for _ in range(count - 1)))
        self.note("ghosts", name, (key for key in there if key not in causes))

    def note(self, figure: str, name: str, keys: Iterable[str]) -> None:
        for key in keys:
            setattr(self, figure, getattr(self, figure) + 1)
            if len(self.details) < 20:
                self.details.append(f"{figure}: {name} {key}")


def account(books: Books) -> Account:
    """Look at everything there is."""
    found = Account()
    logs = {service: _log(books, service) for service in books.services}
    found.committed = sum(len(log) for log in logs.values())
    _positions(books, logs, found)
    every = {row.event_id: row for log in logs.values() for row in log}
    told = [row[0] for row in books.ask("notification", "select source_event_id from notification")]
    _ghosts(found, every, told)
    for log in logs.values():
        _twice(found, log)
        _inversions(found, log, every)
    for effect in EFFECTS:
        _effect(books, found, effect)
    for service in books.services:
        for table in ("inbox_waiting", "job"):
            found.dead += books.one(service, f"select count(*) from {table} where state = 'dead'")
    return found


def _log(books: Books, service: str) -> list[Logged]:
    """In the order of each stream."""
    columns = ", ".join(Logged._fields[:-1])
    rows = books.ask(service, f"select {columns}, {KEY} from event_log order by stream, aggregate_id, seq")
    return [Logged(*row) for row in rows]


def _effect(books: Books, found: Account, effect: Effect) -> None:
    wanted = [row[0] for row in books.ask(effect.of, effect.wanted)]
    there = [row[0] for row in books.ask(effect.at, effect.found)]
    found.compare(effect.name, wanted, there)


def _positions(books: Books, logs: dict[str, list[Logged]], found: Account) -> None:
    """Every subscriber stands at the end of every stream it follows; no log has a gap; nobody is ahead of a log."""
    ends: dict[tuple[str, str], int] = defaultdict(int)
    for log in logs.values():
        for row in log:
            key = (row.stream, row.aggregate_id)
            if row.seq != ends[key] + 1:
                found.note("order_breaks", "gap in the log", [f"{key} {row.seq}"])
            ends[key] = row.seq
    for service in books.services:
        _stands(books, service, logs, found)


def _stands(books: Books, service: str, logs: dict[str, list[Logged]], found: Account) -> None:
    due: dict[tuple[str, str], list[int]] = defaultdict(list)
    for log in logs.values():
        for row in log:
            if not books.sent[service].isdisjoint((row.type, row.key)):
                due[row.stream, row.aggregate_id].append(row.seq)
    rows = books.ask(service, "select stream, aggregate_id, seq from inbox_position")
    stands = {(stream, id): seq for stream, id, seq in rows}
    for key in due.keys() | stands.keys():
        name, seq, end = f"{service} {key[0]} {key[1]}", stands.get(key, 0), max(due[key], default=0)
        found.handled += sum(each <= seq for each in due[key])
        found.note("lost", name, (str(each) for each in due[key] if each > seq))
        found.note("ghosts", name, map(str, range(end + 1, seq + 1)))


def _ghosts(found: Account, every: dict[str, Logged], told: list[str]) -> None:
    """An effect of an event that nobody committed (R02)."""
    causes = (row.causation for row in every.values() if (row.causation or "").startswith("evt_"))
    found.note("ghosts", "caused by", (cause for cause in causes if cause not in every))
    found.note("ghosts", "told of", (source for source in told if source not in every))


def _twice(found: Account, log: list[Logged]) -> None:
    """No event makes another service record the same of the same thing twice."""
    of_events = (row for row in log if (row.causation or "").startswith("evt_"))
    count = Counter((row.causation, row.type, row.aggregate_id) for row in of_events)
    found.note("duplicated", "caused by", (str(key) for key, times in count.items() for _ in range(times - 1)))


def _inversions(found: Account, log: list[Logged], every: dict[str, Logged]) -> None:
    """Effects on one thing, of events of one stream, are recorded in the order of those events (R03)."""
    last: dict[tuple[Any, ...], int] = defaultdict(int)
    for row in log:
        cause = every.get(row.causation or "")
        if cause is None:
            continue
        key = (row.stream, row.aggregate_id, cause.stream, cause.aggregate_id)
        if cause.seq < last[key]:
            found.note("order_breaks", row.type, [f"{row.aggregate_id} {row.seq}"])
        last[key] = max(last[key], cause.seq)
