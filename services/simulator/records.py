"""What the provider remembers: its tables, its row types, and the one transaction around a change."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

_SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
    provider TEXT NOT NULL, id TEXT NOT NULL, charge TEXT NOT NULL, currency TEXT NOT NULL,
    amount INTEGER NOT NULL, captured INTEGER NOT NULL, refunded INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL, method TEXT NOT NULL, metadata TEXT NOT NULL, created INTEGER NOT NULL,
    PRIMARY KEY (provider, id), UNIQUE (provider, charge), CHECK (refunded BETWEEN 0 AND captured));
CREATE TABLE IF NOT EXISTS refunds (
    seq INTEGER PRIMARY KEY, provider TEXT NOT NULL, id TEXT NOT NULL UNIQUE, payment TEXT NOT NULL,
    charge TEXT NOT NULL, currency TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0), status TEXT NOT NULL,
    reason TEXT, metadata TEXT NOT NULL, key TEXT, external INTEGER NOT NULL, failure TEXT,
    created INTEGER NOT NULL, updated INTEGER NOT NULL, settle_at REAL, settle_as TEXT);
CREATE INDEX IF NOT EXISTS refunds_of_payment ON refunds (provider, payment, seq);
CREATE INDEX IF NOT EXISTS refunds_due ON refunds (settle_at) WHERE settle_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS checkouts (
    provider TEXT NOT NULL, id TEXT NOT NULL PRIMARY KEY, currency TEXT NOT NULL, amount INTEGER NOT NULL,
    status TEXT NOT NULL, title TEXT NOT NULL, reference TEXT NOT NULL, payment TEXT, back TEXT NOT NULL,
    cancel TEXT NOT NULL, metadata TEXT NOT NULL, locale TEXT NOT NULL, created INTEGER NOT NULL,
    expires INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS disputes (
    provider TEXT NOT NULL, id TEXT NOT NULL PRIMARY KEY, payment TEXT NOT NULL, charge TEXT NOT NULL,
    currency TEXT NOT NULL, amount INTEGER NOT NULL, reason TEXT NOT NULL, status TEXT NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
    provider TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, place TEXT NOT NULL,
    status INTEGER NOT NULL, body BLOB NOT NULL, request_id TEXT NOT NULL, PRIMARY KEY (provider, key));
CREATE TABLE IF NOT EXISTS targets (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, provider TEXT NOT NULL, url TEXT NOT NULL,
    secret TEXT NOT NULL, events TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, provider TEXT NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY, event TEXT NOT NULL, target TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL, last TEXT);
CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (state);
"""
TABLES = ("payments", "refunds", "checkouts", "disputes", "answers", "targets", "events", "deliveries")


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment that was taken; amounts are minor units as this provider counts them (see `currencies`)."""

    provider: str
    id: str
    charge: str  # Stripe's ch_...; for PayPal the capture id again
    currency: str  # lower case
    amount: int
    captured: int
    refunded: int  # pending and succeeded refunds; a failed one gives its amount back
    status: str
    method: str
    metadata: dict
    created: int

    @property
    def left(self) -> int:
        """What may still be refunded."""
        return self.captured - self.refunded


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund; `status` is pending, succeeded or failed for both providers."""

    seq: int
    provider: str
    id: str
    payment: str
    charge: str
    currency: str
    amount: int
    status: str
    reason: str | None
    metadata: dict
    key: str | None  # the idempotency key it was asked under
    external: bool  # made at the provider, not by a call
    failure: str | None
    created: int  # seconds since 1970
    updated: int
    settle_at: float | None
    settle_as: str | None


@dataclass(frozen=True, slots=True)
class Checkout:
    """Somebody asked to pay on the provider's own page: a Stripe Checkout Session, or a PayPal order.

    status: open, approved (PayPal: the payer agreed, nothing was taken), paid, expired.
    """

    provider: str
    id: str
    currency: str  # lower case
    amount: int
    status: str
    title: str
    reference: str  # client_reference_id, or custom_id
    payment: str | None
    back: str
    cancel: str
    metadata: dict
    locale: str
    created: int
    expires: int


class Records:
    """One SQLite connection, in memory or in a file; used by the event loop's thread alone."""

    def __init__(self, path: Path | None):
        self.db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self.db.row_factory = sqlite3.Row
        # WAL with NORMAL keeps every committed row when the process is killed, and costs no fsync per refund.
        self.db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}")

    @contextlib.contextmanager
    def change(self) -> Iterator[None]:
        """All of the block or none of it; never await inside."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def payments(self, where: str = "1", *values: object) -> list[Payment]:
        """Payments that fulfil a condition, oldest first."""
        rows = self.db.execute(f"SELECT * FROM payments WHERE {where} ORDER BY rowid", values)
        return [Payment(**{**row, "metadata": orjson.loads(row["metadata"])}) for row in map(dict, rows)]

    def refunds(self, where: str = "1", *values: object) -> list[Refund]:
        """Refunds that fulfil a condition (which may end in LIMIT), newest first unless it orders itself."""
        order = "" if "ORDER BY" in where else " ORDER BY seq DESC"
        rows = self.db.execute(f"SELECT * FROM refunds WHERE {where}{order}", values)
        return [Refund(**{**row, "metadata": orjson.loads(row["metadata"]), "external": bool(row["external"])})
                for row in map(dict, rows)]

    def checkouts(self, where: str = "1", *values: object) -> list[Checkout]:
        """Checkouts that fulfil a condition, oldest first."""
        rows = self.db.execute(f"SELECT * FROM checkouts WHERE {where} ORDER BY rowid", values)
        return [Checkout(**{**row, "metadata": orjson.loads(row["metadata"])}) for row in map(dict, rows)]

    def forget_all(self) -> None:
        """Empty every table."""
        with self.change():
            for table in TABLES:
                self.db.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        """Close the file."""
        self.db.close()
