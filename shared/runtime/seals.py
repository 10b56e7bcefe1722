"""The event log, sealed in segments: each seal is a hash over its events and over the seal before it (T38).

Sealing follows behind, once a minute, so that no command waits for it. A segment ends where no transaction can still
commit: ids carry their time, and a command that has not committed for five minutes was given up long before. What
turns up later inside a sealed segment is what tampering looks like, and is told as such.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from shared.kernel.ids import oldest_id
from shared.runtime.outbox import raw_log_columns
from shared.storage.engine import Database
from shared.storage.tables import RuntimeTables

log = logging.getLogger(__name__)
EVERY = 60.0  # seconds between two looks
SETTLED = timedelta(minutes=5)
SEGMENT = 1000  # events per seal
START = "0" * 64


@dataclass(frozen=True, slots=True)
class Broken:
    """A seal that does not hold: which, and what is wrong with it."""

    number: int
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """seals and events that were checked, the newest seal's hash, and what does not hold."""

    seals: int
    events: int
    unsealed: int
    head: str
    broken: tuple[Broken, ...]


class Seals:
    """The seals of one service's event log."""

    def __init__(self, database: Database, tables: RuntimeTables, service: str) -> None:
        self.database, self.log, self.seal, self.service = database, tables.event_log, tables.seal, service
        self._next = 0.0

    def seal_due(self) -> int:
        """Once a minute: seal what is settled. Any number of processes may: one of them is first. How many events."""
        if time.monotonic() < self._next:
            return 0
        self._next = time.monotonic() + EVERY
        return self.seal_before(oldest_id("evt", time.time() - SETTLED.total_seconds()))

    def seal_before(self, before: str) -> int:
        """Seal every event whose id is smaller than this."""
        sealed = 0
        while count := self._one_segment(before):
            sealed += count
            if count < SEGMENT:
                break
        return sealed

    def verify(self, expected: dict[int, str] | None = None) -> Verdict:
        """Every seal, made again from the events as they are now. expected: hashes noted elsewhere, by number."""
        broken: list[Broken] = []
        previous, after, events, seals = START, "", 0, 0
        with self.database.transaction() as connection:
            for row in connection.execute(sa.select(self.seal).order_by(self.seal.c.number)).mappings():
                seals += 1
                if row["number"] != seals:
                    return self._verdict(connection, seals, events, previous, [*broken, Broken(seals, "it is missing")])
                count, content = _content(self._events(connection, after, row["upto"]))
                events += count
                if count != row["events"]:
                    broken.append(Broken(seals, f"it sealed {row['events']} events, now there are {count}"))
                elif chained(previous, row["upto"], count, content) != row["chain"]:
                    broken.append(
                        Broken(seals, f"an event after {after or 'the first'}, up to {row['upto']}, was changed")
                    )
                if (expected or {}).get(seals, row["chain"]) != row["chain"]:
                    broken.append(Broken(seals, "it is not the seal that was noted elsewhere"))
                previous, after = row["chain"], row["upto"]
            for number in sorted(set(expected or ()) - set(range(1, seals + 1))):
                broken.append(Broken(number, "it is missing"))
            return self._verdict(connection, seals, events, previous, broken, after)

    def _verdict(
        self, connection: sa.Connection, seals: int, events: int, head: str, broken: list[Broken], after: str = ""
    ) -> Verdict:
        later = sa.select(sa.func.count()).select_from(self.log).where(self.log.c.event_id > after)
        return Verdict(seals, events, connection.execute(later).scalar_one(), head, tuple(broken))

    def _one_segment(self, before: str) -> int:
        try:
            with self.database.transaction() as connection:
                newest = sa.select(self.seal).order_by(self.seal.c.number.desc()).limit(1)
                last = connection.execute(newest).mappings().first()
                number, previous, after = (last["number"], last["chain"], last["upto"]) if last else (0, START, "")
                rows = list(self._events(connection, after, before, SEGMENT))
                if not rows:
                    return 0
                count, content = _content(iter(rows))
                upto = rows[-1]["event_id"]
                chain = chained(previous, upto, count, content)
                values = {"number": number + 1, "upto": upto, "events": count, "chain": chain}
                connection.execute(self.seal.insert(), values)
        except sa.exc.IntegrityError:
            return 0  # another process sealed this segment
        log.info("%s sealed %d events, seal %d is %s", self.service, count, number + 1, chain)
        return count

    def _events(self, connection: sa.Connection, after: str, upto: str, limit: int | None = None) -> Iterator[Any]:
        statement = sa.select(*raw_log_columns(self.log)).where(self.log.c.event_id > after)
        statement = statement.where(self.log.c.event_id <= upto).order_by(self.log.c.event_id).limit(limit)
        yield from connection.execute(statement).mappings()


def chained(previous: str, upto: str, count: int, content: str) -> str:
    return hashlib.sha256(f"{previous}\n{upto}\n{count}\n{content}".encode()).hexdigest()


def _content(rows: Iterator[Any]) -> tuple[int, str]:
    """How many, and a hash over every column of every event."""
    count, digest = 0, hashlib.sha256()
    for row in rows:
        count += 1
        for value in row.values():
            text = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value or "")
            digest.update(f"{len(text)}:{text}".encode())
    return count, digest.hexdigest()
