"""Column types that mean the same on PostgreSQL and SQLite."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa


class RawJson(str):
    """JSON that is already text: stored as it is."""

    __slots__ = ()


_EMPTY: dict[type, RawJson] = {list: RawJson("[]"), dict: RawJson("{}")}


def to_json(value: Any) -> RawJson:
    if not value and (empty := _EMPTY.get(type(value))):  # most lists of a new aggregate hold nothing yet
        return empty
    return RawJson(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode())


def sortable(value: datetime) -> str:
    """A time as SQLite keeps it: as text, earlier ones sort first."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


class Json(sa.types.TypeDecorator):
    """JSON as text. Nothing is searched inside it, and only counting looks into it (json_items.py); text is a third of
    jsonb's cost to write and to read."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        if value is None or type(value) is RawJson:
            return value
        return to_json(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else orjson.loads(value)


class Utc(sa.types.TypeDecorator):
    """An aware UTC time: timestamptz on PostgreSQL, sortable text on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(32))
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return sortable(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value
        return datetime.fromisoformat(value)
