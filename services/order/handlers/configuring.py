"""What a marketplace decides about its orders (S4-03, S4-04, S4-11, S4-12)."""

from __future__ import annotations

from typing import Any

from services.order.marketplaces import forget
from services.order.model import Marketplace, marketplace_id
from services.order.policies import may
from services.order.views import marketplace_view
from shared.kernel.errors import Forbidden
from shared.runtime.unit_of_work import Context


def configure(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Lists of states, stock, parcels, delays; what is left out stays."""
    if not may(ctx.principal, "configure_marketplace", ""):
        raise Forbidden(action="marketplace.configure")
    code = args["marketplace"]
    marketplace = known(ctx, code)
    ctx.check_version(marketplace)
    marketplace.configure(args)
    ctx.save(marketplace)
    forget(ctx, code)
    return marketplace_view(marketplace, ctx.principal)


def known(ctx: Context, code: str) -> Marketplace:
    """As it was configured, or with what is shipped."""
    id = marketplace_id(ctx.tenant, code)
    return ctx.get(Marketplace, id) or Marketplace(id=id, tenant=ctx.tenant, code=code)


def get_marketplace(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    who = ctx.principal
    if not may(who, "see_marketplace", who.party or ""):
        raise Forbidden(action="marketplace.get")
    return marketplace_view(known(ctx, args["marketplace"]), who)
