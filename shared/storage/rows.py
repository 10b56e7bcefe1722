"""Many rows in one statement of constant text.

On PostgreSQL the rows travel as one JSON document and the server takes them apart: building and compiling a statement
with a parameter per value cost three times what running it does (bench/results). On SQLite: as SQLAlchemy does it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from shared.storage.types import Json, RawJson, to_json
from shared.storage.upsert import guarded_upsert, plain_upsert

Row = dict[str, Any]
_POSTGRES = postgresql.dialect()


def insert_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Append; all rows have the same columns."""
    if connection.dialect.name == "sqlite":
        connection.execute(table.insert(), rows)
    else:
        connection.exec_driver_sql(insert_text(table, tuple(rows[0])), {"rows": as_json(table, rows)})


def insert_events(
    connection: sa.Connection, log: sa.Table, outbox: sa.Table, rows: Sequence[Row], now: datetime
) -> None:
    """Append events to the log and their ids to the outbox, on PostgreSQL in one round trip."""
    if connection.dialect.name == "sqlite":
        connection.execute(log.insert(), rows)
        connection.execute(outbox.insert(), [{"event_id": row["event_id"], "committed_at": now} for row in rows])
        return
    logged = f"WITH logged AS ({insert_text(log, tuple(rows[0]))} RETURNING event_id)"
    text = f"{logged} INSERT INTO {outbox.name} (event_id, committed_at) SELECT event_id, %(now)s FROM logged"
    connection.exec_driver_sql(text, {"rows": as_json(log, rows), "now": now})


def upsert_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert new rows, overwrite known ones."""
    if connection.dialect.name == "sqlite":
        connection.execute(plain_upsert(table, "sqlite"), rows)
    else:
        connection.exec_driver_sql(_upsert_text(table, tuple(rows[0])), {"rows": as_json(table, rows)})


def upsert_guarded(connection: sa.Connection, table: sa.Table, rows: Sequence[Row], guard: str, step: int = 0) -> int:
    """Insert new rows and update known ones whose `guard` plus `step` still equals the new row's `prev`.

    Answers how many it wrote: when fewer than given, somebody else changed one.
    """
    if connection.dialect.name == "sqlite":
        return len(connection.execute(guarded_upsert(table, "sqlite", guard, step), rows).all())
    text = _upsert_text(table, tuple(rows[0]), f"{table.name}.{guard} + {step} = excluded.prev")
    return connection.exec_driver_sql(text, {"rows": as_json(table, rows)}).rowcount


def rows_by_key(connection: sa.Connection, table: sa.Table, keys: dict[str, Iterable[str]]) -> list[Row]:
    """The rows in which every named column has one of the values; JSON stays text."""
    if connection.dialect.name == "sqlite":
        columns = [sa.type_coerce(c, sa.Text).label(c.name) if isinstance(c.type, Json) else c for c in table.c]
        statement = sa.select(*columns).where(*(table.c[name].in_(sorted(values)) for name, values in keys.items()))
        return [dict(row) for row in connection.execute(statement).mappings()]
    text, names = _select_text(table, tuple(keys))
    found = connection.exec_driver_sql(text, {name: sorted(values) for name, values in keys.items()})
    return [dict(zip(names, row, strict=True)) for row in found]


def as_json(table: sa.Table, rows: Sequence[Row]) -> str:
    """The rows as one JSON array; values of JSON columns as the text that is stored."""
    if nested := [name for name in _json_columns(table) if name in rows[0]]:
        rows = [{**row, **{name: _stored(row[name]) for name in nested}} for row in rows]
    return orjson.dumps(rows, option=orjson.OPT_NON_STR_KEYS).decode()


def _stored(value: Any) -> str | None:
    return value if value is None or type(value) is RawJson else to_json(value)


@cache
def _json_columns(table: sa.Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.c if isinstance(column.type, Json))


@cache
def insert_text(table: sa.Table, names: tuple[str, ...]) -> str:
    listed = ", ".join(_quoted(name) for name in names)
    types = ", ".join(f"{_quoted(name)} {table.c[name].type.compile(_POSTGRES)}" for name in names)
    return (
        f"INSERT INTO {_quoted(table.name)} ({listed}) SELECT {listed} FROM json_to_recordset(%(rows)s) AS new({types})"
    )


@cache
def _upsert_text(table: sa.Table, names: tuple[str, ...], where: str | None = None) -> str:
    keys = [column.name for column in table.primary_key.columns]
    changed = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in names if name not in keys)
    conflict = f"ON CONFLICT ({', '.join(map(_quoted, keys))}) DO UPDATE SET {changed}"
    return f"{insert_text(table, names)} {conflict}" + (f" WHERE {where}" if where else "")


@cache
def _select_text(table: sa.Table, keys: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    names = tuple(column.name for column in table.c)
    where = " AND ".join(f"{_quoted(key)} = ANY(%({key})s)" for key in keys)
    return f"SELECT {', '.join(map(_quoted, names))} FROM {_quoted(table.name)} WHERE {where}", names


def _quoted(name: str) -> str:
    return f'"{name}"'
