"""Many rows to and from SQLite by statements of constant text.

The driver takes rows by position. Compiling a statement and naming each value cost as much as the work itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa

from shared.storage.types import Json, RawJson, Utc, sortable, to_json

Shape = tuple[sa.Table, tuple[str, ...], str, str, int]  # see rows.Write


def write_rows(connection: sa.Connection, shape: Shape, rows: Sequence[dict[str, Any]]) -> int:
    """Write them; how many rows of the table that changed."""
    columns: list[Sequence[Any]] = [[row[name] for row in rows] for name in shape[1]]
    for at, converted in _converted(shape):
        columns[at] = converted(columns[at])
    return connection.exec_driver_sql(_text(shape), list(zip(*columns, strict=True))).rowcount


@cache
def _converted(shape: Shape) -> list[tuple[int, Callable[[Sequence[Any]], Sequence[Any]]]]:
    """Columns, by position, whose values the driver does not take as they are."""
    types = [type(shape[0].c[name].type) for name in shape[1]]
    return [(at, _CONVERT[each]) for at, each in enumerate(types) if each in _CONVERT]


@cache
def _text(shape: Shape) -> str:
    table, names, known, guard, step = shape
    if known == "delete":
        return f'DELETE FROM "{table.name}" WHERE "{names[0]}" = ?'
    listed, places = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
    text = f'INSERT INTO "{table.name}" ({listed}) VALUES ({places})'
    if known == "refuse":
        return text
    keys = [column.name for column in table.primary_key.columns]
    changed = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name not in keys)
    text = f"{text} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changed}"
    return f'{text} WHERE "{table.name}"."{guard}" + {step} = excluded."prev"' if guard else text


def read_rows(connection: sa.Connection, table: sa.Table, keys: Mapping[str, Iterable[str]]) -> list[dict[str, Any]]:
    """The rows with these keys (see rows.Read); JSON stays text."""
    text, names, read = _reading(table, tuple(keys))
    wanted = orjson.dumps(list(zip(*keys.values(), strict=True))).decode()
    found = []
    for row in connection.exec_driver_sql(text, (wanted,)):
        values = dict(zip(names, row, strict=True))
        for name, meaning in read:
            if values[name] is not None:
                values[name] = meaning(values[name])
        found.append(values)
    return found


@cache
def _reading(
    table: sa.Table, keys: tuple[str, ...]
) -> tuple[str, tuple[str, ...], tuple[tuple[str, Callable[[Any], Any]], ...]]:
    """The statement, the columns, and those of them that are not kept as what they mean."""
    names = tuple(column.name for column in table.c)
    named = ", ".join(f'"{key}"' for key in keys)
    values = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(keys)))
    where = f"({named}) IN (SELECT {values} FROM json_each(?))"
    means = ((column.name, _MEANS.get(type(column.type))) for column in table.c)
    listed = ", ".join(f'"{name}"' for name in names)
    kept = tuple((name, meaning) for name, meaning in means if meaning)
    return f'SELECT {listed} FROM "{table.name}" WHERE {where}', names, kept


def _json(values: Sequence[Any]) -> list[str | None]:
    # str(): the driver looks long for how to take anything that is not exactly a string
    return [None if value is None else str(value if type(value) is RawJson else to_json(value)) for value in values]


def _times(values: Sequence[datetime | None]) -> list[str | None]:
    """Sortable text. Most rows of a batch carry the same moment."""
    texts = {value: sortable(value) for value in set(values) if value is not None}
    return [None if value is None else texts[value] for value in values]


_CONVERT: dict[type, Callable[[Sequence[Any]], Sequence[Any]]] = {Json: _json, Utc: _times}
_MEANS: dict[type, Callable[[Any], Any]] = {Utc: datetime.fromisoformat, sa.Boolean: bool}
