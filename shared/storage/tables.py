"""The tables that every service has beside its own: event log, outbox, inbox, idempotency, timers, jobs."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from shared.storage.append_only import protected
from shared.storage.types import Json, Utc

Big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


@dataclass(frozen=True)
class RuntimeTables:
    """event_log: what happened, append-only, the audit trail and the source of replay.
    seal: hashes over segments of the log, each with the one before (runtime/seals.py).
    outbox: ids of events that have not left yet. inbox_*: where each followed stream stands, and what waits.
    """

    event_log: sa.Table
    outbox: sa.Table
    inbox_position: sa.Table
    inbox_waiting: sa.Table
    idempotency: sa.Table
    timer: sa.Table
    job: sa.Table
    seal: sa.Table


def aggregate_table(name: str, metadata: sa.MetaData, *columns: sa.schema.SchemaItem) -> sa.Table:
    """A table of one aggregate type.

    version: +1 per saved change, the ETag. prev: the version this row replaced, so that one statement can update many
    rows and still refuse each that somebody else changed. seq: the last event of this aggregate's stream; told: the
    last one of each type.
    """
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("version", Big, nullable=False),
        sa.Column("prev", Big, nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.Column("told", Json, nullable=False),
        *columns,
    )


APPEND_ONLY = ("event_log", "seal")


def runtime_tables(metadata: sa.MetaData) -> RuntimeTables:
    protected(metadata, *APPEND_ONLY)
    return RuntimeTables(
        *_events(metadata),
        *_inbox(metadata),
        idempotency=sa.Table(
            "idempotency",
            metadata,
            sa.Column("tenant", sa.String(64), primary_key=True),
            sa.Column("key", sa.String(255), primary_key=True),
            sa.Column("request_hash", sa.String(64), nullable=False),
            sa.Column("answer", sa.Text, nullable=False),
            sa.Column("created_at", Utc, nullable=False),
        ),
        timer=sa.Table(
            "timer",
            metadata,
            sa.Column("id", sa.String(200), primary_key=True),
            sa.Column("kind", sa.String(64), nullable=False),
            sa.Column("ref", sa.String(128), nullable=False),
            sa.Column("tenant", sa.String(64), nullable=False),
            sa.Column("data", Json, nullable=False),
            sa.Column("due_at", Utc, nullable=False, index=True),
            sa.Column("attempts", sa.Integer, nullable=False, default=0),
            sa.Column("last_error", sa.Text),
        ),
        job=sa.Table(
            "job",
            metadata,
            sa.Column("id", sa.String(64), primary_key=True),
            sa.Column("kind", sa.String(64), nullable=False),
            sa.Column("key", sa.String(128), nullable=False),
            sa.Column("tenant", sa.String(64), nullable=False),
            sa.Column("payload", Json, nullable=False),
            sa.Column("correlation", sa.String(64)),
            sa.Column("state", sa.String(16), nullable=False),
            sa.Column("attempts", sa.Integer, nullable=False),
            sa.Column("due_at", Utc, nullable=False),
            sa.Column("last_error", sa.Text),
            sa.Index("job_due", "state", "due_at"),
        ),
        seal=sa.Table(
            "seal",
            metadata,
            sa.Column("number", Big, primary_key=True, autoincrement=False),
            sa.Column("upto", sa.String(64), nullable=False),
            sa.Column("events", sa.Integer, nullable=False),
            sa.Column("chain", sa.String(64), nullable=False),
        ),
    )


def _events(metadata: sa.MetaData) -> tuple[sa.Table, sa.Table]:
    event_log = sa.Table(
        "event_log",
        metadata,
        sa.Column("event_id", sa.String(64), primary_key=True),
        sa.Column("stream", sa.String(40), nullable=False),
        sa.Column("aggregate_id", sa.String(64), nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(160), nullable=False),
        sa.Column("correlation", sa.String(64), nullable=False),
        sa.Column("causation", sa.String(64)),
        sa.Column("prior", sa.Text),
        sa.Column("occurred_at", Utc, nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Index("event_log_stream", "stream", "aggregate_id", "seq", unique=True),
    )
    outbox = sa.Table(
        "outbox",
        metadata,
        sa.Column("event_id", sa.String(64), primary_key=True),
        sa.Column("committed_at", Utc, nullable=False),
    )
    return event_log, outbox


def _inbox(metadata: sa.MetaData) -> tuple[sa.Table, sa.Table]:
    position = sa.Table(
        "inbox_position",
        metadata,
        sa.Column("stream", sa.String(40), primary_key=True),
        sa.Column("aggregate_id", sa.String(64), primary_key=True),
        sa.Column("seq", Big, nullable=False),
        sa.Column("prev", Big, nullable=False),
        sa.Column("waiting", sa.Integer, nullable=False),
    )
    waiting = sa.Table(
        "inbox_waiting",
        metadata,
        sa.Column("stream", sa.String(40), primary_key=True),
        sa.Column("aggregate_id", sa.String(64), primary_key=True),
        sa.Column("seq", Big, primary_key=True),
        sa.Column("event", Json, nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", Utc, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("received_at", Utc, nullable=False),
        sa.Index("inbox_waiting_due", "state", "next_at"),
    )
    return position, waiting
