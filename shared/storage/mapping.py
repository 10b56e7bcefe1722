"""How an aggregate becomes a row and back: columns are named as the attributes, JSON columns hold value types."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Row
from dataclasses import fields as dataclass_fields
from operator import attrgetter
from typing import Any

import orjson
import sqlalchemy as sa

from shared.storage.types import Json, to_json


class Mapping:
    """One aggregate type and its table.

    `load` / `dump` convert the columns whose attribute is not what the driver returns: value types in JSON columns,
    enums, sets. A row in here keeps its JSON as text, so that two loads never share a mutable list.
    companions: columns that hold the id of another aggregate, which handlers want whenever they want this one.
    """

    def __init__(
        self,
        entity: type,
        table: sa.Table,
        load: dict[str, Callable[[Any], Any]] | None = None,
        dump: dict[str, Callable[[Any], Any]] | None = None,
        companions: dict[str, type] | None = None,
    ) -> None:
        self.entity, self.table = entity, table
        self.companions = companions or {}
        self._load, self._dump = load or {}, dump or {}
        self._json = [column.name for column in table.c if isinstance(column.type, Json)]
        attributes = {field.name for field in dataclass_fields(entity)}
        self._columns = [column.name for column in table.c if column.name != "prev"]
        self._values = attrgetter(*self._columns)
        if unknown := set(self._columns) - attributes:
            raise TypeError(f"{table.name} has columns that {entity.__name__} has not: {sorted(unknown)}")
        self.raw_columns = [
            sa.type_coerce(column, sa.Text).label(column.name) if column.name in self._json else column
            for column in table.c
        ]
        self._select = sa.select(*self.raw_columns)

    def to_row(self, entity: Any) -> dict[str, Any]:
        row = dict(zip(self._columns, self._values(entity), strict=True))
        for name, dump in self._dump.items():
            row[name] = dump(row[name])
        for name in self._json:
            if row[name] is not None:
                row[name] = to_json(row[name])
        return row

    def from_row(self, row: Row) -> Any:
        """row: may have more columns than the aggregate."""
        values = {name: row[name] for name in self._columns}
        for name in self._json:
            if values[name] is not None:
                values[name] = orjson.loads(values[name].encode())  # orjson takes no str subclass
        for name, load in self._load.items():
            values[name] = load(values[name])
        return self.entity(**values)

    def select(self) -> sa.Select:
        """All columns, JSON as text."""
        return self._select
