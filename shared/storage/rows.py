"""Many rows in one statement of constant text.

On PostgreSQL the rows travel as one JSON document and the server takes them apart: building and compiling a statement
with a parameter per value cost three times what running it does (bench/results). On SQLite: sqlite_rows.py.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from shared.storage.engine import ended, sql_state
from shared.storage.lines import UNBEGUN, run
from shared.storage.sqlite_rows import Shape, read_rows, write_rows
from shared.storage.types import Json, RawJson, Utc, to_json

Row = dict[str, Any]
_POSTGRES = postgresql.dialect()
PLANNED_FOR = 10.0  # seconds
BY_KEYS = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; "
_LOST = "22012"  # a guarded write that missed a row divides by zero: so what follows in the round trip is not done


class Lost(Exception):
    """Somebody else changed a row of these tables since it was read."""


@dataclass(frozen=True, slots=True)
class Write:
    """Rows for one table, all with the same columns.

    known: what happens to a row whose key is there already. `refuse`: an error. `replace`: it is overwritten. `guard`:
    it is updated where its column `guard` plus `step` still equals the new row's `prev`; else somebody changed it.
    `delete`: it goes, and rows have only the key, one column.
    """

    table: sa.Table
    rows: Sequence[Row]
    known: str = "refuse"
    guard: str = ""
    step: int = 0

    @property
    def shape(self) -> Shape:
        return (self.table, tuple(self.rows[0]), self.known, self.guard, self.step)


def write_all(connection: sa.Connection, writes: Sequence[Write], commit: bool = False) -> None:
    """Write everything, on PostgreSQL in one round trip that may bring the COMMIT along. Raises Lost."""
    if connection.dialect.name == "sqlite":
        for write in writes:
            _write_sqlite(connection, write)
        return
    text = _text_of_all(tuple(write.shape for write in writes))
    values = {f"w{index}": as_json(write.table, write.rows) for index, write in enumerate(writes)}
    try:
        _executed(connection, text, values, "json", then="; COMMIT" if commit else "")
    except sa.exc.DataError as refused:
        if sql_state(refused) == _LOST:
            raise Lost(", ".join(write.table.name for write in writes if write.guard)) from None
        raise
    if commit:
        ended(connection)


def _write_sqlite(connection: sa.Connection, write: Write) -> None:
    if write_rows(connection, write.shape, write.rows) != len(write.rows) and write.guard:
        raise Lost(write.table.name)


@dataclass(frozen=True, slots=True)
class Read:
    """Rows of one table by their keys: the values of one key stand at the same place under each of its columns.

    through: another table and its column that holds ids of this one; then the values are ids of that other table.
    """

    table: sa.Table
    keys: Mapping[str, Iterable[str]]
    through: tuple[sa.Table, str] | None = None


def read_all(connection: sa.Connection, reads: Sequence[Read]) -> list[list[Row]]:
    """The rows of each read, JSON as text; on PostgreSQL in one round trip."""
    if connection.dialect.name == "sqlite" or (len(reads) == 1 and reads[0].through is None):
        return [_read_alone(connection, read) for read in reads]
    text = _reading(tuple((read.table, tuple(read.keys), read.through) for read in reads))
    values = {f"r{i}_{name}": list(some) for i, read in enumerate(reads) for name, some in read.keys.items()}
    found: list[list[Row]] = [[] for _ in reads]
    for part, row in _executed(connection, text, values, "text[]"):
        names, times = _columns(reads[part].table)
        values_of_row = orjson.loads(row)
        for at in times:
            if values_of_row[at] is not None:
                values_of_row[at] = datetime.fromisoformat(values_of_row[at])
        found[part].append(dict(zip(names, values_of_row, strict=True)))
    return found


def _read_alone(connection: sa.Connection, read: Read) -> list[Row]:
    if read.through is None:
        return rows_by_key(connection, read.table, read.keys)
    other, column = read.through
    ids = connection.execute(sa.select(other.c[column]).where(other.c.id.in_(sorted(read.keys["id"])))).scalars()
    return rows_by_key(connection, read.table, {"id": {id for id in ids if id is not None}})


def rows_by_key(connection: sa.Connection, table: sa.Table, keys: Mapping[str, Iterable[str]]) -> list[Row]:
    """The rows with these keys (see Read); JSON stays text."""
    if connection.dialect.name == "sqlite":
        return read_rows(connection, table, keys)
    text, names = _select_text(table, tuple(keys))
    found = _executed(connection, text, {name: list(values) for name, values in keys.items()}, "text[]")
    return [dict(zip(names, row, strict=True)) for row in found]


def look(connection: sa.Connection, question: str, **moments: datetime) -> tuple[Any, ...]:
    """The one row that answers a question of constant text about moments (`:now`): for what is asked all the time."""
    if connection.dialect.name == "sqlite":
        asked = sa.text(question).bindparams(*(sa.bindparam(name, type_=Utc) for name in moments))
        return tuple(connection.execute(asked, moments).one())
    text = _prepared(connection, _as_the_driver_says(question), moments, "timestamptz")
    is_all = connection.info.pop(UNBEGUN, False)  # a transaction of one statement needs no BEGIN and no COMMIT
    row = run(connection, text, moments).fetchone()
    if is_all:
        ended(connection)
    return row


@cache
def _as_the_driver_says(question: str) -> str:
    return re.sub(r":(\w+)", r"%(\1)s", question)


def _executed(connection: sa.Connection, text: str, values: dict[str, Any], type: str, then: str = "") -> Any:
    """Run a statement of ours, planned once in ten seconds per connection: planning costs the server more than writing
    eight rows, and a plan that was made while a table was empty must not stay.

    All of them go by keys, so each row is looked up in an index: while the server takes a table for small, it would
    read it whole and compare each row with each of the keys (ADR 0021).

    then: what travels behind it. Answers the driver's cursor.
    """
    return run(connection, _prepared(connection, text, values, type, BY_KEYS) + then, values)


def _prepared(connection: sa.Connection, text: str, values: dict[str, Any], type: str, plan: str = "") -> str:
    """What executes this statement, prepared if it is not yet. plan: settings under which it is planned."""
    now, info = time.monotonic(), connection.info
    if info.get("plan_again", 0.0) <= now:
        if info.get("prepared"):
            run(connection, "DEALLOCATE ALL")
        info["prepared"], info["plan_again"] = {}, now + PLANNED_FOR
    prepared: dict[str, str] = info["prepared"]
    statement = prepared.get(text)
    if statement is None:
        name = f"rows_{len(prepared)}"
        numbered = text % {each: f"${index}" for index, each in enumerate(values, 1)}
        run(connection, f"{plan}PREPARE {name} ({', '.join([type] * len(values))}) AS {numbered}")
        given = ", ".join(f"%({each})s" for each in values)
        statement = prepared[text] = f"EXECUTE {name} ({given})"
    return statement


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
    """One statement whose parts write a table each, and which fails when a guarded part missed a row."""
    parts = ", ".join(f"w{index} AS ({_text_of(shape, index)} RETURNING 1)" for index, shape in enumerate(shapes))
    counts = [
        f"1 / (CASE WHEN (SELECT count(*) FROM w{index}) = json_array_length(%(w{index})s) THEN 1 ELSE 0 END)"
        for index, shape in enumerate(shapes)
        if shape[3]
    ]
    return f"WITH {parts} SELECT {', '.join(counts) or '1'}"


def _text_of(shape: Shape, index: int) -> str:
    table, names, known, guard, step = shape
    listed = ", ".join(_quoted(name) for name in names)
    types = ", ".join(f"{_quoted(name)} {table.c[name].type.compile(_POSTGRES)}" for name in names)
    source = f"json_to_recordset(%(w{index})s) AS r({types})"
    if known == "delete":
        return f"DELETE FROM {_quoted(table.name)} WHERE {listed} IN (SELECT r.{listed} FROM {source})"
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
    return f"SELECT {', '.join(map(_quoted, names))} FROM {_with_keys(table, keys, '')}", names


@cache
def _reading(shapes: tuple[tuple[sa.Table, tuple[str, ...], tuple[sa.Table, str] | None], ...]) -> str:
    """One statement for reads of several tables: the number of the read, and the row as a JSON array."""
    parts = []
    for index, (table, keys, through) in enumerate(shapes):
        listed = ", ".join(_quoted(name) for name in _columns(table)[0])
        found = _with_keys(through[0] if through else table, keys, f"r{index}_")
        if through:
            found = f"{_quoted(table.name)} WHERE id IN (SELECT {_quoted(through[1])} FROM {found})"
        parts.append(f"SELECT {index}, json_build_array({listed})::text FROM {found}")
    return " UNION ALL ".join(parts)


def _with_keys(table: sa.Table, keys: tuple[str, ...], prefix: str) -> str:
    """The rows of these keys, as what follows a FROM. Keys of several columns are joined: given as conditions, all rows
    with the first column's value were read while the server took the table for small."""
    if len(keys) == 1:
        return f"{_quoted(table.name)} WHERE {_quoted(keys[0])} = ANY(%({prefix}{keys[0]})s)"
    names, values = ", ".join(map(_quoted, keys)), ", ".join(f"%({prefix}{key})s" for key in keys)
    return f"unnest({values}) AS k({names}) JOIN {_quoted(table.name)} USING ({names})"


@cache
def _columns(table: sa.Table) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of the columns, and which of them hold times."""
    columns = list(table.c)
    return tuple(c.name for c in columns), tuple(i for i, c in enumerate(columns) if isinstance(c.type, Utc))


def _quoted(name: str) -> str:
    return f'"{name}"'
