"""The rules of marketplaces, read once and kept for a few seconds: nearly every order asks, hardly anybody changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from services.order.model import SHIPPED, Marketplace, marketplace_id
from shared.runtime.unit_of_work import Context

FRESH = timedelta(seconds=5)  # another process of this service learns of a change so much later at most
Known = dict[str, tuple[datetime, Marketplace]]
# by the engine of the database: there is one per process, several in tests
_by_database: WeakKeyDictionary[Any, Known] = WeakKeyDictionary()


def rules_of(ctx: Context, code: str) -> Marketplace:
    """What this marketplace decided, or what is shipped. Nobody may change the object."""
    id = marketplace_id(ctx.tenant, code)
    known = _known(ctx)
    if id in known and known[id][0] <= ctx.now < known[id][0] + FRESH:
        return known[id][1]
    found = ctx.get(Marketplace, id) or SHIPPED
    known[id] = ctx.now, found
    return found


def forget(ctx: Context, code: str) -> None:
    _known(ctx).pop(marketplace_id(ctx.tenant, code), None)


def _known(ctx: Context) -> Known:
    return _by_database.setdefault(ctx.work.connection.engine, {})
