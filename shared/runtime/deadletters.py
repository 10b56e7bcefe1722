"""What waits for a person: events and jobs that failed to the end of their schedule. Look, try again, or pass over.

Every redrive and every skip is written to the event log, with who did it and why; it is never published.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from shared.kernel.ids import new_id
from shared.runtime.app import App
from shared.runtime.envelope import Envelope
from shared.runtime.outbox import to_log_row
from shared.runtime.unit_of_work import UnitOfWork, unit_of_work
from shared.storage.types import to_json

STREAM = "deadletter"


class NotPossible(Exception):
    """The order cannot be carried out; the text says why."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead event or job. ref: the event's or job's id. aggregate_id: of a job, its key.

    waiting_behind: later events of the same stream that wait for this one.
    """

    ref: str
    kind: str
    type: str
    tenant: str
    aggregate_id: str
    seq: int
    attempts: int
    error: str
    since: datetime
    waiting_behind: int
    content: dict[str, Any]


def listed(app: App) -> list[Letter]:
    """All dead letters of a service, oldest first."""
    with app.database.transaction() as connection:
        return sorted([*_events(app, connection), *_jobs(app, connection)], key=lambda letter: letter.since)


def find(app: App, ref: str) -> Letter:
    """The dead letter with this reference; NotPossible when there is none."""
    for letter in listed(app):
        if letter.ref == ref:
            return letter
    raise NotPossible(f"{app.name} has no dead letter {ref}")


def redrive(app: App, ref: str, by: str) -> None:
    """Try again at once, with the whole schedule before it. An event's followers come after it, in order."""
    letter, now = find(app, ref), app.clock.now()
    table = _table(app, letter)
    fresh = {"attempts": 0, "next_at": now, "state": "retry"}
    if letter.kind == "job":
        fresh = {"attempts": 0, "due_at": now, "state": "ready"}
    with unit_of_work(app.storage, app.database, now) as work:
        _record(app, work, letter, by, "redriven")
        if not work.connection.execute(table.update().where(*_mine(table, letter)).values(**fresh)).rowcount:
            raise NotPossible(f"{ref} is no dead letter any more")


def skip(app: App, ref: str, by: str, reason: str) -> None:
    """Go on without it, for ever. What an event would have done here has to be put right by hand."""
    if not reason.strip():
        raise NotPossible("say the reason: whoever finds the missing effect has to know")
    letter = find(app, ref)
    with unit_of_work(app.storage, app.database, app.clock.now()) as work:
        _record(app, work, letter, by, "skipped", reason=reason.strip())
        if letter.kind == "event":
            stream = letter.type.split(".", 1)[0]
            app.inbox.pass_over(work, (stream, letter.aggregate_id), letter.seq)
        else:
            table = _table(app, letter)
            work.connection.execute(table.delete().where(*_mine(table, letter)))


def audit(app: App) -> list[dict[str, Any]]:
    """What was done to dead letters, oldest first; aggregate_id is the letter's reference."""
    log = app.storage.runtime.event_log
    with app.database.transaction() as connection:
        rows = connection.execute(sa.select(log).where(log.c.stream == STREAM).order_by(log.c.event_id))
        return [dict(row) for row in rows.mappings()]


def _events(app: App, connection: sa.Connection) -> list[Letter]:
    table = app.storage.runtime.inbox_waiting
    behind = table.alias()
    count = (
        sa.select(sa.func.count())
        .where(
            behind.c.stream == table.c.stream,
            behind.c.aggregate_id == table.c.aggregate_id,
            behind.c.seq > table.c.seq,
        )
        .scalar_subquery()
    )
    rows = connection.execute(sa.select(table, count.label("behind")).where(table.c.state == "dead")).mappings()
    return [
        Letter(
            ref=row["event"]["headers"]["ce-id"],
            kind="event",
            type=row["type"],
            tenant=row["event"]["headers"]["ce-tenant"],
            aggregate_id=row["aggregate_id"],
            seq=row["seq"],
            attempts=row["attempts"],
            error=row["last_error"] or "",
            since=row["received_at"],
            waiting_behind=row["behind"],
            content=row["event"],
        )
        for row in rows
    ]


def _jobs(app: App, connection: sa.Connection) -> list[Letter]:
    table = app.storage.runtime.job
    rows = connection.execute(sa.select(table).where(table.c.state == "dead")).mappings()
    return [
        Letter(
            ref=row["id"],
            kind="job",
            type=row["kind"],
            tenant=row["tenant"],
            aggregate_id=row["key"],
            seq=0,
            attempts=row["attempts"],
            error=row["last_error"] or "",
            since=row["due_at"],
            waiting_behind=0,
            content=row["payload"],
        )
        for row in rows
    ]


def _table(app: App, letter: Letter) -> sa.Table:
    return app.storage.runtime.inbox_waiting if letter.kind == "event" else app.storage.runtime.job


def _mine(table: sa.Table, letter: Letter) -> tuple[Any, ...]:
    if letter.kind == "job":
        return table.c.id == letter.ref, table.c.state == "dead"
    stream = letter.type.split(".", 1)[0]
    return (
        table.c.stream == stream,
        table.c.aggregate_id == letter.aggregate_id,
        table.c.seq == letter.seq,
        table.c.state == "dead",
    )


def _record(app: App, work: UnitOfWork, letter: Letter, by: str, what: str, **details: Any) -> None:
    log = app.storage.runtime.event_log
    before = sa.select(sa.func.count()).where(log.c.stream == STREAM, log.c.aggregate_id == letter.ref)
    event = Envelope(
        id=new_id("evt"),
        type=f"{STREAM}.{what}",
        aggregate_id=letter.ref,
        seq=work.connection.execute(before).scalar_one() + 1,
        tenant=letter.tenant,
        time=work.now,
        actor=f"operator/{by}/cli",
        correlation=letter.ref,
        causation=None,
        body=to_json({"type": letter.type, "error": letter.error, letter.kind: letter.content, **details}).encode(),
    )
    work.connection.execute(log.insert(), to_log_row(event))
