"""CLM-24: who watches a claim: accounts, suppliers, and people who have nothing but an address."""

from __future__ import annotations

import re
from typing import Any

from services.claim.handlers.deciding import change, keep
from services.claim.model import Claim, ObserverSeat
from services.claim.model.observer_seat import mail_ref, masked
from services.claim.model.refusals import AddressRefused
from shared.runtime.unit_of_work import Context

ALIAS = re.compile(r"c\.[a-z0-9]{18}@")  # an address that we issued for a conversation (S0-13)
SEES_ALL_BY_MAIL = "coordinated"  # A5


def add_observer(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """CLM-24, S1-34, S1-36. Of an address nothing is kept here but a number made from it and what may be shown."""
    at = change(ctx, args["claim_id"], "add_observer")
    if args["kind"] != "mail":
        at.claim.add_observer(at.asking, args["kind"], args["id"], args.get("scope", "all"))
        seat(ctx, at.claim, args["kind"], args["id"], active=True)
        return keep(ctx, at)
    email = args["email"].strip().lower()
    if ALIAS.match(email):
        raise AddressRefused()
    scope = args.get("scope") or ("all" if at.claim.profile.code == SEES_ALL_BY_MAIL else "public")
    ref = mail_ref(ctx.tenant, at.claim.id, email)
    at.claim.add_observer(at.asking, "mail", ref, scope, masked(email))
    invited = _seat(ctx, at.claim, "mail", ref, active=True)
    invited.invite(scope, args.get("name") or masked(email), email, args["locale"])
    ctx.save(invited)
    return keep(ctx, at)


def remove_observer(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """CLM-24."""
    at = change(ctx, args["claim_id"], "remove_observer")
    at.claim.remove_observer(at.asking, args["kind"], args["id"])
    seat(ctx, at.claim, args["kind"], args["id"], active=False)
    return keep(ctx, at)


def seat(ctx: Context, claim: Claim, kind: str, ref: str, active: bool) -> None:
    """Let somebody sit down at the claim, or get up."""
    ctx.save(_seat(ctx, claim, kind, ref, active))


def _seat(ctx: Context, claim: Claim, kind: str, ref: str, active: bool) -> ObserverSeat:
    id = ObserverSeat.id_for(claim.id, kind, ref)
    found = ctx.get(ObserverSeat, id) or ObserverSeat(id=id, tenant=claim.tenant, claim_id=claim.id, kind=kind, ref=ref)
    found.active = active
    return found
