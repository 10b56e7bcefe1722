"""Which views there are, and the filters that they stand for (B13)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.claim.saved.model import SavedView, owner_of, team_of
from services.claim.storage import STORAGE, saved_views
from shared.contracts import claim_lists as contract
from shared.kernel.errors import Forbidden, NotFound
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context

MAPPING = STORAGE.mappings[SavedView]


def chosen(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a list with the filters of the view that it names; what is given beside it wins."""
    if "view" not in args:
        return args
    view = ctx.get(SavedView, args["view"])
    if view is None or not view.is_seen_by(ctx.principal):
        raise NotFound(kind="view", id=args["view"])
    return {**contract.Filters().load(view.filters), **args}


def list_views(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """One's own, then those that colleagues share, each by name."""
    keeper(ctx, "saved_view.list")
    items = []
    for mine in (True, False):
        views = MAPPING.select().where(*_of(ctx, mine)).order_by(saved_views.c.name, saved_views.c.id)
        rows = ctx.connection.execute(views.limit(contract.VIEWS)).mappings()
        items += [view_of(ctx, MAPPING.from_row(dict(row))) for row in rows]
    return {"items": items}


def number_kept(ctx: Context) -> int:
    """How many the caller keeps."""
    return ctx.connection.execute(sa.select(sa.func.count()).where(*_of(ctx, mine=True))).scalar_one()


def keeper(ctx: Context, action: str) -> Principal:
    """The caller, who may keep views. Raises Forbidden."""
    if ctx.principal.role not in contract.KEEPERS:
        raise Forbidden(action=action)
    return ctx.principal


def view_of(ctx: Context, view: SavedView) -> dict[str, Any]:
    mine = view.owner == owner_of(ctx.principal)
    return {
        "id": view.id,
        "version": view.version,
        "key": view.key,
        "name": view.name,
        "mine": mine,
        "shared": view.shared,
        "filters": view.filters,
        "allowed_actions": ["remove", "save"] if mine else [],
    }


def _of(ctx: Context, mine: bool) -> list[sa.ColumnElement[bool]]:
    table, who = saved_views.c, ctx.principal
    if mine:
        return [table.tenant == ctx.tenant, table.team == team_of(who), table.owner == owner_of(who)]
    shared = [table.shared.is_(True), table.owner != owner_of(who)]
    return [table.tenant == ctx.tenant, table.team == team_of(who), *shared]
