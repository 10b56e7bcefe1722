"""What the claim database holds of tenants' profile versions, and of the past that a new one is tried out on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.claim.model.claim import Claim
from services.claim.model.order_case import OrderCase
from shared.runtime.envelope import Envelope
from shared.runtime.outbox import from_log_row, raw_log_columns
from shared.runtime.unit_of_work import Storage
from shared.storage.engine import Database

PAGE = 200


def active_rows(connection: sa.Connection, table: sa.Table) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """Tenant, key and data of every version that new claims take."""
    rows = connection.execute(sa.select(table.c.tenant, table.c.key, table.c.data).where(table.c.active.is_(True)))
    return [(row.tenant, row.key, row.data) for row in rows]


class StoredProfiles:
    """Where the book finds a tenant's version that this process has not met yet: aside from any transaction."""

    def __init__(self, database: Database, table: sa.Table) -> None:
        self._database, self._table = database, table

    def stored(self, key: str) -> dict[str, Any] | None:
        """A committed version by its key, whichever tenant's: the digest in the key says what it holds."""
        statement = sa.select(self._table.c.data).where(self._table.c.key == key).limit(1)
        engine = self._database.engine
        if self._database.is_sqlite:  # its only connection may be in the middle of a transaction
            engine = sa.create_engine(self._database.url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            return connection.execute(statement).scalar()


def past_claims(
    connection: sa.Connection, storage: Storage, tenant: str, code: str, since: datetime | None
) -> Iterator[Claim]:
    """The tenant's claims under any version of this profile, oldest first, in pages."""
    mapping, last = storage.mappings[Claim], ""
    claims = mapping.table
    where = [claims.c.tenant == tenant, claims.c.profile.like(f"{code}@%")]
    if since is not None:
        where.append(claims.c.opened_at >= since)
    while True:
        page = mapping.select().where(*where, claims.c.id > last).order_by(claims.c.id).limit(PAGE)
        found = [mapping.from_row(dict(row)) for row in connection.execute(page).mappings()]
        yield from found
        if len(found) < PAGE:
            return
        last = found[-1].id


def case_of(connection: sa.Connection, storage: Storage, order_id: str | None) -> OrderCase | None:
    mapping = storage.mappings[OrderCase]
    row = connection.execute(mapping.select().where(mapping.table.c.id == order_id)).mappings().first()
    return mapping.from_row(dict(row)) if row else None


def history_of(connection: sa.Connection, storage: Storage, claim_id: str) -> list[Envelope]:
    """What happened to a claim, in order."""
    log = storage.runtime.event_log
    mine = sa.select(*raw_log_columns(log)).where(log.c.stream == "claim", log.c.aggregate_id == claim_id)
    return [from_log_row(row) for row in connection.execute(mine.order_by(log.c.seq)).mappings()]
