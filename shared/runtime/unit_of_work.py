"""One transaction for a batch: each command or event works on an overlay, all writes leave together at the end.

A step that is refused simply drops its overlay: nothing of it was ever written, so no savepoint is needed. When the
database refuses the batch (somebody else changed a row), the whole batch rolls back and its parts run one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from shared.contracts.registry import narrowest_key
from shared.kernel.errors import NotFound, StaleVersion
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal
from shared.runtime.envelope import Envelope, told_before
from shared.runtime.outbox import to_log_row
from shared.storage.engine import CONFLICTS, Database, sql_state
from shared.storage.mapping import Mapping
from shared.storage.rows import Lost, Read, Row, Write, read_all, rows_by_key, write_all
from shared.storage.tables import RuntimeTables

Key = tuple[str, str]  # table name, id
# Longer than the slowest outward call with its timeout, so that two processes never perform one job at the same time.
JOB_LEASE = timedelta(seconds=30)


class Conflict(Exception):
    """Somebody else changed a row of this batch since it was read. Run the parts again, one by one."""


class Storage:
    """The tables of one service: its mappings, and the runtime's own."""

    def __init__(self, metadata: sa.MetaData, runtime: RuntimeTables, mappings: Iterable[Mapping]) -> None:
        self.metadata, self.runtime = metadata, runtime
        self.mappings = {mapping.entity: mapping for mapping in mappings}
        self.by_table = {mapping.table.name: mapping for mapping in self.mappings.values()}


class Step:
    """What one command or event has read and wants to write, until it is merged or dropped."""

    def __init__(self) -> None:
        self.rows: dict[Key, dict[str, Any]] = {}
        self.inserts: list[tuple[sa.Table, dict[str, Any]]] = []
        self.upserts: dict[tuple[str, Any], tuple[sa.Table, dict[str, Any]]] = {}
        self.deletes: dict[tuple[str, Any], sa.Table] = {}
        self.events: list[Envelope] = []
        self.jobs: list[dict[str, Any]] = []

    def absorb(self, later: Step) -> None:
        """Add what a later step wants to write; of a row written and deleted, the later wish counts."""
        for key in later.deletes:
            self.upserts.pop(key, None)
        for key in later.upserts:
            self.deletes.pop(key, None)
        self.inserts += later.inserts
        self.upserts |= later.upserts
        self.deletes |= later.deletes
        self.events += later.events
        self.jobs += later.jobs


class UnitOfWork:
    """Rows read once, writes collected, one flush. Not shared between threads."""

    def __init__(self, storage: Storage, connection: sa.Connection, now: datetime) -> None:
        self.storage, self.connection, self.now = storage, connection, now
        self.rows: dict[Key, dict[str, Any] | None] = {}  # as last read or merged
        self.lists: dict[Key, list[Row]] = {}  # other rows, read for the whole batch: (table, what they belong to)
        self._stored_version: dict[Key, int] = {}  # what the database holds
        self._dirty: dict[Key, dict[str, Any]] = {}
        self._pending = Step()
        self._also: list[Write] = []
        self.events: list[Envelope] = []
        self.jobs: list[dict[str, Any]] = []

    # reading

    def prefetch(self, wanted: Iterable[tuple[type, str]], also: Sequence[Read] = ()) -> list[list[Row]]:
        """Read these aggregates with their companions, and other rows, in one go; answers the other rows."""
        missing = defaultdict(set)
        for entity, id in wanted:
            mapping = self.storage.mappings[entity]
            if (mapping.table.name, id) not in self.rows:
                missing[entity].add(id)
        reads, into = list(also), []
        for entity, ids in missing.items():
            mapping = self.storage.mappings[entity]
            self.rows.update(dict.fromkeys((mapping.table.name, id) for id in ids))
            reads.append(Read(mapping.table, {"id": ids}))
            into.append(mapping)
            for column, companion in mapping.companions.items():
                other = self.storage.mappings[companion]
                reads.append(Read(other.table, {"id": ids}, through=(mapping.table, column)))
                into.append(other)
        found = read_all(self.connection, reads) if reads else []
        for mapping, rows in zip(into, found[len(also) :], strict=True):
            self._keep(mapping, rows)
        return found[: len(also)]

    def row(self, mapping: Mapping, id: str) -> dict[str, Any] | None:
        key = (mapping.table.name, id)
        if key not in self.rows:
            self._read_by_id(mapping, (id,))
        return self.rows[key]

    def _read_by_id(self, mapping: Mapping, ids: Iterable[str]) -> None:
        for id in ids:
            self.rows[mapping.table.name, id] = None
        self._keep(mapping, rows_by_key(self.connection, mapping.table, {"id": ids}))

    def lock(self, mapping: Mapping, id: str) -> dict[str, Any] | None:
        """Read a row and keep others waiting for it: for counters, where a conflict would be the normal case."""
        key = (mapping.table.name, id)
        if key not in self._dirty:
            self.rows[key] = None
            statement = mapping.select().where(mapping.table.c.id == id)
            self._read(mapping, statement.with_for_update() if self.connection.dialect.name != "sqlite" else statement)
        return self.rows[key]

    def find(self, mapping: Mapping, statement: sa.Select) -> list[str]:
        """Ids of the rows a select finds, what earlier steps of this batch wrote included."""
        self.flush()
        return self._read(mapping, statement)

    def _read(self, mapping: Mapping, statement: sa.Select) -> list[str]:
        return self._keep(mapping, [dict(row) for row in self.connection.execute(statement).mappings()])

    def _keep(self, mapping: Mapping, rows: Iterable[dict[str, Any]]) -> list[str]:
        """Remember rows as read; what this batch has already changed stays as it is. Answers the ids of all."""
        ids = []
        for row in rows:
            key = (mapping.table.name, row["id"])
            ids.append(row["id"])
            if key not in self._dirty:
                self.rows[key] = row
                self._stored_version[key] = row["version"]
        return ids

    # writing

    def merge(self, step: Step) -> None:
        """The step succeeded: its writes leave with the next flush."""
        for key in step.deletes:
            self._dirty.pop(key, None)
            self.rows[key] = None
        for key, row in step.rows.items():
            self.rows[key] = row
            self._dirty[key] = row
            self._pending.deletes.pop(key, None)
        self._pending.absorb(step)

    def also(self, write: Write) -> None:
        """Write this with the next flush."""
        self._also.append(write)

    def flush(self, commit: bool = False) -> None:
        """Write everything merged so far, rows in the same order everywhere; commit: nothing follows.

        Raises Conflict when a row is no longer the one that was read.
        """
        pending, self._pending = self._pending, Step()
        writes = list(self._aggregates())
        writes += [Write(table, rows) for table, rows in _by_table(pending.inserts)]
        writes += [Write(table, rows, "replace") for table, rows in _by_table(pending.upserts.values())]
        if pending.events:
            writes += self._logged(pending.events)
            self.events += pending.events
        if pending.jobs:
            writes.append(self._kept_jobs(pending.jobs))
            self.jobs += pending.jobs
        gone = ((table, {"id": id}) for (_, id), table in pending.deletes.items())
        writes += [Write(table, rows, "delete") for table, rows in _by_table(gone)]
        writes, self._also = writes + self._also, []
        if writes:
            try:
                write_all(self.connection, writes, commit)
            except Lost as lost:
                raise Conflict(str(lost)) from None

    def _aggregates(self) -> Iterator[Write]:
        dirty, self._dirty = self._dirty, {}
        by_table: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for key in sorted(dirty):
            row = dict(dirty[key])
            row["prev"] = self._stored_version.get(key, 0)
            self._stored_version[key] = row["version"]
            by_table[key[0]].append(row)
        for name, rows in by_table.items():
            yield Write(self.storage.by_table[name].table, rows, "guard", "version")

    def _kept_jobs(self, jobs: list[dict[str, Any]]) -> Write:
        """Jobs due now are handed to this process in memory: the row is its lease, for others to take after a crash."""
        lease = self.now + JOB_LEASE
        rows = [{**job, "due_at": lease if job["due_at"] <= self.now else job["due_at"]} for job in jobs]
        return Write(self.storage.runtime.job, rows)

    def _logged(self, events: list[Envelope]) -> Iterator[Write]:
        rows = [to_log_row(event) for event in events]
        yield Write(self.storage.runtime.event_log, rows)
        yield Write(self.storage.runtime.outbox, [{"event_id": e.id, "committed_at": self.now} for e in events])


def _by_table(items: Iterable[tuple[sa.Table, dict[str, Any]]]) -> Iterator[tuple[sa.Table, list[dict[str, Any]]]]:
    tables: dict[str, tuple[sa.Table, list[dict[str, Any]]]] = {}
    for table, row in items:
        tables.setdefault(table.name, (table, []))[1].append(row)
    for name in sorted(tables):
        yield tables[name]


@contextmanager
def unit_of_work(storage: Storage, database: Database, now: datetime) -> Iterator[UnitOfWork]:
    """A unit of work that flushes and commits when the block ends. Raises Conflict for a deadlock too."""
    try:
        with database.transaction() as connection:
            work = UnitOfWork(storage, connection, now)
            yield work
            work.flush(commit=True)
    except sa.exc.OperationalError as failed:
        if sql_state(failed) in CONFLICTS:
            raise Conflict("deadlock") from failed
        raise


class Context:
    """What a handler sees: who asks, what time it is, aggregates in and out. One per command, event, timer or job."""

    def __init__(
        self,
        work: UnitOfWork,
        principal: Principal,
        correlation: str,
        causation: str | None = None,
        expected_version: int | None = None,
        settings: Any = None,
    ) -> None:
        self.work, self.principal = work, principal
        self.correlation, self.causation = correlation, causation
        self.expected_version, self.settings = expected_version, settings
        self.step = Step()

    @property
    def now(self) -> datetime:
        return self.work.now

    @property
    def tenant(self) -> str:
        return self.principal.tenant

    @property
    def connection(self) -> sa.Connection:
        """For read-only selects of queries and lookups. Writes of earlier steps of the batch are flushed first."""
        self.work.flush()
        return self.work.connection

    def new_id(self, prefix: str) -> str:
        return new_id(prefix)

    def get(self, entity: type, id: str) -> Any | None:
        """The aggregate of this tenant, or None. Each call gives a fresh object, with what this step saved before."""
        mapping = self.work.storage.mappings[entity]
        row = self.step.rows.get((mapping.table.name, id)) or self.work.row(mapping, id)
        if row is None or row["tenant"] != self.tenant:
            return None
        return mapping.from_row(row)

    def exists(self, entity: type, id: str) -> bool:
        """Is this id taken, by whatever tenant? For ids that the caller chooses."""
        mapping = self.work.storage.mappings[entity]
        return (mapping.table.name, id) in self.step.rows or self.work.row(mapping, id) is not None

    def need(self, entity: type, id: str) -> Any:
        """The aggregate, or the refusal NOT_FOUND (404)."""
        found = self.get(entity, id)
        if found is None:
            raise NotFound(kind=entity.__name__.lower(), id=id)
        return found

    def get_for_change(self, entity: type, id: str) -> Any:
        """`need`, and the caller's If-Match must still hold: else STALE_VERSION (412)."""
        found = self.need(entity, id)
        self.check_version(found)
        return found

    def check_version(self, aggregate: Any) -> None:
        if self.expected_version is not None and self.expected_version != aggregate.version:
            raise StaleVersion(expected=self.expected_version, found=aggregate.version)

    def lock(self, entity: type, id: str) -> Any | None:
        """`get`, and others wait until this transaction ends. For counters only."""
        mapping = self.work.storage.mappings[entity]
        row = self.step.rows.get((mapping.table.name, id)) or self.work.lock(mapping, id)
        return None if row is None else mapping.from_row(row)

    def find(self, entity: type, *where: Any, order_by: Any = None, limit: int | None = None) -> list[Any]:
        """The tenant's aggregates that match, as stored by this and earlier steps of the batch.

        The conditions are checked against the database: what this very step saved counts only from the next step on.
        """
        mapping = self.work.storage.mappings[entity]
        statement = mapping.select().where(mapping.table.c.tenant == self.tenant, *where)
        if order_by is not None:
            statement = statement.order_by(order_by)
        if limit is not None:
            statement = statement.limit(limit)
        return [self.get(entity, id) for id in self.work.find(mapping, statement)]

    def save(self, aggregate: Any) -> None:
        """Store the aggregate with its next version, and put what it recorded into the outbox."""
        mapping = self.work.storage.mappings[type(aggregate)]
        aggregate.version += 1
        actor = self.principal.actor
        for recorded in aggregate.events:
            aggregate.seq += 1
            self.step.events.append(
                Envelope(
                    id=new_id("evt"),
                    type=recorded.type,
                    aggregate_id=aggregate.id,
                    seq=aggregate.seq,
                    tenant=aggregate.tenant,
                    time=self.now,
                    actor=f"{actor['type']}/{actor['id']}/{actor['via']}",
                    correlation=self.correlation,
                    causation=self.causation,
                    body=orjson.dumps(recorded.data, option=orjson.OPT_NON_STR_KEYS),
                    prior=told_before(aggregate.told),
                )
            )
            aggregate.told[narrowest_key(recorded.type, recorded.data).partition(".")[2]] = aggregate.seq
        aggregate.events.clear()
        self.step.rows[mapping.table.name, aggregate.id] = mapping.to_row(aggregate)

    def forget(self, aggregate: Any) -> None:
        """Remove the row of an aggregate that tells no events, so nobody follows it. Gone from the next step on."""
        table = self.work.storage.mappings[type(aggregate)].table
        self.step.rows.pop((table.name, aggregate.id), None)
        self.step.deletes[table.name, aggregate.id] = table

    def insert(self, table: sa.Table, **row: Any) -> None:
        """Append a row to a table that is only ever appended to."""
        self.step.inserts.append((table, row))

    def schedule(self, kind: str, ref: str, due_at: datetime, **data: Any) -> None:
        """Call the timer handler `kind` at `due_at`; scheduling the same (kind, ref) again moves it."""
        table = self.work.storage.runtime.timer
        id = f"{kind}:{ref}"
        row = {
            "id": id,
            "kind": kind,
            "ref": ref,
            "tenant": self.tenant,
            "data": data,
            "due_at": due_at,
            "attempts": 0,
            "last_error": None,
        }
        self.step.deletes.pop(("timer", id), None)
        self.step.upserts["timer", id] = (table, row)

    def unschedule(self, kind: str, ref: str) -> None:
        id = f"{kind}:{ref}"
        self.step.upserts.pop(("timer", id), None)
        self.step.deletes["timer", id] = self.work.storage.runtime.timer

    def job(self, kind: str, key: str, payload: dict[str, Any], due_at: datetime | None = None) -> None:
        """Perform the effect `kind` after this commits. `key` is its idempotency key for ever."""
        row = {
            "id": new_id("job"),
            "kind": kind,
            "key": key,
            "tenant": self.tenant,
            "payload": payload,
            "correlation": self.correlation,
            "state": "ready",
            "attempts": 0,
            "due_at": due_at or self.now,
        }
        self.step.jobs.append(row)
