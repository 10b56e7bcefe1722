"""INSERT … ON CONFLICT in the words of both databases. Statements are built once: building costs more than running."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_for(dialect: str) -> Callable[[sa.Table], Any]:
    return (sqlite if dialect == "sqlite" else postgresql).insert


@cache
def guarded_upsert(table: sa.Table, dialect: str, guard: str, step: int = 0) -> sa.Insert:
    """Insert new rows and update known ones whose `guard` column plus `step` still equals the new row's `prev`.

    Returns the first key column of each row it wrote: a missing one was changed by somebody else.
    """
    insert = insert_for(dialect)(table)
    keys = list(table.primary_key.columns)
    known = table.c[guard] + step if step else table.c[guard]
    return insert.on_conflict_do_update(
        index_elements=keys,
        set_={c.name: insert.excluded[c.name] for c in table.c if not c.primary_key},
        where=known == insert.excluded.prev,
    ).returning(keys[0])


@cache
def plain_upsert(table: sa.Table, dialect: str) -> sa.Insert:
    """Insert new rows and overwrite known ones."""
    insert = insert_for(dialect)(table)
    return insert.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={c.name: insert.excluded[c.name] for c in table.c if not c.primary_key},
    )
