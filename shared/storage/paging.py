"""Keyset pages: stable while rows are written, and as fast on the last page as on the first."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

import orjson
import sqlalchemy as sa

from shared.kernel.clock import moment
from shared.kernel.errors import Refusal


class BadCursor(Refusal):
    """This cursor is not one that a list answered: start again without a cursor."""

    code = "BAD_CURSOR"
    status = 400


def encode(updated_at: Any, id: str) -> str:
    """An opaque cursor after the row with this time and id."""
    return base64.urlsafe_b64encode(orjson.dumps([updated_at.isoformat(), id])).decode().rstrip("=")


def decode(cursor: str) -> tuple[Any, str]:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        at, id = orjson.loads(raw)
        if not isinstance(id, str):
            raise ValueError("id")
        return moment(at), id
    except (ValueError, TypeError, binascii.Error):
        raise BadCursor() from None


def page(
    connection: sa.Connection,
    statement: sa.Select,
    at: sa.Column,
    id: sa.Column,
    limit: int,
    cursor: str | None,
    view: Callable[[Any], dict[str, Any]],
) -> dict[str, Any]:
    """One page, newest first, ordered by (at, id): `{"items": […], "next_cursor": … or null}`."""
    if cursor:
        last_at, last_id = decode(cursor)
        bound = sa.tuple_(sa.literal(last_at, at.type), sa.literal(last_id, id.type))
        statement = statement.where(sa.tuple_(at, id) < bound)
    rows = connection.execute(statement.order_by(at.desc(), id.desc()).limit(limit + 1)).mappings().all()
    more = len(rows) > limit
    rows = rows[:limit]
    next_cursor = encode(rows[-1][at.name], rows[-1][id.name]) if more else None
    return {"items": [view(row) for row in rows], "next_cursor": next_cursor}
