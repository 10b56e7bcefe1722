"""Keeping views and throwing them away."""

from __future__ import annotations

from typing import Any

from services.claim.saved.model import SavedView, TooManyViews, owner_of, team_of, view_id
from services.claim.saved.queries import keeper, number_kept, view_of
from shared.contracts import claim_lists as contract
from shared.runtime.unit_of_work import Context


def save_view(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Keep these filters under this key, instead of what was kept there."""
    who = keeper(ctx, "saved_view.save")
    id = view_id(who, args["key"])
    view = ctx.get(SavedView, id)
    if (view is None or not view.owner) and number_kept(ctx) >= contract.VIEWS:
        raise TooManyViews(most=contract.VIEWS)
    if view is None:
        view = SavedView(id=id, tenant=ctx.tenant, key=args["key"], name="", owner="", team="", shared=False)
    ctx.check_version(view)
    view.owner, view.team = owner_of(who), team_of(who)
    view.save(args["name"], contract.Filters().dump(args["filters"]), args["shared"])
    ctx.save(view)
    return view_of(ctx, view)


def remove_view(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """One that is not there (any more) is removed as well."""
    view = ctx.get(SavedView, view_id(keeper(ctx, "saved_view.remove"), args["key"]))
    if view is not None and view.owner:
        view.remove()
        ctx.save(view)
    return {"key": args["key"], "removed": True}
