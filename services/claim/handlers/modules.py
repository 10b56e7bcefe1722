"""The switches of a marketplace, read without a question to the database on the way of every claim."""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakKeyDictionary

from services.claim.model import DeskModule, OrderCase, reasons_of
from services.claim.model.refusals import OrderNotSynced
from services.claim.policies import reason_applies
from services.claim.profiles.activation import active_profile
from services.claim.views import reason_view
from shared.kernel.errors import Forbidden, InvalidInput, NotFound
from shared.runtime.unit_of_work import Context

BELIEVED = 2.0  # seconds: how late a process may learn of a switch that another one turned
MOST = 10_000

# Per database, since one process may serve several (tests do).
_KNOWN: WeakKeyDictionary[Any, dict[str, tuple[float, DeskModule | None]]] = WeakKeyDictionary()


def module_of(ctx: Context, marketplace: str, profile: str) -> DeskModule | None:
    """The switches of this marketplace and profile; None where none were ever set."""
    id = DeskModule.id_for(ctx.tenant, marketplace, profile)
    known = _KNOWN.setdefault(ctx.work.connection.engine, {})
    until, module = known.get(id, (0.0, None))
    if time.monotonic() < until:
        return module
    module = ctx.get(DeskModule, id)
    if len(known) >= MOST:
        known.clear()
    known[id] = (time.monotonic() + BELIEVED, module)
    return module


def configure(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """S1-02: turn the module off, on, or on with the main supplier; choose this marketplace's reasons (B9)."""
    if not ctx.principal.is_staff:
        raise Forbidden(action="claim_module.configure")
    profile = active_profile(ctx, args["profile"])
    if profile is None:
        raise InvalidInput(fields={"profile": ["There is no such profile."]})
    id = DeskModule.id_for(ctx.tenant, args["marketplace"], profile.code)
    module = ctx.get(DeskModule, id) or DeskModule(
        id=id, tenant=ctx.tenant, marketplace=args["marketplace"], profile=profile.code, mode=args["mode"]
    )
    ctx.check_version(module)
    module.configure(args["mode"], args["reasons_off"], args["reasons_added"])
    ctx.save(module)
    _KNOWN.pop(ctx.work.connection.engine, None)
    return _view(module)


def get_module(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """For staff only: customers see the reasons that result from it."""
    id = DeskModule.id_for(ctx.tenant, args["marketplace"], args["profile"])
    module = ctx.get(DeskModule, id)
    if module is None or not ctx.principal.is_staff:
        raise NotFound(kind="module", id=args["marketplace"])
    return _view(module)


def _view(module: DeskModule) -> dict[str, Any]:
    return {
        "id": module.id,
        "version": module.version,
        "marketplace": module.marketplace,
        "profile": module.profile,
        "mode": module.mode,
        "reasons_off": module.reasons_off,
        "reasons_added": module.reasons_added,
        "allowed_actions": ["configure"],
    }


def list_reasons(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """B9: the reasons that this caller may give now, for his order as it stands, or for the site."""
    who = ctx.principal
    if "order_id" in args:
        case = ctx.get(OrderCase, args["order_id"])
        own = case is not None and (
            who.is_staff
            or (who.role == "customer" and who.party == case.customer_ref)
            or who.acts_for_seller(case.seller_id)
        )
        if case is None or not own:
            raise OrderNotSynced(order_id=args["order_id"])
        marketplace, code, phase = case.marketplace, case.profile, case.phase
    else:
        marketplace, code, phase = args.get("marketplace", ""), args.get("profile", "coordinated"), None
    profile = active_profile(ctx, code)
    module = module_of(ctx, marketplace, code)
    if profile is None or who.role not in profile.who_may_open or (module is not None and module.mode == "off"):
        return {"items": []}
    reasons = reasons_of(profile, module).values()
    return {"items": [reason_view(each) for each in reasons if reason_applies(each, who.role, phase)]}
