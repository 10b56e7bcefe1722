"""Many rows in one statement of constant text.

On PostgreSQL the rows travel as one JSON document and the server takes them apart: building and compiling a statement
with a parameter per value cost three times what running it does (bench/results). On SQLite: as SQLAlchemy does it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from shared.storage.types import Json, RawJson, to_json
from shared.storage.upsert import guarded_upsert, plain_upsert

Row = dict[str, Any]
Shape = tuple[sa.Table, tuple[str, ...], str, str, int]  # what decides the text of a write: all but the rows
_POSTGRES = postgresql.dialect()


@dataclass(frozen=True, slots=True)
class Write:
    """Rows for one table, all with the same columns.

    known: what happens to a row whose key is there already. `refuse`: an error. `replace`: it is overwritten. `guard`:
    it is updated where its column `guard` plus `step` still equals the new row's `prev`; else somebody changed it.
    """

    table: sa.Table
    rows: Sequence[Row]
    known: str = "refuse"
    guard: str = ""
    step: int = 0

    @property
    def shape(self) -> Shape:
        return (self.table, tuple(self.rows[0]), self.known, self.guard, self.step)


def write_all(connection: sa.Connection, writes: Sequence[Write]) -> str | None:
    """Write everything, on PostgreSQL in one round trip; the name of a table in which somebody else was faster."""
    if connection.dialect.name == "sqlite":
        counts = [_write_sqlite(connection, write) for write in writes]
    else:
        text = _text_of_all(tuple(write.shape for write in writes))
        values = {f"w{index}": as_json(write.table, write.rows) for index, write in enumerate(writes)}
        counts = list(_executed(connection, text, values, "json").one())
    missed = [write for write, count in zip(writes, counts, strict=True) if write.guard and count != len(write.rows)]
    return missed[0].table.name if missed else None


def _write_sqlite(connection: sa.Connection, write: Write) -> int:
    if write.guard:
        statement = guarded_upsert(write.table, "sqlite", write.guard, write.step)
        return len(connection.execute(statement, write.rows).all())
    statement = plain_upsert(write.table, "sqlite") if write.known == "replace" else write.table.insert()
    connection.execute(statement, write.rows)
    return len(write.rows)


def rows_by_key(connection: sa.Connection, table: sa.Table, keys: Mapping[str, Iterable[str]]) -> list[Row]:
    """The rows in which every named column has one of the values; JSON stays text."""
    if connection.dialect.name == "sqlite":
        columns = [sa.type_coerce(c, sa.Text).label(c.name) if isinstance(c.type, Json) else c for c in table.c]
        statement = sa.select(*columns).where(*(table.c[name].in_(sorted(values)) for name, values in keys.items()))
        return [dict(row) for row in connection.execute(statement).mappings()]
    text, names = _select_text(table, tuple(keys))
    found = _executed(connection, text, {name: sorted(values) for name, values in keys.items()}, "text[]")
    return [dict(zip(names, row, strict=True)) for row in found]


def _executed(connection: sa.Connection, text: str, values: dict[str, Any], type: str) -> sa.CursorResult:
    """Run a statement of ours, planned once per connection: planning costs the server more than writing eight rows."""
    prepared: dict[str, str] = connection.info.setdefault("prepared", {})
    if text not in prepared:
        name = f"rows_{len(prepared)}"
        numbered = text % {each: f"${index}" for index, each in enumerate(values, 1)}
        connection.exec_driver_sql(f"PREPARE {name} ({', '.join([type] * len(values))}) AS {numbered}")
        prepared[text] = name
    given = ", ".join(f"%({each})s" for each in values)
    return connection.exec_driver_sql(f"EXECUTE {prepared[text]} ({given})", values)


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
def _text_of_all(shapes: tuple[Shape, ...]) -> str:
    """One statement whose parts write a table each and whose answer is how many rows each wrote."""
    parts = ", ".join(f"w{index} AS ({_text_of(shape, index)} RETURNING 1)" for index, shape in enumerate(shapes))
    counts = ", ".join(f"(SELECT count(*) FROM w{index})" for index in range(len(shapes)))
    return f"WITH {parts} SELECT {counts}"


def _text_of(shape: Shape, index: int) -> str:
    table, names, known, guard, step = shape
    listed = ", ".join(_quoted(name) for name in names)
    types = ", ".join(f"{_quoted(name)} {table.c[name].type.compile(_POSTGRES)}" for name in names)
    source = f"json_to_recordset(%(w{index})s) AS r({types})"
    text = f"INSERT INTO {_quoted(table.name)} ({listed}) SELECT {listed} FROM {source}"
    if known == "refuse":
        return text
    keys = [column.name for column in table.primary_key.columns]
    changed = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in names if name not in keys)
    text = f"{text} ON CONFLICT ({', '.join(map(_quoted, keys))}) DO UPDATE SET {changed}"
    return f"{text} WHERE {_quoted(table.name)}.{_quoted(guard)} + {step} = excluded.prev" if guard else text


@cache
def _select_text(table: sa.Table, keys: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    names = tuple(column.name for column in table.c)
    where = " AND ".join(f"{_quoted(key)} = ANY(%({key})s)" for key in keys)
    return f"SELECT {', '.join(map(_quoted, names))} FROM {_quoted(table.name)} WHERE {where}", names


def _quoted(name: str) -> str:
    return f'"{name}"'
