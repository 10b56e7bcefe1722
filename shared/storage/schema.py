"""Is this database at the schema that this version of the code needs? Told at readiness, in one clear line (U-09)."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

SERVICES = Path(__file__).resolve().parents[2] / "services"


def head(service: str) -> str:
    """The newest revision: migrations are numbered files, the last number is the head."""
    files = (SERVICES / service / "migrations" / "versions").glob("0*.py")
    revisions = sorted(path.name.split("_", 1)[0] for path in files)
    return revisions[-1]


def behind(service: str, connection: sa.Connection) -> str | None:
    """What to say when the database is older than the code; None when it is as new or newer (expand, then contract)."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return f"the {service} database is empty: run `aftersale migrate {service}`"
    found = connection.execute(sa.text("select version_num from alembic_version")).scalar()
    if found is not None and found >= head(service):
        return None
    return f"the {service} database is at schema {found}, this version needs {head(service)}: run `aftersale migrate`"
